"""What a law may know of a run: sums over its past.

A law's formula stands in one place and asks a `Past` for its sums. How they are taken is what the
classes differ in: `Whole` has the past of every step in linear time, `TermByTerm` the same in
quadratic time, `Last` that of the last step alone; `Measured`, in a file of its own, that of a few
steps, as a fit needs.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .._exponential_sums import exact_power_sums, power_sums
from .._types import Array, IntScalarLike

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
    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        """Sum over `k <= t` of `drop[k] * (1 + scales[k] * (S(t) - S(k - 1))) ** -exponent`.

        `drop[k]` is the rate of step `k - 1` minus that of step `k`.

        Args:
          scales: float[m], one for each of `drop_rates`.
          exponent: float[].

        Returns:
          float[n].
        """

    @abc.abstractmethod
    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        """Sum over `k <= t` of `rate[k] ** 2 * (1 + scale * (S(t) - S(k))) ** -exponent`."""

    @abc.abstractmethod
    def progress(self, power: Array, unit: float) -> Array:
        """Sum over `k <= t` of `unit * (rate[k] / unit) ** power`; `S(t)` where `power` is 1."""

    @abc.abstractmethod
    def momentum(self, decay: Array) -> Array:
        """Sum over `i <= t` of `m[i] = decay * m[i - 1] + drop[i]`, for a `decay` below 1."""


class _FromRates(Past):
    """The abstract base of pasts that are told by the rates of all steps."""

    rates: eqx.AbstractVar[Array]

    @property
    def first(self) -> Array:
        return self.rates[0]

    @property
    def peak(self) -> Array:
        return jnp.max(self.rates)

    @property
    def drop_rates(self) -> Array:
        return self.rates

    def drops(self) -> Array:
        """float[steps], the rate before each step minus the rate of the step; 0 at step 0."""
        return jnp.concatenate([jnp.zeros_like(self.rates[:1]), self.rates[:-1] - self.rates[1:]])


class _EveryStep(_FromRates):
    """The abstract base of pasts of every step."""

    @property
    def total(self) -> Array:
        return jnp.cumsum(self.rates)

    @property
    def rate(self) -> Array:
        return self.rates

    def progress(self, power: Array, unit: float) -> Array:
        return jnp.cumsum(pace(self.rates, power, unit))


class Whole(_EveryStep):
    """The past of every step, in linear time."""

    rates: Array

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        return power_sums(self.drops(), scales, exponent, self.rates, _NODES, own=True)

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        return power_sums(self.rates**2, scale, exponent, self.rates, _NODES, own=False)

    def momentum(self, decay: Array) -> Array:
        def step(before: Array, drop: Array) -> Any:
            now = decay * before + drop
            return now, now

        return jnp.cumsum(lax.scan(step, jnp.zeros_like(self.first), self.drops())[1])


class TermByTerm(_EveryStep):
    """The past of every step as its formulas are written, in quadratic time."""

    rates: Array

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        return exact_power_sums(self.drops(), scales, exponent, self.rates, own=True)

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        return exact_power_sums(self.rates**2, scale, exponent, self.rates, own=False)

    def momentum(self, decay: Array) -> Array:
        at = jnp.arange(len(self.rates), dtype=self.rates.dtype)
        lag = at[:, None] - at[None]
        return jnp.cumsum(jnp.sum(_fading(decay, lag) * self.drops()[None], axis=1))


class Last(_FromRates):
    """The past of the last step alone, exactly, in linear time.

    The first `ahead` of the rates are those of no steps: copies of the first rate, put in front
    so that runs of similar lengths share a program.
    """

    rates: Array
    ahead: IntScalarLike = 0

    @property
    def total(self) -> Array:
        return jnp.sum(self._of_steps(self.rates))[None]

    @property
    def rate(self) -> Array:
        return self.rates[-1:]

    def fading_drops(self, scales: Array, exponent: Array) -> Array:
        kernel = (1 + scales * (self._after() + self.rates)) ** -exponent
        return jnp.sum(self.drops() * kernel)[None]

    def fading_squares(self, scale: Array, exponent: Array) -> Array:
        kernel = (1 + scale * jnp.maximum(self._after(), 0.0)) ** -exponent
        return jnp.sum(self._of_steps(self.rates**2 * kernel))[None]

    def progress(self, power: Array, unit: float) -> Array:
        return jnp.sum(self._of_steps(pace(self.rates, power, unit)))[None]

    def momentum(self, decay: Array) -> Array:
        lag = jnp.arange(len(self.rates), dtype=self.rates.dtype)[::-1]
        return jnp.sum(self.drops() * series(decay, lag))[None]

    def _of_steps(self, values: Array) -> Array:
        return jnp.where(jnp.arange(len(values)) >= self.ahead, values, 0.0)

    def _after(self) -> Array:
        """The sum of the rates after each step."""
        return jnp.cumsum(self.rates[::-1])[::-1] - self.rates


def pace(rates: Array, power: Array, unit: float) -> Array:
    """`unit * (rates / unit) ** power`, with finite slopes at a rate of 0."""
    moving = rates > 0
    return jnp.where(moving, unit * (jnp.where(moving, rates, unit) / unit) ** power, 0.0)


def _fading(decay: Array, lag: Array) -> Array:
    """`decay ** lag`; 0 for what is still to come."""
    return jnp.where(lag >= 0, decay ** jnp.maximum(lag, 0.0), 0.0)


def series(decay: Array, lag: Array) -> Array:
    """`1 + decay + ... + decay ** lag`."""
    return (1 - decay * _fading(decay, lag)) / (1 - decay)
