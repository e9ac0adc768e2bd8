"""The past of a few steps of a run, from blocks of steps: what a fit needs.

Some hundred measured losses of a run of many thousands of steps ask for their own past alone, and
neighbouring steps are alike: blocks of them, that end at the measured steps, stand for all.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, RealScalarLike
from ._past import Past, pace, series

_BLOCKS = 256  # at least, into which a run is divided
_SHARED = 512  # numbers of places are rounded up to multiples of it, where programs are shared


class Places(eqx.Module):
    """Blocks of steps, each taken for one: what they add up to, and where.

    Attributes:
      values: float[m], the sum over the steps of each block.
      steps: float[m], the step that the block is taken for, between its first and its last.
      rates: float[m], the rate at that step.
      before: float[m], the sum of the rates of all steps before it.
    """

    values: Array
    steps: Array
    rates: Array
    before: Array


class Measured(Past):
    """The past of some steps, from blocks of steps that end at them; made by `measured`."""

    steps: Array
    total: Array
    rate: Array
    first: Array
    peak: Array
    drop_rates: Array
    drops: Places  # whose values are changes of the rate, falls above 0
    squares: Places  # squares of the rates
    lengths: Places  # numbers of steps whose rate is above 0

    def _fade(self, places: Places, since: Array, scales: Any, exponent: RealScalarLike) -> Array:
        y = self.total[:, None] - since[None]
        kernel = (1 + jnp.maximum(y, 0.0) * scales) ** -exponent
        past = places.steps[None] <= self.steps[:, None]
        return jnp.sum(jnp.where(past, places.values[None] * kernel, 0.0), axis=1)

    def fading_drops(self, scales: Array, exponent: RealScalarLike) -> Array:
        return self._fade(self.drops, self.drops.before, scales[None], exponent)

    def fading_squares(self, scale: RealScalarLike, exponent: RealScalarLike) -> Array:
        since = self.squares.before + self.squares.rates
        return self._fade(self.squares, since, scale, exponent)

    def progress(self, power: RealScalarLike, unit: float) -> Array:
        each = self.lengths.values * pace(self.lengths.rates, power, unit)
        past = self.lengths.steps[None] <= self.steps[:, None]
        return jnp.sum(jnp.where(past, each[None], 0.0), axis=1)

    def momentum(self, decay: RealScalarLike) -> Array:
        lag = self.steps[:, None] - self.drops.steps[None]
        sums = series(decay, lag)
        return jnp.sum(jnp.where(lag >= 0, self.drops.values[None] * sums, 0.0), axis=1)


def measured(rates: Any, steps: Any) -> Measured:
    """The past of `steps` of a run, from the rates of all its steps; in NumPy's float64."""
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


def padded(past: Measured) -> Measured:
    """The same with places that hold nothing, so that runs of other lengths share its program."""

    def longer(values: Any, fill: Any = 0.0) -> Any:
        return np.pad(values, (0, -len(values) % _SHARED), constant_values=fill)

    def more(places: Places) -> Places:
        rates = longer(places.rates, past.peak)
        return Places(longer(places.values), longer(places.steps), rates, longer(places.before))

    places = drops, _, _ = [more(p) for p in (past.drops, past.squares, past.lengths)]
    return eqx.tree_at(
        lambda p: (p.drop_rates, p.drops, p.squares, p.lengths), past, (drops.rates, *places)
    )
