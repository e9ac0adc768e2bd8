"""Durations of trainers: known when the schedule is built, or given as fractions."""

import math
from typing import Any

from ... import _checks
from .. import _arguments


def part(steps: int, fraction: float, exact: bool) -> int:
    """A fraction of the steps, cut as trainers cut it: `100 * 0.29` is 28. Meant is 29."""
    return math.floor(steps * fraction * (1.0 if exact else 1 + 1e-12))


def known_steps(owner: str, name: str, x: Any, **rules: Any) -> int:
    """Whole steps on which the structure of a schedule depends."""
    x = _arguments.steps(owner, name, x, **rules)
    if not _checks.known(x):
        _checks.fail(owner, name, "known when the schedule is built", x, "pass a number")
    return x
