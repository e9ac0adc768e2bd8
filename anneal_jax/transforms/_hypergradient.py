"""Hypergradient descent: a learning rate that learns, from consecutive gradients."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from .. import _checks
from .._deprecated import keywords
from .._numerics import as_float
from .._types import Array, RealScalarLike
from ._updates import as_transformation, scale_updates, typed_as


class HypergradientState(NamedTuple):
    """State of `hypergradient`."""

    scale: Array  # float[]: what the updates of `inner` are multiplied by
    previous: PyTree  # the last update of `inner`, before it was multiplied
    inner_state: optax.OptState

    @property
    def hyperparams(self) -> dict[str, Array]:
        """What `anneal_jax.hyperparams` reads."""
        return {"hypergradient_scale": self.scale}

    carries_on = True  # `reset_on_restart` leaves it alone


@keywords
def hypergradient(
    inner: optax.GradientTransformation,
    beta: RealScalarLike,
    *,
    mode: Literal["multiplicative", "additive"] = "multiplicative",
    min_scale: RealScalarLike = 0.0,
    max_scale: RealScalarLike = 1e3,
) -> optax.GradientTransformationExtraArgs:
    r"""Multiply the updates of an optimizer by a scale that follows its own gradient.

    With the gradient `g_t` and the update `u_t` of `inner` (its schedule and sign included),
    the parameters move by `scale_t * u_t`, and so the loss has the derivative `g_t . u_{t-1}`
    with respect to `scale_{t-1}`. Steps that keep their direction raise the scale, steps that
    turn back lower it:

    - mode "multiplicative": `scale_t = scale_{t-1} * (1 - beta * cos(g_t, u_{t-1}))`
    - mode "additive": `scale_t = scale_{t-1} - beta * g_t . u_{t-1}`

    For `optax.sgd(a)` that is SGD-HD with the rate `scale * a` (additive: with the paper's
    beta divided by `a ** 2`), for `optax.adam(a)` Adam-HD. The scale modulates any schedule
    in `inner`. In mode "multiplicative" `beta` has no unit, and .01 to .1 serve most
    problems; noisy gradients want less.

    Args:
      inner: any Optax optimizer. It must see the gradients themselves, so `hypergradient` is
        the first link of a chain.
      beta: learning rate of the scale, above 0 (for "multiplicative": and below 1).
      mode: "multiplicative" or "additive".
      min_scale: lower bound of the scale, from 0 to 1.
      max_scale: upper bound of the scale, at least 1.

    Returns:
      A `GradientTransformationExtraArgs` with one more copy of the parameters in its state.
      `hyperparams` reads its `hypergradient_scale`. A gradient that is not finite, or whose
      squared norm float32 cannot hold, leaves the scale as it is.

    Raises:
      ValueError: for arguments outside their ranges.

    Example:
        >>> import anneal_jax as anneal, jax, jax.numpy as jnp, optax
        >>> tx = anneal.hypergradient(optax.sgd(0.001), beta=0.1)  # a rate far too small
        >>> params = jnp.ones(3)
        >>> state = tx.init(params)
        >>> for _ in range(50):
        ...     updates, state = tx.update(params, state, params)  # the loss is |params|^2 / 2
        ...     params = optax.apply_updates(params, updates)
        >>> bool(anneal.hyperparams(state)["hypergradient_scale"] > 50)
        True

    Reference: Baydin et al., [Online Learning Rate Adaptation with Hypergradient
    Descent](https://arxiv.org/abs/1703.04782), 2018.
    """
    owner = "hypergradient"
    _checks.nearest(owner, "mode", mode, ("additive", "multiplicative"))
    most = 1 if mode == "multiplicative" else None  # at 1 a turn back would end at scale 0
    _checks.number(owner, "beta", beta, above=0, below=most)
    _checks.number(owner, "min_scale", min_scale, least=0, most=1)
    _checks.number(owner, "max_scale", max_scale, least=1)
    transformation = as_transformation(owner, "inner", inner)

    def init(params: PyTree) -> Any:
        previous = jax.tree.map(jnp.zeros_like, params)
        return HypergradientState(as_float(1.0), previous, transformation.init(params))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        slope = _dot(updates, state.previous)
        if mode == "additive":
            scale = state.scale - as_float(beta) * slope
        else:
            size = jnp.sqrt(_dot(updates, updates)) * jnp.sqrt(_dot(state.previous, state.previous))
            cosine = jnp.where(size > 0, slope / jnp.where(size > 0, size, 1), 0)
            scale = state.scale * (1 - as_float(beta) * cosine)
        bounded = jnp.clip(scale, as_float(min_scale), as_float(max_scale))
        scale = jnp.where(jnp.isfinite(scale), bounded, state.scale)
        new, inner_state = transformation.update(updates, state.inner_state, params, **extra)
        previous = typed_as(new, state.previous)
        return scale_updates(new, scale), HypergradientState(scale, previous, inner_state)

    return optax.GradientTransformationExtraArgs(init, update)


def _dot(a: Any, b: Any) -> Array:
    """The inner product of two trees as real vectors, in the computing precision."""

    def part(x: Array, y: Array) -> Array:
        total = jnp.sum(as_float(jnp.real(x)) * as_float(jnp.real(y)))
        if jnp.iscomplexobj(x):
            total += jnp.sum(as_float(jnp.imag(x)) * as_float(jnp.imag(y)))
        return total

    return jax.tree.reduce(jnp.add, jax.tree.map(part, a, b), as_float(0.0))
