"""Which device holds what: parameters by the names of their axes, batches by their rows."""

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ..command_line import BadInput, reject
from .config import Config

# What the axes of a parameter are, found by the end of its path. Moments have the same paths.
AXES = (
    (r"embed/embedding", ("vocabulary", "stream")),
    (r"(query|key|value|up)/kernel", ("stream", "inner")),
    (r"(out|down)/kernel", ("inner", "stream")),
    (r"head/kernel", ("stream", "vocabulary")),
)
# Where each of them goes. All that is not named here stands on every device.
ON_MESH = {"stream": "fsdp", "inner": "model", "vocabulary": None, "rows": ("data", "fsdp")}


def start(config: Config) -> None:
    """Join the other processes, if there are any: before JAX looks at its devices."""
    named = (config.coordinator, config.processes, config.process)
    if all(value is not None for value in named):
        jax.distributed.initialize(*named)
    elif any(value is not None for value in named):
        raise BadInput("--coordinator, --processes and --process must be given together, or none.")
    elif config.distributed:
        jax.distributed.initialize()


def make_mesh(config: Config) -> Mesh:
    """All devices, as `--mesh data=4,fsdp=2,model=1` says; an axis that is not named has one."""
    sizes = {"data": 1, "fsdp": 1, "model": 1}
    rule = "like data=4,fsdp=2,model=1"
    for part in config.mesh.split(","):
        name, _, size = part.strip().partition("=")
        if name not in sizes or not re.fullmatch(r"-1|[1-9]\d*", size):
            reject("mesh", rule, repr(config.mesh), "the axes are data, fsdp and model")
        sizes[name] = int(size)
    count, known = jax.device_count(), math.prod(s for s in sizes.values() if s > 0)
    rest = [name for name, size in sizes.items() if size < 0]
    if len(rest) == 1 and count % known == 0:
        sizes[rest[0]] = count // known
    if math.prod(sizes.values()) != count:
        remedy = "choose sizes with that product, or -1 for one of them"
        reject("mesh", f"of {count} devices altogether", repr(config.mesh), remedy)
    for option, axis in (("heads", "model"), ("width", "fsdp")):
        if getattr(config, option) % sizes[axis]:
            rule = f"divisible by the axis {axis} of the mesh, which has {sizes[axis]}"
            reject(option, rule, getattr(config, option), "change one of the two")
    rows, copies = config.batch_size // config.accumulate, sizes["data"] * sizes["fsdp"]
    if rows % copies:
        rule = f"divisible by --accumulate times data times fsdp, {config.accumulate * copies}"
        reject("batch_size", rule, config.batch_size, "change it or --mesh")
    return jax.make_mesh(tuple(sizes.values()), tuple(sizes), axis_types=(AxisType.Auto,) * 3)


def shardings(mesh: Mesh, tree: Any) -> Any:
    """Where every array of a tree with parameters in it goes, such as a training state."""

    def of(path: Any, leaf: Any) -> NamedSharding:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        axes = next((axes for end, axes in AXES if re.search(end, name)), ())
        axes = axes if len(axes) == leaf.ndim else ()
        return NamedSharding(mesh, PartitionSpec(*(ON_MESH[axis] for axis in axes)))

    return jax.tree_util.tree_map_with_path(of, tree)


def rows(mesh: Mesh, axis: int) -> NamedSharding:
    """Of an array of sequences, whose rows are along that axis."""
    return NamedSharding(mesh, PartitionSpec(*[None] * axis, ON_MESH["rows"]))


def on(mesh: Mesh) -> AbstractContextManager[None]:
    """In this `with`, a model is traced for these devices: `by_rows` and `whole` ask for them."""
    return jax.sharding.use_abstract_mesh(mesh.abstract_mesh)


def by_rows(x: jax.Array) -> jax.Array:
    """Activations stay with the device that has their rows; parameters come to them."""
    return _constrained(x, PartitionSpec(ON_MESH["rows"]))


def whole(x: jax.Array) -> jax.Array:
    """All of a parameter, for every device."""
    return _constrained(x, PartitionSpec())


def _constrained(x: jax.Array, spec: PartitionSpec) -> jax.Array:
    if jax.sharding.get_abstract_mesh().empty:  # not in `on`: one device
        return x
    return jax.lax.with_sharding_constraint(x, spec)


def place(
    mesh: Mesh, shape: tuple[int, ...], axis: int, make: Callable[[range], np.ndarray]
) -> jax.Array:
    """An array over all devices; `make(rows)` gives those rows, and is asked for this process's."""
    made: dict[range, np.ndarray] = {}

    def part(index: tuple[slice, ...]) -> np.ndarray:
        wanted = range(*index[axis].indices(shape[axis]))
        if wanted not in made:  # devices along the axis `model` have the same
            made[wanted] = make(wanted)
        return made[wanted]

    return jax.make_array_from_callback(shape, rows(mesh, axis), part)
