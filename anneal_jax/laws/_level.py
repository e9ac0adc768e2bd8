"""The floor: a law that knows how far a run has come and how low its rate is, but no history."""

from typing import ClassVar

import jax.numpy as jnp

from .._numerics import Number as Scalar
from .._schedule import Array
from ._law import Law, level


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

    def curve(self, rates: Array, exact: bool) -> Array:
        """See the class."""
        del exact
        so_far = level(self.floor, self.size, self.exponent, rates)
        return so_far - self.drop * (jnp.max(rates) - rates)
