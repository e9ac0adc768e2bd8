"""Functions of a position from 0 to 1, as schedules over a number of steps."""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import _checks
from ..._numerics import round_half_up
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._exponentials import Exponential
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .. import _arguments, _terms


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

    def __call__(self, total_steps: IntScalarLike, *, exact: bool = True) -> Schedule:
        """The schedule whose position at step `t` is `t / total_steps`.

        Args:
          total_steps: number of steps from position 0 to 1, at least 1.
          exact: whether position 1 is at step `total_steps`. False: at the last, `total_steps - 1`.
        """
        total = _arguments.steps("Sched", "total_steps", total_steps, least=1)
        if exact:
            return self.over(_Clock(0.0, float(total), lambda t: t / total))
        return self.over(_Clock(0, max(total - 1, 1)))


def SchedLin(start: RealScalarLike, end: RealScalarLike) -> Sched:
    """A straight line.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedLin(0.0, 1.0)(total_steps=4)([0, 1, 2, 3, 4]))
        [0.   0.25 0.5  0.75 1.  ]
    """
    return _shape("SchedLin", Linear, start, end)


def SchedCos(start: RealScalarLike, end: RealScalarLike) -> Sched:
    """Half a cosine wave.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedCos(1.0, 0.0)(total_steps=2)([0, 1, 2]).round(3))
        [1.  0.5 0. ]
    """
    return _shape("SchedCos", Cosine, start, end)


def SchedNo(start: RealScalarLike, end: RealScalarLike) -> Sched:
    """The value `start`, always; `end` does not count.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedNo(0.5, 0.1)(total_steps=4)([0, 4]))
        [0.5 0.5]
    """
    value, _ = _arguments.numbers("SchedNo", {}, start=start, end=end)
    return Sched(lambda clock: Constant(value))


def SchedExp(start: RealScalarLike, end: RealScalarLike) -> Sched:
    """A constant factor per step; both ends above 0 (fastai's takes two negative ones too).

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedExp(1.0, 0.01)(total_steps=2)([0, 1, 2]))
        [1.   0.1  0.01]
    """
    remedy = "a ratio of the two is raised to powers; start and end at small positive values"
    _arguments.numbers("SchedExp", {"above": 0, "remedy": remedy}, start=start, end=end)
    return _shape("SchedExp", Exponential, start, end)


def SchedPoly(start: RealScalarLike, end: RealScalarLike, power: RealScalarLike) -> Sched:
    """`start + (end - start) * position ** power`; `power` above 0.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.SchedPoly(0.0, 1.0, power=2)(total_steps=4)([0, 2, 4]))
        [0.   0.25 1.  ]
    """
    power = _arguments.number("SchedPoly", "power", power, above=0, remedy="0 ** power must be 0")
    return _shape("SchedPoly", Linear, start, end, power)


def combine_scheds(pcts: Sequence[float], scheds: Sequence[Sched]) -> Sched:
    """Each of `scheds` for its share of the positions.

    fastai computes joints and positions in float32, which our values do not: they differ by up
    to `1e-7 / pct` of the range of a part with the share `pct`.

    Args:
      pcts: shares of the positions, not negative, their `sum` 1.0 to the last digit, as fastai
        asserts.
      scheds: a Sched for each share, combined ones too.

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


def combined_cos(
    pct: RealScalarLike, start: RealScalarLike, middle: RealScalarLike, end: RealScalarLike
) -> Sched:
    """Half a cosine wave from `start` to `middle` for the share `pct`, another to `end`.

    Args:
      pct: share of the first half, from 0 to 1.
      start: value at position 0.
      middle: value at position `pct`.
      end: value at position 1.

    Raises:
      ValueError: if `pct` is no share.

    Example:
        >>> from anneal_jax.ports import fastai
        >>> print(fastai.combined_cos(0.5, 0.0, 1.0, 0.5)(total_steps=4)([0, 1, 2, 4]).round(3))
        [0.  0.5 1.  0.5]
    """
    remedy = "it is a share of 1"
    share = _arguments.known("combined_cos", "pct", pct, least=0, most=1, remedy=remedy)
    return combined([share, 1 - share], [SchedCos(start, middle), SchedCos(middle, end)])


def _shape(
    owner: str,
    shape: type[Segment],
    start: RealScalarLike,
    end: RealScalarLike,
    power: RealScalarLike | None = None,
) -> Sched:
    """A segment over a clock, between values of either sign."""
    ends = _arguments.numbers(owner, {}, start=start, end=end)

    def over(clock: _Clock) -> Schedule:
        def build(a: Any, b: Any) -> Schedule:
            return Span(shape(a, b, 1), clock.begin, clock.end, power=power)

        return _terms.between(build, *ends)

    return Sched(over)


def shares(
    owner: str, pcts: Sequence[float], scheds: Sequence[Sched]
) -> tuple[list[float], list[Sched]]:
    """The shares and their scheds, checked: as many of each, and a sum of 1.0 as fastai has it."""
    pcts = _checks.items(owner, "pcts", pcts, "numbers")
    scheds = _checks.items(owner, "scheds", scheds, "Scheds")
    pcts = [_arguments.known(owner, "pcts", pct, least=0) for pct in pcts]
    if sum(pcts) != 1.0:
        rule = f"shares whose sum is 1.0 to the last digit, not {sum(pcts)!r}"
        _checks.fail(owner, "pcts", rule, pcts, "fastai asserts it: correct the last one")
    if len(pcts) != len(scheds) or not all(isinstance(sched, Sched) for sched in scheds):
        _checks.fail(owner, "scheds", f"one Sched for each of {pcts}", scheds, "pair them up")
    return pcts, scheds


def combined(pcts: list[float], scheds: list[Sched], restarts: bool = False) -> Sched:
    """Scheds one after another, each for its share of the run."""

    def over(clock: _Clock) -> Schedule:
        phases = clock.phases(pcts)
        parts = [scheds[index].over(part) for index, _, part in phases]
        return _terms.cycles(parts, [first for _, first, _ in phases], restarts)

    return Sched(over)
