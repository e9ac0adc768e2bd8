"""T5X: a product of factors, named in a string."""

from collections.abc import Callable
from functools import reduce

from ... import _checks
from ..._numerics import Number, is_concrete
from ...schedules._algebra import maximum
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import ExponentialDecay, InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from ...schedules._tables import PiecewiseConstant
from .._common import reject


def t5x(
    factors: str = "constant * linear_warmup * rsqrt_decay",
    base_learning_rate: Number = 0.5,
    warmup_steps: Number = 1000,
    decay_factor: Number = 0.5,
    steps_per_decay: Number = 20000,
    steps_per_cycle: Number = 100000,
    step_offset: Number = 0,
    min_learning_rate: Number = 1e-8,
) -> Schedule:
    """`create_learning_rate_scheduler` of T5X: a product, at least `min_learning_rate`.

    It goes on for ever, as there. Factors: "constant", "linear_warmup", "linear_decay",
    "rsqrt_decay", "rsqrt_normalized_decay", "decay_every", "cosine_decay".

    Args:
      factors: names joined by "*".
      base_learning_rate: what "constant" and "linear_decay" bring in, from 0 up.
      warmup_steps: at least 1, if any of the factors reads it.
      decay_factor: of each "decay_every", or the slope of "linear_decay" after the warmup as a
        part of the base rate per step; from 0 up.
      steps_per_decay: how often "decay_every" sets in.
      steps_per_cycle: of "cosine_decay", which restarts, and is flat during the warmup.
      step_offset: steps before the first; the first value holds that long.
      min_learning_rate: the least rate; also at step 0 of a warmup.

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
    known: dict[str, Callable[[], Schedule]] = {
        "constant": lambda: Constant(base_learning_rate),
        "linear_warmup": lambda: Linear(0.0, 1.0, warmup_steps),
        "linear_decay": lambda: _linear_decay(base_learning_rate, warmup_steps, decay_factor),
        "rsqrt_decay": lambda: InverseSqrt(warmup_steps**-0.5, warmup_steps).shift(warmup_steps),
        "rsqrt_normalized_decay": lambda: InverseSqrt(1.0, warmup_steps).shift(warmup_steps),
        "decay_every": lambda: _decay_every(steps_per_decay, decay_factor),
        "cosine_decay": lambda: Cosine(1.0, 0.0, steps_per_cycle).repeat().shift(warmup_steps),
    }
    for name in names:
        _checks.nearest(owner, "a factor", name, known)
    if names.count("linear_decay") > 1:
        reject(owner, "linear_decay must be a factor once at most: it falls below 0.")
    warmup_steps, steps_per_decay, steps_per_cycle, step_offset = map(
        _checks.whole, (warmup_steps, steps_per_decay, steps_per_cycle, step_offset)
    )
    divides = {"linear_warmup", "linear_decay", "rsqrt_decay", "rsqrt_normalized_decay"}
    _checks.steps(owner, "warmup_steps", warmup_steps, least=int(not divides.isdisjoint(names)))
    _checks.steps(owner, "steps_per_decay", steps_per_decay, least=1)
    _checks.steps(owner, "steps_per_cycle", steps_per_cycle, least=1)
    _checks.steps(owner, "step_offset", step_offset)
    for number in ("base_learning_rate", "decay_factor", "min_learning_rate"):
        _checks.number(owner, number, locals()[number], least=0)
    product = reduce(lambda first, second: first * second, [known[name]() for name in names])
    schedule = maximum(product, min_learning_rate)
    return schedule.shift(step_offset) if not _is_zero(step_offset) else schedule


def _linear_decay(base: Number, warmup_steps: Number, slope: Number) -> Schedule:
    """The warmup, and a line down to 0; the floor hides what T5X has below."""
    line: Schedule = Constant(base)
    if not _is_zero(slope):
        line = Span(Linear(base, 0.0, 1), 0, 1 / slope)
    return join([Linear(0.0, base, warmup_steps), line], [warmup_steps])


def _decay_every(steps: Number, factor: Number) -> Schedule:
    if _is_zero(factor):
        return PiecewiseConstant([1.0, 0.0], [steps])
    return ExponentialDecay(1.0, steps, factor, staircase=True)


def _is_zero(x: Number) -> bool:
    return is_concrete(x) and x == 0
