"""What the schedulers of timm share: the warmup before, and the noise on top.

timm draws its noise from a torch generator seeded with `noise_seed + t`. It is drawn again
here, bit for bit and without torch: both know the same Mersenne twister.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ... import _checks
from ..._numerics import MAX_STEP, Number
from ...schedules._algebra import Product
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from ...schedules._span import Span
from .. import _terms

MOST = 2**20  # entries of a table, or phases


def duration(owner: str, name: str, value: Any, *, positive: bool = True) -> float:
    """A time that timm takes as it comes, whole or not; known now."""
    bounds: dict[str, Any] = {"above": 0} if positive else {"least": 0}
    _checks.number(owner, name, value, **bounds, most=MAX_STEP)
    if not _checks.known(value):
        _checks.fail(owner, name, "known when the schedule is built", value, "pass a number")
    return float(value)


class Warmup(NamedTuple):
    """A line from `init_value` in `time` steps, before a schedule or over its beginning."""

    time: float
    init_value: Number
    prefix: bool

    @classmethod
    def of(cls, owner: str, time: Any, init_value: Number, prefix: bool) -> "Warmup":
        """The warmup that timm's three arguments describe."""
        _checks.number(owner, "warmup_lr_init", init_value, least=0)
        _checks.flag(owner, "warmup_prefix", prefix)
        return cls(duration(owner, "warmup_t", time, positive=False), init_value, prefix)

    @property
    def origin(self) -> float:
        """When the schedule's time is 0, counted in steps from the first it is called with."""
        return self.time - math.ceil(self.time) if self.prefix else 0.0

    def elapsed(self, step: int) -> float:
        """What timm computes as the time of the schedule at one of its steps."""
        return (step + math.ceil(self.time)) - self.time if self.prefix else step

    def before(self, schedule: Schedule, peak: Number) -> Schedule:
        """The warmup to `peak`, then the schedule."""
        if not self.time:
            return schedule
        end = math.ceil(self.time)
        if end == self.time:
            ramp = Linear(self.init_value, peak, end)
        else:
            ramp = Span(Linear(self.init_value, peak, 1), 0, self.time)
        return join([ramp, schedule if self.prefix else schedule.shift(-end)], [end])


class Noise(NamedTuple):
    """timm's noise arguments, and the steps there are."""

    range_t: Any
    pct: float
    std: float
    seed: int | None
    total: int | None

    def over(self, owner: str, schedule: Schedule, length: float | None = None) -> Schedule:
        """The schedule times one plus the noise of each step.

        Args:
          owner: whose arguments these are.
          schedule: what the noise is on.
          length: when it ends, if timm says so.
        """
        if self.total is not None:
            _checks.steps(owner, "total_steps", self.total)
        if self.range_t is None:
            return schedule
        self._check(owner)
        begin, end = self._range(owner, length)
        if end <= begin:
            return schedule
        factors = [1.0 + self._draw(t) for t in range(begin, end)]
        return Product(schedule, _terms.table([1.0] * begin + factors + [1.0]))

    def _check(self, owner: str) -> None:
        remedy = "timm would draw for ever"
        _checks.number(owner, "noise_pct", self.pct, above=0, remedy=remedy)
        _checks.number(owner, "noise_std", self.std, least=0)
        if self.std > 1e4 * self.pct:
            rule = "at least noise_std / 10000"
            _checks.fail(owner, "noise_pct", rule, self.pct, "hardly any draw is that small")
        seed = _checks.whole(self.seed)
        if seed is not None and (not isinstance(seed, int) or not -(2**63) <= seed < 2**63):
            rule = "a whole number of 64 bits"
            _checks.fail(owner, "noise_seed", rule, seed, "torch takes no other")

    def _range(self, owner: str, length: float | None) -> tuple[int, int]:
        """The first step with noise, and the first after it."""
        pair = isinstance(self.range_t, list | tuple)
        times = list(self.range_t) if pair else [self.range_t]
        if len(times) != 1 + pair:
            rule = "one number, or the first time and the one after the last"
            _checks.fail(owner, "noise_range_t", rule, self.range_t, "pass one or two")
        for time in times:
            _checks.number(owner, "noise_range_t", time)
        ends = [times[1]] if pair else []
        ends += [self.total] if self.total is not None else []
        ends = ends or [length]
        if ends[0] is None:
            remedy = "say how long you train, or end the range"
            _checks.fail(owner, "total_steps", "given for noise without an end", None, remedy)
        begin, end = max(math.ceil(times[0]), 0), math.ceil(min(ends))
        if end > MOST:
            remedy = "for longer ones use schedule.noise(key), which needs no table"
            _checks.fail(owner, "noise_range_t", f"over by step {MOST}", self.range_t, remedy)
        return begin, end

    def _draw(self, step: int) -> float:
        seed = 42 if self.seed is None else int(self.seed)
        return next(n for x in randn(seed + step) if abs(n := x * self.std) < self.pct)


def randn(seed: int) -> Iterator[float]:
    """What `torch.randn(1, generator=torch.Generator().manual_seed(seed)).item()` gives in turn."""
    words = np.random.RandomState(seed % 2**32)  # torch cuts the seed likewise
    while True:
        a, b, c, d = words.randint(0, 2**32, size=4, dtype=np.uint32).tolist()
        angle, u = (((hi << 32 | lo) % 2**53) * 2.0**-53 for hi, lo in ((a, b), (c, d)))
        radius = math.sqrt(-2 * math.log1p(-u))
        for wave in (math.cos, math.sin):  # the second is kept for the next call
            yield float(np.float32(radius * wave(2 * math.pi * angle)))
