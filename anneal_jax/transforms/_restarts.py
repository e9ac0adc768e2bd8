"""Warm restarts of the optimizer too: its moments begin anew with each cycle."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from .. import _checks
from .._deprecated import keywords
from .._types import Array
from ..schedules._schedule import Schedule
from ._cycles import Cycles
from ._states import owned
from ._updates import as_transformation, counter, increment, require_params

# Optax's states that count steps for a schedule, or are no memory of the gradients. They carry
# on, as ours do that say so (`carries_on`); what they wrap does not.
_CARRY_ON: tuple[Any, ...] = (
    optax.InjectHyperparamsState,
    optax.InjectStatefulHyperparamsState,
    optax.ScaleByScheduleState,
    optax.MultiStepsState,
    optax.ApplyIfFiniteState,
    optax.ConditionallyMaskState,
    optax.ConditionallyTransformState,
    optax.contrib.ReduceLROnPlateauState,
)
_INNER = ("inner_state", "inner_states", "inner_opt_state")


class ResetOnRestartState(NamedTuple):
    """State of `reset_on_restart`."""

    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int32[], saturating
    cycles: Cycles
    inner_state: optax.OptState

    carries_on = True  # `reset_on_restart` leaves it alone


@keywords
def reset_on_restart(
    inner: optax.GradientTransformation, schedule: Schedule, *, keep: str | Iterable[str] = ()
) -> optax.GradientTransformationExtraArgs:
    """Begin anew with the moments of an optimizer at each restart of a schedule.

    Before the first update of every cycle but the first, the state of `inner` is set to what
    `inner.init(params)` gives, on the device and inside `jit`. Momentum gathered at the end of
    one cycle, at other parameters and tiny steps, then does not push the first large ones.

    What counts steps for a schedule or follows a metric carries on: schedules inside `inner`
    are at the same step as without this. The count of Adam's bias correction begins anew.
    Around `accumulate` or `MultiSteps` this would count batches: place it inside.

    Args:
      inner: any Optax optimizer.
      schedule: schedule whose restarts are followed, as a rule that of the learning rate. It
        lives in the state: `with_schedules(opt_state, cycles=new)` replaces it.
      keep: names of fields of the inner state that carry on, such as `"nu"` for Adam's second
        moments (with them `"count"`, unless their bias correction is to begin anew too).

    Returns:
      A `GradientTransformationExtraArgs`; its `update` needs `params`.

    Raises:
      ValueError: if the schedule has no restarts; from `init`, if `keep` names no field that a
        restart would set back.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.cosine_restarts(1e-3, cycle_steps=2)
        >>> tx = anneal.reset_on_restart(optax.adamw(rate), rate)
        >>> params = jnp.zeros(3)
        >>> state = tx.init(params)
        >>> for _ in range(3):
        ...     updates, state = tx.update(jnp.ones(3), state, params)
        >>> print(optax.tree.get(state, "mu").round(3))  # of one update, not of three
        [0.1 0.1 0.1]

    Reference: Loshchilov and Hutter, [SGDR](https://arxiv.org/abs/1608.03983), 2017.
    """
    cycles = Cycles.of("reset_on_restart", schedule)
    kept = {keep} if isinstance(keep, str) else set(keep)
    transformation = as_transformation("reset_on_restart", "inner", inner)

    def init(params: PyTree) -> Any:
        state = transformation.init(params)
        for name in kept:
            fields = _fields(state, jax.tree.structure(params))
            if not fields:
                rule = "left out where the inner state has no fields to set back"
                _checks.fail("reset_on_restart", "keep", rule, name, "leave it out")
            _checks.nearest("reset_on_restart", "keep", name, fields)
        return ResetOnRestartState(counter(), owned(cycles), state)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        require_params("reset_on_restart", params)
        restart = state.cycles.begin_at(state.count)
        like = jax.tree.structure(params)
        inner_state = _reset(state.inner_state, transformation.init(params), restart, kept, like)
        new, inner_state = transformation.update(updates, inner_state, params, **extra)
        count = increment(state.count)
        return new, ResetOnRestartState(count, state.cycles, inner_state)

    return optax.GradientTransformationExtraArgs(init, update)


@functools.cache
def _decay_schedule() -> type:
    """The state of a scheduled weight decay, which has no public name.

    Not made on import: an array would start JAX's backends.
    """
    return type(jax.eval_shape(optax.add_decayed_weights(optax.constant_schedule(0.0)).init, ()))


def _is_named(x: Any) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_fields")


def _set_back(state: Any) -> list[str]:
    """The fields of one state that a restart sets back, or that hold such states."""
    clock = isinstance(state, (*_CARRY_ON, _decay_schedule()))
    carries_on = clock or getattr(state, "carries_on", False)
    return [name for name in state._fields if name in _INNER or not carries_on]


def _fields(state: Any, params: Any) -> set[str]:
    """Names of all fields in `state` that a restart sets back.

    What has the structure `params` of the parameters is no state: its names are theirs.
    """
    if jax.tree.structure(state) == params or not isinstance(state, tuple | list | dict):
        return set()
    names = _set_back(state) if _is_named(state) else []
    parts = state.values() if isinstance(state, dict) else state
    parts = [getattr(state, name) for name in names] if _is_named(state) else parts
    return set(names).union(*(_fields(part, params) for part in parts))


def _reset(state: Any, fresh: Any, restart: Array, kept: set[str], params: Any) -> Any:
    """`fresh` in place of `state` where `restart`, but for what is kept; `params` as above."""
    if jax.tree.structure(state) == params:
        return jax.tree.map(lambda old, new: _chosen(old, new, restart), state, fresh)
    if _is_named(state):
        new = {
            name: _reset(getattr(state, name), getattr(fresh, name), restart, kept, params)
            for name in _set_back(state)
            if name not in kept
        }
        return state._replace(**new)
    if isinstance(state, dict) and isinstance(fresh, dict):
        changed = state.copy()
        changed.update({k: _reset(v, fresh[k], restart, kept, params) for k, v in state.items()})
        return changed
    if isinstance(state, tuple | list):
        pairs = zip(state, fresh, strict=True)
        return type(state)([_reset(old, new, restart, kept, params) for old, new in pairs])
    return jax.tree.map(lambda old, new: _chosen(old, new, restart), state, fresh)


def _chosen(old: Any, new: Any, restart: Array) -> Any:
    if jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
        return old  # the same random numbers again would be worse than others
    return jnp.where(restart, jnp.asarray(new).astype(old.dtype), old)
