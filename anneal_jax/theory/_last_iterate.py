"""A bound on what SGD's last iterate misses, from the rates alone."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .. import _checks
from .._exponential_sums import in_double, nodes_for, rates_of, reciprocal_sums
from .._types import Array


class Bound(NamedTuple):
    """The bound after every step, in its two terms; see `last_iterate_bound`.

    With all rates times `scale` it is `distance / scale + scale * noise`.
    """

    distance: Array  # float[steps]: what is left of the distance at the start
    noise: Array  # float[steps]: what the gradients' size adds

    @property
    def curve(self) -> Array:
        """float[steps], the bound after each step; infinite before the first that moves."""
        return self.distance + self.noise

    @property
    def scale(self) -> Array:
        """The factor to all rates with which the bound after the last step is smallest."""
        return jnp.sqrt(self.distance[-1] / self.noise[-1])

    @property
    def tuned(self) -> Array:
        """The bound after the last step with that factor."""
        return 2 * jnp.sqrt(self.distance[-1] * self.noise[-1])


def last_iterate_bound(
    rates: Any, grad_norms: Any = 1.0, distance: float = 1.0, *, steps: int | None = None
) -> Bound:
    """How far the last iterate of SGD can be from the minimum, after each of the steps.

    `D**2 / (2 A_T) + (r_T G_T**2 + sum_{k < T} r_k**2 G_k**2 / sum_{k < t <= T} r_t) / 2`

    with rates `r`, their sum `A_T` up to step `T`, gradient norms `G` and distance `D`: a bound on
    the expected loss above the minimum, for convex problems. The whole curve takes linear time; a
    relative error of at most 1e-6. It can be differentiated, by the rates too.

    Args:
      rates: a schedule, or an array of the rates of all steps; positive, but for zeros at the
        start (a warmup from 0 moves nothing).
      grad_norms: bounds of the gradients' norms, one number or one for each step.
      distance: from the start to the minimum.
      steps: how many, where a schedule has no length of its own.

    Returns:
      A `Bound`.

    Raises:
      ValueError: for rates, norms or a distance out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> bound = anneal.theory.last_iterate_bound(anneal.Cosine(1.0, 0.1, 400))
        >>> print(f"{bound.tuned * 400**0.5:.2f} at {bound.scale * 400**0.5:.2f}")
        2.08 at 0.87

    References:
      Defazio et al., [When, why and how much?](https://arxiv.org/abs/2310.07831), 2023; Schaipp
      et al., [The surprising agreement](https://arxiv.org/abs/2501.18965), 2025
    """
    owner = "last_iterate_bound"
    rates = rates_of(owner, "rates", rates, steps)
    _checks.number(owner, "distance", distance, above=0)
    norms = grad_norms
    if not isinstance(norms, Tracer):
        norms = np.asarray(norms)
        fits = norms.dtype.kind in "fiu" and norms.shape in {(), jnp.shape(rates)}
        if not (fits and np.isfinite(norms).all() and (norms > 0).all()):
            rule = f"positive and finite, one number or {jnp.shape(rates)[0]}"
            _checks.fail(owner, "grad_norms", rule, grad_norms, "leave it out for 1")
    terms = functools.partial(_terms, nodes=nodes_for(rates))
    return Bound(*in_double(terms)(rates, norms, distance))


@functools.partial(jax.jit, static_argnames="nodes")
def _terms(rates: Array, norms: Array, distance: Array, *, nodes: int) -> tuple[Array, Array]:
    steps = (rates * norms) ** 2
    noise = 0.5 * (rates * norms**2 + reciprocal_sums(steps, rates, nodes))
    return distance**2 / (2 * jnp.cumsum(rates)), noise


def best_peak(rates: np.ndarray) -> float:
    """The peak of the shape with which the bound is lowest, for norms and a distance of 1."""
    return float(last_iterate_bound(rates).scale) * float(rates.max())
