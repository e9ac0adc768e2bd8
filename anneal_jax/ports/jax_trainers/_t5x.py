"""T5X: a product of factors, named in a string."""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._algebra import maximum
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .. import _arguments, _terms


def t5x(
    factors: str = "constant * linear_warmup * rsqrt_decay",
    base_learning_rate: RealScalarLike = 0.5,
    warmup_steps: IntScalarLike = 1000,
    decay_factor: RealScalarLike = 0.5,
    steps_per_decay: IntScalarLike = 20000,
    steps_per_cycle: IntScalarLike = 100000,
    step_offset: IntScalarLike = 0,
    min_learning_rate: RealScalarLike = 1e-8,
) -> Schedule:
    """`create_learning_rate_scheduler` of T5X: a product, at least `min_learning_rate`.

    It goes on for ever, as there. Factors: "constant", "linear_warmup", "linear_decay",
    "rsqrt_decay", "rsqrt_normalized_decay", "decay_every", "cosine_decay".

    Args:
      factors: names of factors, joined by "*".
      base_learning_rate: rate in "constant" and "linear_decay", from 0 up.
      warmup_steps: length of the warmup; at least 1, if any of the factors reads it.
      decay_factor: factor of each "decay_every", or slope of "linear_decay" after the warmup as a
        part of the base rate per step; from 0 up.
      steps_per_decay: steps between two drops of "decay_every".
      steps_per_cycle: length of a cycle of "cosine_decay", which is flat during the warmup.
      step_offset: number of steps for which the first value holds.
      min_learning_rate: least rate, at step 0 of a warmup too.

    Raises:
      ValueError: for an unknown factor (the error tells the nearest), or a bad number.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.t5x(base_learning_rate=1.0, warmup_steps=4)
        >>> print([f"{x:.2g}" for x in schedule([0, 2, 4, 16])])
        ['1e-08', '0.25', '0.5', '0.25']
    """
    owner = "t5x"
    if not isinstance(factors, str):
        _checks.fail(owner, "factors", "a string of names joined by *", factors, "pass one")
    names = [name.strip() for name in factors.split("*")]
    for name in names:
        _checks.nearest(owner, "a factor", name, _FACTORS)
    if names.count("linear_decay") > 1:
        reason = "linear_decay must be a factor once at most: it falls below 0."
        _arguments.reject(owner, reason)
    least = int(not _DIVIDING.isdisjoint(names))
    offset = _arguments.steps(owner, "step_offset", step_offset)
    rates = {"base_learning_rate": base_learning_rate, "decay_factor": decay_factor}
    base, by, floor = _arguments.numbers(owner, **rates, min_learning_rate=min_learning_rate)
    given = _Given(
        base,
        _arguments.steps(owner, "warmup_steps", warmup_steps, least=least),
        by,
        _arguments.steps(owner, "steps_per_decay", steps_per_decay, least=1),
        _arguments.steps(owner, "steps_per_cycle", steps_per_cycle, least=1),
    )
    product = reduce(lambda first, second: first * second, [_FACTORS[n](given) for n in names])
    schedule = maximum(product, floor)
    return schedule if _arguments.is_zero(offset) else schedule.shift(offset)


class _Given(NamedTuple):
    """What factors read of the arguments."""

    base: Any
    warmup: Any
    by: Any
    every: Any
    cycle: Any


def _linear_decay(given: _Given) -> Schedule:
    """The warmup, and a line down to 0; the floor hides what T5X has below."""
    line: Schedule
    if _checks.known(given.by) and given.by * MAX_STEP < 1:  # what can be reached of it
        line = Linear(given.base, given.base * (1 - given.by * MAX_STEP), MAX_STEP)
    else:
        line = Span(Linear(given.base, 0.0, 1), 0, 1 / given.by)
    return join([Linear(0.0, given.base, given.warmup), line], [given.warmup])


_FACTORS: dict[str, Callable[[_Given], Schedule]] = {
    "constant": lambda g: Constant(g.base),
    "linear_warmup": lambda g: Linear(0.0, 1.0, g.warmup),
    "linear_decay": _linear_decay,
    "rsqrt_decay": lambda g: InverseSqrt(g.warmup**-0.5, g.warmup).shift(g.warmup),
    "rsqrt_normalized_decay": lambda g: InverseSqrt(1.0, g.warmup).shift(g.warmup),
    "decay_every": lambda g: _terms.decay(1.0, g.every, g.by, staircase=True),
    "cosine_decay": lambda g: Cosine(1.0, 0.0, g.cycle).repeat().shift(g.warmup),
}
_DIVIDING = {"linear_warmup", "linear_decay", "rsqrt_decay", "rsqrt_normalized_decay"}
