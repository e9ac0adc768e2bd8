"""The functional scaling law: noise that each step adds, and that later steps forget."""

from typing import ClassVar

from .._types import Array, RealScalarLike
from ._law import Guess, Law
from ._past import Past


class FunctionalScalingLaw(Law):
    """`L(t) = floor + size * (start + S(t)) ** -exponent + noise * N(t)`.

    `N(t) = sum_{k <= t} rates[k] ** 2 * (delay + S(t) - S(k)) ** -decay`

    `S(t)` is the sum of the rates up to step `t`. A step adds noise by the square of its rate,
    which fades by a power of the rates that follow.

    Args:
      floor: `L` of an endless run.
      size: size of the part that falls as training goes on, above 0.
      exponent: power of that part, above 0.
      start: sum of rates that stands for what the first steps find easy, above 0.
      noise: factor of the noise.
      decay: power by which noise fades, above 0.
      delay: sum of rates after which noise begins to fade, above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.FunctionalScalingLaw(
        ...     2.5, 0.5, 0.5, 0.1, noise=5.0, decay=1.5, delay=1e-3
        ... )
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.90

    Reference: Li et al., [Functional scaling laws](https://arxiv.org/abs/2509.19189), 2025
    """

    floor: RealScalarLike
    size: RealScalarLike
    exponent: RealScalarLike
    start: RealScalarLike
    noise: RealScalarLike
    decay: RealScalarLike
    delay: RealScalarLike
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "start", "decay", "delay")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "noise")
    misfit: ClassVar[float] = 7.5

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`; sums of rates are given as numbers of steps at the peak.

        `start` has a narrow prior, since the first steps of a run, all it shows in, are left out.
        """
        return {
            "exponent": Guess(0.15, 1.0),
            "start": Guess(80 * peak, 120 * peak, 100 * peak, 0.1),
            "decay": Guess(0.4, 2.5, 1.0, 1.0),
            "delay": Guess(10 * peak, 90 * peak, 30 * peak, 1.0),
        }

    def losses(self, past: Past) -> Array:
        falling = (past.total + self.start) ** -self.exponent * self.size
        added = past.fading_squares(1 / self.delay, self.decay) * self.delay**-self.decay
        return falling + self.floor + added * self.noise
