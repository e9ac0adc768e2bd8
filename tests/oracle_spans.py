"""References for spans between moments, waves, Chebyshev steps, and time cut or slowed down."""

from dataclasses import dataclass, replace

from tests.oracle import Law, Plan, Real, Scale, Segment, is_given, mp


@dataclass(frozen=True)
class Span(Plan):
    """What `part` is at the fraction `((t - begin) / (end - begin)) ** power` of its length.

    A formula of the steps themselves sees those of the span: they need not be whole.
    """

    part: Segment
    begin: Real
    end: Real
    power: Real = 1.0

    @property
    def steps(self) -> int:
        return max(int(mp.ceil(self.end)), 0)

    def value(self, t: int) -> Real:
        if t >= self.end:
            return mp.mpf(self.part.end)
        if t <= self.begin:
            return mp.mpf(self.part.init)
        length = mp.mpf(self.end) - self.begin
        q = ((t - mp.mpf(self.begin)) / length) ** mp.mpf(self.power)
        return self.part.formula(
            mp.mpf(self.part.init), mp.mpf(self.part.end), q, q * length, length
        )

    @property
    def exact(self) -> bool:
        return self.part.exact

    def given(self, t: int) -> bool:
        if t >= self.end:
            return is_given(self.part.end)
        return t <= self.begin and is_given(self.part.init)

    def span(self, t: int) -> tuple[Real, Real]:
        return self.part.span(t)

    def edges(self) -> set[int]:
        ends = {int(f(x)) for f in (mp.floor, mp.ceil) for x in (self.begin, self.end)}
        return {e for e in ends if e >= 0} | super().edges()

    def stretched(self, scale: Scale) -> Plan:
        ratio = mp.mpf(scale.ratio.numerator) / scale.ratio.denominator
        return replace(self, begin=self.begin * ratio, end=self.end * ratio)


def k_decay(part: Plan, k: Real) -> Plan:
    assert isinstance(part, Segment)
    return Span(part, 0, part.steps, k)


def harmonic(init_value: Real, end_value: Real, steps: int) -> Plan:
    def formula(init: Real, end: Real, q: Real, t: int, n: int) -> Real:
        return 1 / ((1 - q) / init + q / end)

    return Segment(formula, init_value, end_value, steps)


def _alike(scale: Scale, durations: tuple[Real, ...]) -> tuple[Real, ...]:
    """The one duration that is repeated for ever: the nearest number of steps, at least 1."""
    return tuple(max(scale.position(n), 1) for n in durations)


def _real(scale: Scale, durations: tuple[Real, ...]) -> tuple[Real, ...]:
    ratio = scale.ratio
    return tuple(mp.mpf(d) * ratio.numerator / ratio.denominator for d in durations)


def _bounds(one: Real, other: Real) -> tuple[Real, Real]:
    return min(one, other), max(one, other)


def inverse_power(init_value: Real, timescale: Real, power: Real, offset: Real) -> Plan:
    def formula(t: int, timescale: Real, offset: Real) -> Real:
        passed = (t + mp.mpf(offset)) / mp.mpf(timescale)
        return mp.mpf(init_value) / (1 + passed) ** mp.mpf(power)

    return Law(formula, (mp.mpf(timescale), offset), _real, (0, init_value))


def cosine_wave(init_value: Real, end_value: Real, decay_steps: int, halves: Real = 1.0) -> Plan:
    def formula(t: int, unit: int) -> Real:
        wave = (1 + mp.cos(mp.pi * mp.mpf(halves) * t / unit)) / 2
        return end_value + (mp.mpf(init_value) - end_value) * wave

    return Law(formula, (decay_steps,), _alike, _bounds(init_value, end_value))


class CyclicPolynomial(Law):
    """A law with a restart in the step after every end."""

    def restarts(self, t: int) -> int:
        return int(t > 1 and (t - 1) % self.durations[0] == 0)

    def edges(self) -> set[int]:
        unit = self.durations[0]
        return {0} | {k * unit + d for k in range(1, 6) for d in (0, 1)}


def cyclic_polynomial(init_value: Real, end_value: Real, decay_steps: int, power: Real) -> Plan:
    def formula(t: int, unit: int) -> Real:
        weight = (1 - mp.mpf(t) / (unit * max(-(-t // unit), 1))) ** mp.mpf(power)
        return end_value + (mp.mpf(init_value) - end_value) * weight

    return CyclicPolynomial(formula, (decay_steps,), _alike, _bounds(init_value, end_value))


def _fractal(steps: int) -> list[int]:
    """The permutation of twice as many: each entry, then its mirror image from the other end."""
    if steps == 1:
        return [0]
    return [x for s in _fractal(steps // 2) for x in (s, steps - 1 - s)]


@dataclass(frozen=True)
class Chebyshev(Plan):
    scale: Real
    steps: int
    lower: Real = 0.05
    upper: Real = 1.0
    exact = False  # no value is a given one

    def value(self, t: int) -> Real:
        s = _fractal(self.steps)[min(t, self.steps - 1)]  # the last value holds
        a = mp.pi * (2 * s + 1) / (4 * self.steps)
        return self.scale / (self.lower * mp.cos(a) ** 2 + self.upper * mp.sin(a) ** 2)

    def span(self, t: int) -> tuple[Real, Real]:
        del t
        return mp.mpf(self.scale) / self.upper, mp.mpf(self.scale) / self.lower

    def stretched(self, scale: Scale) -> Plan:
        assert scale.ratio == 1, "a power of two cannot be stretched"
        return self


@dataclass(frozen=True)
class Timed(Plan):
    """A plan asked at another step than the current one."""

    part: Plan

    def inner(self, t: int) -> int:
        raise NotImplementedError

    @property
    def exact(self) -> bool:
        return self.part.exact

    def value(self, t: int) -> Real:
        return self.part.value(self.inner(t))

    def size(self, t: int) -> Real:
        return self.part.size(self.inner(t))

    def given(self, t: int) -> bool:
        return self.part.given(self.inner(t))

    def span(self, t: int) -> tuple[Real, Real]:
        return self.part.span(self.inner(t))


@dataclass(frozen=True)
class Every(Timed):
    """Each value for `interval` steps; a stretch moves the ends of `part`, in intervals."""

    interval: int

    @property
    def steps(self) -> int | None:
        return None if self.part.steps is None else self.part.steps * self.interval

    def inner(self, t: int) -> int:
        return t // self.interval

    def restarts(self, t: int) -> int:
        first = t > 0 and t % self.interval == 0
        return self.part.restarts(t // self.interval) if first else 0

    def edges(self) -> set[int]:
        return {e * self.interval for e in self.part.edges()}

    def stretched(self, scale: Scale) -> Plan:
        return replace(self, part=self.part.stretched(Scale(scale.ratio)))


@dataclass(frozen=True)
class Until(Timed):
    """The plan up to `stop`, whose value then holds."""

    stop: int

    @property
    def exact(self) -> bool:
        return self.part.exact and self.part.steps is not None  # laws have no given values

    @property
    def steps(self) -> int:
        return self.stop

    def inner(self, t: int) -> int:
        return min(t, self.stop)

    def restarts(self, t: int) -> int:
        return self.part.restarts(t) if t <= self.stop else 0

    def edges(self) -> set[int]:
        return {e for e in self.part.edges() if e <= self.stop} | super().edges()

    def stretched(self, scale: Scale) -> Plan:
        return Until(self.part.stretched(scale), scale.position(self.stop))
