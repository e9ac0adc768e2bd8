"""The pages of the reference: every public name, under the room it lives in."""

import importlib
import types
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import anneal_jax as anneal

PORTS = ("torch", "transformers", "timm", "keras", "optax", "fastai", "composer", "jax_trainers")


class Room(NamedTuple):
    """A page: its title, a line about it, and full names in order."""

    file: str
    title: str
    words: str
    names: list[str]


def public(module: types.ModuleType) -> dict[str, Any]:
    """The public things of a module that are ours and no modules."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: x
        for name, x in found.items()
        if callable(x) and str(getattr(x, "__module__", "")).startswith("anneal_jax")
    }


def own(module: types.ModuleType) -> dict[str, Any]:
    """Those that a module without private parts defines itself."""
    return {n: x for n, x in public(module).items() if x.__module__ == module.__name__}


def _top(belongs: Callable[[str], bool]) -> list[str]:
    names = public(anneal)
    return [f"anneal_jax.{n}" for n, x in names.items() if belongs(f"{x.__module__}.{n}")]


def _all(module: str, names: Iterable[str], left_out: Iterable[str] = ()) -> list[str]:
    return [f"{module}.{name}" for name in names if name not in set(left_out)]


def _last_to_extend(name: str) -> bool:
    """What one writes schedules with comes after what one builds them of."""
    return name.split(".")[-1] in {"Schedule", "Segment", "Blend", "Progress", "TimeScale"}


def rooms() -> list[Room]:
    """All pages of the reference."""
    recipes = _top(lambda path: path.startswith("anneal_jax.schedules.recipes"))
    schedules = _top(lambda path: path.startswith("anneal_jax.schedules."))
    optax = _top(lambda path: path.startswith("anneal_jax.transforms"))
    transforms = public(importlib.import_module("anneal_jax.transforms"))
    known = {*recipes, *schedules, *optax}
    rest = [name for name in _top(lambda path: True) if name not in known]
    found = [
        Room(
            "schedules",
            "Schedules",
            "Segments, open-ended schedules, tables, what is built of them, and the base classes.",
            sorted((n for n in schedules if n not in recipes), key=_last_to_extend),
        ),
        Room("recipes", "Recipes", "Named compositions, made of the schedules.", recipes),
        Room(
            "optax",
            "Optax",
            "Schedules in an optimizer's state, and transformations that look at losses, "
            "gradients, parameters and restarts. The states come last.",
            optax + _all("anneal_jax.transforms", transforms, public(anneal)),
        ),
        Room("units", "Units and pictures", "What steps are, and what schedules look like.", rest),
    ]
    words = {
        "search": "Range tests, sweeps, searches: see [how they go together](../search.md).",
        "laws": "From schedules to loss curves: see [how far to trust them](../laws.md).",
        "theory": "Bounds and best peaks: see [what they are for](../theory.md).",
    }
    for name, line in words.items():
        module = importlib.import_module(f"anneal_jax.{name}")
        found.append(Room(name, name.capitalize(), line, _all(module.__name__, public(module))))
    ensemble = importlib.import_module("anneal_jax.ensemble")
    line = "Members, votes and batch statistics of an ensemble."
    found.append(Room("ensemble", "Ensemble", line, _all(ensemble.__name__, own(ensemble))))
    return found + [_port(name) for name in PORTS]


def _port(name: str) -> Room:
    module = importlib.import_module(f"anneal_jax.ports.{name}")
    names = [f"{module.__name__}.{n}" for n in public(module)]
    words = f"See [Coming from ...](../coming_from_{name}.md) for what its names are here."
    return Room(f"ports_{name}", f"ports.{name}", words, names)


def page(room: Room) -> str:
    """A page of the reference, as Markdown that mkdocstrings fills in."""
    blocks = [f"::: {name}\n" for name in room.names]
    return f"# {room.title}\n\n{room.words}\n\n" + "\n".join(blocks)


def index() -> str:
    """All public names on one page, each with its link."""
    parts = ["# Reference\n\nEvery public name. `import anneal_jax as anneal`.\n"]
    for room in rooms():
        links = " · ".join(f"[`{name.split('.')[-1]}`][{name}]" for name in room.names)
        parts.append(f"## [{room.title}]({room.file}.md)\n\n{links}\n")
    return "\n".join(parts)
