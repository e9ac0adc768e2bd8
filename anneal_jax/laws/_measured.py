"""The past of a few steps of a run, from blocks of steps: what a fit needs.

Some hundred measured losses of a run of many thousands of steps ask for their own past alone, and
neighbouring steps are alike: blocks of them, that end at the measured steps, stand for all.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..schedules._schedule import Array
from ._past import Past, pace, series

_BLOCKS = 256  # at least, into which a run is divided


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
        each = self.lengths.values * pace(self.lengths.rates, power, unit)
        past = self.lengths.steps[None] <= self.steps[:, None]
        return jnp.sum(jnp.where(past, each[None], 0.0), axis=1)

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        lag = self.steps[:, None] - self.drops.steps[None]
        sums = series(decay, lag)
        return jnp.sum(jnp.where(lag >= 0, self.drops.values[None] * sums, 0.0), axis=1)


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
