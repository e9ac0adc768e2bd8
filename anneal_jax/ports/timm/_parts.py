"""What the schedulers of timm share: the warmup before, and the noise on top.

timm draws its noise from a torch generator seeded with `noise_seed + t`. It is drawn again
here, bit for bit and without torch: both know the same Mersenne twister.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._algebra import Product
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from .. import _arguments, _terms

MOST = 2**20  # entries of a table, or phases
NoiseRange = RealScalarLike | Sequence[RealScalarLike] | None  # in which times there is noise


def duration(owner: str, name: str, value: Any, *, positive: bool = True) -> float:
    """A time that timm takes as it comes, whole or not; known now."""
    bounds: dict[str, Any] = {"above": 0} if positive else {"least": 0}
    return _arguments.known(owner, name, value, **bounds, most=MAX_STEP)


class Warmup(NamedTuple):
    """A line from `init_value` in `time` steps, before a schedule or over its beginning."""

    time: float
    init_value: Any
    prefix: bool

    @classmethod
    def of(cls, owner: str, time: Any, init_value: RealScalarLike, prefix: bool) -> "Warmup":
        """The warmup that timm's three arguments describe."""
        first = _arguments.number(owner, "warmup_lr_init", init_value, least=0)
        _checks.flag(owner, "warmup_prefix", prefix)
        return cls(duration(owner, "warmup_t", time, positive=False), first, prefix)

    @property
    def origin(self) -> float:
        """When the schedule's time is 0, counted in steps from the first it is called with."""
        return self.time - math.ceil(self.time) if self.prefix else 0.0

    def elapsed(self, step: int) -> float:
        """What timm computes as the time of the schedule at one of its steps."""
        return (step + math.ceil(self.time)) - self.time if self.prefix else step

    def before(self, schedule: Schedule, peak: RealScalarLike) -> Schedule:
        """The warmup to `peak`, then the schedule."""
        if not self.time:
            return schedule
        end = math.ceil(self.time)
        ramp = _terms.transition(Linear, self.init_value, peak, _checks.whole(self.time))
        return join([ramp, schedule if self.prefix else schedule.shift(-end)], [end])


class Noise(NamedTuple):
    """timm's noise arguments, and the steps there are."""

    range_t: Any
    pct: RealScalarLike
    std: RealScalarLike
    seed: IntScalarLike | None
    total: IntScalarLike | None

    def over(self, owner: str, schedule: Schedule, length: float | None = None) -> Schedule:
        """The schedule times one plus the noise of each step.

        Args:
          owner: whose arguments these are.
          schedule: what the noise is on.
          length: when it ends, if timm says so.
        """
        total = self.total
        if total is not None:
            total = _arguments.steps(owner, "total_steps", total)
        if self.range_t is None:
            return schedule
        pct, std, seed = self._known(owner)
        begin, end = self._range(owner, total, length)
        if end <= begin:
            return schedule

        def draw(step: int) -> float:
            return next(n for x in randn(seed + step) if abs(n := x * std) < pct)

        factors = [1.0 + draw(t) for t in range(begin, end)]
        return Product(schedule, _terms.table([1.0] * begin + factors + [1.0]))

    def _known(self, owner: str) -> tuple[float, float, int]:
        """The bound of a draw, its deviation, and the seed."""
        remedy = "timm would draw for ever"
        pct = _arguments.known(owner, "noise_pct", self.pct, above=0, remedy=remedy)
        std = _arguments.known(owner, "noise_std", self.std, least=0)
        if std > 1e4 * pct:
            rule = "at least noise_std / 10000"
            _checks.fail(owner, "noise_pct", rule, pct, "hardly any draw is that small")
        seed = 42 if self.seed is None else _checks.whole(self.seed)
        if not isinstance(seed, int) or not -(2**63) <= seed < 2**63:
            rule = "a whole number of 64 bits"
            _checks.fail(owner, "noise_seed", rule, seed, "torch takes no other")
        return pct, std, seed

    def _range(self, owner: str, total: int | None, length: float | None) -> tuple[int, int]:
        """The first step with noise, and the first after it."""
        pair = isinstance(self.range_t, list | tuple)
        times = list(self.range_t) if pair else [self.range_t]
        if len(times) != 1 + pair:
            rule = "one number, or the first time and the one after the last"
            _checks.fail(owner, "noise_range_t", rule, self.range_t, "pass one or two")
        times = [_arguments.known(owner, "noise_range_t", time) for time in times]
        ends = [times[1]] if pair else []
        ends += [total] if total is not None else []
        rule, remedy = "given for noise without an end", "say how long you train, or end the range"
        ends = ends or [_arguments.required(owner, "total_steps", length, remedy, rule)]
        begin, end = max(math.ceil(times[0]), 0), math.ceil(min(ends))
        if end > MOST:
            remedy = "for longer ones use schedule.noise(key), which needs no table"
            _checks.fail(owner, "noise_range_t", f"over by step {MOST}", self.range_t, remedy)
        return begin, end


def randn(seed: int) -> Iterator[float]:
    """What `torch.randn(1, generator=torch.Generator().manual_seed(seed)).item()` gives in turn."""
    words = np.random.RandomState(seed % 2**32)  # torch cuts the seed likewise
    while True:
        a, b, c, d = words.randint(0, 2**32, size=4, dtype=np.uint32).tolist()
        angle, u = (((hi << 32 | lo) % 2**53) * 2.0**-53 for hi, lo in ((a, b), (c, d)))
        radius = math.sqrt(-2 * math.log1p(-u))
        for wave in (math.cos, math.sin):  # the second is kept for the next call
            yield float(np.float32(radius * wave(2 * math.pi * angle)))
