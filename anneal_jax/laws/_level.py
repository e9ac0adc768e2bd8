"""The floor: a law that knows how far a run has come and how low its rate is, but no history."""

from typing import ClassVar

from .._types import Array, RealScalarLike
from ._law import Guess, Law, level
from ._past import Past


class LevelLaw(Law):
    """`L(t) = floor + size * S(t) ** -exponent - drop * (max of rates - rates[t])`.

    `S(t)` is the sum of the rates up to step `t`. Two schedules with the same sum and the same
    rate at the end have the same loss here: what a law that knows their history must beat.

    Args:
      floor: `L` of an endless run at the largest rate.
      size: size of the part that falls as training goes on, above 0.
      exponent: power of that part, above 0.
      drop: loss that falls per unit by which the rate is below its largest.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.LevelLaw(floor=2.5, size=0.5, exponent=0.5, drop=300.0)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.82
    """

    floor: RealScalarLike
    size: RealScalarLike
    exponent: RealScalarLike
    drop: RealScalarLike
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "drop")
    misfit: ClassVar[float] = 15.0

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        return {"exponent": Guess(0.15, 1.0)}

    def losses(self, past: Past) -> Array:
        so_far = level(self.floor, self.size, self.exponent, past.total)
        return so_far - self.drop * (past.peak - past.rate)
