"""The momentum law: what the rate has fallen by pays off with a delay."""

from typing import ClassVar

import jax.numpy as jnp

from .._types import Array, RealScalarLike
from ._law import Guess, Law, level
from ._past import Past

_MOST = 1 - 1e-9  # of its decay: at 1 its sums are limits


class MomentumLaw(Law):
    """`L(t) = floor + size * S1(t) ** -exponent - gain * S2(t)`.

    `S1(t)` is the sum of the rates up to step `t`, and `S2(t)` that of the momentum
    `m[t] = decay * m[t - 1] + rates[t - 1] - rates[t]`.

    Args:
      floor: `L` of an endless run at a constant rate.
      size: size of the part that falls as training goes on, above 0.
      exponent: power of that part, above 0.
      gain: loss that falls per unit of `S2`.
      decay: share of the momentum that is left after a step, between 0 and 1; .99 to .999 in the
        paper. From 1 - 1e-9 on it is taken as that.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MomentumLaw(2.5, 0.5, 0.5, gain=0.3, decay=0.999)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.91

    Reference: Tissue et al., [Scaling law with learning rate
    annealing](https://arxiv.org/abs/2408.11029), 2024
    """

    floor: RealScalarLike
    size: RealScalarLike
    exponent: RealScalarLike
    gain: RealScalarLike
    decay: RealScalarLike = 0.999
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "decay")
    fractions: ClassVar[tuple[str, ...]] = ("decay",)
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "gain")
    misfit: ClassVar[float] = 6.0

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`; a memory of 300 steps, give or take a factor of 3."""
        return {"exponent": Guess(0.15, 1.0), "decay": Guess(0.99, 0.9995, 1 - 1 / 300, 1.0)}

    def losses(self, past: Past) -> Array:
        so_far = level(self.floor, self.size, self.exponent, past.total)
        return so_far - self.gain * past.momentum(jnp.minimum(self.decay, _MOST))
