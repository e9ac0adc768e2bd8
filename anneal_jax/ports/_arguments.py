"""Arguments of other frameworks, checked and in one form."""

from typing import Any

from .. import _checks
from .._numerics import MAX_STEP, Number


def given_number(owner: str, name: str, x: Number, **bounds: Any) -> Any:
    """A checked number, a float if it is known."""
    _checks.number(owner, name, x, **bounds)
    return float(x) if _checks.known(x) else x


def given_steps(owner: str, name: str, x: Number) -> Any:
    """A checked duration, which need not be whole; an int if it is."""
    return _checks.whole(given_number(owner, name, x)) if _checks.known(x) else x


def whole_steps(owner: str, name: str, x: Number) -> Any:
    """A checked number of whole steps."""
    x = given_steps(owner, name, x)
    _checks.steps(owner, name, x)
    return x


def countable(steps: Number) -> bool:
    """Whether the core's whole steps hold a duration (a tracer is one)."""
    return not _checks.known(steps) or (isinstance(steps, int) and steps <= MAX_STEP)
