"""The multi-power law: each drop of the rate pays off as a power of the rates that follow it."""

from typing import ClassVar

import jax.numpy as jnp

from .._types import Array, RealScalarLike
from ._law import Guess, Law, level
from ._past import Past

_LEAST = 1e-6  # of the largest rate: the power of a lower rate is that of this one
_PAPERS_PEAK = 3e-4  # of the paper's runs; here a step's progress is its rate, and `speed` 1
_SPREAD = 0.05  # of the prior
_PACE = 0.15  # that of `pace`


class MultiPowerLaw(Law):
    """`L(t) = floor + size * S1(t) ** -exponent - gain * sum_{k <= t} drop[k] * G(k, t)`.

    `G(k, t) = 1 - (1 + speed * rates[k] ** -stretch * S_k(t)) ** -decay`

    `drop[k] = rates[k - 1] - rates[k]` is by how much the rate falls (a rise, as in a warmup, is
    a negative drop), `S_k(t)` the sum of the rates from step `k` to `t`, and `S1(t)` the sum of
    `3e-4 * (rates / 3e-4) ** pace` up to step `t`. The paper's law has `pace = 1`, so that `S1` is
    the sum of the rates; below 1, a lower rate slows progress by less than in proportion.

    Args:
      floor: `L` of an endless run at a constant rate; `L0` in the paper.
      size: size of the part that falls as training goes on, above 0; `A` in the paper.
      exponent: power of that part, above 0; `alpha` in the paper.
      gain: loss that falls, in the end, per unit that the rate drops; `B` in the paper.
      speed: how soon a drop pays off, above 0; `C` in the paper.
      decay: power by which a drop pays off, above 0; `beta` in the paper.
      stretch: power of the rate by which drops to low rates pay off sooner; `gamma` in the paper.
      pace: power of the rate that a step's progress is proportional to, above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 2_160, 24_000, end_value=3e-5))[-1]:.4f}")
        3.3152

    Reference: Luo et al., [A multi-power law](https://arxiv.org/abs/2503.12811), 2025
    """

    floor: RealScalarLike
    size: RealScalarLike
    exponent: RealScalarLike
    gain: RealScalarLike
    speed: RealScalarLike
    decay: RealScalarLike
    stretch: RealScalarLike
    pace: RealScalarLike = 1.0
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent", "speed", "decay", "pace")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "gain")
    misfit: ClassVar[float] = 2.5

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`.

        The prior's centre is where the paper's fits start, in units of the peak; without a prior,
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
        rates = jnp.maximum(past.drop_rates, _LEAST * past.peak)
        to_come = past.fading_drops(rates**-self.stretch * self.speed, self.decay)
        so_far = level(self.floor, self.size, self.exponent, past.progress(self.pace, _PAPERS_PEAK))
        return so_far - (past.first - past.rate - to_come) * self.gain
