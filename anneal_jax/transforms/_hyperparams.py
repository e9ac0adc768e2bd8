"""Reading and replacing hyperparameters, wherever in an optimizer state they are."""

from typing import Any, NoReturn, TypeVar

import jax.numpy as jnp
from jaxtyping import PyTree

from .. import _checks
from .._numerics import as_float
from .._types import Array
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._cycles import Cycles
from ._follow import (
    InjectHyperparamsState,
    Plan,
    ScheduleLike,
    is_injected,
    plan_for,
    require_one,
)
from ._states import change, find, is_variable, owned, plain, put_where

State = TypeVar("State")
_OWNER = "with_schedules"


def hyperparams(opt_state: PyTree) -> dict[str, Array]:
    """The hyperparameters that the last update used.

    Args:
      opt_state: an optimizer state of any nesting (`optax.chain`, `partition`, `MultiSteps`,
        ...), or what has one as `opt_state` (a Flax `TrainState`, an `nnx.Optimizer`).

    Returns:
      Scalars by name. A name that stands in several places is given with its place in front,
      as in `"decoder.learning_rate"`. Before the first update: the values at step 0.

    Raises:
      ValueError: if there are none.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = optax.chain(optax.clip(1.0), anneal.scale_by_learning_rate(anneal.Constant(0.5)))
        >>> float(anneal.hyperparams(tx.init(jnp.zeros(3)))["learning_rate"])
        0.5
    """
    found = [
        (place, name, plain(value))
        for place, state in find(opt_state, _has_hyperparams)
        for name, value in state.hyperparams.items()
    ]
    if not found:
        _fail_without("hyperparams", opt_state)
    return {key: value for key, (_, _, value) in zip(_keys(found), found, strict=True)}


def with_schedules(
    opt_state: State, *, cycles: Schedule | None = None, **schedules: ScheduleLike
) -> State:
    """The same optimizer state with other plans: change the schedule in the middle of a run.

    Step count, moments and everything else stay. A schedule of the structure it replaces
    (other numbers) costs no recompilation; one of another structure, one.

    Args:
      opt_state: as for `hyperparams`; an `nnx.Optimizer` is changed in place.
      cycles: a new schedule for whatever follows cycles (`reset_on_restart`, `snapshots`,
        `average_params`).
      **schedules: new schedules, or numbers to stay at, by the names that `hyperparams` gives.
        (No hyperparameter is called `cycles`: `inject_hyperparams` refuses that name.)

    Returns:
      `opt_state`, changed. The new plan sets in at the current step, not at its own step 0.

    Raises:
      ValueError: if a name is not there, nothing follows `cycles`, or the state is that of
        several runs (stacked by `vmap`, or replicated by `pmap`).

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = anneal.inject_hyperparams(optax.sgd)(anneal.Linear(1.0, 0.0, steps=10))
        >>> state = tx.init(jnp.zeros(3))
        >>> state = anneal.with_schedules(state, learning_rate=anneal.Linear(1.0, 0.0, steps=99))
    """
    if cycles is not None:
        opt_state = _with_cycles(opt_state, cycles)
    found = [
        (place, name, None)
        for place, state in find(opt_state, is_injected)
        for name in state.hyperparams
    ]
    if schedules and not found:
        _fail_without(_OWNER, opt_state)
    keys = _keys(found)
    for name in schedules:
        _checks.nearest(_OWNER, "every name", name, keys)
    wanted = {found[keys.index(name)][:2]: plan for name, plan in schedules.items()}

    def replanned(place: str, state: Any) -> Any:
        for name in state.hyperparams:
            if (place, name) in wanted:
                state = _replanned(state, name, as_schedule(wanted[place, name]))
        return state

    return change(opt_state, is_injected, replanned)


def _with_cycles(opt_state: Any, schedule: Schedule) -> Any:
    def is_cycles(x: Any) -> bool:
        return isinstance(x, Cycles)

    if not list(find(opt_state, is_cycles)):
        remedy = "leave it out, or build with reset_on_restart, snapshots or average_params"
        rule = "left out where nothing follows cycles"
        _checks.fail(_OWNER, "cycles", rule, schedule, remedy)
    for _, state in find(opt_state, lambda x: {"cycles", "count"} <= _fields(x)):
        _check_one_run(state.count)
    fresh = Cycles.of(_OWNER, schedule, ending=True)
    return change(opt_state, is_cycles, lambda _, old: put_where(old, owned(fresh)))


def _has_hyperparams(x: Any) -> bool:
    return hasattr(type(x), "_fields") and isinstance(getattr(x, "hyperparams", None), dict)


def _keys(found: list[tuple[str, str, Any]]) -> list[str]:
    """Bare names where they are unique, else the shortest telling part of the place in front."""
    names = [name for _, name, _ in found]
    keys = []
    for place, name, _ in found:
        rivals = [p.split(".") for p, n, _ in found if n == name]
        telling = [
            part
            for i, part in enumerate(place.split("."))
            if len({rival[i] if i < len(rival) else None for rival in rivals}) > 1
        ]
        keys.append(name if names.count(name) == 1 else ".".join([*telling, name]))
    return keys


def _fields(x: Any) -> set[str]:
    return set(getattr(type(x), "_fields", ()))


def _fail_without(owner: str, opt_state: Any) -> NoReturn:
    remedy = "build it with anneal_jax.inject_hyperparams or scale_by_learning_rate"
    kind = type(opt_state).__name__
    _checks.fail(owner, "opt_state", "one with injected hyperparameters", kind, remedy)


def _check_one_run(count: Any) -> None:
    """Require the state of one run: neither of a vmapped population nor replicated by pmap."""
    shape = jnp.shape(plain(count))
    if shape:
        raise ValueError(
            f"{_OWNER}: opt_state must be that of one run, got step counts of shape {shape}; call "
            f"this under jax.vmap, as in jax.vmap(lambda s: {_OWNER}(s, ...))(opt_state)."
        )


def _replanned(state: Any, name: str, schedule: Schedule) -> Any:
    if not isinstance(state, InjectHyperparamsState):
        remedy = "build the optimizer with anneal_jax.inject_hyperparams"
        kind = type(state).__name__
        _checks.fail(_OWNER, name, "in a state of anneal_jax", kind, remedy)
    _check_one_run(state.count)
    require_one(_OWNER, name, schedule)
    fresh = plan_for(name, schedule, jnp.asarray(plain(state.count)))
    value = jnp.array(as_float(plain(state.hyperparams[name])))  # what the last update used
    fresh = Plan(fresh.schedule, value, fresh.held, name)
    plans = {plan.name: plan for plan in state.schedules}
    if name in plans or is_variable(state.count):
        fresh = put_where(plans.get(name, state.count), fresh)
    return state._replace(schedules=tuple((plans | {name: fresh}).values()))
