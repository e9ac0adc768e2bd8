"""Many small arrays as few: writing 150 of them costs Orbax four times what their bytes cost.

Those of a kind are laid end to end, in the order of the tree. Large ones stay as they are, in as
many parts as there are devices.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

LARGE = 1 << 17  # elements


def layout(tree: Any) -> list[list[Any]]:
    """Name, shape and dtype of every array, as JSON has them."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    name = jax.tree_util.keystr
    return [[name(p, simple=True, separator="/"), [*x.shape], str(x.dtype)] for p, x in leaves]


@jax.jit
def pack(tree: Any) -> dict[str, jax.Array]:
    """The same numbers; fresh arrays, but for the large ones."""
    small: dict[str, list[jax.Array]] = {}
    packed = {}
    for i, x in enumerate(jax.tree.leaves(tree)):
        if x.size < LARGE:
            small.setdefault(str(x.dtype), []).append(x.ravel())
        else:
            packed[f"large{i}"] = x
    return packed | {dtype: jnp.concatenate(parts) for dtype, parts in small.items()}


def packed_like(like: Any) -> dict[str, jax.ShapeDtypeStruct]:
    """Shape, dtype and place of what `pack` makes of arrays that are described by `like`."""
    leaves = jax.tree.leaves(like)

    def described(name: str, x: Any) -> jax.ShapeDtypeStruct:
        of = leaves[int(name.removeprefix("large"))] if name.startswith("large") else leaves[0]
        place = of.sharding
        if of is leaves[0] and isinstance(place, NamedSharding):  # small ones stand everywhere
            place = NamedSharding(place.mesh, PartitionSpec())
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place)

    return {name: described(name, x) for name, x in jax.eval_shape(pack, like).items()}


def unpack(packed: dict[str, jax.Array], like: Any) -> Any:
    """The tree again, each array where `like` has it."""
    leaves, tree = jax.tree.flatten(like)

    def split(packed: dict[str, jax.Array]) -> Any:
        found, done = [], dict.fromkeys(packed, 0)
        for i, x in enumerate(leaves):
            part = packed.get(f"large{i}")
            if part is None:
                kind = str(x.dtype)
                part = packed[kind][done[kind] : done[kind] + x.size].reshape(x.shape)
                done[kind] += x.size
            found.append(part)
        return jax.tree.unflatten(tree, found)

    return jax.jit(split, out_shardings=jax.tree.map(lambda x: x.sharding, like))(packed)
