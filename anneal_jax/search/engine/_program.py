"""The one program that trains a population: traced once, for any number of members.

The user's step is traced to a jaxpr, once; what it closes over travels as arguments. Members lie
side by side in arrays with an axis of members. The program takes them `lanes` at a time: a slice
of the arrays is trained (`jax.vmap`) for a number of steps and put back. A slice whose members
have all come to their end costs nothing, so the program that trains all of them is the one that
trains the survivors of a rung, or the last part of a population that is too large for the device.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from ..._types import Array
from ._batches import Batches
from ._settings import Settings
from ._traced import Traced, require_plan_used, traced_init, traced_score, traced_step
from ._training import Training


class Population(NamedTuple):
    """Members side by side; each array has an axis of members in front."""

    member: Array  # int[members]: which member of the whole population
    end: Array  # int[members]: the step before which it trains; 0: it is padding
    state: Any


class Executable(NamedTuple):
    """Programs compiled for a number of members."""

    programs: "Programs"
    # (population, block, index of `first` in it, first, count) to population and losses
    train: Callable[..., tuple[Population, Array]]
    # (population, step) to the scores of the members that train up to there
    evaluate: Callable[[Population, int], Array] | None
    size: int  # members at a time in memory, a multiple of `lanes` and of the devices
    lanes: int  # members side by side on each device
    memory: int  # bytes on each device, as the compiled program says


class _At(NamedTuple):
    """A moment: the index in the block of batches, and the step."""

    row: Array
    step: Array


class Programs:
    """What is traced for one structure of plans: the program that trains, small ones beside it."""

    def __init__(
        self,
        owner: str,
        training: Training,
        plan: PyTree,
        batches: Batches,
        evaluate: Callable[[PyTree], Any] | None,
        settings: Settings,
    ):
        self.settings = settings
        seed = jax.ShapeDtypeStruct((), jnp.uint32)
        self._init = traced_init(owner, training, plan, seed)
        index = jax.ShapeDtypeStruct((), jnp.int32)
        member = index if settings.per_member else None
        self._example = jax.eval_shape(lambda x: x, batches.example)
        self._pick = Traced(batches.pick, self._example, index, member)
        self._step = traced_step(owner, training, self._init.out, self._pick.out)
        self.state = self._step.out[0]
        require_plan_used(owner, plan, self._init, self._step)
        self._evaluate = None if evaluate is None else traced_score(owner, evaluate, self.state)

    @functools.cached_property
    def init(self) -> Callable[..., Population]:
        """Jitted: (plans, seeds, member, end) to a population."""
        traced, types = self._init, self.state

        def start(consts: Any, plans: Any, seeds: Array, member: Array, end: Array) -> Population:
            state = jax.vmap(lambda p, s: traced(consts, p, s))(plans, seeds)
            state = jax.tree.map(lambda x, y: lax.convert_element_type(x, y.dtype), state, types)
            return Population(member, end, state)

        jitted = jax.jit(start, out_shardings=self.settings.sharding())
        consts = self.settings.replicated(traced.consts)
        return lambda *args: jitted(consts, *args)

    def compile(self, size: int, lanes: int, masked: bool) -> Executable:
        """The programs for `size` members in all, `lanes` at a time on each device."""
        parted, whole = self.settings.sharding(), self.settings.sharding(PartitionSpec())

        def many(x: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((size, *x.shape), x.dtype, sharding=parted)

        def one(x: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=whole)

        number = jax.ShapeDtypeStruct((), jnp.int32)
        population: Any = Population._make([many(number)] * 2 + [jax.tree.map(many, self.state)])
        block = jax.tree.map(one, self._example)
        consts = self.settings.replicated((self._step.consts, self._pick.consts))
        train = self._train(lanes, masked)
        compiled = train.lower(consts, population, block, *[one(number)] * 3).compile()
        used = compiled.memory_analysis()
        need = 0
        if used is not None:
            need = used.argument_size_in_bytes + used.output_size_in_bytes
            need += used.temp_size_in_bytes - used.alias_size_in_bytes
        run = functools.partial(compiled, consts)
        return Executable(self, run, self._evaluated(lanes), size, lanes, need)

    def _train(self, lanes: int, masked: bool) -> Any:
        """To be compiled: (consts, population, block, index, first, count).

        Gives the population `count` steps after step `first`, and the losses of those steps,
        `[members, at_once]`, NaN where there was none. A slice trains until the last of its
        members ends; only if `masked` do those that end before keep their state.
        """

        def local(
            consts: Any,
            population: Population,
            block: Any,
            index: Array,
            first: Array,
            count: Array,
        ) -> Any:
            def some(who: Any, carry: Any) -> Any:
                member, end = who
                part = Population(member, end, carry[0])
                return self._block(consts, part, carry[1], block, _At(index, first), count, masked)

            members, end, state = population
            none = jnp.full((*end.shape, self.settings.at_once), jnp.nan, jnp.float32)
            state, losses = _in_slices(some, lanes, (members, end), (state, none))
            return Population(members, end, state), losses

        settings = self.settings
        whole, parts = PartitionSpec(), PartitionSpec(settings.axis)
        run = settings.on_each(local, (whole, parts, *[whole] * 4), (parts, parts))
        out = None if settings.mesh is None else (settings.sharding(), settings.sharding(whole))
        return jax.jit(run, donate_argnums=1, out_shardings=out)

    def _block(
        self,
        consts: Any,
        part: Population,
        losses: Array,
        block: Any,
        at: _At,
        count: Array,
        masked: bool,
    ) -> Any:
        """Steps of members side by side: their states, and `losses` with those of the steps."""

        def step(i: Array, carry: Any) -> Any:
            state, losses = carry
            t = _At(at.row + i, at.step + i)
            batch = block if self.settings.per_member else self._pick(consts[1], block, t.row, None)

            def each(end: Array, state: Any, member: Array) -> Any:
                return self._one(consts, end, state, member, batch, t, masked)

            state, loss = _mapped(each, len(part.end))(part.end, state, part.member)
            return state, lax.dynamic_update_index_in_dim(losses, loss, i, 1)

        left = jnp.clip(jnp.max(part.end) - at.step, 0, count)
        return lax.fori_loop(0, left, step, (part.state, losses))

    def _one(
        self, consts: Any, end: Array, state: Any, member: Array, batch: Any, t: _At, masked: bool
    ) -> Any:
        """A step of one member."""
        step_consts, pick_consts = consts
        if self.settings.per_member:
            batch = self._pick(pick_consts, batch, t.row, member)
        new, loss = self._step(step_consts, state, batch)
        if not masked:
            return new, loss
        on = t.step < end
        state = jax.tree.map(lambda x, y: jnp.where(on, x, y), new, state)
        return state, jnp.where(on, loss, jnp.nan)

    def _evaluated(self, lanes: int) -> Callable[[Population, int], Array] | None:
        """Jitted: (population, step) to what `evaluate` says of members that train up to there."""
        traced = self._evaluate
        if traced is None:
            return None

        def local(consts: Any, population: Population, step: Array) -> Array:
            def some(who: Population, none: Array) -> Array:
                each = _mapped(lambda s: jnp.float32(traced(consts, s)), lanes)
                return lax.cond(jnp.max(who.end) >= step, lambda: each(who.state), lambda: none)

            none = jnp.full(population.end.shape, jnp.nan, jnp.float32)
            return _in_slices(some, lanes, population, none)

        settings = self.settings
        whole, parts = PartitionSpec(), PartitionSpec(settings.axis)
        run = settings.on_each(local, (whole, parts, whole), parts)
        jitted = jax.jit(run, out_shardings=settings.sharding(whole))
        consts = settings.replicated(traced.consts)
        return lambda population, step: jitted(consts, population, jnp.int32(step))

    @functools.cached_property
    def reorder(self) -> Callable[[Population, Array, Array], Population]:
        """Jitted: the population in another order, with other ends."""

        def ordered(population: Population, order: Array, end: Array) -> Population:
            moved = jax.tree.map(lambda x: x[order], population)
            return moved._replace(end=end)

        return jax.jit(ordered, out_shardings=self.settings.sharding())

    @functools.cached_property
    def gather(self) -> Callable[[Any, Array], Any]:
        """Jitted: the rows of an array of states, on all devices."""
        return jax.jit(
            lambda state, index: jax.tree.map(lambda x: x[index], state),
            out_shardings=self.settings.sharding(PartitionSpec()),
        )


def _mapped(function: Callable[..., Any], lanes: int) -> Callable[..., Any]:
    """`jax.vmap(function)`; one member needs no batched products."""
    if lanes > 1:
        return jax.vmap(function)

    def alone(*args: Any) -> Any:
        out = function(*jax.tree.map(lambda x: x[0], args))
        return jax.tree.map(lambda x: x[None], out)

    return alone


def _in_slices(function: Callable[..., Any], lanes: int, given: Any, out: Any) -> Any:
    """`out` with each slice, of `lanes` rows, as `function(slice of given, slice of out)` says."""
    members = jax.tree.leaves(given)[0].shape[0]
    if members == lanes:
        return function(given, out)

    def put(k: Array, out: Any) -> Any:
        def part(x: Array) -> Array:
            return lax.dynamic_slice_in_dim(x, k * lanes, lanes)

        new = function(jax.tree.map(part, given), jax.tree.map(part, out))
        return jax.tree.map(
            lambda x, y: lax.dynamic_update_slice_in_dim(x, y, k * lanes, 0), out, new
        )

    return lax.fori_loop(0, members // lanes, put, out)
