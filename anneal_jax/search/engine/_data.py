"""What a compiled program can be given: numbers, arrays of them, and random keys."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PyTree

from ..._numerics import int_dtype
from ..._types import Array


def misfit(tree: PyTree) -> tuple[str, Any] | None:
    """The place (as words to put behind a rule) and the value of the first leaf that is no data."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if not _is_data(leaf):
            place = jax.tree_util.keystr(path, simple=True, separator=".")
            shown = f"an array of {leaf.dtype}" if isinstance(leaf, np.ndarray) else leaf
            return f" (at {place})" if place else "", shown
    return None


def strong(x: Any) -> Array:
    """`x` as an array of its own type, which is not weak."""
    x = jnp.asarray(x)
    return x if is_key(x) else lax.convert_element_type(x, x.dtype)


def is_key(x: Any) -> bool:
    """Whether `x` is an array of random keys, which have neither type nor value to convert."""
    return isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _is_data(x: Any) -> bool:
    if isinstance(x, int):
        ends = np.iinfo(int_dtype())
        return ends.min <= x <= ends.max
    if isinstance(x, np.ndarray | np.generic):
        return any(jnp.issubdtype(x.dtype, kind) for kind in (np.number, np.bool_))
    return isinstance(x, jax.Array | float | complex)
