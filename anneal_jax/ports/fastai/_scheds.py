"""Functions of a position from 0 to 1, as schedules over a number of steps."""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import _checks
from ..._numerics import Number, is_concrete, round_half_up
from ...schedules._algebra import Sum
from ...schedules._constant import Constant
from ...schedules._exponentials import Exponential
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .._common import cycles


class _Clock(NamedTuple):
    """Where positions 0 and 1 are, in steps; and the position of a step as fastai computes it."""

    begin: float
    end: float
    position: Callable[[int], float] | None = None  # None: not exact

    def phases(self, pcts: Sequence[float]) -> list[tuple[int, int, "_Clock"]]:
        """(index, first step, clock) of each part that is not empty."""
        # torch sums float32 in double on a CPU and rounds each sum
        ends = np.cumsum(np.asarray([0.0, *pcts], np.float32).astype(np.float64))
        knots = ends.astype(np.float32) if self.position else np.cumsum([0.0, *pcts])
        found = []
        for index, (low, high) in enumerate(itertools.pairwise(knots)):
            clock = self._part(low, high)
            if clock.begin < clock.end:
                first = self._first(low, self.position) if self.position else int(clock.begin)
                found.append((index, max(first, 0) if found else 0, clock))
        return found

    def _part(self, low: Any, high: Any) -> "_Clock":
        length = self.end - self.begin
        begin, end = (self.begin + float(knot) * length for knot in (low, high))
        if self.position is None:
            return _Clock(round_half_up(begin), round_half_up(end))
        position = self.position
        return _Clock(begin, end, lambda t: (np.float32(position(t)) - low) / (high - low))

    def _first(self, knot: Any, position: Callable[[int], float]) -> int:
        """The first step at or after a knot, in the comparison of fastai, which is float32."""
        steps = range(math.ceil(self.end) + 2)
        return bisect.bisect_left(steps, knot, key=lambda t: np.float32(position(t)))


@dataclasses.dataclass(frozen=True)
class Sched:
    """A way from position 0 to position 1; call it with a number of steps for a `Schedule`."""

    over: Callable[[_Clock], Schedule]

    def __call__(self, total_steps: int, *, exact: bool = True) -> Schedule:
        """The schedule whose position at step `t` is `t / total_steps`.

        Args:
          total_steps: at least 1.
          exact: False: position 1 at the last step, `total_steps - 1`.
        """
        _checks.steps("Sched", "total_steps", total_steps, least=1)
        if exact:
            return self.over(_Clock(0.0, float(total_steps), lambda t: t / total_steps))
        return self.over(_Clock(0, max(total_steps - 1, 1)))


def SchedLin(start: Number, end: Number) -> Sched:
    """A straight line.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedLin(0.0, 1.0)(total_steps=4)([0, 1, 2, 3, 4]))
        [0.   0.25 0.5  0.75 1.  ]
    """
    return _shape("SchedLin", Linear, start, end)


def SchedCos(start: Number, end: Number) -> Sched:
    """Half a cosine wave.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedCos(1.0, 0.0)(total_steps=2)([0, 1, 2]).round(3))
        [1.  0.5 0. ]
    """
    return _shape("SchedCos", Cosine, start, end)


def SchedNo(start: Number, end: Number) -> Sched:
    """The value `start`, always; `end` does not count.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedNo(0.5, 0.1)(total_steps=4)([0, 4]))
        [0.5 0.5]
    """
    _checks.number("SchedNo", "start", start)
    _checks.number("SchedNo", "end", end)
    return Sched(lambda clock: Constant(start))


def SchedExp(start: Number, end: Number) -> Sched:
    """A constant factor per step; both ends above 0 (fastai's takes two negative ones too).

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedExp(1.0, 0.01)(total_steps=2)([0, 1, 2]))
        [1.   0.1  0.01]
    """
    remedy = "a ratio of the two is raised to powers; start and end at small positive values"
    _checks.number("SchedExp", "start", start, above=0, remedy=remedy)
    _checks.number("SchedExp", "end", end, above=0, remedy=remedy)
    return _shape("SchedExp", Exponential, start, end)


