"""Schedules as plain data: dictionaries that JSON and TOML can hold.

A configuration names what builds the schedule (`kind`: a class or a recipe) and its arguments;
arguments that are schedules are configurations too. Names are looked up among schedules, never
evaluated.
"""

import inspect
import types
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .. import _checks
from . import _join, _repeat, recipes as _recipes
from ._constant import Function
from ._schedule import Schedule
from ._segment import Segment

_VERSION = 1
_WORDS = ("mode", "distribution")  # arguments that are words, not durations
_BUILDERS: dict[str, Callable[..., Schedule]] = {"Join": _join.join, "Repeat": _repeat.repeat}


def builders() -> dict[str, Callable[..., Schedule]]:
    """Everything a configuration can name: all schedule classes (users' own too), all recipes."""
    found: dict[str, Callable[..., Schedule]] = {c.__name__: c for c in _concrete(Schedule)}
    del found[Function.__name__]  # code, not data
    recipes = {n: x for n, x in vars(_recipes).items() if isinstance(x, types.FunctionType)}
    return found | recipes | _BUILDERS


def to_config(schedule: Schedule) -> dict[str, Any]:
    """The definition of a schedule as a plain dictionary.

    Args:
      schedule: any schedule whose hyperparameters are known numbers (no tracers) and that wraps no
        Python function.

    Returns:
      A dictionary of strings, numbers, booleans, lists and dictionaries, without None, that
      libraries for JSON, TOML and YAML can write. `from_config` turns it into an equal schedule.

    Raises:
      ValueError: if the schedule holds a function or a tracer.

    Example:
        >>> import anneal_jax as anneal
        >>> anneal.to_config(anneal.Linear(1.0, 0.0, steps=10))
        {'version': 1, 'kind': 'Linear', 'init_value': 1.0, 'end_value': 0.0, 'steps': 10}
    """
    if not isinstance(schedule, Schedule):
        _checks.fail("to_config", "schedule", "a Schedule", schedule, "wrap it with as_schedule")
    return {"version": _VERSION} | _plain(schedule)


def from_config(config: dict[str, Any], horizon: Callable[[str], int] | None = None) -> Schedule:
    """The schedule that a configuration defines.

    Args:
      config: a dictionary from `to_config` or written by hand. `kind` is the name of a class
        (`"Cosine"`) or of a recipe (`"warmup_cosine"`), the rest are its arguments; `shape` and
        `cooldown` are names of segment classes. `version` may be left out.
      horizon: a `Horizon`, which turns durations such as `"5%"` or `"2ep"` into steps; None:
        durations are numbers of optimizer steps.

    Returns:
      The schedule.

    Raises:
      ValueError: for an unknown kind or argument (the nearest valid name is suggested), a missing
        argument, another version, or anything that the schedule itself rejects.

    Example:
        >>> import anneal_jax as anneal
        >>> config = {
        ...     "kind": "warmup_cosine",
        ...     "peak_value": 1.0,
        ...     "warmup_steps": "10%",
        ...     "total_steps": "100%",
        ... }
        >>> schedule = anneal.from_config(config, anneal.Horizon(total=1_000))
        >>> print(schedule.steps, schedule(100))
        1000 1.0
    """
    if not isinstance(config, dict):
        remedy = "pass what json.load or tomllib.load returned"
        _checks.fail("from_config", "config", "a dictionary", config, remedy)
    version = config.get("version", _VERSION)
    if version != _VERSION:
        remedy = "it comes from another version of anneal_jax"
        _checks.fail("from_config", "version", str(_VERSION), version, remedy)
    return _built({k: v for k, v in config.items() if k != "version"}, horizon)


def _concrete(cls: type) -> list[type]:
    found = [c for sub in cls.__subclasses__() for c in (sub, *_concrete(sub))]
    return [c for c in found if not inspect.isabstract(c) and not c.__name__.startswith("_")]


def _plain(value: Any) -> Any:
    if isinstance(value, Function):
        remedy = "build it from anneal_jax schedules"
        _checks.fail("to_config", "schedule", "free of Python functions", value, remedy)
    if isinstance(value, Schedule):
        arguments = {k: _plain(v) for k, v in value.arguments().items() if v is not None}
        return {"kind": type(value).__name__} | arguments
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "as_number"):  # kept in parts
        return value.as_number()
    if callable(value):
        remedy = "pass a segment class, which has a name"
        _checks.fail("to_config", "shape", "a segment class", value, remedy)
    if not _checks.known(value):
        remedy = "save it outside of jit, vmap and grad"
        _checks.fail("to_config", "schedule", "made of known numbers", value, remedy)
    return np.asarray(value).tolist() if isinstance(value, np.ndarray | jax.Array) else value


def _built(config: dict[str, Any], horizon: Callable[[str], int] | None) -> Schedule:
    known = builders()
    if "kind" not in config:
        remedy = "name a class or recipe, such as 'warmup_cosine'"
        _checks.fail("from_config", "kind", "given", config, remedy)
    kind = config["kind"]
    _checks.nearest("from_config", "kind", kind, known)
    parameters = inspect.signature(known[kind]).parameters
    arguments = {}
    for name, value in config.items():
        if name == "kind":
            continue
        _checks.nearest(f"from_config, {kind}", "every argument", name, parameters)
        arguments[name] = _value(name, value, horizon)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            _checks.fail(f"from_config, {kind}", name, "given", None, "add it")
    return known[kind](**arguments)


def _value(name: str, value: Any, horizon: Callable[[str], int] | None) -> Any:
    if isinstance(value, dict):
        return _built(value, horizon)
    if isinstance(value, list):
        return [_value(name, v, horizon) for v in value]
    if name in ("cooldown", "shape"):
        classes = {c.__name__: c for c in _concrete(Segment)}
        _checks.nearest("from_config", name, value, classes)
        return classes[value]
    if isinstance(value, str) and name not in _WORDS:
        if horizon is None:
            remedy = "pass a Horizon to from_config to use units"
            _checks.fail("from_config", name, "a number", value, remedy)
        return horizon(value)
    return value
