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
from jax.extend import core
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .. import _checks
from .._numerics import as_array
from .._schedule import Array
from ._batches import Batches
from ._plans import is_key
from ._training import Training


class Population(NamedTuple):
    """Members side by side; each array has an axis of members in front."""

    member: Array  # int[members]: which member of the whole population
    end: Array  # int[members]: the step before which it trains; 0: it is padding
    state: Any


class _At(NamedTuple):
    """A moment: the index in the block of batches, and the step."""

    row: Array
    step: Array


class Traced:
    """A function as a jaxpr; what it closed over is in `consts`, to be passed as an argument."""

    def __init__(self, function: Callable[..., Any], *args: Any):
        closed, self.out = jax.make_jaxpr(function, return_shape=True)(*args)
        self.jaxpr, self.consts = closed.jaxpr, closed.consts

    def __call__(self, consts: Any, *args: Any) -> Any:
        closed = core.ClosedJaxpr(self.jaxpr, consts)
        flat = core.jaxpr_as_fun(closed)(*jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(self.out), flat)


class Programs:
    """What is compiled for one structure of plans; `train` and the smaller ones beside it."""

    def __init__(
        self,
        owner: str,
        training: Training,
        plan: Any,
        batches: Batches,
        *,
        per_member: bool,
        evaluate: Callable[[Any], Any] | None,
        mesh: Mesh | None,
        axis: str,
    ):
        self._owner, self._batches, self._per_member = owner, batches, per_member
        self._mesh, self._axis = mesh, axis
        seed = jax.ShapeDtypeStruct((), jnp.uint32)
        self._init = Traced(lambda p, s: _owned(training.init(p, jax.random.key(s))), plan, seed)
        self.state = self._init.out
        index = jax.ShapeDtypeStruct((), jnp.int32)
        block = batches.first()
        member = index if per_member else None
        self._pick = Traced(batches.pick, block, index, member)
        self._step = Traced(self._checked_step(training), self.state, self._pick.out)
        _require_plan_used(owner, plan, self._init, self._step)
        self._evaluate = None if evaluate is None else Traced(evaluate, self.state)
        if self._evaluate is not None and jax.tree.map(jnp.shape, self._evaluate.out) != ():
            rule, got = "a function from a state to one scalar", self._evaluate.out
            _checks.fail(owner, "evaluate", rule, got, "return the held-out loss alone")

    @functools.cached_property
    def init(self) -> Callable[..., Population]:
        """Jitted: (plans, seeds, member, end) to a population."""
        traced = self._init

        def start(consts: Any, plans: Any, seeds: Array, member: Array, end: Array) -> Population:
            state = jax.vmap(lambda p, s: traced(consts, p, s))(plans, seeds)
            return Population(member, end, state)

        jitted = jax.jit(start, out_shardings=self.sharding())
        consts = self.replicated(traced.consts)
        return lambda *args: jitted(consts, *args)

    def train(self, lanes: int, at_once: int, masked: bool) -> Any:
        """To be compiled: (consts, population, block, index, first, count).

        Gives the population `count` steps after step `first`, and the losses of those steps,
        `[members, at_once]`, NaN where there was none. A slice trains until the last of its
        members ends; only if `masked` do those that end before keep their state.
        """

        def one(consts: Any, end: Array, state: Any, member: Array, batch: Any, t: _At) -> Any:
            member_consts, pick_consts = consts
            if self._per_member:
                batch = self._pick(pick_consts, batch, t.row, member)
            new, loss = self._step(member_consts, state, batch)
            if not masked:
                return new, loss
            on = t.step < end
            state = jax.tree.map(lambda x, y: jnp.where(on, x, y), new, state)
            return state, jnp.where(on, loss, jnp.nan)

        def lane(consts: Any, part: Population, block: Any, at: _At, count: Array) -> Any:
            def body(i: Array, carry: Any) -> Any:
                state, losses = carry
                t = _At(at.row + i, at.step + i)
                batch = block if self._per_member else self._pick(consts[1], block, t.row, None)

                def each(end: Array, state: Any, member: Array) -> Any:
                    return one(consts, end, state, member, batch, t)

                state, loss = _mapped(each, lanes)(part.end, state, part.member)
                return state, lax.dynamic_update_index_in_dim(losses, loss, i, 1)

            left = jnp.clip(jnp.max(part.end) - at.step, 0, count)
            none = jnp.full((lanes, at_once), jnp.nan, jnp.float32)
            return lax.fori_loop(0, left, body, (part.state, none))

        def local(
            consts: Any,
            population: Population,
            block: Any,
            index: Array,
            first: Array,
            count: Array,
        ) -> Any:
            members = population.end.shape[0]

            def chunk(k: Array, carry: Any) -> Any:
                state, losses = carry
                at = k * lanes
                part = _slice(population._replace(state=state), at, lanes)
                new, loss = lane(consts, part, block, _At(index, first), count)
                return _put((state, losses), (new, loss), at)

            none = jnp.full((members, at_once), jnp.nan, jnp.float32)
            carry = (population.state, none)
            if members == lanes:
                carry = lane(consts, population, block, _At(index, first), count)
            else:
                carry = lax.fori_loop(0, members // lanes, chunk, carry)
            return population._replace(state=carry[0]), carry[1]

        whole, parts = PartitionSpec(), PartitionSpec(self._axis)
        run = self._sharded(local, (whole, parts, *[whole] * 4), (parts, parts))
        if self._mesh is None:
            return jax.jit(run, donate_argnums=1)
        out = (self.sharding(), self.sharding(whole))
        return jax.jit(run, donate_argnums=1, out_shardings=out)

    @functools.cached_property
    def train_consts(self) -> Any:
        """The first argument of `train`."""
        return self.replicated((self._step.consts, self._pick.consts))

    @functools.cache  # noqa: B019  (there are few, and they live as long as their programs)
    def evaluate(self, lanes: int) -> Callable[[Population, int], Array] | None:
        """Jitted: (population, step) to what `evaluate` says of members that train up to there."""
        traced = self._evaluate
        if traced is None:
            return None

        def local(consts: Any, population: Population, step: Array) -> Array:
            members = population.end.shape[0]

            def chunk(k: Array, scores: Array) -> Array:
                part = _slice(population, k * lanes, lanes)

                def score() -> Array:
                    each = _mapped(lambda s: jnp.float32(traced(consts, s)), lanes)
                    return each(part.state)

                skip = jnp.full(lanes, jnp.nan, jnp.float32)
                new = lax.cond(jnp.max(part.end) >= step, score, lambda: skip)
                return _put(scores, new, k * lanes)

            none = jnp.full(members, jnp.nan, jnp.float32)
            return lax.fori_loop(0, members // lanes, chunk, none)

        whole, parts = PartitionSpec(), PartitionSpec(self._axis)
        run = self._sharded(local, (whole, parts, whole), parts)
        jitted = (
            jax.jit(run) if self._mesh is None else jax.jit(run, out_shardings=self.sharding(whole))
        )
        consts = self.replicated(traced.consts)
        return lambda population, step: jitted(consts, population, jnp.int32(step))

    @functools.cached_property
    def reorder(self) -> Callable[[Population, Array, Array], Population]:
        """Jitted: the population in another order, with other ends."""

        def ordered(population: Population, order: Array, end: Array) -> Population:
            moved = jax.tree.map(lambda x: x[order], population)
            return moved._replace(end=end)

        return jax.jit(ordered, out_shardings=self.sharding())

    @functools.cached_property
    def gather(self) -> Callable[[Any, Array], Any]:
        """Jitted: the rows of an array of states, on all devices."""
        return jax.jit(
            lambda state, index: jax.tree.map(lambda x: x[index], state),
            out_shardings=self.sharding(PartitionSpec()),
        )

    def sharding(self, spec: PartitionSpec | None = None) -> NamedSharding | None:
        """Along the axis of members, unless `spec` says otherwise."""
        if self._mesh is None:
            return None
        return NamedSharding(self._mesh, PartitionSpec(self._axis) if spec is None else spec)

    def replicated(self, tree: Any) -> Any:
        """`tree` on all devices."""
        return placed(tree, self.sharding(PartitionSpec()))

    def parted(self, tree: Any) -> Any:
        """`tree`, its arrays split along the axis of members."""
        return placed(tree, self.sharding())

    def _sharded(self, function: Callable[..., Any], specs: Any, out: Any) -> Callable[..., Any]:
        if self._mesh is None:
            return function
        return jax.shard_map(
            function, mesh=self._mesh, in_specs=specs, out_specs=out, check_vma=False
        )

    def _checked_step(self, training: Training) -> Callable[[Any, Any], Any]:
        """The step with the loss as float32 and a state of unchanging structure and types."""

        def step(state: Any, batch: Any) -> Any:
            out = training.step(state, batch)
            if not isinstance(out, tuple) or len(out) != 2:
                got = type(out).__name__
                remedy = "end it with `return state, loss`"
                _checks.fail(self._owner, "step", "a function to (state, loss)", got, remedy)
            new, loss = out
            loss = loss.get("loss") if isinstance(loss, dict) else loss
            if not _is_scalar(loss):
                rule = "a function that returns the loss, one scalar, beside the state"
                got = jax.tree.map(jnp.shape, loss)
                _checks.fail(self._owner, "step", rule, got, "end it with `return state, loss`")
            return _like(self._owner, state, new), jnp.asarray(loss).astype(jnp.float32)

        return step


def placed(tree: Any, sharding: NamedSharding | None) -> Any:
    """`tree` as `sharding` says, on all processes the same."""
    if sharding is None:
        return jax.tree.map(jnp.asarray, tree)
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)

    def put(x: Any) -> Array:
        x = jax.device_get(x)
        return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])

    return jax.tree.map(put, tree)


