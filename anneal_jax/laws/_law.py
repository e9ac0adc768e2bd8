"""A law: from the rates of all steps to the loss after each of them."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .. import _checks
from .._exponential_sums import in_double, rates_of
from .._types import Array
from ._past import Past, Whole


class Guess(NamedTuple):
    """What is likely of a parameter that a loss is not linear in."""

    low: float  # where a fit's starts begin
    high: float  # and end
    centre: float = 1.0  # of the prior
    spread: float | None = None  # of it, as `fit` has it; None: no prior


class Law(eqx.Module):
    """A function from rates to losses whose parameters are leaves of a pytree.

    A law is called with a schedule (and the number of steps, if it has none of its own) or with
    the rates of all steps, and returns the loss after each step. Its curve takes linear time and
    memory, in float64 inside, and can be jitted, batched, and differentiated by parameters and
    rates; `exact=True` takes the sums term by term, in quadratic time, to compare with.

    A law of one's own declares its parameters as fields, and `losses(past)` of a `Past`. To be
    fitted, it says in which of them a loss is linear, and what is likely of all others; for
    intervals, how far off laws of its kind have been on schedules that they had not seen.
    """

    positive: ClassVar[tuple[str, ...]] = ()  # names of parameters that must be above 0
    fractions: ClassVar[tuple[str, ...]] = ()  # those between 0 and 1, mostly close to 1
    linear: ClassVar[tuple[str, ...]] = ()  # those that a loss is linear in
    misfit: ClassVar[float] = 6.0  # that, as a multiple of what `Fit.misfit` says

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """For every other parameter what is likely, where `peak` is the largest rate of runs."""
        raise NotImplementedError

    def __check_init__(self) -> None:
        for field in dataclasses.fields(self):
            above = 0.0 if field.name in self.positive else None
            _checks.number(type(self).__name__, field.name, getattr(self, field.name), above=above)

    def __call__(self, rates: Any, steps: int | None = None, *, exact: bool = False) -> Array:
        """Losses after steps 0 to `steps - 1`.

        Args:
          rates: a schedule, or the rate of each step; positive, but for zeros at the start,
            where the loss is infinite.
          steps: how many, where a schedule has no length of its own.
          exact: whether to take sums term by term.

        Returns:
          float[steps].
        """
        owner = type(self).__name__
        _checks.flag(owner, "exact", exact)
        given = rates_of(owner, "rates", rates, steps)
        return in_double(_exact if exact else _fast)(self, given)

    def losses(self, past: Past) -> Array:
        """The law itself: the losses after all steps that `past` tells of, in float64."""
        raise NotImplementedError


@jax.jit
def _fast(law: Law, rates: Array) -> Array:
    return law.losses(Whole(rates, exact=False))


@jax.jit
def _exact(law: Law, rates: Array) -> Array:
    return law.losses(Whole(rates, exact=True))


def level(floor: Array, size: Array, exponent: Array, total: Array) -> Array:
    """`floor + size * total ** -exponent`, where `total` are the rates summed up."""
    moved = total > 0
    power = jnp.where(moved, total, 1.0) ** -exponent
    return floor + jnp.where(moved, size * power, jnp.inf)
