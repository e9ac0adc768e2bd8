"""How many members train side by side: what fits the memory, estimated from the program."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ... import _checks
from ._batches import Batches
from ._program import Population, Programs

_CACHE = 2**20  # bytes of state that a CPU trains side by side well: about its cache
_SHARE = 0.9  # of the free memory


class Fitted(NamedTuple):
    """A compiled program with the sizes it was compiled for."""

    train: Callable[..., Any]
    size: int  # members at a time in memory, a multiple of `lanes` and of the devices
    lanes: int  # members side by side on each device
    memory: int  # bytes on each device, as the compiled program says


def fitted(
    owner: str,
    programs: Programs,
    batches: Batches,
    *,
    members: int,
    devices: int,
    at_once: int,
    masked: bool,
    lanes: int | None,
    memory_limit: int | None,
) -> Fitted:
    """The program for as many of `members` as fit the memory of a device."""
    limit = memory_limit or _free_memory()
    each = -(-members // devices)  # on a device
    wide = min(each, lanes or _preferred_lanes(programs.state))
    while True:
        size = -(-each // wide) * wide
        compiled, need = _compile(
            programs, batches, (size * devices, wide, at_once, masked and wide > 1)
        )
        if limit is None or need <= limit:
            return Fitted(compiled, size * devices, wide, need)
        if wide > 1:
            wide = max(1, min(wide // 2, int(wide * limit / need)))
        elif each > 1:
            each = max(1, min(each // 2, int(each * limit / need)))
        else:
            rule = f"enough for one member ({need:,} bytes by the compiled program)"
            remedy = "take a smaller model or batch, or say memory_limit= if this is mistaken"
            _checks.fail(owner, "memory_limit", rule, limit, remedy)


def _compile(
    programs: Programs, batches: Batches, sizes: tuple[int, int, int, bool]
) -> tuple[Any, int]:
    size, lanes, at_once, masked = sizes

    def many(x: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((size, *x.shape), x.dtype, sharding=programs.sharding())

    number = jax.ShapeDtypeStruct((), jnp.int32)
    population: Any = Population._make([many(number)] * 2 + [jax.tree.map(many, programs.state)])
    block = programs.replicated(batches.example)
    numbers = [programs.replicated(np.int32(0))] * 3
    lowered = programs.train(lanes, at_once, masked).lower(
        programs.train_consts, population, block, *numbers
    )
    compiled = lowered.compile()
    used = compiled.memory_analysis()
    if used is None:
        return compiled, 0
    need = used.argument_size_in_bytes + used.output_size_in_bytes + used.temp_size_in_bytes
    return compiled, need - used.alias_size_in_bytes


def _preferred_lanes(state: Any) -> int:
    """On a CPU, what fits its cache; elsewhere, all."""
    if jax.default_backend() != "cpu":
        return 2**31
    bytes_each = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state))
    return max(1, _CACHE // max(1, bytes_each))


def _free_memory() -> int | None:
    """Bytes a program may have on a device; None if nobody says."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(_SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    if jax.default_backend() != "cpu" or "SC_AVPHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, used = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
    if limit.exists() and limit.read_text().strip().isdigit():  # a container's own limit
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return int(_SHARE * free)
