"""What is known of the device that JAX computes on."""

import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterator
from typing import Any

import jax

from .measurements import Clock, Measurement, Row

PACKAGES = ("jax", "jaxlib", "flax", "optax", "equinox", "numpy", "torch")


def measurements(quick: bool) -> Iterator[Measurement]:
    """The machine itself, so that a table says where it was measured."""
    del quick
    yield Measurement("device", _device)


def _device(clock: Clock) -> Iterator[Row]:
    del clock
    device = jax.devices()[0]
    versions = {"python": platform.python_version()} | {
        name: importlib.metadata.version(name)
        for name in PACKAGES
        if importlib.util.find_spec(name) is not None
    }
    memory = limit()
    said = f"{device.device_kind}, {jax.device_count()} of them"
    said += f", {memory / 2**30:.1f} GiB for JAX" if memory else ""
    values = {"kind": device.device_kind, "platform": device.platform, "memory": memory}
    yield Row("device", said, values=values | {"versions": versions})
    yield Row("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))


def memory() -> dict[str, Any]:
    """What the allocator tells of the device's memory; nothing on a CPU."""
    return jax.devices()[0].memory_stats() or {}


def limit() -> int | None:
    """Bytes that JAX may use there."""
    return memory().get("bytes_limit")


def peak() -> int | None:
    """The most bytes that this process has had in use there."""
    return memory().get("peak_bytes_in_use")
