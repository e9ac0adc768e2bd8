"""What every schedule should be, written from the documented formulas in 40-digit arithmetic.

A `Plan` is the reference for a schedule: its value at an integer step, its length, its
restarts, its boundaries, and the span its values must stay in. It shares no code with the
library and takes the exact doubles that the library is given. Steps are Python integers and
values are mpmath numbers, so nothing here rounds where it matters.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

import mpmath

mp: Any = mpmath.MPContext()
mp.dps = 40
Real = Any  # an mpmath number, or a double that converts to one exactly


def is_given(x: Real) -> bool:
    """Whether a number is one that the user gave, not one computed here."""
    return isinstance(x, int | float)


def nearest(x: Fraction | int) -> int:
    """The nearest integer, halves upwards."""
    return floor(Fraction(x) + Fraction(1, 2))


@dataclass(frozen=True)
class Scale:
    """Time stretched by `ratio` and seen from `origin`: positions move to the nearest step."""

    ratio: Fraction
    origin: int = 0

    def position(self, steps: int) -> int:
        return nearest((self.origin + steps) * self.ratio) - nearest(self.origin * self.ratio)

    def at(self, steps: int) -> "Scale":
        return Scale(self.ratio, self.origin + steps)


class Plan:
    """The reference of one schedule. `steps` is its length, None for open-ended."""

    steps: Any  # a whole number, or None; a field in some plans, a property in others
    exact = True  # whether values are picked from those of segments, with no arithmetic after

    def value(self, t: int) -> Real:
        raise NotImplementedError

    def stretched(self, scale: Scale) -> "Plan":
        raise NotImplementedError

    def size(self, t: int) -> Real:
        """The magnitude that an error at `t` is relative to."""
        return abs(self.value(t))

    def given(self, t: int) -> bool:
        """Whether the value at `t` is a hyperparameter itself, to be hit exactly."""
        del t
        return False

    def span(self, t: int) -> tuple[Real, Real]:
        """Bounds of the value at `t`: the ends of the segment that `t` is in."""
        raise NotImplementedError

    def restarts(self, t: int) -> int:
        """How many cycles begin at step `t >= 1`."""
        del t
        return 0

    def edges(self) -> set[int]:
        """Steps at which a phase begins or ends (of endless cycles, the first few)."""
        return {0} if self.steps is None else {0, self.steps}

    def cycle(self, t: int) -> int:
        return sum(self.restarts(s) for s in range(1, t + 1))

    def stretch(self, factor: float) -> "Plan":
        """What `schedule.stretch(factor)` should be."""
        if self.steps is None:
            return self.stretched(Scale(Fraction(factor).limit_denominator(10**6)))
        length = nearest(Fraction(factor * self.steps))  # the product is a double, as documented
        return self.stretched(Scale(Fraction(length, max(self.steps, 1))))


@dataclass(frozen=True)
class Segment(Plan):
    """From `init` to `end`; `formula(init, end, q, t, steps)` strictly in between."""

    formula: Callable[[Real, Real, Real, int, int], Real]
    init: Real
    end: Real
    steps: int

    def value(self, t: int) -> Real:
        if t >= self.steps:
            return mp.mpf(self.end)
        if t == 0:
            return mp.mpf(self.init)
        q = mp.mpf(t) / self.steps
        return self.formula(mp.mpf(self.init), mp.mpf(self.end), q, t, self.steps)

    @property
    def exact(self) -> bool:
        return is_given(self.init) and is_given(self.end)

    def given(self, t: int) -> bool:
        return is_given(self.end) if t >= self.steps else t == 0 and is_given(self.init)

    def stretched(self, scale: Scale) -> Plan:
        return replace(self, steps=scale.position(self.steps))

    def span(self, t: int) -> tuple[Real, Real]:
        del t
        return min(self.init, self.end), max(self.init, self.end)


def blend(weight: Callable[..., Real]) -> Callable[..., Real]:
    """`end + (init - end) * weight(q, t, steps)`."""
    return lambda init, end, q, t, n: end + (init - end) * weight(q, t, n)


def linear(init: Real, end: Real, steps: int) -> Segment:
    return Segment(blend(lambda q, t, n: 1 - q), init, end, steps)


def cosine(init: Real, end: Real, steps: int, exponent: float = 1.0) -> Segment:
    return Segment(
        blend(lambda q, t, n: ((1 + mp.cos(mp.pi * q)) / 2) ** mp.mpf(exponent)), init, end, steps
    )


def polynomial(init: Real, end: Real, steps: int, power: float = 1.0) -> Segment:
    return Segment(blend(lambda q, t, n: (1 - q) ** mp.mpf(power)), init, end, steps)


def one_minus_sqrt(init: Real, end: Real, steps: int) -> Segment:
    return Segment(blend(lambda q, t, n: 1 - mp.sqrt(q)), init, end, steps)


def one_minus_square(init: Real, end: Real, steps: int) -> Segment:
    return Segment(blend(lambda q, t, n: 1 - q**2), init, end, steps)


def shifted_exponential(init: Real, end: Real, steps: int, base: float = 2.0) -> Segment:
    b = mp.mpf(base)
    return Segment(blend(lambda q, t, n: (b ** (1 - q) - 1) / (b - 1)), init, end, steps)


def rex(init: Real, end: Real, steps: int) -> Segment:
    return Segment(blend(lambda q, t, n: (1 - q) / (0.5 + (1 - q) / 2)), init, end, steps)


def tanh(init: Real, end: Real, steps: int, lower: float = -7.0, upper: float = 3.0) -> Segment:
    low, high = mp.mpf(lower), mp.mpf(upper)

    def weight(q: Real, t: int, n: int) -> Real:
        return (mp.tanh(high) - mp.tanh(low * (1 - q) + high * q)) / (mp.tanh(high) - mp.tanh(low))

    return Segment(blend(weight), init, end, steps)


def logarithmic(init: Real, end: Real, steps: int) -> Segment:
    # 1 - log(1 + t) / log(1 + steps), with the quotient inside one logarithm
    return Segment(
        blend(lambda q, t, n: mp.log(mp.mpf(n + 1) / (t + 1)) / mp.log(n + 1)), init, end, steps
    )


def exponential(init: Real, end: Real, steps: int) -> Segment:
    return Segment(lambda init, end, q, t, n: init ** (1 - q) * end**q, init, end, steps)


@dataclass(frozen=True)
class Law(Plan):
    """An open-ended formula of the step and of durations that a stretch moves."""

    formula: Callable[..., Real]  # (t, *durations)
    durations: tuple[Real, ...]
    move: Callable[[Scale, tuple[Real, ...]], tuple[Real, ...]]
    bounds: tuple[Real, Real]
    steps: None = None
    period: Callable[..., int] | None = None

    def value(self, t: int) -> Real:
        return self.formula(t, *self.durations)

    def stretched(self, scale: Scale) -> Plan:
        return replace(self, durations=self.move(scale, self.durations))

    def span(self, t: int) -> tuple[Real, Real]:
        del t
        return self.bounds

    def restarts(self, t: int) -> int:
        return 0 if self.period is None else int(t % self.period(*self.durations) == 0)

    def edges(self) -> set[int]:
        if self.period is None:
            unit = self.durations[0]
            return {int(k * unit) for k in range(6)} if isinstance(unit, int) else {0}
        up, whole = self.durations[0], self.period(*self.durations)
        return {start + part for start in range(0, 6 * whole, whole) for part in (0, up)}


def _stretch_unit(scale: Scale, durations: tuple[Real, ...]) -> tuple[Real, ...]:
    return tuple(max(scale.position(n), 1) for n in durations)


def inverse_sqrt(init: float, timescale: float, offset: float = 0.0) -> Plan:
    def formula(t: int, timescale: Real, offset: Real) -> Real:
        return mp.mpf(init) / mp.sqrt(1 + (t + mp.mpf(offset)) / mp.mpf(timescale))

    def move(scale: Scale, durations: tuple[Real, ...]) -> tuple[Real, ...]:
        ratio = scale.ratio
        return tuple(mp.mpf(d) * ratio.numerator / ratio.denominator for d in durations)

    return Law(formula, (mp.mpf(timescale), offset), move, (0, init))


def inverse_time(init: float, unit: int, rate: float, staircase: bool = False) -> Plan:
    def formula(t: int, unit: int) -> Real:
        time = t // unit if staircase else mp.mpf(t) / unit
        return mp.mpf(init) / (1 + mp.mpf(rate) * time)

    return Law(formula, (unit,), _stretch_unit, (0, init))


def exponential_decay(init: float, unit: int, rate: float, staircase: bool = False) -> Plan:
    def formula(t: int, unit: int) -> Real:
        time = t // unit if staircase else mp.mpf(t) / unit
        return mp.mpf(init) * mp.mpf(rate) ** time

    return Law(formula, (unit,), _stretch_unit, (0, init if rate <= 1 else mp.inf))


def triangular(
    init: float, peak: float, up: int, down: int | None, mode: str = "triangular", gamma: Real = 1
) -> Plan:
    """With `down` None, as many steps down as up, also once stretched."""

    def formula(t: int, up: int, down: int) -> Real:
        cycle, local = divmod(t, up + down)
        f = mp.mpf(local) / up if local < up else mp.mpf(up + down - local) / down
        s = {"triangular": 1, "triangular2": mp.mpf(0.5) ** cycle, "exp_range": mp.mpf(gamma) ** t}
        return init + (mp.mpf(peak) - init) * f * s[mode]

    def move(scale: Scale, durations: tuple[Real, ...]) -> tuple[Real, ...]:
        scale = Scale(scale.ratio)  # all cycles alike: as if each began at 0
        longer = max(scale.position(durations[0]), 1)
        return longer, longer if alike else scale.at(durations[0]).position(durations[1])

    alike, down = down is None, up if down is None else down
    bounds = min(init, peak), max(init, peak)
    return Law(formula, (up, down), move, bounds, period=lambda up, down: up + down)


@dataclass(frozen=True)
class Constant(Plan):
    constant: Real
    steps: int | None = None

    def value(self, t: int) -> Real:
        del t
        return mp.mpf(self.constant)

    @property
    def exact(self) -> bool:
        return is_given(self.constant)

    def given(self, t: int) -> bool:
        del t
        return self.exact

    def stretched(self, scale: Scale) -> Plan:
        return self if self.steps is None else replace(self, steps=scale.position(self.steps))

    def span(self, t: int) -> tuple[Real, Real]:
        del t
        return self.constant, self.constant


@dataclass(frozen=True)
class Function(Plan):
    """Any function of the step, with the bounds it is known to keep."""

    formula: Callable[[int], Real]
    bounds: tuple[Real, Real]
    steps: None = None

    def value(self, t: int) -> Real:
        return mp.mpf(self.formula(t))

    def span(self, t: int) -> tuple[Real, Real]:
        del t
        return self.bounds
