"""How long each of many cycles is: equal, listed, growing or shrinking; and where each begins."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._numerics import MAX_STEP, Number, as_float, as_int, on_host, round_half_up
from ._time_scale import TimeScale

MOST_CYCLES = 2**20  # that are laid out one by one
LONGEST = MAX_STEP << 30  # what a length without a counted end is cut to


def are_equal(factor: Number, cycles: Number | None) -> bool:
    """Whether all cycles are as long as the first, by definition.

    With a number of cycles, a factor that is a float gets the general program, even if it is 1.0.
    """
    return (
        isinstance(factor, int | float) and factor == 1 and (isinstance(factor, int) or not cycles)
    )


def listed(periods: Sequence[Number]) -> Any:
    """The lengths given one by one, checked; int[cycles], filled up where they are known."""
    if not periods:
        _checks.fail("repeat", "periods", "at least one length", periods, "list the cycles' steps")
    known, last = on_host(*periods), periods[-1]
    endless = known and isinstance(last, int) and last > MAX_STEP
    for n in periods[:-1] if endless else periods:
        _checks.steps("repeat", "periods", n, least=1)
    if not known:
        return jnp.stack([as_int(n) for n in periods])
    _checks.steps("repeat", "the sum of all periods but the last", sum(periods[:-1]))
    return _padded(np.array([*periods[:-1], min(last, LONGEST)], np.int64))


def geometric(length: Number, factor: Number, cycles: Number | None) -> Any:
    """Lengths of `round(length * factor**i)` steps, or None where all are alike.

    In whole steps if they are known now (int[cycles], filled up); else floats.
    """
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
        return as_float(length) * powers
    with np.errstate(over="ignore"):
        real = np.minimum(length * float(factor) ** np.arange(count), float(LONGEST))
    lengths = np.maximum(np.floor(real + 0.5), 1).astype(np.int64)
    if not on_host(cycles) and cycles is not None:  # who knows how many of them it will be
        return _padded(np.minimum(lengths, MAX_STEP))
    ends = np.cumsum(np.minimum(lengths, MAX_STEP + 1))
    if isinstance(cycles, int) and (count < cycles or ends[-1] > MAX_STEP):
        rule = f"at most {np.sum(ends <= MAX_STEP)}, so as to end before step 2**31"
        _checks.fail("repeat", "cycles", rule, cycles, "lower cycles or steps_factor")
    return _padded(lengths)


def _padded(lengths: np.ndarray) -> np.ndarray:
    """Lengths of cycles up to step 2**31 - 1, with zeros up to one of few sizes of program."""
    reached = np.minimum(lengths, MAX_STEP)
    lengths = lengths[np.cumsum(reached) - reached < MAX_STEP]
    size = max(64, 1 << (len(lengths) - 1).bit_length())
    return np.pad(lengths, (0, size - len(lengths)))


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


class Lengths(NamedTuple):
    """Lengths of cycles, each as `counts` of `2**shifts` steps."""

    counts: Any  # int[..., cycles]; 0 fills up
    shifts: Any  # int[..., cycles], or None: all 0

    @classmethod
    def of(cls, lengths: Any, endless: bool, more: Any = 0) -> "Lengths":
        """From whole steps, or from floats if traced; those of endless cycles so that all fit.

        `more` is how often to halve them beyond that.
        """
        if isinstance(lengths, Lengths):
            return lengths
        if on_host(lengths):
            if not endless:
                return cls(lengths, None)
            shifts = shifts_for(lengths) + more
            return cls(-(-lengths >> shifts), shifts)
        if jnp.issubdtype(lengths.dtype, jnp.integer):
            return cls(lengths, jnp.zeros_like(lengths) if endless else None)
        lengths, shifts = jnp.minimum(lengths, float(LONGEST)), None
        if endless:
            shifts = jnp.maximum(jnp.frexp(lengths)[1] - 31, 0)
            lengths, shifts = jnp.ldexp(lengths, -shifts), as_int(shifts)
        return cls(jnp.maximum(round_half_up(lengths), 1), shifts)


def shifts_for(steps: np.ndarray) -> np.ndarray:
    """How often to halve each number, rounding up, until it is at most 2**31 - 1."""
    shifts = np.maximum(np.frexp(np.asarray(steps, np.float64))[1].astype(np.int64) - 31, 0)
    return shifts + (steps > MAX_STEP << shifts)


def stretched_lengths(scale: TimeScale, lengths: Lengths, begins: Any) -> Any:
    """The lengths of cycles that begin at the steps `begins`, when their ends are moved."""
    (counts, shifts), scale, whole = lengths, scale.at(begins), scale.from_zero()
    if on_host(counts, 0 if shifts is None else shifts, *jax.tree.leaves(scale)):
        steps = counts if shifts is None else counts << shifts
        return np.minimum(scale(steps), LONGEST)
    reached = counts <= MAX_STEP - begins  # else its end is nowhere to be moved
    moved = scale(counts)
    if shifts is None:
        return jnp.where(reached, moved, whole(counts))
    exact = (reached & scale.fits(counts) & (shifts == 0)) | (counts == 0)
    counts, far = Lengths.of(jnp.ldexp(as_float(whole.real(counts)), as_int(shifts)), True)
    return Lengths(jnp.where(exact, moved, counts), jnp.where(exact, 0, far))


def starts_of(lengths: Any, endless: bool) -> Any:
    """Where each cycle begins and the last one ends: int[cycles + 1], at most 2**31 - 1.

    If endless, what fills up begins at step 2**31 - 1.
    """
    known = on_host(lengths)
    if known:
        xp, ends = np, np.minimum(np.cumsum(np.minimum(lengths, MAX_STEP), -1), MAX_STEP)
    else:
        lengths, shifts = Lengths.of(lengths, endless)
        long = jnp.zeros_like(lengths, bool) if shifts is None else shifts > 0
        sizes = jnp.where(long, MAX_STEP, lengths)
        reached = jnp.cumsum(as_float(sizes), -1) < MAX_STEP  # where the integer sum does not wrap
        xp, ends = jnp, jnp.where(reached, jnp.cumsum(as_int(sizes), -1), MAX_STEP)
    if endless:
        later = xp.cumsum(lengths[..., ::-1] > 0, -1)[..., -2::-1]  # cycles after each but the last
        ends = xp.concatenate([xp.where(later > 0, ends[..., :-1], MAX_STEP), ends[..., -1:]], -1)
    return xp.concatenate([xp.zeros_like(ends[..., :1]), ends], -1)
