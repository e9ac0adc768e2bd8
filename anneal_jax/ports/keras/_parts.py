"""What these schedules share."""

from typing import Any

from ... import _checks
from ..._numerics import Number
from ...schedules._schedule import Schedule
from ...schedules._span import Span
from .._arguments import countable, given_steps
from .._terms import between


def positive(owner: str, name: str, steps: Number) -> Any:
    """A duration above 0, an int if it is whole."""
    _checks.number(owner, name, steps, above=0, remedy="count optimizer steps")
    return given_steps(owner, name, steps)


def stair_or_slope(owner: str, steps: Number, staircase: bool) -> Any:
    """`decay_steps`, which only a slope can have of any length."""
    steps = positive(owner, "decay_steps", steps)
    if staircase and not countable(steps):
        rule, remedy = "a whole number below 2**31 in a staircase", "round it"
        _checks.fail(owner, "decay_steps", rule, steps, remedy)
    return steps


def span(shape: Any, init_value: Number, end_value: Number, begin: float, end: float) -> Schedule:
    """A shape between two values of any sign and two moments."""
    return between(lambda a, b: Span(shape(a, b, 1), begin, end), init_value, end_value)
