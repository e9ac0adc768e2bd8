"""Restarts of timm: cycles of real lengths, which begin where a float logarithm says so."""

import bisect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._span import Span
from .. import _arguments, _terms
from ._parts import Noise, Warmup, duration

_MOST_CYCLES = 10_000


class Cycles(NamedTuple):
    """Cycles of real lengths: when they begin and when the last one ends."""

    begins: list[float]  # timm's own, one more than there are cycles
    lengths: list[float]
    starts: list[int]  # the first step of each; the last: the first after all of them

    @classmethod
    def of(
        cls, owner: str, t_initial: Any, mul: Any, limit: Any, warmup: Warmup, exact: bool
    ) -> "Cycles":
        """The cycles of timm's arguments, up to the last step that there is."""
        first = duration(owner, "t_initial", t_initial)
        factor, limit = _counted(owner, mul, limit)
        begins, starts = [0.0], [0]
        for i in range(1, limit + 1):
            total = i if factor == 1 else (1 - _arguments.power(factor, i)) / (1 - factor)
            begins.append(total * first)
            begun = begins[-1] + warmup.origin
            if begun > MAX_STEP:
                rule = f"at most {i - 1}, so as to end before step 2**31"
                _checks.fail(owner, "cycle_limit", rule, limit, "lower cycle_limit or cycle_mul")
            near = max(math.ceil(begun - 1e-9 * begun), 0)
            starts.append(_first_step(i, near, first, factor, warmup) if exact else near)
        return cls(begins, [_arguments.power(factor, i) * first for i in range(limit)], starts)

    def at(self, time: float, exact: bool) -> int:
        """The number of the cycle of a time, whole or not."""
        if exact and len(self.lengths) > 1:
            return _index(time, self.lengths[0], self.lengths[1] / self.lengths[0])
        return bisect.bisect_right(self.begins, time * (1 + 1e-9)) - 1

    def whole(self) -> bool:
        """Whether every cycle begins at a whole step, and its start is that."""
        return all(b == s for b, s in zip(self.begins, self.starts, strict=True))


