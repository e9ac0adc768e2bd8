"""How many members train side by side: what fits the memory, estimated from the program."""

import os
from pathlib import Path
from typing import Any

import jax

from ... import _checks
from ._program import Executable, Programs

_CACHE = 2**20  # bytes of state that a CPU trains side by side well: about its cache
_SHARE = 0.9  # of the free memory
_MOST = 2**40  # bytes of losses, where nobody says what is free


def compiled_to_fit(owner: str, programs: Programs, members: int, *, masked: bool) -> Executable:
    """The program for as many of `members` as fit the memory of a device."""
    settings = programs.settings
    limit = settings.memory_limit or _free_memory()
    each = -(-members // settings.devices)  # on a device
    lanes = min(each, settings.lanes or _preferred_lanes(programs.state))
    while True:
        size = -(-each // lanes) * lanes * settings.devices
        executable = programs.compile(size, lanes, masked and lanes > 1)
        need = executable.memory
        if limit is None or need <= limit:
            return executable
        if lanes > 1:
            lanes = max(1, min(lanes // 2, int(lanes * limit / need)))
        elif each > 1:
            each = max(1, min(each // 2, int(each * limit / need)))
        else:
            rule = f"enough for one member ({need:,} bytes by the compiled program)"
            remedy = "take a smaller model or batch, or say memory_limit= if this is mistaken"
            _checks.fail(owner, "memory_limit", rule, limit, remedy)


def require_room(owner: str, members: int, steps: int) -> None:
    """Require that the losses of a population fit the memory of the host, before they are there."""
    free = _free_on_host() or _MOST
    if 4 * members * steps > free:
        rule = f"few enough that their losses fit the memory ({free:,} bytes)"
        got = f"{members:,} members of {steps:,} steps"
        _checks.fail(owner, "members and steps", rule, got, "train fewer, or for fewer steps")


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
    return _free_on_host() if jax.default_backend() == "cpu" else None


def _free_on_host() -> int | None:
    """Bytes a program may have on the host; None if nobody says."""
    if "SC_AVPHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, used = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
    if limit.exists() and limit.read_text().strip().isdigit():  # a container's own limit
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return int(_SHARE * free)
