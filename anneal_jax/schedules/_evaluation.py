"""How a schedule is asked: about steps of any integer type and shape, by one compiled program."""

from collections.abc import Callable
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._numerics import Number, as_float, as_int, int_dtype
from .._types import Array


def as_step(step: Number) -> Array:
    """`step`, of any integer dtype and shape, as `int_dtype()`; negative ones read as 0."""
    if isinstance(step, jax.Array) or hasattr(step, "__jax_array__"):
        step = jnp.asarray(step)
        if not jnp.issubdtype(step.dtype, jnp.integer):
            _refuse(step, step.dtype)
        if np.iinfo(step.dtype).max > np.iinfo(int_dtype()).max:  # unsigned: saturate, never wrap
            step = jnp.minimum(step, jnp.asarray(np.iinfo(int_dtype()).max, step.dtype))
        return jnp.maximum(as_int(step), 0)
    try:
        host = np.asarray(step)
    except ValueError:  # lists of different lengths
        _refuse(step, "no one shape")
    if host.dtype == object and all(isinstance(s, int) for s in host.flat):
        pass  # beyond 64 bits
    elif not np.issubdtype(host.dtype, np.integer):
        _refuse(step, host.dtype)
    limit, largest = np.iinfo(int_dtype()).max, host.max(initial=0)
    if largest > limit:
        raise OverflowError(
            f"Schedule: step must be at most {limit}, got {_checks.shown(int(largest))}; "
            "turn on jax_enable_x64 to count further."
        )
    return jnp.asarray(np.asarray(np.maximum(host, 0)).astype(int_dtype()))


def _refuse(step: Any, dtype: Any) -> NoReturn:
    raise TypeError(
        f"Schedule: step must be an integer or an array of integers, got {_checks.shown(step)} of "
        f"dtype {dtype}; cast it first, as in step.astype('int32')."
    )


@jax.jit
def evaluate(schedule: Any, step: Array) -> Array:
    """The values at steps of any shape."""
    return _each(lambda schedule, t: as_float(_one(schedule, "value_at", t)), schedule, step)


@jax.jit
def cycles(schedule: Any, step: Array) -> Array:
    """The number of cycles begun after the first, at steps of any shape."""
    begun = _each(lambda schedule, t: _one(schedule, "cycle_at", t), schedule, step)
    # Parts without steps come before the first one.
    return begun - _one(schedule, "cycle_at", jnp.zeros((), step.dtype))


def _each(ask: Callable[[Any, Array], Array], schedule: Any, step: Array) -> Array:
    """`ask` of every step; laid out as the steps are, where a mesh has explicit axes."""

    def answers(schedule: Any, step: Array) -> Array:
        return jnp.vectorize(lambda t: ask(schedule, t))(step)

    sharding = jax.typeof(step).sharding
    if all(axis is None for axis in sharding.spec):
        return answers(schedule, step)
    # Rows of tables cannot be looked up by indices on explicit axes; the compiler may place them.
    spread: Any = jax.sharding.auto_axes(answers, out_sharding=sharding)
    return spread(schedule, step)


def _one(schedule: Any, method: str, step: Array) -> Array:
    """The answer for one step, which must be one number."""
    remedy = "ask a batch of schedules with jax.vmap(lambda schedule: schedule(step))(batch)"
    try:
        answer = getattr(schedule, method)(step)
    except (TypeError, ValueError) as error:
        if any(np.ndim(leaf) for leaf in jax.tree.leaves(schedule)):
            raise ValueError(
                f"{type(schedule).__name__}: one schedule must hold one number in each field, got "
                f"arrays that do not fit together; {remedy}."
            ) from error
        raise
    if jnp.ndim(answer):
        rule = "one number for one step"
        _checks.fail(type(schedule).__name__, "the value", rule, jnp.shape(answer), remedy)
    return answer
