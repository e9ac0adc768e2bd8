"""transformers' own functions in LambdaLR, whose numbers a `functools.partial` holds.

They are found by their names. Since those of another version, or of a copy, may compute something
else, what is built of the numbers is compared with the function before it stands for it.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ...schedules._schedule import Schedule
from .. import _terms
from ..transformers import _cosines, _others

_BUILDERS: dict[str, Callable[..., Schedule]] = {
    "_get_constant_schedule_with_warmup_lr_lambda": _others.get_constant_schedule_with_warmup,
    "_get_linear_schedule_with_warmup_lr_lambda": _others.get_linear_schedule_with_warmup,
    "_get_cosine_schedule_with_warmup_lr_lambda": _cosines.get_cosine_schedule_with_warmup,
    "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda": (
        _cosines.get_cosine_with_hard_restarts_schedule_with_warmup
    ),
    "_get_polynomial_decay_schedule_with_warmup_lr_lambda": (
        _others.get_polynomial_decay_schedule_with_warmup
    ),
    "_get_inverse_sqrt_schedule_lr_lambda": _others.get_inverse_sqrt_schedule,
    "_get_cosine_with_min_lr_schedule_with_warmup_lr_rate_lambda": (
        _cosines.get_cosine_with_min_lr_schedule_with_warmup_lr_rate
    ),
    "_get_wsd_scheduler_lambda": _others.get_wsd_schedule,
}
_RENAMED = {"lr_init": "default_lr"}
_SAME = 1e-9  # of the rate: rounding in double precision


def of_transformers(base_lr: float, function: Any) -> Schedule | None:
    """The schedule of a function of transformers; None for any other function."""
    if not isinstance(function, functools.partial) or function.args:
        return None
    name, numbers = getattr(function.func, "__name__", ""), function.keywords
    if name not in _BUILDERS:
        return None
    build = _BUILDERS[name]
    if "min_lr_rate" in numbers and build is _cosines.get_cosine_schedule_with_warmup:
        build = _cosines.get_cosine_with_min_lr_schedule_with_warmup
    try:
        schedule = build(base_lr, **{_RENAMED.get(n, n): v for n, v in numbers.items()})
    except (TypeError, ValueError):  # another version's numbers, or what is no schedule here
        return None
    return schedule if _agree(schedule, base_lr, function) else None


def _agree(schedule: Schedule, base_lr: float, function: Callable[[int], Any]) -> bool:
    """Whether both are the same, around where the phases meet."""
    for step in _witnesses(function.keywords):  # type: ignore[attr-defined]
        wanted = base_lr * float(function(step))
        if abs(float(_terms.host_values(schedule, step)) - wanted) > _SAME * abs(base_lr):
            return False
    return True


def _witnesses(numbers: Mapping[str, Any]) -> list[int]:
    """The steps at which two formulas of these numbers would differ."""
    names = ("num_warmup_steps", "num_stable_steps", "num_decay_steps")
    phases = [int(numbers.get(name) or 0) for name in names]
    ends = [sum(phases[: i + 1]) for i in range(3)]
    last = int(numbers.get("num_training_steps") or ends[-1])
    between = [(ends[0] + last) // 2, (ends[1] + ends[2]) // 2, ends[0] // 2]
    return sorted({0, *ends, *between, last, last + 1})
