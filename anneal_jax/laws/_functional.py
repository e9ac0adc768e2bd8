"""The functional scaling law: noise that each step adds, and that later steps forget."""

from typing import ClassVar

from .._numerics import Number as Scalar
from .._types import Array
from ._law import Guess, Law
from ._past import Past


class FunctionalScalingLaw(Law):
    """`L(t) = floor + size * (start + S(t)) ** -exponent + noise * N(t)`.

    `N(t) = sum_{k <= t} rates[k] ** 2 * (delay + S(t) - S(k)) ** -decay`

    `S` are the rates summed up.

    Args:
      floor: the loss of an endless run.
      size: of the part that falls with the sum of rates.
      exponent: with which it falls.
      start: the sum of rates at which that part would be infinite is `-start`.
      noise: what a step adds, per squared rate.
      decay: with which it is forgotten.
      delay: how long it stays at first, in units of summed rates.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.FunctionalScalingLaw(
        ...     2.5, 0.5, 0.5, 0.1, noise=5.0, decay=1.5, delay=1e-3
        ... )
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.90

    Reference: Li et al., [Functional scaling laws](https://arxiv.org/abs/2509.19189), 2025
    """

    floor: Scalar
    size: Scalar
    exponent: Scalar
    start: Scalar
    noise: Scalar
    decay: Scalar
    delay: Scalar
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "start", "decay", "delay")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "noise")
    misfit: ClassVar[float] = 7.5

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`; times as sums of rates, in steps at the peak.

        A warmup's length tells so little of `start` that a fit would run along it for ever.
        """
        return {
            "exponent": Guess(0.15, 1.0),
            "start": Guess(80 * peak, 120 * peak, 100 * peak, 0.1),
            "decay": Guess(0.4, 2.5, 1.0, 1.0),
            "delay": Guess(10 * peak, 90 * peak, 30 * peak, 1.0),
        }

    def losses(self, past: Past) -> Array:
        """See `Law`."""
        falling = self.size * (self.start + past.total) ** -self.exponent
        added = self.delay**-self.decay * past.fading_squares(1 / self.delay, self.decay)
        return self.floor + falling + self.noise * added
