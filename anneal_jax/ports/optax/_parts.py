"""What these schedules share: values of either sign, steps of any size."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import MAX_STEP, Number
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine
from ...schedules._span import Span
from ...schedules._waves import CosineWave
from .._arguments import given_number, given_steps
from .._common import between


def begin_at(owner: str, begin: Number) -> Any:
    """Where a transition begins: at 0 if it is told to begin before."""
    begin = given_steps(owner, "transition_begin", begin)
    return max(begin, 0) if _checks.known(begin) else jnp.maximum(begin, 0)


def later(schedule: Schedule, begin: Number) -> Schedule:
    return schedule if _checks.known(begin) and begin == 0 else schedule.shift(begin)


def transition(
    owner: str,
    shape: Callable[[Number, Number, Number], Segment],
    init_value: Number,
    end_value: Number,
    transition_steps: Number,
    transition_begin: Number = 0,
) -> Schedule:
    """A segment between two waits; without steps, the first for ever."""
    init_value = given_number(owner, "init_value", init_value)
    end_value = given_number(owner, "end_value", end_value)
    steps = given_steps(owner, "transition_steps", transition_steps)
    begin = begin_at(owner, transition_begin)
    if is_known(steps, at_most=0):
        return Constant(init_value)

    def build(a: Number, b: Number) -> Any:
        if isinstance(steps, float) or isinstance(begin, float):
            return Span(shape(a, b, 1), begin, begin + steps)
        return later(shape(a, b, steps), begin)

    return between(build, init_value, end_value)


def cosine(
    owner: str, init_value: Number, end_value: Number, decay_steps: Number, exponent: Number
) -> Schedule:
    """A cosine between values of either sign, in steps of any size."""
    exponent = given_number(owner, "exponent", exponent, least=0)
    _checks.number(owner, "decay_steps", decay_steps, above=0)
    steps = given_steps(owner, "decay_steps", decay_steps)
    if _checks.known(exponent) and exponent == 0:
        return Constant(init_value)
    if _checks.known(steps) and steps > MAX_STEP:  # a part of it is all that can be reached
        wave = CosineWave(1.0, 0.0, MAX_STEP, MAX_STEP / steps).until(MAX_STEP)
        return wave**exponent * (init_value - end_value) + end_value

    def build(a: Number, b: Number) -> Any:
        if isinstance(steps, float):
            return Span(Cosine(a, b, 1, exponent), 0, steps)
        return Cosine(a, b, steps, exponent)

    return between(build, init_value, end_value)


def is_known(x: Number, *, at_most: float) -> bool:
    """Whether a number is known, and no more than that."""
    return _checks.known(x) and x <= at_most
