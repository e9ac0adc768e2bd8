"""Schedules as plain data: dictionaries that JSON and TOML can hold.

A configuration names what builds the schedule (`kind`: a class or a recipe) and its arguments;
arguments that are schedules are configurations too. Names are looked up among schedules, never
evaluated.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .. import _checks
from ._builders import Argument, arguments, builders, class_named, name_of
from ._constant import Function
from ._schedule import Schedule

_VERSION = 1
DEEPEST = 64  # schedules or lists within one another


def to_config(schedule: Schedule) -> dict[str, Any]:
    """The definition of a schedule as a plain dictionary.

    Args:
      schedule: any schedule whose hyperparameters are known numbers (no tracers) and that wraps no
        Python function.

    Returns:
      A dictionary of strings, numbers, booleans, lists and dictionaries, without None, that
      libraries for JSON, TOML and YAML can write. `from_config` turns it into an equal schedule.
      What a recipe built is saved as its parts, in which a peak stands more than once: a file for
      people to edit names the recipe (`"kind": "warmup_cosine"`), so that one number is one edit.

    Raises:
      ValueError: if the schedule holds a function or a tracer.

    Example:
        >>> import anneal_jax as anneal
        >>> anneal.to_config(anneal.Linear(1.0, 0.0, steps=10))
        {'version': 1, 'kind': 'Linear', 'init_value': 1.0, 'end_value': 0.0, 'steps': 10}
    """
    if not isinstance(schedule, Schedule):
        _checks.fail("to_config", "schedule", "a Schedule", schedule, "wrap it with as_schedule")
    rule = "one schedule of known numbers"
    remedy = "save each schedule of a batch by itself, outside of vmap"
    try:
        plain = _plain(schedule, "schedule", Argument("schedule", True), 0)
    except (AttributeError, IndexError, TypeError):  # its leaves are no numbers
        _checks.fail("to_config", "schedule", rule, schedule, remedy)
    try:
        _built(plain, None, 0)
    except ValueError:  # a batch: what is written must be readable
        _checks.fail("to_config", "schedule", rule, schedule, remedy)
    return {"version": _VERSION} | plain


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
    if type(version) is not int or version != _VERSION:
        remedy = "it comes from another version of anneal_jax"
        _checks.fail("from_config", "version", str(_VERSION), version, remedy)
    return _built({k: v for k, v in config.items() if k != "version"}, horizon, 0)


def _plain(value: Any, name: str, argument: Argument, depth: int) -> Any:
    """What a value of a schedule is as data; the argument called `name` will read it again."""
    _not_too_deep("to_config", value, depth)
    if isinstance(value, Function):
        remedy = "build it from anneal_jax schedules"
        _checks.fail("to_config", "schedule", "free of Python functions", value, remedy)
    if isinstance(value, Schedule):
        kind = name_of(value)
        wanted = arguments(builders()[kind])
        given = {k: v for k, v in value.arguments().items() if v is not None}
        return {"kind": kind} | {k: _plain(v, k, wanted[k], depth + 1) for k, v in given.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, name, argument, depth + 1) for v in value]
    if isinstance(value, type) and argument.kind in ("shape", "class"):
        return value.__name__
    if hasattr(value, "as_number"):  # kept in parts
        return value.as_number()
    if callable(value):
        remedy = "pass a class, which has a name; a field of your own for one is a `type[...]`"
        _checks.fail("to_config", name, "a segment class or other data", value, remedy)
    if not _checks.known(value):
        remedy = "save it outside of jit, vmap and grad"
        _checks.fail("to_config", "schedule", "made of known numbers", value, remedy)
    return np.asarray(value).tolist() if isinstance(value, np.ndarray | jax.Array) else value


def _built(config: dict[str, Any], horizon: Callable[[str], int] | None, depth: int) -> Schedule:
    known = builders()
    if "kind" not in config:
        remedy = "name a class or recipe, such as 'warmup_cosine'"
        _checks.fail("from_config", "kind", "given", config, remedy)
    kind = config["kind"]
    _checks.nearest("from_config", "kind", kind, known)
    owner, wanted, given = f"from_config, {kind}", arguments(known[kind]), {}
    for name, value in config.items():
        if name != "kind":
            _checks.nearest(owner, "every argument", name, wanted)
            given[name] = _value(owner, name, wanted[name], value, horizon, depth + 1)
    for name, argument in wanted.items():
        if argument.required and name not in given:
            _checks.fail(owner, name, "given", None, "add it")
    return known[kind](**given)


def _value(
    owner: str,
    name: str,
    argument: Argument,
    value: Any,
    horizon: Callable[[str], int] | None,
    depth: int,
) -> Any:
    _not_too_deep("from_config", value, depth)
    if isinstance(value, dict):
        return _built(value, horizon, depth)
    if isinstance(value, list):
        return [_value(owner, name, argument, v, horizon, depth + 1) for v in value]
    if not isinstance(value, str):
        return value
    match argument.kind:
        case "shape" | "class":
            return class_named(owner, name, value, argument.kind)
        case "duration":
            if horizon is not None:
                return horizon(value)
            remedy = "pass a Horizon to from_config to use units"
            _checks.fail(owner, name, "a number of steps", value, remedy)
        case "number":
            remedy = "write it without quotes (in YAML 3.0e-4, for 3e-4 is text there)"
            _checks.fail(owner, name, "a number", value, remedy)
        case "schedule":
            remedy = "write one as a dictionary with its kind"
            _checks.fail(owner, name, "a number or a schedule", value, remedy)
    return value


def _not_too_deep(owner: str, value: Any, depth: int) -> None:
    if depth > DEEPEST:
        remedy = "take it apart, for instance into the segments of one Join"
        _checks.fail(owner, "config", f"at most {DEEPEST} levels deep", value, remedy)
