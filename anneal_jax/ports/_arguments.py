"""Arguments of other frameworks: checked, and in the one form that core schedules take.

A port passes each of its arguments through one of these functions and goes on with what that
returns: a float for a known number, an int for known whole steps and for a known duration that
is whole. Traced ones pass as they are, except where a schedule's structure depends on them.
"""

import math
from typing import Any, NoReturn

from .. import _checks
from .._numerics import MAX_STEP
from .._types import RealScalarLike


def number(owner: str, name: str, x: RealScalarLike | None, **bounds: Any) -> Any:
    """A finite number inside the bounds of `_checks.number`; a float if it is known.

    What is too small for the computing precision is 0, which ports know what to do with.
    """
    _checks.number(owner, name, x, **bounds)
    if x is None or not _checks.known(x):
        return x
    return float(x) if _checks.as_computed(float(x)) else 0.0


def numbers(owner: str, bounds: dict[str, Any] | None = None, /, **values: RealScalarLike) -> Any:
    """As `number`, for several with the same bounds; from 0 up if there are none."""
    bounds = {"least": 0} if bounds is None else bounds
    return tuple(number(owner, name, x, **bounds) for name, x in values.items())


def known(owner: str, name: str, x: Any, instead: str = "pass a number", **bounds: Any) -> float:
    """As `number`, for one that has to be known when the schedule is built."""
    x = number(owner, name, x, **bounds)
    if not _checks.known(x):
        _checks.fail(owner, name, "known when the schedule is built", x, instead)
    return x


def steps(owner: str, name: str, x: Any, *, least: int = 0, remedy: str = "") -> Any:
    """Whole steps, or another count; an int if they are known."""
    x = _checks.whole(x)
    _checks.steps(owner, name, x, least=least, remedy=remedy)
    return int(x) if _checks.known(x) else x


def duration(owner: str, name: str, x: RealScalarLike, **bounds: Any) -> Any:
    """A number of steps that need not be whole; an int if it is."""
    return _checks.whole(number(owner, name, x, **bounds))


def stairs(owner: str, name: str, x: RealScalarLike, staircase: bool, **bounds: Any) -> Any:
    """A duration of which only a slope may have a length that the core cannot count."""
    x = duration(owner, name, x, **bounds)
    if staircase and not countable(x):
        rule, remedy = "a whole number below 2**31 in a staircase", "round it"
        _checks.fail(owner, name, rule, x, remedy)
    return x


def countable(steps: RealScalarLike) -> bool:
    """Whether the core's whole steps hold a duration (a tracer is one)."""
    return not _checks.known(steps) or (isinstance(steps, int) and steps <= MAX_STEP)


def power(base: RealScalarLike, exponent: int) -> Any:
    """A number to a power from 0 up: infinity where Python raises an error of its own."""
    try:
        return base**exponent
    except OverflowError:
        return math.inf


def is_zero(x: RealScalarLike) -> bool:
    """Whether a number is known, and 0."""
    return bool(_checks.known(x) and x == 0)


def required(owner: str, name: str, x: Any, remedy: str, rule: str = "given") -> Any:
    """What may be left out only in other cases than this one."""
    if x is None:
        _checks.fail(owner, name, rule, None, remedy)
    return x


def reject(owner: str, reason: str) -> NoReturn:
    """Raise what the framework rejects too, in its own reason."""
    raise ValueError(f"{owner}: {reason}")
