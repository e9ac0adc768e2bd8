"""Schedules of transformers by the names in its configurations."""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._schedule import Schedule
from .. import _arguments
from . import _cosines, _others

_BUILDERS: dict[str, Callable[..., Schedule]] = {
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
_METRIC = ("reduce_lr_on_plateau", "greedy")
_OURS = ("base_lr", "num_warmup_steps", "num_training_steps", "default_lr", "exact")


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
    name = _spelled(name)
    _checks.nearest("get_scheduler", "name", name, (*_BUILDERS, *_METRIC))
    more = _keywords("get_scheduler", scheduler_specific_kwargs, "scheduler_specific_kwargs")
    if name in _METRIC:
        _follows_a_metric(name, base_lr, more)
    build = _BUILDERS[name]
    takes = inspect.signature(build).parameters
    if name in ("constant", "constant_with_warmup"):
        more = {}
    for argument in more:
        valid = [n for n in takes if n not in _OURS]
        _checks.nearest(f"get_scheduler({name!r})", "scheduler_specific_kwargs", argument, valid)
    ours = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    ours |= {"exact": exact, "default_lr": default_lr}
    given = {key: value for key, value in ours.items() if key in takes} | more
    missing = [n for n, p in takes.items() if p.default is p.empty and n != "base_lr"]
    for argument in missing:
        remedy = f"{name} requires it"
        _arguments.required("get_scheduler", argument, given.get(argument), remedy)
    return build(base_lr, **given)


def from_training_arguments(
    args: Mapping[str, Any], num_training_steps: IntScalarLike | None = None, *, exact: bool = True
) -> Schedule:
    """The schedule that Trainer builds from its TrainingArguments, given as a dict.

    Read are `learning_rate` (5e-5), `lr_scheduler_type` ("linear"), `lr_scheduler_kwargs` (a
    dict or JSON), `warmup_steps` (below 1 a fraction, of which the ceiling is taken, as of
    `warmup_ratio`, which older versions have beside it) and `max_steps`. All else is left alone.

    Args:
      args: from `TrainingArguments.to_dict()`, or a configuration file.
      num_training_steps: optimizer steps in all; a `max_steps` above 0 overrides it.
      exact: as in `get_scheduler`.

    Raises:
      ValueError: as `get_scheduler`, and if no number of steps is known.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> args = {"learning_rate": 1.0, "lr_scheduler_type": "cosine", "warmup_ratio": 0.25}
        >>> print(transformers.from_training_arguments(args, 8)([0, 1, 2, 5, 8]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    owner = "from_training_arguments"
    if not isinstance(args, Mapping):
        _checks.fail(owner, "args", "a dict", args, "pass TrainingArguments.to_dict()")
    given = {key: value for key, value in args.items() if value is not None}
    total = _arguments.number(owner, "max_steps", given.get("max_steps", -1))
    total = num_training_steps if total <= 0 else total
    name = _spelled(given.get("lr_scheduler_type", "linear"))
    if name != "constant":
        remedy = "pass the number of optimizer steps, or args with max_steps"
        _arguments.required(owner, "num_training_steps", total, remedy)
    if total is not None:
        total = _arguments.steps(owner, "num_training_steps", total)
    warmup = _arguments.number(owner, "warmup_steps", given.get("warmup_steps", 0), least=0)
    if warmup == 0:  # the fraction of versions before 5, which counts only then
        ratio = given.get("warmup_ratio", 0.0)
        ratio = _arguments.number(owner, "warmup_ratio", ratio, least=0, most=1)
        warmup = math.ceil((total or 0) * ratio)
    elif warmup < 1:
        warmup = math.ceil((total or 0) * warmup)
    more = _keywords(owner, given.get("lr_scheduler_kwargs"))
    rate = given.get("learning_rate", 5e-5)
    return get_scheduler(name, rate, int(warmup), total, more, exact=exact)


def _spelled(name: Any) -> Any:
    """A name as in configurations, from an enum member, or from how that is printed."""
    name = getattr(name, "value", name)
    if isinstance(name, str) and name.startswith("SchedulerType."):
        name = name.removeprefix("SchedulerType.").lower()
        return "reduce_lr_on_plateau" if name == "reduce_on_plateau" else name
    return name


def _keywords(owner: str, given: Any, name: str = "lr_scheduler_kwargs") -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except json.JSONDecodeError:
            _checks.fail(owner, name, "a dict or JSON", given, "correct it")
        if isinstance(given, dict):
            given = {key: _number(value) for key, value in given.items()}
    if given is not None and not isinstance(given, Mapping):
        _checks.fail(owner, name, "a dict or JSON", given, "correct it")
    return dict(given or {})


def _number(value: Any) -> Any:
    """Digits in a string as a number: what TrainingArguments does to JSON."""
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return int(value) if value.isdigit() else float(value)
    return value


def _follows_a_metric(name: str, base_lr: RealScalarLike, given: dict[str, Any]) -> NoReturn:
    """Say which transformation it is, with the arguments in units of the rate."""
    rate = _arguments.number("get_scheduler", "base_lr", base_lr, above=0)
    given = {"min_lr": 1e-3, "max_lr": 1.0} | given if name == "greedy" else {"min_lr": 0} | given
    ours = {"eps": given.pop("eps", 1e-8) / rate}
    for bound in ("min", "max"):
        if f"{bound}_lr" in given:
            ours[f"{bound}_scale"] = given.pop(f"{bound}_lr") / rate
    given.pop("verbose", None)
    if given.pop("smooth", False):
        given.setdefault("window_size", 50)
    else:
        given.pop("window_size", None)
    relative = "rel" if name == "reduce_lr_on_plateau" else "abs"
    if given.pop("threshold_mode", relative) == "rel":
        given["threshold_mode"] = "factor"
    function = "greedy" if name == "greedy" else "reduce_on_plateau"
    listed = ", ".join(f"{key}={value!r}" for key, value in (given | ours).items())
    remedy = f"put anneal_jax.{function}({listed}) after the optimizer in an Optax chain"
    _checks.fail("get_scheduler", "name", "one of a schedule of the step alone", name, remedy)
