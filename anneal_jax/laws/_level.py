"""The floor: a law that knows how far a run has come and how low its rate is, but no history."""

from typing import ClassVar

from .._numerics import Number as Scalar
from .._types import Array
from ._law import Guess, Law, level
from ._past import Past


class LevelLaw(Law):
    """`L(t) = floor + size * S(t) ** -exponent - drop * (max of rates - rates[t])`.

    `S` are the rates summed up. What a law must beat to be worth its history.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.LevelLaw(floor=2.5, size=0.5, exponent=0.5, drop=300.0)
        >>> print(f"{law(anneal.warmup_cosine(3e-4, 100, 10_000))[-1]:.2f}")
        2.82
    """

    floor: Scalar
    size: Scalar
    exponent: Scalar
    drop: Scalar
    positive: ClassVar[tuple[str, ...]] = ("size", "exponent")
    linear: ClassVar[tuple[str, ...]] = ("floor", "size", "drop")
    misfit: ClassVar[float] = 15.0

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Guess]:
        """See `Law`."""
        return {"exponent": Guess(0.15, 1.0)}

    def losses(self, past: Past) -> Array:
        """See `Law`."""
        so_far = level(self.floor, self.size, self.exponent, past.total)
        return so_far - self.drop * (past.peak - past.rate)
