"""How long each of many cycles is: equal, listed, growing or shrinking; and where each begins."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._numerics import MAX_STEP, Number, as_float, as_int, on_host, round_half_up

MOST_CYCLES = 2**20  # that are laid out one by one


def are_equal(factor: Number, cycles: Number | None) -> bool:
    """Whether all cycles are as long as the first, by definition.

    With a number of cycles, a factor that is a float gets the general program, even if it is 1.0.
    """
    return (
        isinstance(factor, int | float) and factor == 1 and (isinstance(factor, int) or not cycles)
    )


def listed(periods: Sequence[Number]) -> Any:
    """The lengths given one by one, checked; int[cycles], filled up where they are known."""
    for n in periods:
        _checks.steps("repeat", "periods", n, least=1)
    if not periods:
        _checks.fail("repeat", "periods", "at least one length", periods, "list the cycles' steps")
    if not on_host(*periods):
        return jnp.stack([as_int(n) for n in periods])
    _checks.steps("repeat", "the sum of all periods but the last", sum(periods[:-1]))
    lengths = np.array(periods, np.int64)
    return _padded(lengths)


def geometric(length: Number, factor: Number, cycles: Number | None) -> Any:
    """Lengths of `round(length * factor**i)` steps, or None where all are alike."""
    _checks.number("repeat", "steps_factor", factor, above=0)
    if are_equal(factor, cycles):
        return None
    count = cycles if isinstance(cycles, int) else _cycles_within_reach(length, factor)
    if on_host(length, factor) and factor > 1:
        count = min(count, _reach(length, factor))
    if count > MOST_CYCLES:
        rule = f"at most 2**20 = {MOST_CYCLES} where the cycles differ in length"
        remedy = "use the int 1 for steps_factor if they do not"
        _checks.fail("repeat", "cycles", rule, cycles, remedy)
    if not on_host(length, factor):
        powers = as_float(factor) ** jnp.arange(count, dtype=as_float(0).dtype)
        return jnp.maximum(round_half_up(as_float(length) * powers), 1)
    with np.errstate(over="ignore"):
        lengths = np.maximum(round_half_up(length * float(factor) ** np.arange(count)), 1)
    if isinstance(cycles, int) and (count < cycles or lengths.sum() > MAX_STEP):
        rule = f"at most {np.sum(np.cumsum(lengths) <= MAX_STEP)}, so as to end before step 2**31"
        _checks.fail("repeat", "cycles", rule, cycles, "lower cycles or steps_factor")
    return _padded(lengths)


def _padded(lengths: np.ndarray) -> np.ndarray:
    """Lengths of cycles up to step 2**31 - 1, filled up so that few sizes of program occur."""
    begins = np.cumsum(lengths) - lengths
    lengths = lengths[begins < MAX_STEP]
    size = max(64, 1 << (len(lengths) - 1).bit_length())
    return np.pad(lengths, (0, size - len(lengths)), constant_values=MAX_STEP)


def _cycles_within_reach(length: Number, factor: Number) -> int:
    """Enough growing cycles to pass step 2**31 (a traced length counts as 1)."""
    if not on_host(factor) or factor < 1:
        rule = "given where the cycles shrink or steps_factor is traced"
        _checks.fail("repeat", "cycles", rule, None, "say how many, as a Python int")
    count = _reach(length if on_host(length) else 1, factor)
    if count > MOST_CYCLES:
        remedy = "say how many cycles, or use 1"
        _checks.fail("repeat", "steps_factor", "1 or clearly above it", factor, remedy)
    return count


def _reach(length: int, factor: float) -> int:
    """At least how many cycles it takes to pass step 2**31, and a few more at most."""
    if factor == 1:
        return MAX_STEP // length + 2
    return int(np.log1p(min((factor - 1) * 2.0**31 / length, 1e300)) / np.log(factor)) + 2


def starts_of(lengths: Any) -> Any:
    """Where each cycle begins and the last one ends: int[cycles + 1], at most 2**31 - 1."""
    first = np.zeros((*lengths.shape[:-1], 1), np.int64)
    if on_host(lengths):
        return np.minimum(np.concatenate([first, np.cumsum(lengths, -1)], -1), MAX_STEP)
    reached = jnp.cumsum(as_float(lengths), -1) < MAX_STEP  # where the integer sum does not wrap
    ends = jnp.where(reached, jnp.cumsum(as_int(lengths), -1), MAX_STEP)
    return jnp.concatenate([as_int(first), ends], -1)
