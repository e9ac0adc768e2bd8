"""What transformations do to updates: count them, scale them, add them to the parameters."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from .. import _checks
from .._types import Array


def as_transformation(owner: str, name: str, inner: Any) -> optax.GradientTransformationExtraArgs:
    """An Optax optimizer that takes extra arguments, whether it wants them or not."""
    if not (hasattr(inner, "init") and hasattr(inner, "update")):
        rule = "an Optax optimizer"
        remedy = "pass one, as in optax.adam(1e-3)"
        _checks.fail(owner, name, rule, inner, remedy)
    return optax.with_extra_args_support(inner)


def counter() -> Array:
    """A count of updates before the first: int32[], as in Optax's states."""
    return jnp.zeros((), jnp.int32)


def increment(count: Array) -> Array:
    """The next count; the last one stays."""
    return jnp.asarray(optax.safe_increment(count))


def scaled(update: Array, factor: Array) -> Array:
    """`update * factor`, multiplied in the wider of the two precisions, in that of `update`."""
    with jax.numpy_dtype_promotion("standard"):
        return (update * factor).astype(update.dtype)


def scale_updates(updates: PyTree, factor: Array) -> PyTree:
    """All updates times one factor, each in its own dtype."""
    return jax.tree.map(lambda update: scaled(update, factor), updates)


def typed_as(new: Any, old: Any) -> Any:
    """`new` with the dtypes of `old`: a float32 rate must not widen bfloat16 moments."""

    def cast(x: Any, like: Any) -> Any:
        same = not hasattr(like, "dtype") or jnp.result_type(x) == like.dtype
        return x if same else jnp.asarray(x).astype(like.dtype)

    if jax.tree.structure(new) != jax.tree.structure(old):
        return new  # a transformation that restructures its updates knows its dtypes
    return jax.tree.map(cast, new, old)


def require_params(owner: str, params: PyTree | None) -> None:
    """Require that `update` got the parameters."""
    if params is None:
        rule = "given to update, as in tx.update(grads, state, params)"
        _checks.fail(owner, "params", rule, None, "pass them")


def moved(owner: str, params: PyTree | None, updates: PyTree) -> PyTree:
    """The parameters after `updates`, as `optax.apply_updates` makes them."""
    require_params(owner, params)
    return jax.tree.map(
        lambda u, p: p if u is None else optax.apply_updates(p, u),
        updates,
        params,
        is_leaf=lambda u: u is None,  # Optax's sign for what has no gradient
    )
