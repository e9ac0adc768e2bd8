"""What Flax's `to_bytes` and `from_bytes` need to know about the modules in our states.

Flax looks its types up in a registry. They are entered when `flax.serialization` is imported, be
it before this package or after; nothing here imports it.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

from ..schedules._schedule import Schedule
from ._cycles import Cycles
from ._follow import Plan
from ._metrics import MetricRule
from ._resume import carried, parts_of

_MODULE = "flax.serialization"


def register_with_flax() -> None:
    """Enter the types, now if Flax's module is there, else when it is imported."""
    if _MODULE in sys.modules:
        _enter(sys.modules[_MODULE])
    else:
        sys.meta_path.insert(0, _OnImport())


class _OnImport(importlib.abc.MetaPathFinder):
    """Sees one import, that of Flax's module, and steps aside."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        del path, target
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        loader: Any = spec and spec.loader
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                _enter(module)

            loader.exec_module = exec_module
        return spec


def _enter(serialization: Any) -> None:
    for kind in (Plan, Cycles, *_subclasses(MetricRule), *_subclasses(Schedule)):
        serialization.register_serialization_state(kind, _to_dict, _from_dict, override=True)


def _subclasses(kind: type) -> Iterator[type]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def _to_dict(x: Any) -> Any:
    """Nested dictionaries, by the names of fields and places."""
    inside = parts_of(x)
    return inside[""] if "" in inside else {name: _to_dict(p) for name, p in inside.items()}


def _from_dict(target: Any, saved: Any) -> Any:
    try:
        return carried(target, saved)
    except ValueError as error:
        raise ValueError(
            f"from_bytes: the saved {type(target).__name__} must have the structure of the "
            "target's; if the plan is another one now, read the bytes by "
            "flax.serialization.msgpack_restore and pass them to anneal_jax.resume with the target."
        ) from error
