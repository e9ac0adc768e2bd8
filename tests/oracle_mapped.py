"""References for what is done to the value of one schedule: powers and noise."""

from dataclasses import dataclass, replace
from functools import cache

import jax
import numpy as np

from tests.oracle import Plan, Real, Scale, mp


@dataclass(frozen=True)
class Mapped(Plan):
    """A plan whose value comes from that of `part`."""

    part: Plan
    exact = False

    @property
    def steps(self) -> int | None:
        return self.part.steps

    def restarts(self, t: int) -> int:
        return self.part.restarts(t)

    def edges(self) -> set[int]:
        return self.part.edges()

    def stretched(self, scale: Scale) -> Plan:
        return replace(self, part=self.part.stretched(scale))


@dataclass(frozen=True)
class Power(Mapped):
    exponent: Real

    def value(self, t: int) -> Real:
        return mp.mpf(self.part.value(t)) ** mp.mpf(self.exponent)

    def span(self, t: int) -> tuple[Real, Real]:
        low, high = self.part.span(t)
        return mp.mpf(low) ** self.exponent, mp.mpf(high) ** self.exponent


@cache
def _bits(key: int, t: int) -> int:
    """The first random word of JAX's threefry generator for this key and step."""
    at = jax.random.fold_in(jax.random.key(key, impl="threefry2x32"), t % 2**32)
    return int(np.asarray(jax.random.bits(at, dtype=np.uint32)))


@dataclass(frozen=True)
class Noise(Mapped):
    key: int
    limit: Real
    std: Real | None = None  # None: uniform
    begin: int = 0
    end: int | None = None

    def _noise(self, t: int) -> Real:
        if t < self.begin or (self.end is not None and t >= self.end):
            return mp.mpf(0)
        draw = mp.mpf(2 * (_bits(self.key, t) >> 9) + 1 - 2**23) / 2**23
        if self.std is None:
            return draw * mp.mpf(self.limit)
        # The quantile of the bell within the limit: of the middle mass 2 * Phi - 1 = erf.
        width = mp.mpf(self.std) * mp.sqrt(2)
        return width * mp.erfinv(draw * mp.erf(mp.mpf(self.limit) / width))

    def value(self, t: int) -> Real:
        return self.part.value(t) * (1 + self._noise(t))

    def size(self, t: int) -> Real:
        return self.part.size(t)

    def span(self, t: int) -> tuple[Real, Real]:
        low, high = self.part.span(t)
        return low * (1 - mp.mpf(self.limit)), high * (1 + mp.mpf(self.limit))

    def edges(self) -> set[int]:
        ends = {self.begin} if self.end is None else {self.begin, self.end}
        return self.part.edges() | ends

    def stretched(self, scale: Scale) -> Plan:
        begin = scale.position(self.begin)
        end = None if self.end is None else scale.position(self.end)
        part = self.part.stretched(scale)
        return replace(self, part=part, begin=begin, end=end)
