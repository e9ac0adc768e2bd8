"""Averages of the parameters over a run: exponential, uniform (SWA), or of a window (LAWA)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import PyTree

from .. import _checks
from .._deprecated import keywords
from .._numerics import as_float, wide
from .._types import Array
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._copies import put, ring_of
from ._cycles import Cycles
from ._follow import ScheduleLike, follow
from ._states import find, owned, plain
from ._updates import counter, increment, moved

_OWNER = "average_params"
_EACH_CYCLE = "cycle"


class AverageParamsState(NamedTuple):
    """State of `average_params`, kinds "ema" and "uniform"."""

    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int32[]: updates so far
    samples: Array  # int32[]: parameters in the average
    store: PyTree  # the average, at least float32; before a sample, the parameters
    cycles: Cycles | None

    carries_on = True  # `reset_on_restart` leaves it alone

    def averaged(self) -> PyTree:
        """The average."""
        return self.store


class WindowParamsState(NamedTuple):
    """State of `average_params`, kind "window"."""

    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int32[]: updates so far
    samples: Array  # int32[]: parameters that have entered the ring
    store: PyTree  # a ring: like the parameters, with an axis of `window` copies in front
    cycles: Cycles | None

    carries_on = True  # `reset_on_restart` leaves it alone

    def averaged(self) -> PyTree:
        """The mean of the copies that are there."""

        def mean(ring: Array) -> Array:
            size = ring.shape[0]
            if not jnp.issubdtype(ring.dtype, jnp.inexact):  # counts and masks: the newest
                return ring[jnp.maximum(self.samples - 1, 0) % size]
            filled = jnp.clip(self.samples, 1, size)
            here = jnp.arange(size, dtype=filled.dtype) < filled
            here = jnp.reshape(here, (size,) + (1,) * (ring.ndim - 1))
            terms = jnp.where(here, wide(ring), jnp.zeros((), wide(ring).dtype))
            total = jnp.sum(terms, axis=0)
            return (total / filled.astype(total.dtype)).astype(total.dtype)

        return jax.tree.map(mean, self.store)


@keywords
def average_params(
    kind: Literal["ema", "uniform", "window"] = "ema",
    *,
    decay: ScheduleLike | None = None,
    window: int | None = None,
    start: int = 0,
    every: int | Literal["cycle"] = 1,
    schedule: Schedule | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Keep an average of the parameters in the optimizer state; updates pass unchanged.

    This is the link of the chain; `averaged_params(opt_state)` reads what it keeps.

    With the samples `p_1, p_2, ...`, the parameters after some of the updates, the average is

    - kind "ema": `a_1 = p_1`, `a_n = decay * a_{n-1} + (1 - decay) * p_n`
    - kind "uniform": `a_n = (p_1 + ... + p_n) / n` (SWA, Polyak averaging)
    - kind "window": the mean of the last `window` samples (LAWA)

    Samples are taken after update number `start + every`, `start + 2 * every`, and so on.
    With `every="cycle"` they are taken after the last update of each cycle of `schedule`, as
    SWA does with a cyclic rate; else, if there is a schedule, the average begins anew with
    each of its cycles. Until the first sample the average is the newest parameters.

    Place it last in a chain, for it must see the updates that will be added, and outside of
    `optax.masked` and `partition`, which would show it a part of the parameters. `hyperparams`
    reads the decay as `ema_decay`.

    Args:
      kind: "ema", "uniform" or "window".
      decay: for kind "ema" only: share of the old average, from 0 to below 1, or a schedule of
        it; None: .999.
      window: for kind "window" only: number of samples in the mean, from 1 up, each a copy of
        the parameters in the state; None: 5.
      start: number of updates before the first one that may be sampled.
      every: number of updates from one sample to the next, or `"cycle"`.
      schedule: schedule whose cycles are followed, one with restarts (for `every="cycle"`, or
        an end). It lives in the state: `with_schedules(opt_state, cycles=new)` replaces it.

    Returns:
      A `GradientTransformationExtraArgs`; its `update` needs `params`.

    Raises:
      ValueError: for arguments outside their ranges, and for those of another kind.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = optax.chain(optax.sgd(1.0), anneal.average_params("uniform"))
        >>> params = jnp.zeros(2)
        >>> state = tx.init(params)
        >>> for _ in range(3):  # the parameters become -1, -2, -3
        ...     updates, state = tx.update(jnp.ones(2), state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> print(anneal.averaged_params(state))
        [-2. -2.]

    Reference: Izmailov et al., [Averaging Weights Leads to Wider
    Optima](https://arxiv.org/abs/1803.05407), 2018; Kaddour, [Stop Wasting My
    Time!](https://arxiv.org/abs/2209.14981), 2022.
    """
    _checks.nearest(_OWNER, "kind", kind, ("ema", "uniform", "window"))
    for name, value, its_kind in (("decay", decay, "ema"), ("window", window, "window")):
        if value is not None and kind != its_kind:
            rule = f"left out for kind={kind!r}"
            _checks.fail(_OWNER, name, rule, value, f"it is for kind={its_kind!r}")
    start, every = _checks.whole(start), _checks.whole(every)
    _checks.steps(_OWNER, "start", start)
    cycles = _cycles(every, schedule)
    if kind == "window":
        size = 5 if window is None else _checks.whole(window)
        _checks.steps(_OWNER, "window", size, least=1, remedy="count samples")
        return _averaging(_window(size), start, every, cycles)
    if kind == "uniform":
        return _averaging(_running(lambda n: 1 / as_float(n)), start, every, cycles)
    decay = 0.999 if decay is None else decay
    if not callable(decay):
        _checks.number(_OWNER, "decay", decay, least=0, below=1)

    def averaging(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
        share = 1 - hyperparams["ema_decay"]
        return _averaging(_running(lambda _: share), start, every, cycles)

    decay = as_schedule(decay) if callable(decay) else _checks.real(decay)
    return follow(_OWNER, {"ema_decay": decay}, averaging)


def averaged_params(opt_state: PyTree, index: int | None = None) -> PyTree:
    """The average that `average_params`, a link of the chain, keeps in the optimizer state.

    Args:
      opt_state: an optimizer state of any nesting, or what has one as `opt_state` (a Flax
        `TrainState`, an `nnx.Optimizer`).
      index: place of the average in the order of the chain, from 0 up, if there are several.

    Returns:
      A tree like the parameters. Those of less than 32 bits are averaged, and returned, in
      float32; `optax.tree.cast_like(average, params)` rounds them.

    Raises:
      ValueError: if there is no average, or there are several and `index` is not given.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = anneal.average_params("window", window=2)
        >>> params = jnp.zeros(2)
        >>> _, state = tx.update(jnp.ones(2), tx.init(params), params)
        >>> print(anneal.averaged_params(state))
        [1. 1.]
    """
    found = [state for _, state in find(opt_state, _is_average)]
    if not found:
        remedy = "put anneal_jax.average_params last into the chain"
        kind = type(opt_state).__name__
        _checks.fail("averaged_params", "opt_state", "one with an average", kind, remedy)
    if index is None and len(found) > 1:
        rule = f"given, from 0 to {len(found) - 1}, where there are several averages"
        _checks.fail("averaged_params", "index", rule, index, "pass it")
    if index is not None and not 0 <= index < len(found):
        rule = f"from 0 to {len(found) - 1}"
        _checks.fail("averaged_params", "index", rule, index, "correct it")
    return plain(found[index or 0]).averaged()


def _is_average(x: Any) -> bool:
    return isinstance(x, AverageParamsState | WindowParamsState)


def _cycles(every: int | str, schedule: Schedule | None) -> Cycles | None:
    if isinstance(every, str):
        _checks.nearest(_OWNER, "every", every, (_EACH_CYCLE,))
        if schedule is None:
            _checks.fail(_OWNER, "schedule", "given for every='cycle'", None, "pass it")
    else:
        _checks.steps(_OWNER, "every", every, least=1)
    return schedule and Cycles.of(_OWNER, schedule, ending=isinstance(every, str))


class _Kind(NamedTuple):
    """How samples come together."""

    start: Callable[[PyTree, Cycles | None], Any]  # the first state
    add: Callable[[PyTree, Array, PyTree], PyTree]  # one more, of that number


def _running(share: Callable[[Array], Array]) -> _Kind:
    """`a_1 = p_1`, `a_n = a_{n-1} + share(n) * (p_n - a_{n-1})`."""

    def start(params: Any, cycles: Cycles | None) -> AverageParamsState:
        average = jax.tree.map(lambda p: jnp.array(wide(p)), params)
        return AverageParamsState(counter(), counter(), average, owned(cycles))

    def add(average: Any, samples: Array, params: Any) -> Any:
        weight = share(samples)

        def one(old: Array, new: Array) -> Array:
            if not jnp.issubdtype(old.dtype, jnp.inexact):
                return new
            new = new.astype(old.dtype)
            return jnp.where(samples > 1, old + weight.astype(old.dtype) * (new - old), new)

        return jax.tree.map(one, average, params)

    return _Kind(start, add)


def _window(size: int) -> _Kind:
    def start(params: Any, cycles: Cycles | None) -> WindowParamsState:
        return WindowParamsState(counter(), counter(), ring_of(params, size), owned(cycles))

    def add(ring: Any, samples: Array, params: Any) -> Any:
        return put(ring, (samples - 1) % size, params)

    return _Kind(start, add)


def _averaging(
    kind: _Kind, start: int, every: int | str, cycles: Cycles | None
) -> optax.GradientTransformationExtraArgs:
    def due(state: Any, done: Array) -> Array:
        if isinstance(every, str):
            return state.cycles.end_at(state.count) & (done > start)
        return (done > start) & ((done - start) % every == 0)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        del extra
        new = moved(_OWNER, params, updates)
        done = increment(state.count)
        samples = state.samples
        if state.cycles is not None and not isinstance(every, str):
            samples = jnp.where(state.cycles.begin_at(state.count), 0, samples)
        take = due(state, done)
        samples = samples + take.astype(samples.dtype)
        number = jnp.maximum(samples, 1)  # before the first sample: the newest parameters
        store = state.store
        if every == 1:
            store = kind.add(store, number, new)
        else:
            store = lax.cond(
                take | (samples == 0), kind.add, lambda old, *_: old, store, number, new
            )
        return updates, type(state)(done, samples, store, state.cycles)

    return optax.GradientTransformationExtraArgs(lambda params: kind.start(params, cycles), update)
