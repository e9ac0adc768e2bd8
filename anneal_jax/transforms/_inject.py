"""Schedules inside the optimizer state.

A schedule that a train step closes over is part of the compiled program. One that lives in
the optimizer state is data: it can be replaced without recompiling, differs between the
members of a vmapped population, is differentiable, and is saved with the rest.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import _checks
from .._numerics import as_float
from .._schedule import Array, Schedule, as_schedule


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
    inner_state: Any


def inject_hyperparams(
    inner_factory: Callable[..., optax.GradientTransformation],
    static_args: str | Iterable[str] = (),
) -> Callable[..., optax.GradientTransformationExtraArgs]:
    """Let any hyperparameters of an optimizer follow schedules that live in its state.

    Arguments given as schedules or as numbers move into the state. Everything else stays a
    constant of the program: booleans, integers where the default is one, what `static_args`
    names, and every argument left at its default (so that `1 - b2` is formed in double).
    `state.hyperparams[name]` is what the last update used. Assigning to it holds that value
    from then on, also for a scheduled one, until `with_schedules` sets a new plan.

    Hyperparameters are float32 (float64 with x64 on) whatever the parameters are: b2 = 0.999
    is not 1.0 for bfloat16 parameters. Updates and inner state keep their own dtypes.

    Args:
      inner_factory: such as `optax.adamw`, or any function that returns a transformation.
      static_args: names of arguments to leave alone, such as a callable `mask`.

    Returns:
      A function with the arguments of `inner_factory`, which returns a
      `GradientTransformationExtraArgs`.

    Raises:
      ValueError: if `static_args` names no argument, a callable that is neither a schedule
        nor named there is passed, or nothing is left to inject.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.Linear(1.0, 0.0, steps=10)
        >>> tx = anneal.inject_hyperparams(optax.adamw)(learning_rate=rate, weight_decay=0.1)
        >>> params = jnp.zeros(3)
        >>> state = tx.init(params)
        >>> for _ in range(3):
        ...     updates, state = tx.update(jnp.ones(3), state, params)
        >>> print({name: round(float(x), 6) for name, x in anneal.hyperparams(state).items()})
        {'learning_rate': 0.8, 'weight_decay': 0.1}
    """
    signature = inspect.signature(inner_factory)
    static = {static_args} if isinstance(static_args, str) else set(static_args)
    for name in static:
        _checks.nearest("inject_hyperparams", "static_args", name, signature.parameters)

    @functools.wraps(inner_factory)
    def wrapped(*args: Any, **kwargs: Any) -> optax.GradientTransformationExtraArgs:
        bound = signature.bind(*args, **kwargs)
        schedules, numbers, constants = _sorted_out(bound.arguments, static, signature)
        if not schedules and not numbers:
            remedy = "pass a schedule, a float or an array"
            _checks.fail("inject_hyperparams", "some argument", "injectable", kwargs, remedy)

        def inner(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
            given = signature.bind_partial()
            given.arguments |= constants | hyperparams
            return optax.with_extra_args_support(inner_factory(*given.args, **given.kwargs))

        def init(params: Any) -> Any:
            count = jnp.zeros((), jnp.int32)
            plans = tuple(plan_for(name, s, count) for name, s in schedules.items())
            values = {plan.name: plan.value for plan in plans} | numbers
            # Copies: a state that is donated must not hold one buffer twice.
            hyperparams = {
                n: jnp.array(as_float(values[n])) for n in bound.arguments if n in values
            }
            return InjectHyperparamsState(
                count, hyperparams, plans, inner(hyperparams).init(params)
            )

        def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
            hyperparams = {name: as_float(x) for name, x in state.hyperparams.items()}
            plans = tuple(_advanced(p, hyperparams[p.name], state.count) for p in state.schedules)
            hyperparams |= {plan.name: plan.value for plan in plans}
            new, inner_state = inner(hyperparams).update(
                updates, state.inner_state, params, **extra
            )
            new, inner_state = _typed_as((new, inner_state), (updates, state.inner_state))
            count = jnp.asarray(optax.safe_increment(state.count))
            return new, InjectHyperparamsState(count, hyperparams, plans, inner_state)

        return optax.GradientTransformationExtraArgs(init, update)

    return wrapped


def scale_by_learning_rate(
    learning_rate: Schedule | float | Callable[[Array], Any], *, flip_sign: bool = True
) -> optax.GradientTransformationExtraArgs:
    """Multiply updates by minus the learning rate, with the schedule in the state.

    Args:
      learning_rate: a schedule, or a number.
      flip_sign: whether to descend (the default) rather than ascend.

    Returns:
      The last link of an `optax.chain`; its value is found by `hyperparams`, and replaced by
      `with_schedules`, under the name `learning_rate`.

    Example:
        >>> import anneal_jax as anneal, optax
        >>> rate = anneal.warmup_cosine(3e-4, warmup_steps=10, total_steps=100)
        >>> tx = optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(rate))
    """
    rate = as_schedule(learning_rate)
    return inject_hyperparams(optax.scale_by_learning_rate)(rate, flip_sign=flip_sign)


def plan_for(name: str, schedule: Schedule, count: Array) -> Plan:
    """A fresh plan, its value that of step `count`."""
    schedule = schedule.as_arrays()
    return Plan(schedule, as_float(schedule(count)), jnp.zeros((), bool), name)


def _advanced(plan: Plan, current: Array, count: Array) -> Plan:
    """The plan at step `count`, where `current` is what `hyperparams` now says."""
    held = plan.held | (current != plan.value)
    value = jnp.where(held, current, as_float(plan.schedule(count)))
    return Plan(plan.schedule, value, held, plan.name)


def _sorted_out(
    arguments: dict[str, Any], static: set[str], signature: inspect.Signature
) -> tuple[dict[str, Schedule], dict[str, Any], dict[str, Any]]:
    """Arguments by what becomes of them: followed, stored as numbers, or left as constants."""
    schedules, numbers, constants = {}, {}, {}
    for name, value in arguments.items():
        if name in static:
            constants[name] = value
        elif isinstance(value, Schedule) or callable(value):
            schedules[name] = _checked(name, value)
        elif _is_number(value, signature.parameters[name].default):
            _checks.number("inject_hyperparams", name, _checks.real(value))
            numbers[name] = value
        else:
            constants[name] = value
    return schedules, numbers, constants


def _is_number(value: Any, default: Any) -> bool:
    if isinstance(value, jax.Array | np.ndarray):
        return value.ndim == 0 and jnp.issubdtype(value.dtype, jnp.floating)
    counts = isinstance(default, int) and not isinstance(default, bool)
    return isinstance(_checks.real(value), float) and not (counts and isinstance(value, int))


def _checked(name: str, value: Any) -> Schedule:
    if not isinstance(value, Schedule):
        try:
            shape = jax.eval_shape(value, jax.ShapeDtypeStruct((), jnp.int32))
            fits = shape.shape == () and jnp.issubdtype(shape.dtype, jnp.number)
        except Exception:  # whatever else that function is, it is no schedule
            fits = False
        if not fits:
            remedy = f"if it is none, pass static_args={name!r}"
            _checks.fail("inject_hyperparams", name, "a schedule (step to scalar)", value, remedy)
    return as_schedule(value)


def _typed_as(new: Any, old: Any) -> Any:
    """`new` with the dtypes of `old`: a float32 rate must not widen bfloat16 moments."""

    def cast(x: Any, like: Any) -> Any:
        same = not hasattr(like, "dtype") or jnp.result_type(x) == like.dtype
        return x if same else jnp.asarray(x).astype(like.dtype)

    if jax.tree.structure(new) != jax.tree.structure(old):
        return new  # a transformation that restructures its updates knows its dtypes
    return jax.tree.map(cast, new, old)