def _index(t: float, t_initial: float, cycle_mul: float) -> int:
    """The number, as timm rounds it, of the cycle that a time is in."""
    if cycle_mul != 1:
        return math.floor(math.log(1 - t / t_initial * (1 - cycle_mul), cycle_mul))
    return int(t // t_initial)


def _counted(owner: str, mul: Any, limit: Any) -> tuple[float, int]:
    """`cycle_mul` and `cycle_limit`, checked."""
    remedy = "below 1 timm takes the logarithm of a negative number"
    factor = _arguments.known(owner, "cycle_mul", mul, least=1, most=1e9, remedy=remedy)
    limit = _arguments.steps(owner, "cycle_limit", limit, remedy="count cycles")
    if limit > _MOST_CYCLES:
        remedy = "for more use schedule.repeat, which makes no list"
        _checks.fail(owner, "cycle_limit", f"at most {_MOST_CYCLES}", limit, remedy)
    return factor, limit


def cycle_length(owner: str, t_initial: Any, cycle_mul: Any, cycle_limit: Any) -> Any:
    """How long timm says that all cycles are."""
    factor, limit = _counted(owner, cycle_mul, cycle_limit)
    count = max(1, limit)
    if factor == 1:
        return t_initial * count
    length = -t_initial * (_arguments.power(factor, count) - 1) / (1 - factor)
    if length > MAX_STEP:
        rule, remedy = "such that all end before step 2**31", "lower cycle_limit or cycle_mul"
        _checks.fail(owner, "cycle_limit", rule, cycle_limit, remedy)
    return math.floor(length)


def _first_step(i: int, near: int, t_initial: float, cycle_mul: float, warmup: Warmup) -> int:
    """The first step that timm counts to cycle `i`."""
    while near > 0 and _index(warmup.elapsed(near - 1), t_initial, cycle_mul) >= i:
        near -= 1
    while _index(warmup.elapsed(near), t_initial, cycle_mul) < i:
        near += 1
    return near


class Fall(NamedTuple):
    """What all cycles have in common: a shape, and where it goes."""

    owner: str
    shape: Callable[[Any, Any, Any], Segment]  # of peak, floor and steps
    base_lr: Any
    lr_min: Any
    decay: Any
    power: Any = 1.0  # of the fraction elapsed: k-decay
    last: Callable[[float], float] | None = None  # its weight close to the end of a cycle
    rate: Callable[[float, Any], Any] | None = None  # at a fraction, of a peak: no jump

    def checked(self) -> "Fall":
        """The same, of rates and a power."""
        rates = {"base_lr": self.base_lr, "lr_min": self.lr_min, "cycle_decay": self.decay}
        base_lr, lr_min, decay = _arguments.numbers(self.owner, **rates)
        power = _arguments.number(self.owner, "k_decay", self.power, above=0)
        return self._replace(base_lr=base_lr, lr_min=lr_min, decay=decay, power=power)

    def peak(self, i: int) -> Any:
        """The rate at the beginning of a cycle."""
        return self.base_lr * _arguments.power(self.decay, i)

    def over(self, cycles: Cycles, origin: float) -> Schedule:
        """The schedule of all cycles; after the last one its end holds."""
        if not cycles.lengths:
            return Constant(self.lr_min)
        bent = not (_checks.known(self.power) and self.power == 1)
        count = range(len(cycles.lengths))
        if cycles.whole() and not bent and not origin:
            parts = [self.shape(self.peak(i), self.lr_min, int(cycles.lengths[i])) for i in count]
            return parts[0] if len(parts) == 1 else join(parts, restarts=True)
        parts: list[Schedule] = []
        for i in count:
            begin = cycles.begins[i] + origin
            segment = self.shape(self.peak(i), self.lr_min, 1)
            power = self.power if bent else None
            span = Span(segment, begin, begin + cycles.lengths[i], power=power)
            parts.append(self._rounded(span, cycles, i, origin))
        return _terms.cycles(parts, cycles.starts[:-1])

    def _rounded(self, span: Span, cycles: Cycles, i: int, origin: float) -> Schedule:
        """The span, and at a last step that rounding put before its end what timm gives."""
        step = cycles.starts[i + 1] - 1
        t, length = step - origin - cycles.begins[i], cycles.lengths[i]
        if self.last is None or step < cycles.starts[i] or abs(t - length) > 1e-6:
            return span
        weight = self.last(1 - t**self.power / length**self.power)
        if weight == 0:
            return span
        value = self.lr_min + (self.peak(i) - self.lr_min) * weight
        floor = Constant(self.lr_min, steps=0)
        return join([span, Constant(value, steps=1), floor], [step, step + 1])


def build(
    fall: Fall,
    cycling: tuple[Any, Any, Any],
    warming: tuple[Any, RealScalarLike, bool],
    noise: Noise,
    exact: bool,
) -> Schedule:
    """The whole schedule: warmup, cycles, what comes after them, and noise.

    Args:
      fall: what a cycle is.
      cycling: `t_initial`, `cycle_mul` and `cycle_limit`.
      warming: `warmup_t`, `warmup_lr_init` and `warmup_prefix`.
      noise: on top.
      exact: whether to round as timm does.
    """
    fall = fall.checked()
    warmup = Warmup.of(fall.owner, *warming)
    cycles = Cycles.of(fall.owner, *cycling, warmup, exact)
    schedule, top = fall.over(cycles, warmup.origin), fall.base_lr
    early = cycles.starts[-1] < cycles.begins[-1] + warmup.origin  # by rounding
    if cycles.lengths and (fall.rate or early):  # else the last cycle ends at lr_min
        schedule = join([schedule, Constant(fall.lr_min)], [cycles.starts[-1]])
    if fall.rate and not warmup.prefix:
        i = cycles.at(warmup.time, exact)
        top = fall.lr_min
        if i < len(cycles.lengths):
            fraction = (warmup.time - cycles.begins[i]) / cycles.lengths[i]
            top = fall.rate(min(max(fraction, 0.0), 1.0), fall.peak(i))
    end = cycles.starts[-1] + (math.ceil(warmup.time) if warmup.prefix else 0)
    return noise.over(fall.owner, warmup.before(schedule, top), end)
