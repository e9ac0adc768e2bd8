"""Composer's durations in optimizer steps."""

import math
import re
from typing import Any, NamedTuple

from ... import _checks
from ..._horizon import Horizon
from ..._types import RealScalarLike
from .. import _arguments

Duration = str | int
_TIME = re.compile(r"(.+)(iter|ep|ba|sp|tok|dur|sec)", flags=re.IGNORECASE)
_WALL_CLOCK = re.compile(r"(\d+h)?(\d+m)?(\d+s)?")
_WRITE = "write it like '10ep', '100ba', '1000sp', '5e4tok' or '0.1dur'"
_UNIT_OF = {"step": "ba", "batch": "ba", "epoch": "ep", "example": "sp", "token": "tok"}


class Time(NamedTuple):
    """A duration in batches, samples or tokens, of which a step takes `per_step`."""

    value: float
    unit: str
    per_step: int

    @property
    def steps(self) -> float:
        """The duration in steps, not rounded."""
        return self.value / self.per_step

    @property
    def first(self) -> int:
        """The first step at which this much time has passed."""
        return math.ceil(self.steps)


class Clock(NamedTuple):
    """What a scheduler of composer reads from the trainer, and how it turns durations into time."""

    owner: str
    horizon: Horizon
    ratio: float
    exact: bool

    @classmethod
    def of(cls, owner: str, horizon: Any, ratio: RealScalarLike, exact: bool) -> "Clock":
        """The clock of one scheduler, its arguments checked."""
        if not isinstance(horizon, Horizon):
            _checks.fail(owner, "horizon", "an anneal_jax.Horizon", horizon, "build one")
        ratio = _arguments.known(owner, "scale_schedule_ratio", ratio, above=0)
        return cls(owner, horizon, ratio, exact)

    def numbers(self, **values: RealScalarLike) -> Any:
        """Numbers that are not negative."""
        return _arguments.numbers(self.owner, **values)

    def time(
        self, name: str, duration: Duration, *, scaled: bool = True, positive: bool = False
    ) -> Time:
        """A duration as composer converts it: epochs and shares of the whole into batches."""
        amount, unit = _parsed(self.owner, name, duration)
        if unit == "dur":
            most, unit = self.maximum
            per_epoch, unit = (self.dataloader_len, "ba") if unit == "ep" else (1, unit)
            value = amount * per_epoch * most
        else:
            amount, unit = (amount * self.dataloader_len, "ba") if unit == "ep" else (amount, unit)
            value = amount * (self.ratio if scaled else 1.0)
        value = int(value) if self.exact else round(value, 6)  # of 0.07 * 100, the 7 is meant
        if positive and value == 0:
            remedy = "lengthen it" + (" (composer truncates it to 0)" if self.exact else "")
            _checks.fail(self.owner, name, f"longer than no {_NAMES[unit]}", duration, remedy)
        return Time(value, unit, self._per_step(unit))

    @property
    def maximum(self) -> tuple[int, str]:
        """Composer's max_duration."""
        total = self.horizon.total
        if isinstance(total, int):
            return total, "ba"
        amount, unit = self.horizon._parsed(total)
        amount = amount / self.horizon.accumulation_steps if unit == "batch" else amount
        if amount.denominator != 1:
            rule = "of a whole total, as composer's max_duration is"
            _checks.fail(self.owner, "horizon", rule, self.horizon, "correct its total")
        return int(amount), _UNIT_OF[unit]

    @property
    def total_steps(self) -> int:
        """The first step after the end of training."""
        value, unit = self.maximum
        if unit == "ep":
            return value * self.dataloader_len
        return Time(value, unit, self._per_step(unit)).first

    @property
    def dataloader_len(self) -> int:
        """Steps in an epoch."""
        steps = self.horizon.steps_per_epoch
        if steps.denominator != 1:
            rule = "of a whole number of steps per epoch, as composer's dataloader_len is"
            remedy = 'use remainder="drop" or "keep", and count batches of whole steps'
            _checks.fail(self.owner, "horizon", rule, self.horizon, remedy)
        return int(steps)

    def covers(self, time: Time) -> bool:
        """Whether training ends within `time`, or composer cannot tell."""
        most, unit = self.maximum
        if unit == "ep" and time.unit == "ba":
            most, unit = most * self.dataloader_len, "ba"
        return unit != time.unit or time.value >= most

    def _per_step(self, unit: str) -> int:
        if unit == "ba":
            return 1
        horizon = self.horizon
        size = horizon.examples_per_step
        uneven = horizon.remainder == "keep" and (horizon.examples_per_epoch or 0) % size
        if self.exact and uneven:
            rule = f"of equal batches to count in {_NAMES[unit]}s"
            remedy = "count in batches, or pass exact=False to take them for equal"
            _checks.fail(self.owner, "horizon", rule, horizon, remedy)
        return horizon.tokens(1) if unit == "tok" else size


_NAMES = {"ba": "batch", "sp": "sample", "tok": "token"}


def _parsed(owner: str, name: str, duration: Duration) -> tuple[float, str]:
    """The number and the unit of a time string."""
    if isinstance(duration, int) and not isinstance(duration, bool):
        return _arguments.steps(owner, name, duration), "ba"
    rule = "a time string of composer"
    match = _TIME.fullmatch(duration) if isinstance(duration, str) else None
    if match is None:
        if isinstance(duration, str) and _WALL_CLOCK.fullmatch(duration):
            rule = "no wall-clock time, which no scheduler of composer takes"
        _checks.fail(owner, name, rule, duration, _WRITE)
    number, unit = match[1], match[2].lower()
    if unit in ("sec", "iter"):
        reason = {"sec": "seconds", "iter": "iterations, whose length is the trainer's"}[unit]
        _checks.fail(owner, name, f"in another unit than {reason}", duration, _WRITE)
    try:
        amount = float(number)
    except ValueError:
        _checks.fail(owner, name, rule, duration, _WRITE)
    if not (math.isfinite(amount) and amount >= 0):
        _checks.fail(owner, name, "finite and not negative", duration, "correct it")
    if unit == "dur":
        return amount, unit
    if amount != int(amount):
        _checks.fail(owner, name, f"a whole number of {unit}", duration, "or give a share in dur")
    return int(amount), unit
