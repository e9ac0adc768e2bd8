"""The table of cases covers everything public."""

import inspect
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import jax

import anneal_jax as anneal
from tests.table import CASES

# from_config reads a schedule of any kind, and has tests of its own.
READERS = {"from_config"}


def _public() -> dict[str, Any]:
    public = {name: x for name, x in vars(anneal).items() if not name.startswith("_")}
    return {name: x for name, x in public.items() if not isinstance(x, types.ModuleType)}


def _is_schedule_class(x: object) -> bool:
    return isinstance(x, type) and issubclass(x, anneal.Schedule) and not inspect.isabstract(x)


def _returns_schedule(x: object) -> bool:
    if not inspect.isfunction(x):
        return False
    returned = inspect.get_annotations(x).get("return")
    if isinstance(returned, str):  # a class that comes later, or one for type checkers alone
        returned = x.__globals__.get(returned)
    return isinstance(returned, type) and issubclass(returned, anneal.Schedule)


def _names(build: Callable[..., Any]) -> set[str]:
    """The names that a builder mentions, directly or in helpers of the same module."""
    if isinstance(build, partial):
        values = {v.__name__ for v in build.keywords.values() if hasattr(v, "__name__")}
        return values | _names(build.func)
    if not inspect.isfunction(build) or build.__module__.startswith("anneal_jax"):
        return {build.__name__}
    found, codes = set(), [build.__code__]
    while codes:
        code = codes.pop()
        codes += [x for x in code.co_consts if isinstance(x, types.CodeType)]
        for name in code.co_names:
            helper = build.__globals__.get(name)
            ours = inspect.isfunction(helper) and helper.__module__ == build.__module__
            found |= _names(helper) if ours else {name}
    cells = [cell.cell_contents for cell in build.__closure__ or ()]
    return found.union(*(_names(x) for x in cells if callable(x)))


def _classes(schedule: anneal.Schedule) -> set[str]:
    """The classes of all schedules inside one."""
    children = jax.tree.flatten(schedule, lambda x: x is not schedule)[0]
    inner = [_classes(x) for x in children if isinstance(x, anneal.Schedule)]
    return {type(schedule).__name__}.union(*inner)


def test_every_public_class_is_built_by_some_case() -> None:
    public = {name for name, x in _public().items() if _is_schedule_class(x)}
    built = set().union(*(_classes(case.schedule()) for case in CASES))
    assert public - built == set()


def test_every_public_recipe_is_called_by_some_case() -> None:
    public = {name for name, x in _public().items() if _returns_schedule(x)} - READERS
    called = set().union(*(_names(case.build) for case in CASES))
    assert public - called == set()


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_every_number_of_a_builder_is_varied_by_some_case() -> None:
    """A number that no case names would escape vmap, gradients and counts of compilations."""
    fixed = {"staircase", "mode", "three_phase", "shape", "cooldown"}  # these change the program
    varied: dict[Any, set[str]] = {}
    for case in CASES:
        build = case.build.func if isinstance(case.build, partial) else case.build
        given = set(case.build.keywords) if isinstance(case.build, partial) else set()
        varied.setdefault(build, set()).update(case.numbers, given)
    left = {
        build.__name__: set(inspect.signature(build).parameters) - given - fixed
        for build, given in varied.items()
        if build in _public().values()
    }
    assert {name: numbers for name, numbers in left.items() if numbers} == {}
