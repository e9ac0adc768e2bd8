"""Durations given as fractions."""

import math


def part(steps: int, fraction: float, exact: bool) -> int:
    """A fraction of the steps, cut as trainers cut it: `100 * 0.29` is 28. Meant is 29."""
    return math.floor(steps * fraction + (0.0 if exact else 1e-9 * steps))
