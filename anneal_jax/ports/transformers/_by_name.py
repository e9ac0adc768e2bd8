"""Schedules of transformers by the names in its configurations."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._schedule import Schedule
from ...transforms import greedy, reduce_on_plateau
from .. import _arguments, _settings
from . import _cosines, _others

BUILDERS: dict[str, Callable[..., Schedule]] = {
    "constant": _others.get_constant_schedule,
    "constant_with_warmup": _others.get_constant_schedule_with_warmup,
    "cosine": _cosines.get_cosine_schedule_with_warmup,
    "cosine_warmup_with_min_lr": _cosines.get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "cosine_with_min_lr": _cosines.get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_with_restarts": _cosines.get_cosine_with_hard_restarts_schedule_with_warmup,
    "inverse_sqrt": _others.get_inverse_sqrt_schedule,
    "linear": _others.get_linear_schedule_with_warmup,
    "polynomial": _others.get_polynomial_decay_schedule_with_warmup,
    "warmup_stable_decay": _others.get_wsd_schedule,
}
_DIGITS = re.compile(r"\d*\.?\d*")
_METRIC = ("reduce_lr_on_plateau", "greedy")
OURS = ("base_lr", "num_warmup_steps", "num_training_steps", "default_lr", "exact")


def get_scheduler(
    name: Any,
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike | None = None,
    num_training_steps: IntScalarLike | None = None,
    scheduler_specific_kwargs: Mapping[str, Any] | None = None,
    *,
    exact: bool = True,
    default_lr: RealScalarLike | None = None,
) -> Schedule:
    """The schedule of a name, such as "cosine_with_min_lr".

    Args:
      name: one of transformers' names, or its `SchedulerType`.
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps; not read by "constant".
      num_training_steps: length of the training; not read by "constant", "constant_with_warmup"
        and "inverse_sqrt".
      scheduler_specific_kwargs: more arguments of the function of that name; as there, those
        of "constant" and "constant_with_warmup" are not read.
      exact: as in that function.
      default_lr: default rate of the optimizer, on which some floors depend; None: `base_lr`.

    Raises:
      ValueError: for an unknown name or argument, one that is missing, and for the names that
        follow a metric, "reduce_lr_on_plateau" and "greedy": the error is what to write.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> print(transformers.get_scheduler("linear", 1.0, 2, 6)([0, 2, 4, 6]))
        [0.  1.  0.5 0. ]
    """
    name = spelled(name)
    _checks.nearest("get_scheduler", "name", name, (*BUILDERS, *_METRIC))
    more = keywords("get_scheduler", scheduler_specific_kwargs, "scheduler_specific_kwargs")
    if name in _METRIC:
        _follows_a_metric(name, base_lr, more)
    build = BUILDERS[name]
    takes = inspect.signature(build).parameters
    if name in ("constant", "constant_with_warmup"):
        more = {}
    for argument in more:
        valid = [n for n in takes if n not in OURS]
        _checks.nearest(f"get_scheduler({name!r})", "scheduler_specific_kwargs", argument, valid)
    ours = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    ours |= {"exact": exact, "default_lr": default_lr}
    given = {key: value for key, value in ours.items() if key in takes} | more
    missing = [n for n, p in takes.items() if p.default is p.empty and n != "base_lr"]
    for argument in missing:
        remedy = f"{name} requires it"
        _arguments.required("get_scheduler", argument, given.get(argument), remedy)
    return build(base_lr, **given)


def spelled(name: Any) -> Any:
    """A name as in configurations, from an enum member, or from how that is printed."""
    name = getattr(name, "value", name)
    if isinstance(name, str) and name.startswith("SchedulerType."):
        name = name.removeprefix("SchedulerType.").lower()
        return "reduce_lr_on_plateau" if name == "reduce_on_plateau" else name
    return name


def keywords(owner: str, given: Any, name: str = "lr_scheduler_kwargs") -> dict[str, Any]:
    """More arguments of a schedule, as a dict or as JSON."""
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except (ValueError, RecursionError):  # no JSON, or a number or a nesting without end
            _checks.fail(owner, name, "a dict or JSON", given, "correct it")
        if isinstance(given, dict):
            given = {key: _number(value) for key, value in given.items()}
    if given is not None and not isinstance(given, Mapping):
        _checks.fail(owner, name, "a dict or JSON", given, "correct it")
    return dict(given or {})


def _number(value: Any) -> Any:
    """Digits in a string as a number: what TrainingArguments does to JSON."""
    return _settings.parsed(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _follows_a_metric(name: str, base_lr: RealScalarLike, given: dict[str, Any]) -> NoReturn:
    """Say which transformation it is, with the arguments in units of the rate."""
    owner = f"get_scheduler({name!r})"
    rate = _arguments.number("get_scheduler", "base_lr", base_lr, above=0)
    given = {"min_lr": 1e-3, "max_lr": 1.0} | given if name == "greedy" else {"min_lr": 0} | given
    ours = {}
    for theirs, scale in (("eps", "eps"), ("min_lr", "min_scale"), ("max_lr", "max_scale")):
        if theirs in given or theirs == "eps":
            ours[scale] = _arguments.number(owner, theirs, given.pop(theirs, 1e-8), least=0) / rate
    given.pop("verbose", None)
    smooth = given.pop("smooth", False)
    _checks.flag(owner, "smooth", smooth)
    if smooth:
        given.setdefault("window_size", 50)
    else:
        given.pop("window_size", None)
    relative = "rel" if name == "reduce_lr_on_plateau" else "abs"
    if given.pop("threshold_mode", relative) == "rel":
        given["threshold_mode"] = "factor"
    build = greedy if name == "greedy" else reduce_on_plateau
    for argument in given:
        valid = inspect.signature(build).parameters
        _checks.nearest(owner, "scheduler_specific_kwargs", argument, valid)
    build(**(given | ours))  # or its error
    listed = ", ".join(f"{key}={value!r}" for key, value in (given | ours).items())
    call = f"anneal_jax.{build.__name__}({listed})"
    remedy = f"put {call} after the optimizer in an Optax chain"
    _checks.fail("get_scheduler", "name", "one of a schedule of the step alone", name, remedy)
