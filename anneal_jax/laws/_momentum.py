"""The momentum law: what the rate has fallen by pays off with a delay."""

from typing import ClassVar

import jax.numpy as jnp

from .._numerics import Number as Scalar
from .._types import Array
from ._law import Guess, Law, level
from ._past import Past

_MOST = 1 - 1e-9  # of its decay: at 1 its sums are limits


class MomentumLaw(Law):
    """`L(t) = floor + size * S1(t) ** -exponent - gain * S2(t)`.

    `S1` are the rates summed up, `S2` the momentum `m` summed up, where
    `m[t] = decay * m[t - 1] + rates[t - 1] - rates[t]`.

    Args:
      floor: the loss of an endless run.
      size: of the part that falls with the sum of rates.
      exponent: with which it falls.
      gain: loss per unit of annealing.
      decay: of the momentum in a step; .99 to .999 in the paper.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MomentumLaw(2.5, 0.5, 0.5, gain=0.3, decay=0.999)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.91

    Reference: Tissue et al., [Scaling law with learning rate
    annealing](https://arxiv.org/abs/2408.11029), 2024
    """

    floor: Scalar
    size: Scalar
    exponent: Scalar
    gain: Scalar
    decay: Scalar = 0.999
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "decay")
    fractions: ClassVar[tuple[str, ...]] = ("decay",)
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "gain")
    misfit: ClassVar[float] = 6.0

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`; a memory of 300 steps, give or take a factor of 3."""
        return {"exponent": Guess(0.15, 1.0), "decay": Guess(0.99, 0.9995, 1 - 1 / 300, 1.0)}

    def losses(self, past: Past) -> Array:
        """See `Law`."""
        so_far = level(self.floor, self.size, self.exponent, past.total)
        return so_far - self.gain * past.momentum(jnp.minimum(self.decay, _MOST))
