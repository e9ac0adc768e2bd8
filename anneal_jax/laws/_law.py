"""A law: from the rates of all steps to the loss after each of them."""

import abc
import dataclasses
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, in_float64, power_of_two, rates_of
from .._types import Array, IntScalarLike, RealScalarLike, Values
from ._past import Last, Past, Whole


class Guess(NamedTuple):
    """Likely values of a parameter that a loss is not linear in.

    Attributes:
      low: the smallest value that a fit starts from.
      high: the largest one.
      centre: centre of the prior.
      spread: standard deviation of the prior, of the parameter's logarithm; None for no prior.
    """

    low: float
    high: float
    centre: float = 1.0
    spread: float | None = None


class Law(eqx.Module):
    """The abstract base of laws: functions from rates to losses, whose parameters are leaves.

    A law is called with a schedule, or with the rates of all steps, and returns the loss after
    each step. Its curve takes linear time and memory, is computed in float64, and can be jitted,
    batched, and differentiated by parameters and rates.

    A law of your own declares its parameters as fields and defines `losses`. To be fitted by
    `fit`, it names the parameters that a loss is linear in and gives `guesses` for all others;
    for the intervals of predictions, it has a `misfit`.

    Attributes:
      positive: names of the parameters that must be above 0.
      fractions: names of the parameters between 0 and 1, mostly close to 1.
      linear: names of the parameters that a loss is linear in.
      misfit: how far off laws of this class were on schedules they had not seen, in units of the
        noise of the runs; see `Fit.misfit`.
    """

    positive: ClassVar[tuple[str, ...]] = ()
    fractions: ClassVar[tuple[str, ...]] = ()
    linear: ClassVar[tuple[str, ...]] = ()
    misfit: ClassVar[float] = 6.0

    @abc.abstractmethod
    def losses(self, past: Past) -> Array:
        """The law's formula: the losses after all steps that `past` tells of, in float64."""

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """Likely values of each parameter that a loss is not linear in.

        Args:
          peak: the largest rate of the runs.
        """
        del peak
        return {}

    def __check_init__(self) -> None:
        for field in dataclasses.fields(self):
            above = 0.0 if field.name in self.positive else None
            _checks.number(type(self).__name__, field.name, getattr(self, field.name), above=above)

    def __call__(
        self, rates: ScheduleOrRates, steps: int | None = None, *, exact: bool = False
    ) -> Values:
        """The losses after steps 0 to `steps - 1`.

        Args:
          rates: a schedule, or float[steps], the rate of each step; positive, except for zeros at
            the start, where the loss is infinite.
          steps: number of steps of a schedule; by default its own.
          exact: whether to take the law's sums term by term, in quadratic time.

        Returns:
          float[steps]: float32, or float64 with x64 on; relative error at most 1e-6.

        Raises:
          ValueError: for rates that are not positive, and a schedule without a length.
        """
        owner = type(self).__name__
        _checks.flag(owner, "exact", exact)
        given = rates_of(owner, "rates", rates, steps)
        return in_float64(_exact if exact else _fast)(self, given)


def last_loss(law: Law, rates: np.ndarray) -> float:
    """The loss after the last step alone; similar numbers of steps share a program."""
    ahead = power_of_two(len(rates)) - len(rates)
    with jax.enable_x64(True):
        return float(_last(law, jnp.asarray(np.pad(rates, (ahead, 0), "edge")), ahead))


@jax.jit
def _last(law: Law, rates: Array, ahead: IntScalarLike) -> Array:
    return law.losses(Last(rates, ahead))[0]


@jax.jit
def _fast(law: Law, rates: Array) -> Array:
    return law.losses(Whole(rates, exact=False))


@jax.jit
def _exact(law: Law, rates: Array) -> Array:
    return law.losses(Whole(rates, exact=True))


def level(
    floor: RealScalarLike, size: RealScalarLike, exponent: RealScalarLike, total: Array
) -> Array:
    """`floor + size * total ** -exponent`, where `total` is the sum of the rates so far."""
    moved = total > 0
    power = jnp.where(moved, total, 1.0) ** -exponent
    return jnp.where(moved, power * size, jnp.inf) + floor