def SchedPoly(start: Number, end: Number, power: Number) -> Sched:
    """`start + (end - start) * position ** power`; `power` above 0.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedPoly(0.0, 1.0, power=2)(total_steps=4)([0, 2, 4]))
        [0.   0.25 1.  ]
    """
    _checks.number("SchedPoly", "power", power, above=0, remedy="0 ** power must be 0")
    return _shape("SchedPoly", Linear, start, end, float(power) if is_concrete(power) else power)


def combine_scheds(pcts: Sequence[float], scheds: Sequence[Sched]) -> Sched:
    """Each of `scheds` for its share of the positions.

    fastai computes joints and positions in float32, which our values do not: they differ by up
    to `1e-7 / pct` of the range of a part with the share `pct`.

    Args:
      pcts: shares, not negative, whose `sum` is 1.0 to the last digit, as fastai asserts.
      scheds: one for each, combined ones too.

    Raises:
      ValueError: if the shares do not fit.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> parts = [fastai.SchedLin(0.0, 1.0), fastai.SchedCos(1.0, 0.0)]
        >>> print(fastai.combine_scheds([0.5, 0.5], parts)(total_steps=4)([0, 1, 2, 3, 4]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    pcts, scheds = shares("combine_scheds", pcts, scheds)
    return combined(pcts, scheds)


def combined_cos(pct: float, start: Number, middle: Number, end: Number) -> Sched:
    """Half a cosine wave from `start` to `middle` for the share `pct`, another to `end`.

    Args:
      pct: from 0 to 1.
      start: value at position 0.
      middle: value at `pct`.
      end: value at 1.

    Raises:
      ValueError: if `pct` is no share.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.combined_cos(0.5, 0.0, 1.0, 0.5)(total_steps=4)([0, 1, 2, 4]).round(3))
        [0.  0.5 1.  0.5]
    """
    _checks.number("combined_cos", "pct", pct, least=0, most=1, remedy="it is a share of 1")
    return combined([pct, 1 - pct], [SchedCos(start, middle), SchedCos(middle, end)])


def _shape(
    owner: str, shape: type[Segment], start: Number, end: Number, power: Number | None = None
) -> Sched:
    """A segment over a clock; lifted by a constant where one of its ends is below 0."""
    _checks.number(owner, "start", start)
    _checks.number(owner, "end", end)
    low = min(float(start), float(end), 0.0) if is_concrete(start, end) else 0.0

    def over(clock: _Clock) -> Schedule:
        span = Span(shape(start - low, end - low, 1), clock.begin, clock.end, power)
        return span if low == 0 else Sum(Constant(low), span)

    return Sched(over)


def shares(
    owner: str, pcts: Sequence[float], scheds: Sequence[Sched]
) -> tuple[list[float], list[Sched]]:
    pcts = _checks.items(owner, "pcts", pcts, "numbers")
    scheds = _checks.items(owner, "scheds", scheds, "Scheds")
    for pct in pcts:
        _checks.number(owner, "pcts", pct, least=0)
    if sum(pcts) != 1.0:
        rule = f"shares whose sum is 1.0 to the last digit, not {sum(pcts)!r}"
        _checks.fail(owner, "pcts", rule, pcts, "fastai asserts it: correct the last one")
    if len(pcts) != len(scheds) or not all(isinstance(sched, Sched) for sched in scheds):
        _checks.fail(owner, "scheds", f"one Sched for each of {pcts}", scheds, "pair them up")
    return pcts, scheds


def combined(pcts: list[float], scheds: list[Sched], restarts: bool = False) -> Sched:
    def over(clock: _Clock) -> Schedule:
        phases = clock.phases(pcts)
        parts = [scheds[index].over(part) for index, _, part in phases]
        return cycles(parts, [first for _, first, _ in phases], restarts)

    return Sched(over)
