"""Schedules inside the optimizer state.

A schedule that a train step closes over is part of the compiled program. One that lives in
the optimizer state is data: it can be replaced without recompiling, differs between the
members of a vmapped population, is differentiable, and is saved with the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from .. import _checks
from .._numerics import as_float
from .._types import Array, RealScalarLike
from ..schedules._constant import Function, as_schedule
from ..schedules._schedule import Schedule
from ._states import owned
from ._updates import counter, increment, typed_as

ScheduleLike: TypeAlias = Schedule | RealScalarLike | Callable[[Array], Any]
"""What a hyperparameter follows: a schedule, a number to stay at, or any function of the step."""


class Plan(eqx.Module):
    """One scheduled hyperparameter in an optimizer state."""

    schedule: Schedule  # leaves are strongly typed arrays
    value: Array  # float[]: what was last written to `hyperparams`
    held: Array  # bool[]: whether somebody assigned to `hyperparams` since; then it stays
    name: str = eqx.field(static=True)


class InjectHyperparamsState(NamedTuple):
    """State of `inject_hyperparams`."""

    # (Tuples have a method of this name; Optax's states have called it so for years.)
    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int32[], saturating
    hyperparams: dict[str, Array]  # float[] each: what the last update used; assignable
    schedules: tuple[Plan, ...]
    inner_state: optax.OptState

    carries_on = True  # `reset_on_restart` leaves it alone, but for its inner state


def follow(
    owner: str,
    values: Mapping[str, Any],
    inner: Callable[[dict[str, Array]], optax.GradientTransformationExtraArgs],
    clock: Callable[[Array, Any], Array] = lambda count, _: increment(count),
) -> optax.GradientTransformationExtraArgs:
    """A transformation built anew at every step from hyperparameters that the state holds.

    Args:
      owner: the public function, for its errors.
      values: by name, schedules to follow, or numbers that stay until somebody changes them.
      inner: the transformation for given values of all of them; its state must have the same
        structure for all values.
      clock: the next step, from this one and the new state of `inner`.
    """
    scheduled = {name: x for name, x in values.items() if isinstance(x, Schedule)}
    for name, schedule in scheduled.items():
        require_one(owner, name, schedule)

    def init(params: PyTree) -> Any:
        count = counter()
        plans = tuple(plan_for(name, x, count) for name, x in scheduled.items())
        first = {**values, **{plan.name: plan.value for plan in plans}}
        hyperparams = owned({name: as_float(x) for name, x in first.items()})
        return InjectHyperparamsState(count, hyperparams, plans, inner(hyperparams).init(params))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        hyperparams = {name: as_float(x) for name, x in state.hyperparams.items()}
        plans = tuple(_advanced(p, hyperparams[p.name], state.count) for p in state.schedules)
        hyperparams |= {plan.name: plan.value for plan in plans}
        new, inner_state = inner(hyperparams).update(updates, state.inner_state, params, **extra)
        new, inner_state = typed_as((new, inner_state), (updates, state.inner_state))
        # Copies: run eagerly, this must not put one buffer into the state twice.
        count, hyperparams = owned((clock(state.count, inner_state), hyperparams))
        return new, InjectHyperparamsState(
            count.astype(state.count.dtype), hyperparams, plans, inner_state
        )

    return optax.GradientTransformationExtraArgs(init, update)


def as_rate(owner: str, learning_rate: ScheduleLike) -> Schedule:
    """A learning rate as a schedule."""
    if not callable(learning_rate):
        _checks.number(owner, "learning_rate", learning_rate, least=0)
    return as_schedule(_checks.real(learning_rate))


def is_injected(x: Any) -> bool:
    """Whether `x` is a state of `inject_hyperparams`, ours or Optax's."""
    return {"hyperparams", "inner_state"} <= set(getattr(type(x), "_fields", ()))


def require_one(owner: str, name: str, schedule: Schedule) -> None:
    """Require one schedule: no other kind of function, and no batch that `jax.vmap` made."""
    if isinstance(schedule, Function):
        require_schedule(owner, name, schedule.function)
    leaves = jax.tree.leaves(schedule)
    if not any(jnp.ndim(x) for x in leaves):
        return
    try:
        one = jax.eval_shape(schedule, counter()).shape == ()
    except Exception:  # what vectors do to formulas for numbers depends on the formula
        one = False
    if not one:
        shapes = ", ".join(map(str, sorted({jnp.shape(x) for x in leaves})))
        raise ValueError(
            f"{owner}: {name} must be one schedule, not a batch, got numbers of shape "
            f"{shapes[:60]}; build under jax.vmap, so that each member has its own, or take one."
        )


def require_schedule(owner: str, name: str, function: Any, remedy: str = "correct it") -> None:
    """Require that a function takes a step and gives a scalar."""
    try:
        shape = jax.eval_shape(function, counter())
        fits = shape.shape == () and jnp.issubdtype(shape.dtype, jnp.number)
    except Exception:  # whatever else that function is, it is no schedule
        fits = False
    if not fits or isinstance(function, type):
        _checks.fail(owner, name, "a schedule (step to scalar)", function, remedy)


def plan_for(name: str, schedule: Schedule, count: Array) -> Plan:
    """A fresh plan, its value that of step `count`."""
    schedule = owned(schedule)
    return Plan(schedule, as_float(schedule(count)), jnp.zeros((), bool), name)


def _advanced(plan: Plan, current: Array, count: Array) -> Plan:
    """The plan at step `count`, where `current` is what `hyperparams` now says."""
    # (A schedule that was NaN wrote NaN, and nobody assigned anything.)
    unchanged = (current == plan.value) | (jnp.isnan(current) & jnp.isnan(plan.value))
    held = plan.held | ~unchanged
    value = jnp.where(held, current, as_float(plan.schedule(count)))
    return Plan(plan.schedule, value, held, plan.name)
