"""The multi-power law: each drop of the rate pays off as a power of the rates that follow it."""

from typing import ClassVar

import jax.numpy as jnp

from .._numerics import Number as Scalar
from .._types import Array
from ._law import Guess, Law, level
from ._past import Past

_LEAST = 1e-6  # of the largest rate: below it the power of a rate is that of this one

_PAPERS_PEAK = 3e-4  # rate at which its speed is 1, and a step's progress its rate
_SPREAD = 0.05  # of the prior
_PACE = 0.15  # that of `pace`


class MultiPowerLaw(Law):
    """`L(t) = floor + size * S1(t) ** -exponent - gain * sum_{k <= t} drop[k] * G(k, t)`.

    `G(k, t) = 1 - (1 + speed * rates[k] ** -stretch * S_k(t)) ** -decay`

    `S_k(t)` are the rates from `k` to `t` summed up, `S1` those from the start;
    `drop[k] = rates[k - 1] - rates[k]`, so a warmup's rises count as negative drops. With
    `pace` below 1, which the paper does not have, `S1` sums up
    `3e-4 * (rates / 3e-4) ** pace`: a lower rate costs less progress than in proportion.

    Args:
      floor: the loss of an endless run; `L0` in the paper.
      size: `A`, of the part that falls with the sum of rates.
      exponent: `alpha`, with which it falls.
      gain: `B`, loss per unit of rate that was dropped, in the end.
      speed: `C`, how soon a drop pays off.
      decay: `beta`, of the kernel.
      stretch: `gamma`, how much sooner at low rates.
      pace: power of the rate that a step's progress goes with; 1 in the paper.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 2_160, 24_000, end_value=3e-5))[-1]:.4f}")
        3.3152

    Reference: Luo et al., [A multi-power law](https://arxiv.org/abs/2503.12811), 2025
    """

    floor: Scalar
    size: Scalar
    exponent: Scalar
    gain: Scalar
    speed: Scalar
    decay: Scalar
    stretch: Scalar
    pace: Scalar = 1.0
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "speed", "decay", "pace")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "gain")
    misfit: ClassVar[float] = 2.5

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`.

        The prior has its centre where the paper's fits start, in units of the peak; without one,
        fits run along a ridge to small decays. How its spread was chosen: `docs/laws.md`.
        """
        speed = (peak / _PAPERS_PEAK) ** -0.5
        return {
            "exponent": Guess(0.15, 1.0),
            "speed": Guess(speed / 1.2, speed * 1.2, speed, _SPREAD),
            "decay": Guess(0.45, 0.55, 0.5, _SPREAD),
            "stretch": Guess(0.45, 0.55, 0.5, _SPREAD),
            "pace": Guess(0.5, 0.9, 0.6, _PACE),
        }

    def losses(self, past: Past) -> Array:
        """See `Law`."""
        rates = jnp.maximum(past.drop_rates, _LEAST * past.peak)
        to_come = past.fading_drops(self.speed * rates**-self.stretch, self.decay)
        so_far = level(self.floor, self.size, self.exponent, past.progress(self.pace, _PAPERS_PEAK))
        return so_far - self.gain * (past.first - past.rate - to_come)
