"""Copies of the parameters in an optimizer state: one, or a ring of several.

They are of what the parameters become: the last link of a chain sees the updates that will
be added to them.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import PyTree

from .._types import Array


def ring_of(params: PyTree, size: int) -> PyTree:
    """A ring of `size` copies, at first of `params` as they are, and placed as they are.

    (The computation follows the sharding of its input, as one that makes zeros would not.)
    """
    return jax.tree.map(lambda p: jnp.array(jnp.broadcast_to(p, (size, *jnp.shape(p)))), params)


def put(ring: PyTree, index: Array, copy: PyTree) -> PyTree:
    """`ring` with `copy` at `index`."""

    def one(all_: Array, new: Array) -> Array:
        return lax.dynamic_update_index_in_dim(all_, new.astype(all_.dtype), index, 0)

    return jax.tree.map(one, ring, copy)
