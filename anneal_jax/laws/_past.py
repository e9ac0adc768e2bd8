"""What a law may know of a run: sums over its past.

A law's formula stands in one place and asks a `Past` for its sums. How they are taken is what the
classes differ in: `Whole` has the past of every step, `Last` that of the last step alone, and
`Measured`, in a file of its own, that of a few steps, as a fit needs.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .._exponential_sums import exact_power_sums, power_sums
from .._types import Array, IntScalarLike, RealScalarLike

_NODES = 47  # and one for all slower ones: vectors of eight


class Past(eqx.Module):
    """The past of each of `n` steps of a run; `S(t)` is the sum of the rates up to step `t`.

    Attributes:
      total: float[n], `S(t)`.
      rate: float[n], the rate of each step.
      first: float[], the rate of step 0.
      peak: float[], the largest rate of the run.
      drop_rates: float[m], the rate after each of the `m` drops (and rises) of the rate.
    """

    total: eqx.AbstractVar[Array]
    rate: eqx.AbstractVar[Array]
    first: eqx.AbstractVar[Array]
    peak: eqx.AbstractVar[Array]
    drop_rates: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def fading_drops(self, scales: Array, exponent: RealScalarLike) -> Array:
        """Sum over `k <= t` of `drop[k] * (1 + scales[k] * (S(t) - S(k - 1))) ** -exponent`.

        `drop[k]` is the rate of step `k - 1` minus that of step `k`.

        Args:
          scales: float[m], one for each of `drop_rates`.
          exponent: float[].

        Returns:
          float[n].
        """

    @abc.abstractmethod
    def fading_squares(self, scale: RealScalarLike, exponent: RealScalarLike) -> Array:
        """Sum over `k <= t` of `rate[k] ** 2 * (1 + scale * (S(t) - S(k))) ** -exponent`."""

    @abc.abstractmethod
    def progress(self, power: RealScalarLike, unit: float) -> Array:
        """Sum over `k <= t` of `unit * (rate[k] / unit) ** power`; `S(t)` where `power` is 1."""

    @abc.abstractmethod
    def momentum(self, decay: RealScalarLike) -> Array:
        """Sum over `i <= t` of `m[i] = decay * m[i - 1] + drop[i]`, for a `decay` below 1."""


class Whole(Past):
    """The past of every step: in linear time, or (`exact`) term by term in quadratic time."""

    rates: Array
    exact: bool = eqx.field(static=True)
    total: Array
    rate: Array
    first: Array
    peak: Array
    drop_rates: Array

    def __init__(self, rates: Array, *, exact: bool) -> None:
        self.rates, self.exact = rates, exact
        self.total, self.rate = jnp.cumsum(rates), rates
        self.first, self.peak, self.drop_rates = rates[0], jnp.max(rates), rates

    def fading_drops(self, scales: Array, exponent: RealScalarLike) -> Array:
        return self._sums(_drops(self.rates), scales, exponent, own=True)

    def fading_squares(self, scale: RealScalarLike, exponent: RealScalarLike) -> Array:
        return self._sums(self.rates**2, scale, exponent, own=False)

    def progress(self, power: RealScalarLike, unit: float) -> Array:
        return jnp.cumsum(pace(self.rates, power, unit))

    def momentum(self, decay: RealScalarLike) -> Array:
        drops = _drops(self.rates)
        if self.exact:
            at = jnp.arange(len(drops), dtype=drops.dtype)
            return jnp.cumsum(jnp.sum(_fading(decay, at[:, None] - at[None]) * drops[None], axis=1))

        def step(before: Array, drop: Array) -> Any:
            now = before * decay + drop
            return now, now

        return jnp.cumsum(lax.scan(step, jnp.zeros_like(self.first), drops)[1])

    def _sums(self, values: Array, scales: Any, exponent: RealScalarLike, *, own: bool) -> Array:
        if self.exact:
            return exact_power_sums(values, scales, exponent, self.rates, own=own)
        return power_sums(values, scales, exponent, self.rates, _NODES, own=own)


class Last(Past):
    """The past of the last step alone, exactly, in linear time.

    The first `ahead` of the rates are no steps' but copies of the first rate, put in front so
    that runs of similar lengths share a program.
    """

    rates: Array
    ahead: IntScalarLike
    total: Array
    rate: Array
    first: Array
    peak: Array
    drop_rates: Array

    def __init__(self, rates: Array, ahead: IntScalarLike = 0) -> None:
        self.rates, self.ahead = rates, ahead
        self.total, self.rate = jnp.sum(self._of_steps(rates))[None], rates[-1:]
        self.first, self.peak, self.drop_rates = rates[0], jnp.max(rates), rates

    def fading_drops(self, scales: Array, exponent: RealScalarLike) -> Array:
        kernel = (1 + scales * (self._after() + self.rates)) ** -exponent
        return jnp.sum(_drops(self.rates) * kernel)[None]

    def fading_squares(self, scale: RealScalarLike, exponent: RealScalarLike) -> Array:
        kernel = (1 + jnp.maximum(self._after(), 0.0) * scale) ** -exponent
        return jnp.sum(self._of_steps(self.rates**2 * kernel))[None]

    def progress(self, power: RealScalarLike, unit: float) -> Array:
        return jnp.sum(self._of_steps(pace(self.rates, power, unit)))[None]

    def momentum(self, decay: RealScalarLike) -> Array:
        lag = jnp.arange(len(self.rates), dtype=self.rates.dtype)[::-1]
        return jnp.sum(_drops(self.rates) * series(decay, lag))[None]

    def _of_steps(self, values: Array) -> Array:
        return jnp.where(jnp.arange(len(values)) >= self.ahead, values, 0.0)

    def _after(self) -> Array:
        """The sum of the rates after each step."""
        return jnp.cumsum(self.rates[::-1])[::-1] - self.rates


def _drops(rates: Array) -> Array:
    """The rate before each step minus the rate of the step; 0 at step 0."""
    return jnp.concatenate([jnp.zeros_like(rates[:1]), rates[:-1] - rates[1:]])


def pace(rates: Array, power: RealScalarLike, unit: float) -> Array:
    """`unit * (rates / unit) ** power`, with finite slopes at a rate of 0."""
    moving = rates > 0
    return jnp.where(moving, unit * (jnp.where(moving, rates, unit) / unit) ** power, 0.0)


def _fading(decay: RealScalarLike, lag: Array) -> Array:
    """`decay ** lag`; 0 for what is still to come."""
    return jnp.where(lag >= 0, jnp.power(decay, jnp.maximum(lag, 0.0)), 0.0)


def series(decay: RealScalarLike, lag: Array) -> Array:
    """`1 + decay + ... + decay ** lag`."""
    return (1 - _fading(decay, lag) * decay) / (1 - decay)