def _mapped(function: Callable[..., Any], lanes: int) -> Callable[..., Any]:
    """`jax.vmap(function)`; one member needs no batched products."""
    if lanes > 1:
        return jax.vmap(function)

    def alone(*args: Any) -> Any:
        out = function(*jax.tree.map(lambda x: x[0], args))
        return jax.tree.map(lambda x: x[None], out)

    return alone


def _slice(tree: Any, at: Array, size: int) -> Any:
    return jax.tree.map(lambda x: lax.dynamic_slice_in_dim(x, at, size), tree)


def _put(tree: Any, new: Any, at: Array) -> Any:
    return jax.tree.map(lambda x, y: lax.dynamic_update_slice_in_dim(x, y, at, 0), tree, new)


def _owned(state: Any) -> Any:
    """`state` as strongly typed arrays."""
    return jax.tree.map(lambda x: x if is_key(x) else as_array(x), state)


def _is_scalar(x: Any) -> bool:
    return hasattr(x, "dtype") and x.shape == () and jnp.issubdtype(x.dtype, jnp.floating)


def _like(owner: str, state: Any, new: Any) -> Any:
    """`new` with the types of `state`; its structure and shapes must be the same."""
    old_shapes, new_shapes = (jax.tree.map(jnp.shape, x) for x in (state, new))
    if jax.tree.structure(state) != jax.tree.structure(new) or old_shapes != new_shapes:
        rule = "a function to a state of the structure and shapes of the one it gets"
        remedy = "return the same tree, with new values"
        got = jax.tree.leaves(new_shapes, is_leaf=lambda x: isinstance(x, tuple))
        _checks.fail(owner, "step", rule, got, remedy)
    return jax.tree.map(lambda x, y: y if is_key(x) else jnp.asarray(y).astype(x.dtype), state, new)


def _require_plan_used(owner: str, plan: Any, init: Traced, step: Traced) -> None:
    """Require that the plan has a say: a step that closes over a schedule never looks at it."""
    count = len(jax.tree.leaves(plan))
    plan_vars = init.jaxpr.invars[:count]
    passed_on = [step.jaxpr.invars[k] for k, v in enumerate(init.jaxpr.outvars) if v in plan_vars]
    if not (_used(init.jaxpr, plan_vars) or _used(step.jaxpr, passed_on)):
        raise ValueError(
            f"{owner}: training must use the schedule it is given, got one that ignores it (a "
            "schedule that the step closes over is the same for all members); build the "
            "optimizer from the argument, as in lambda schedule: optax.adamw(schedule)."
        )


def _used(jaxpr: Any, variables: list[Any]) -> bool:
    return any(v in variables for e in jaxpr.eqns for v in e.invars if not hasattr(v, "val"))
