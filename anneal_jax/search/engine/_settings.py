"""How a population is laid out: steps in a dispatch, members at a time, and over which devices."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from ..._types import Array


class Settings(NamedTuple):
    """What a program depends on beside functions and shapes."""

    at_once: int  # steps in a dispatch
    per_member: bool = False  # whether batches have an axis of members
    lanes: int | None = None  # members side by side on each device; None: as many as do well
    memory_limit: int | None = None  # bytes on each device; None: what is free
    mesh: Mesh | None = None  # of devices, to spread members over
    axis: str = "members"  # of the mesh, along which members are spread

    @property
    def devices(self) -> int:
        """Over which members are spread."""
        return 1 if self.mesh is None else self.mesh.shape[self.axis]

    def sharding(self, spec: PartitionSpec | None = None) -> NamedSharding | None:
        """Along the axis of members, unless `spec` says otherwise."""
        if self.mesh is None:
            return None
        return NamedSharding(self.mesh, PartitionSpec(self.axis) if spec is None else spec)

    def replicated(self, tree: PyTree) -> PyTree:
        """`tree` on all devices."""
        return _placed(tree, self.sharding(PartitionSpec()))

    def parted(self, tree: PyTree) -> PyTree:
        """`tree`, its arrays split along the axis of members."""
        return _placed(tree, self.sharding())

    def on_each(self, function: Callable[..., Any], specs: Any, out: Any) -> Callable[..., Any]:
        """`function` on each device's part of its arguments."""
        if self.mesh is None:
            return function
        return jax.shard_map(
            function, mesh=self.mesh, in_specs=specs, out_specs=out, check_vma=False
        )


def _placed(tree: PyTree, sharding: NamedSharding | None) -> PyTree:
    """`tree` as `sharding` says, on all processes the same."""
    if sharding is None:
        return jax.tree.map(jnp.asarray, tree)
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)

    def put(x: Any) -> Array:
        x = jax.device_get(x)
        return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])

    return jax.tree.map(put, tree)
