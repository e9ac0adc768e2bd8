"""A bound on what SGD's last iterate misses, from the rates alone."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .. import _checks
from .._exponential_sums import (
    ScheduleOrRates,
    in_float64,
    nodes_for,
    rates_of,
    reciprocal_sums,
)
from .._types import Array, RealScalarLike


class Bound(NamedTuple):
    """The bound after every step, in its two terms; made by `last_iterate_bound`.

    With all rates multiplied by `c`, the bound is `distance / c + noise * c`.

    Attributes:
      distance: float[steps], the term of the distance from the start to the minimum.
      noise: float[steps], the term of the size of the gradients.
    """

    distance: Array
    noise: Array

    @property
    def curve(self) -> Array:
        """float[steps], the bound after each step; infinite before the first positive rate."""
        return self.distance + self.noise

    @property
    def scale(self) -> Array:
        """The factor to all rates that makes the bound after the last step smallest."""
        return jnp.sqrt(self.distance[-1] / self.noise[-1])

    @property
    def tuned(self) -> Array:
        """The bound after the last step with all rates multiplied by `scale`."""
        return 2 * jnp.sqrt(self.distance[-1] * self.noise[-1])


def last_iterate_bound(
    rates: ScheduleOrRates,
    grad_norms: RealScalarLike | Array | np.ndarray | Sequence[float] = 1.0,
    distance: RealScalarLike = 1.0,
    *,
    steps: int | None = None,
) -> Bound:
    """A bound on the expected loss of SGD's last iterate above the minimum, after each step.

    `D**2 / (2 A_T) + (r_T G_T**2 + sum_{k < T} r_k**2 G_k**2 / sum_{k < t <= T} r_t) / 2`

    with the rates `r`, their sum `A_T` up to step `T`, bounds `G` on the gradients' norms, and the
    distance `D` from the start to the minimum. It holds for convex problems. The whole curve takes
    linear time, and can be differentiated by all arguments.

    Args:
      rates: a schedule, or float[steps], the rate of each step; positive, except for zeros at the
        start.
      grad_norms: bounds on the norms of the gradients, one number or float[steps].
      distance: distance from the start to the minimum, in units of the parameters.
      steps: number of steps of a schedule; by default its own.

    Returns:
      A `Bound`: float32, or float64 with x64 on; relative error at most 1e-6.

    Raises:
      ValueError: for rates, norms or a distance out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> bound = anneal.theory.last_iterate_bound(anneal.Cosine(1.0, 0.1, 400))
        >>> print(f"{bound.tuned * 400**0.5:.2f} at {bound.scale * 400**0.5:.2f}")
        2.08 at 0.87

    Reference: Defazio et al., [When, why and how much?](https://arxiv.org/abs/2310.07831), 2023,
    and Schaipp et al., [The surprising agreement](https://arxiv.org/abs/2501.18965), 2025
    """
    owner = "last_iterate_bound"
    found = rates_of(owner, "rates", rates, steps)
    _checks.number(owner, "distance", distance, above=0)
    norms = grad_norms
    if not isinstance(norms, Tracer):
        norms = np.asarray(norms)
        fits = norms.dtype.kind in "fiu" and norms.shape in {(), jnp.shape(found)}
        if not (fits and np.isfinite(norms).all() and (norms > 0).all()):
            rule = f"positive and finite, one number or {jnp.shape(found)[0]}"
            _checks.fail(owner, "grad_norms", rule, grad_norms, "leave it out for 1")
    terms = functools.partial(_terms, nodes=nodes_for(found))
    return Bound(*in_float64(terms)(found, norms, distance))


@functools.partial(jax.jit, static_argnames="nodes")
def _terms(rates: Array, norms: Array, distance: Array, *, nodes: int) -> tuple[Array, Array]:
    steps = (rates * norms) ** 2
    noise = 0.5 * (rates * norms**2 + reciprocal_sums(steps, rates, nodes))
    return distance**2 / (2 * jnp.cumsum(rates)), noise


def best_peak(rates: np.ndarray) -> float:
    """The peak of a schedule that makes the bound lowest, for norms and a distance of 1."""
    return float(last_iterate_bound(rates).scale) * float(rates.max())
