"""Copies of the parameters in an optimizer state: one, or a ring of several.

They are of what the parameters become: the last link of a chain sees the updates that will
be added to them.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from .. import _checks
from .._types import Array


def require_params(owner: str, params: Any) -> None:
    """Require that `update` got the parameters."""
    if params is None:
        rule = "given to update, as in tx.update(grads, state, params)"
        _checks.fail(owner, "params", rule, None, "pass them")


def moved(owner: str, params: Any, updates: Any) -> Any:
    """The parameters after `updates`, as `optax.apply_updates` makes them."""
    require_params(owner, params)
    return jax.tree.map(
        lambda u, p: p if u is None else optax.apply_updates(p, u),
        updates,
        params,
        is_leaf=lambda u: u is None,  # Optax's sign for what has no gradient
    )


def ring_of(params: Any, size: int) -> Any:
    """A ring of `size` copies, at first of `params` as they are, and placed as they are.

    (The computation follows the sharding of its input, as one that makes zeros would not.)
    """
    return jax.tree.map(lambda p: jnp.array(jnp.broadcast_to(p, (size, *jnp.shape(p)))), params)


def put(ring: Any, index: Array, copy: Any) -> Any:
    """`ring` with `copy` at `index`."""

    def one(all_: Array, new: Array) -> Array:
        return lax.dynamic_update_index_in_dim(all_, new.astype(all_.dtype), index, 0)

    return jax.tree.map(one, ring, copy)
