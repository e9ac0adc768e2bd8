"""What a law may know of a run: sums over its past, taken in one of four ways.

A law's formula stands in one place and asks a `Past` for its sums. `Whole` has the past of every
step, in linear time or (`exact`) term by term; `Measured` that of a few steps alone, which is
what a fit needs: some hundred measured losses of a run of many thousands of steps.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._exponential_sums import exact_power_sums, power_sums
from .._types import Array

_NODES = 47  # and one for all slower ones: vectors of eight
_BLOCKS = 256  # at least, into which `Measured` divides a run


class Past(eqx.Module):
    """The past of each of `n` steps of a run; `S(t)` are the rates up to `t`, summed up.

    Attributes:
      total: float[n], `S(t)`.
      rate: float[n], of each step.
      first: the rate of step 0.
      peak: the largest rate of the run.
      drop_rates: float[m], to which rates fall (or rise) where they do.
    """

    total: eqx.AbstractVar[Array]
    rate: eqx.AbstractVar[Array]
    first: eqx.AbstractVar[Array]
    peak: eqx.AbstractVar[Array]
    drop_rates: eqx.AbstractVar[Array]

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        """Sum over `k <= t` of `drop[k] * (1 + scales[k] * (S(t) - S(k - 1))) ** -exponent`.

        `drop[k]` is the rate of step `k - 1` less that of `k`; `scales` one for each of
        `drop_rates`.
        """
        raise NotImplementedError

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        """Sum over `k <= t` of `rate[k] ** 2 * (1 + scale * (S(t) - S(k))) ** -exponent`."""
        raise NotImplementedError

    def progress(self, power: Array, unit: float) -> Array:
        """Sum over `k <= t` of `unit * (rate[k] / unit) ** power`; `S(t)` where `power` is 1."""
        raise NotImplementedError

    def momentum(self, decay: Array) -> Array:
        """Sum over `i <= t` of `m[i] = decay * m[i - 1] + drop[i]`; `decay` below 1."""
        raise NotImplementedError


class _Every(Past):
    """The past of steps that follow each other from 0, from the rates of all of them."""

    rates: Array
    total: Array
    rate: Array
    first: Array
    peak: Array
    drop_rates: Array

    def __init__(self, rates: Array, total: Array, rate: Array) -> None:
        self.rates, self.total, self.rate = rates, total, rate
        self.first, self.peak, self.drop_rates = rates[0], jnp.max(rates), rates

    def _drops(self) -> Array:
        return jnp.concatenate([jnp.zeros_like(self.rates[:1]), self.rates[:-1] - self.rates[1:]])


class Whole(_Every):
    """The past of every step."""

    exact: bool = eqx.field(static=True)

    def __init__(self, rates: Array, exact: bool) -> None:
        super().__init__(rates, jnp.cumsum(rates), rates)
        self.exact = exact

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        """See `Past`."""
        given = self._drops(), scales, exponent, self.rates
        if self.exact:
            return exact_power_sums(*given, own=True)
        return power_sums(*given, _NODES, own=True)

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        """See `Past`."""
        given = self.rates**2, scale, exponent, self.rates
        if self.exact:
            return exact_power_sums(*given, own=False)
        return power_sums(*given, _NODES, own=False)

    def progress(self, power: Array, unit: float) -> Array:
        """See `Past`."""
        return jnp.cumsum(_pace(self.rates, power, unit))

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        if self.exact:
            at = jnp.arange(len(self.rates), dtype=self.rates.dtype)
            lag = at[:, None] - at[None]
            return jnp.cumsum(jnp.sum(_fading(decay, lag) * self._drops()[None], axis=1))

        def step(before: Array, drop: Array) -> Any:
            now = decay * before + drop
            return now, now

        return jnp.cumsum(lax.scan(step, jnp.zeros_like(self.first), self._drops())[1])


def _pace(rates: Array, power: Array, unit: float) -> Array:
    """`unit * (rates / unit) ** power`, with finite slopes at a rate of 0."""
    moving = rates > 0
    return jnp.where(moving, unit * (jnp.where(moving, rates, unit) / unit) ** power, 0.0)


def _fading(decay: Array, lag: Array) -> Array:
    """`decay ** lag`; 0 for what is still to come."""
    return jnp.where(lag >= 0, decay ** jnp.maximum(lag, 0.0), 0.0)


def _series(decay: Array, lag: Array) -> Array:
    """`1 + decay + ... + decay ** lag`."""
    return (1 - decay * _fading(decay, lag)) / (1 - decay)


class Last(_Every):
    """The past of the last step alone, exactly, in linear time."""

    def __init__(self, rates: Array) -> None:
        super().__init__(rates, jnp.sum(rates)[None], rates[-1:])

    def _after(self) -> Array:
        """The rates after each step, summed up."""
        return jnp.cumsum(self.rates[::-1])[::-1] - self.rates

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        """See `Past`."""
        kernel = (1 + scales * (self._after() + self.rates)) ** -exponent
        return jnp.sum(self._drops() * kernel)[None]

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        """See `Past`."""
        kernel = (1 + scale * jnp.maximum(self._after(), 0.0)) ** -exponent
        return jnp.sum(self.rates**2 * kernel)[None]

    def progress(self, power: Array, unit: float) -> Array:
        """See `Past`."""
        return jnp.sum(_pace(self.rates, power, unit))[None]

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        lag = jnp.arange(len(self.rates), dtype=self.rates.dtype)[::-1]
        return jnp.sum(self._drops() * _series(decay, lag))[None]


class Places(eqx.Module):
    """Blocks of steps, each taken for one: what they add up to, and where.

    Attributes:
      values: float[m], the sum of the block.
      steps: float[m], the step it is taken for, between its first and its last.
      rates: float[m], there.
      before: float[m], the rates of all earlier steps summed up.
    """

    values: Array
    steps: Array
    rates: Array
    before: Array


class Measured(Past):
    """The past of some steps, from blocks of steps that end at these; made by `measured`."""

    steps: Array
    total: Array
    rate: Array
    first: Array
    peak: Array
    drop_rates: Array
    drops: Places
    squares: Places
    lengths: Places  # whose values are numbers of steps that move

    def _fade(self, places: Places, since: Array, scales: Array, exponent: Array) -> Array:
        y = self.total[:, None] - since[None]
        kernel = (1 + scales * jnp.maximum(y, 0.0)) ** -exponent
        past = places.steps[None] <= self.steps[:, None]
        return jnp.sum(jnp.where(past, places.values[None] * kernel, 0.0), axis=1)

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        """See `Past`."""
        return self._fade(self.drops, self.drops.before, scales[None], exponent)

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        """See `Past`."""
        since = self.squares.before + self.squares.rates
        return self._fade(self.squares, since, scale, exponent)

    def progress(self, power: Array, unit: float) -> Array:
        """See `Past`."""
        each = self.lengths.values * _pace(self.lengths.rates, power, unit)
        past = self.lengths.steps[None] <= self.steps[:, None]
        return jnp.sum(jnp.where(past, each[None], 0.0), axis=1)

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        lag = self.steps[:, None] - self.drops.steps[None]
        series = _series(decay, lag)
        return jnp.sum(jnp.where(lag >= 0, self.drops.values[None] * series, 0.0), axis=1)


def measured(rates: Any, steps: Any) -> Measured:
    """The past of some steps of a run, from the rates of all: in float64, on the host."""
    total: Any = np.cumsum(rates)
    before = total - rates
    drops = -np.diff(rates, prepend=rates[0])
    longest = max(1, len(rates) // _BLOCKS)
    last = np.unique(np.concatenate([steps, np.arange(longest - 1, len(rates), longest)]))
    starts = np.concatenate([[0], last[:-1] + 1])
    every: Any = np.arange(len(rates))

    def places(values: Any, weights: Any) -> Places:
        found: Any = np.add.reduceat(values, starts)
        weight = np.add.reduceat(weights, starts)
        there = weight > 0
        at: Any = np.add.reduceat(weights * every, starts)[there] / weight[there]
        at = np.clip(at, starts[there], last[there])  # (rounded up, it would be still to come)
        near: Any = [np.interp(at, every, x) for x in (rates, before)]
        return Places(found[there], at, *near)

    # Falls and rises apart: a restart inside of a block is then one place of its own.
    fall, rise = (np.where(drops * sign > 0, np.abs(drops), 0.0) for sign in (1, -1))
    down, up = places(drops * (fall > 0), fall), places(drops * (rise > 0), rise)
    both = jax.tree.map(lambda *two: np.concatenate(two), down, up)
    return Measured(
        steps=steps.astype(np.float64),
        total=total[steps],
        rate=rates[steps],
        first=rates[0],
        peak=rates.max(),
        drop_rates=both.rates,
        drops=both,
        squares=places(rates**2, rates**2),
        lengths=places((rates > 0) * 1.0, (rates > 0) * 1.0),
    )
