"""The momentum law: what the rate has fallen by pays off with a delay."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import lax

from .._numerics import Number as Scalar
from .._schedule import Array
from ._law import Law, drops, level


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

    def curve(self, rates: Array, exact: bool) -> Array:
        """See the class."""
        fallen = drops(rates)
        if exact:
            lag = jnp.arange(len(rates), dtype=rates.dtype)
            kernel = jnp.where(lag[:, None] >= lag[None], lag[:, None] - lag[None], jnp.inf)
            momentum = jnp.sum(self.decay**kernel * fallen[None], axis=1)
        else:

            def step(before: Array, drop: Array) -> Any:
                now = self.decay * before + drop
                return now, now

            momentum = lax.scan(step, jnp.zeros_like(fallen[0]), fallen)[1]
        so_far = level(self.floor, self.size, self.exponent, rates)
        return so_far - self.gain * jnp.cumsum(momentum)
