"""References for compositions: joins, cycles, time, algebra and tables of plans."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

from tests.oracle import Constant, Plan, Real, Scale, mp, nearest


@dataclass(frozen=True)
class Join(Plan):
    parts: tuple[Plan, ...]
    starts: tuple[int, ...]
    begins_cycles: bool = False

    @property
    def exact(self) -> bool:
        return all(part.exact for part in self.parts)

    @property
    def steps(self) -> int | None:
        last = self.parts[-1].steps
        return None if last is None else self.starts[-1] + last

    def _at(self, t: int) -> tuple[Plan, int]:
        k = max(k for k, start in enumerate(self.starts) if start <= t)
        return self.parts[k], t - self.starts[k]

    def value(self, t: int) -> Real:
        part, local = self._at(t)
        return part.value(local)

    def size(self, t: int) -> Real:
        part, local = self._at(t)
        return part.size(local)

    def span(self, t: int) -> tuple[Real, Real]:
        part, local = self._at(t)
        return part.span(local)

    def given(self, t: int) -> bool:
        part, local = self._at(t)
        return part.given(local)

    def restarts(self, t: int) -> int:
        part, local = self._at(t)
        begun = self.starts.count(t) if self.begins_cycles else 0
        return begun + (part.restarts(local) if local > 0 else 0)

    def edges(self) -> set[int]:
        ends = (*self.starts[1:], mp.inf)
        places = zip(self.parts, self.starts, ends, strict=True)
        inner = {s + e for part, s, end in places for e in part.edges() if s + e <= end}
        return inner | super().edges()

    def stretched(self, scale: Scale) -> Plan:
        pairs = zip(self.parts, self.starts, strict=True)
        parts = tuple(part.stretched(scale.at(start)) for part, start in pairs)
        return Join(parts, tuple(map(scale.position, self.starts)), self.begins_cycles)


def join(
    parts: Sequence[Plan], boundaries: Sequence[int] | None = None, restarts: bool = False
) -> Plan:
    if boundaries is None:
        boundaries = [sum(p.steps for p in parts[: k + 1]) for k in range(len(parts) - 1)]
    return Join(tuple(parts), (0, *boundaries), restarts)


@dataclass(frozen=True)
class Repeat(Plan):
    """Cycles of the given lengths, or (None) endless ones, each as long as `part`."""

    part: Plan
    lengths: tuple[int, ...] | None
    factor: float = 1.0
    floor: Plan | None = None
    floor_factor: float = 1.0
    endless: bool = False  # whether `lengths` goes on beyond any step asked for

    @property
    def exact(self) -> bool:
        return self.part.exact and self.factor == 1 and self.floor is None

    @property
    def steps(self) -> int | None:
        return None if self.lengths is None or self.endless else sum(self.lengths)

    def _at(self, t: int) -> tuple[int, int, Scale]:
        """The cycle of `t`, the step in it, and how its part is stretched."""
        if self.lengths is None:
            index, local = divmod(t, self.part.steps)
            return index, local, Scale(Fraction(1))
        index, local = 0, t
        while index < len(self.lengths) - 1 and local >= self.lengths[index]:
            index, local = index + 1, local - self.lengths[index]
        return index, local, Scale(Fraction(self.lengths[index], max(self.part.steps, 1)))

    def _sum(self, read: Callable[[Plan, int], Real], t: int) -> list[Real]:
        index, local, scale = self._at(t)
        parts = [(self.part, self.factor), (self.floor, self.floor_factor)]
        return [
            mp.mpf(factor) ** index * read(part.stretched(scale), local)
            for part, factor in parts
            if part is not None
        ]

    def value(self, t: int) -> Real:
        return sum(self._sum(lambda part, local: part.value(local), t))

    def size(self, t: int) -> Real:
        return max(self._sum(lambda part, local: part.size(local), t))

    def given(self, t: int) -> bool:
        _, local, scale = self._at(t)
        return self.exact and self.part.stretched(scale).given(local)

    def span(self, t: int) -> tuple[Real, Real]:
        low = sum(self._sum(lambda part, local: part.span(local)[0], t))
        return low, sum(self._sum(lambda part, local: part.span(local)[1], t))

    def restarts(self, t: int) -> int:
        if self.steps is not None and t >= self.steps:
            return 0
        index, local, scale = self._at(t)
        if local == 0:
            return int(index > 0)
        return self.part.stretched(scale).restarts(local)

    def edges(self) -> set[int]:
        found, start = {0}, 0
        lengths = self.lengths or (self.part.steps,) * 5
        for index, length in enumerate(lengths):
            if index < 5 or index >= len(lengths) - 2:
                scale = Scale(Fraction(length, max(self.part.steps, 1)))
                inner = self.part.stretched(scale).edges()
                found |= {start + e for e in inner if e <= length}
            start += length
        return {edge for edge in found | {start} if edge < 2**31}

    def stretched(self, scale: Scale) -> Plan:
        if self.lengths is None:  # all cycles alike
            scale = Scale(scale.ratio)
            floor = None if self.floor is None else self.floor.stretched(scale)
            return replace(self, part=self.part.stretched(scale), floor=floor)
        ends = [sum(self.lengths[: k + 1]) for k in range(len(self.lengths))]
        moved = [0, *map(scale.position, ends)]
        return replace(self, lengths=tuple(b - a for a, b in pairwise(moved)))


def equal(part: Plan, cycles: int, **factors: Any) -> Plan:
    """`part` several times."""
    return Repeat(part, (part.steps,) * cycles, **factors)


def growing(part: Plan, ratio: float, cycles: int | None, **factors: Any) -> Plan:
    """`part` in cycles that grow or shrink by `ratio`; for ever where `cycles` is None."""
    if ratio == 1 and cycles is None:
        return Repeat(part, None, **factors)
    lengths: list[int] = []
    while len(lengths) < cycles if cycles is not None else sum(lengths) < 2**34:
        lengths.append(max(nearest(Fraction(ratio) ** len(lengths) * part.steps), 1))
    return Repeat(part, tuple(lengths), endless=cycles is None, **factors)


@dataclass(frozen=True)
class Shift(Plan):
    part: Plan
    offset: int

    @property
    def exact(self) -> bool:
        return self.part.exact

    @property
    def steps(self) -> int | None:
        return None if self.part.steps is None else max(self.part.steps + self.offset, 0)

    def _inner(self, t: int) -> int:
        return max(t - self.offset, 0)

    def value(self, t: int) -> Real:
        return self.part.value(self._inner(t))

    def size(self, t: int) -> Real:
        return self.part.size(self._inner(t))

    def given(self, t: int) -> bool:
        return self.part.given(self._inner(t))

    def span(self, t: int) -> tuple[Real, Real]:
        return self.part.span(self._inner(t))

    def restarts(self, t: int) -> int:
        return self.part.restarts(t - self.offset) if t > self.offset else 0

    def edges(self) -> set[int]:
        return {max(e + self.offset, 0) for e in self.part.edges()} | {max(self.offset, 0)}

    def stretched(self, scale: Scale) -> Plan:
        # The part begins at the offset, be that after the origin or before it.
        return Shift(self.part.stretched(scale.at(self.offset)), scale.position(self.offset))


@dataclass(frozen=True)
class Reverse(Plan):
    part: Plan

    @property
    def exact(self) -> bool:
        return self.part.exact

    @property
    def steps(self) -> int:
        return self.part.steps

    def _inner(self, t: int) -> int:
        return max(self.steps - t, 0)

    def value(self, t: int) -> Real:
        return self.part.value(self._inner(t))

    def size(self, t: int) -> Real:
        return self.part.size(self._inner(t))

    def given(self, t: int) -> bool:
        return self.part.given(self._inner(t))

    def span(self, t: int) -> tuple[Real, Real]:
        return self.part.span(self._inner(t))

    def restarts(self, t: int) -> int:
        return self.part.restarts(self.steps - t + 1) if t <= self.steps else 0

    def edges(self) -> set[int]:
        return {self.steps - e for e in self.part.edges() if e <= self.steps} | super().edges()

    def stretched(self, scale: Scale) -> Plan:
        return Reverse(self.part.stretched(scale))


@dataclass(frozen=True)
class Pair(Plan):
    """Two plans combined step by step, by a function that is monotone in each of them."""

    combine: Callable[[Real, Real], Real]
    first: Plan
    second: Plan

    @property
    def exact(self) -> bool:
        return self.combine in (min, max) and self.first.exact and self.second.exact

    @property
    def steps(self) -> int | None:
        lengths = [p.steps for p in (self.first, self.second) if not timeless(p)]
        return None if None in lengths else max(lengths, default=None)

    def value(self, t: int) -> Real:
        return self.combine(self.first.value(t), self.second.value(t))

    def size(self, t: int) -> Real:
        sizes = self.first.size(t), self.second.size(t)
        return sizes[0] * sizes[1] if self.combine is product else max(sizes)

    def given(self, t: int) -> bool:
        return self.exact and self.first.given(t) and self.second.given(t)

    def span(self, t: int) -> tuple[Real, Real]:
        corners = [self.combine(a, b) for a in self.first.span(t) for b in self.second.span(t)]
        return min(corners), max(corners)

    def restarts(self, t: int) -> int:
        return self.first.restarts(t) + self.second.restarts(t)

    def edges(self) -> set[int]:
        return self.first.edges() | self.second.edges()

    def stretched(self, scale: Scale) -> Plan:
        return Pair(self.combine, self.first.stretched(scale), self.second.stretched(scale))


def timeless(plan: Plan) -> bool:
    """Whether a plan is bare numbers only, which have no say in the length of a pair."""
    if isinstance(plan, Pair):
        return timeless(plan.first) and timeless(plan.second)
    return isinstance(plan, Constant) and plan.steps is None


def total(first: Real, second: Real) -> Real:
    return first + second


def product(first: Real, second: Real) -> Real:
    return first * second


def add(*plans: Plan) -> Plan:
    return reduce(lambda a, b: Pair(total, a, b), plans)


def multiply(*plans: Plan) -> Plan:
    return reduce(lambda a, b: Pair(product, a, b), plans)


def minimum(first: Plan, second: Plan) -> Plan:
    return Pair(min, first, second)


def maximum(first: Plan, second: Plan) -> Plan:
    return Pair(max, first, second)


def clip(plan: Plan, lower: float | None = None, upper: float | None = None) -> Plan:
    if lower is not None:
        plan = maximum(plan, Constant(lower))
    return plan if upper is None else minimum(plan, Constant(upper))


def table(values: Sequence[Real], boundaries: Sequence[int]) -> Plan:
    """Constants between boundaries; as long as its last boundary."""
    lengths = [b - a for a, b in zip((0, *boundaries), boundaries, strict=False)]
    parts = [Constant(v, n) for v, n in zip(values, (*lengths, 0), strict=True)]
    return join(parts, boundaries)


def interpolated(knots: Sequence[int], values: Sequence[float], shape: Callable[..., Plan]) -> Plan:
    """The first value up to the first knot, then `shape` between each two."""
    parts: list[Plan] = [Constant(values[0], knots[0])]
    for k in range(len(knots) - 1):
        parts.append(shape(values[k], values[k + 1], knots[k + 1] - knots[k]))
    return join(parts, knots[: len(parts) - 1])
