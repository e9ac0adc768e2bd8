"""What a law may know of a run: sums over its past, taken in one of four ways.

A law's formula stands in one place and asks a `Past` for its sums. `Whole` has the past of every
step, in linear time or (`exact`) term by term; `Measured` that of a few steps alone, which is
what a fit needs: some hundred measured losses of a run of many thousands of steps.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .._exponential_sums import exact_power_sums, power_sums
from ..schedules._schedule import Array

_NODES = 47  # and one for all slower ones: vectors of eight


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
        return jnp.cumsum(pace(self.rates, power, unit))

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        if self.exact:
            at = jnp.arange(len(self.rates), dtype=self.rates.dtype)
            lag = at[:, None] - at[None]
            return jnp.cumsum(jnp.sum(fading(decay, lag) * self._drops()[None], axis=1))

        def step(before: Array, drop: Array) -> Any:
            now = decay * before + drop
            return now, now

        return jnp.cumsum(lax.scan(step, jnp.zeros_like(self.first), self._drops())[1])


def pace(rates: Array, power: Array, unit: float) -> Array:
    """`unit * (rates / unit) ** power`, with finite slopes at a rate of 0."""
    moving = rates > 0
    return jnp.where(moving, unit * (jnp.where(moving, rates, unit) / unit) ** power, 0.0)


def fading(decay: Array, lag: Array) -> Array:
    """`decay ** lag`; 0 for what is still to come."""
    return jnp.where(lag >= 0, decay ** jnp.maximum(lag, 0.0), 0.0)


def series(decay: Array, lag: Array) -> Array:
    """`1 + decay + ... + decay ** lag`."""
    return (1 - decay * fading(decay, lag)) / (1 - decay)


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
        return jnp.sum(pace(self.rates, power, unit))[None]

    def momentum(self, decay: Array) -> Array:
        """See `Past`."""
        lag = jnp.arange(len(self.rates), dtype=self.rates.dtype)[::-1]
        return jnp.sum(self._drops() * series(decay, lag))[None]
