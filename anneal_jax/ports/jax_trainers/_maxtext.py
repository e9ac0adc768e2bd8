"""MaxText: cosine or WSD, with decays that reach their ends at their last step."""

from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._waves import CosineWave
from .. import _arguments
from ._durations import known_steps, part


def maxtext(
    learning_rate: RealScalarLike,
    steps: IntScalarLike,
    learning_rate_schedule_steps: IntScalarLike = -1,
    warmup_steps_fraction: RealScalarLike = 0.1,
    learning_rate_final_fraction: RealScalarLike = 0.1,
    lr_schedule_type: str = "cosine",
    wsd_decay_steps_fraction: RealScalarLike = 0.1,
    wsd_decay_style: str = "linear",
    *,
    exact: bool = True,
) -> Schedule:
    """`create_learning_rate_schedule` of MaxText, as it is since March 2026.

    Linear warmup from 0, then a cosine, or constant and a decay; then 0 where `steps` are more.
    A decay of `n` steps reaches its end in its step `n - 1`, not in the one after.

    Args:
      learning_rate: rate at the peak.
      steps: length of the training; -1: `learning_rate_schedule_steps`.
      learning_rate_schedule_steps: length of the schedule; -1: `steps`. The rate is 0 after it.
      warmup_steps_fraction: part of the schedule that warms up, cut to whole steps.
      learning_rate_final_fraction: floor as a part of the peak (in older versions
        `cosine_learning_rate_final_fraction`).
      lr_schedule_type: kind of the schedule, "cosine" or "wsd".
      wsd_decay_steps_fraction: part of the schedule that decays, cut to whole steps.
      wsd_decay_style: shape of that decay, "linear" or "cosine".
      exact: whether a cosine rises again after its end, where no zeros follow; a linear decay of
        one step stays at the peak; and `100 * 0.29` steps are 28. Without it the last value
        holds, such a decay reaches its end, and it is 29.

    Raises:
      ValueError: if an argument is out of its range, or both lengths are -1.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.maxtext(1.0, steps=12, learning_rate_schedule_steps=10)
        >>> print([f"{x:.2f}" for x in schedule([0, 1, 5, 9, 10])])
        ['0.00', '1.00', '0.55', '0.10', '0.00']
    """
    owner = "maxtext"
    _checks.nearest(owner, "lr_schedule_type", lr_schedule_type, ("cosine", "wsd"))
    _checks.nearest(owner, "wsd_decay_style", wsd_decay_style, ("linear", "cosine"))
    _checks.flag(owner, "exact", exact)
    peak = _arguments.number(owner, "learning_rate", learning_rate, least=0)
    last = learning_rate_final_fraction
    floor = peak * _arguments.number(owner, "learning_rate_final_fraction", last, least=0)
    given = {"warmup": warmup_steps_fraction, "wsd_decay": wsd_decay_steps_fraction}
    fractions = [
        _arguments.known(owner, f"{name}_steps_fraction", fraction, least=0, most=1)
        for name, fraction in given.items()
    ]
    run, total = _lengths(owner, steps, learning_rate_schedule_steps)
    if lr_schedule_type == "wsd" and sum(fractions) > 1:
        reason = "warmup_steps_fraction + wsd_decay_steps_fraction must not exceed 1."
        _arguments.reject(owner, reason)
    warmup, decay = (part(total, fraction, exact) for fraction in fractions)
    parts: list[tuple[int, Schedule]] = []
    if warmup > 0:
        parts.append((0, Linear(0.0, peak, warmup)))
    if lr_schedule_type == "cosine":
        decay, wsd_decay_style = total - warmup, "cosine"
    elif total > warmup + decay:
        parts.append((warmup, Constant(peak, total - warmup - decay)))
    if decay > 0:
        shape: Any = _cosine if wsd_decay_style == "cosine" else _line
        parts.append((total - decay, shape(peak, floor, decay, exact)))
    if run > total:
        parts.append((total, Constant(0.0, 0)))
    return join([piece for _, piece in parts], [start for start, _ in parts[1:]])


def _lengths(owner: str, steps: Any, schedule_steps: Any) -> tuple[int, int]:
    """Of the training and of the schedule: -1 is the other one."""
    run, total = (_checks.whole(x) for x in (steps, schedule_steps))
    if all(isinstance(x, int) and x == -1 for x in (run, total)):
        remedy = "pass one of the two"
        _checks.fail(owner, "steps or learning_rate_schedule_steps", "given", -1, remedy)
    total = run if isinstance(total, int) and total == -1 else total
    run = total if isinstance(run, int) and run == -1 else run
    return (
        known_steps(owner, "steps", run, least=1),
        known_steps(owner, "learning_rate_schedule_steps", total, least=1),
    )


def _line(init_value: Any, end_value: Any, steps: int, exact: bool) -> Schedule:
    if exact and steps == 1:  # Optax: a line of no length stays where it begins
        return Constant(init_value, 1)
    return Linear(init_value, end_value, steps - 1)


def _cosine(init_value: Any, end_value: Any, steps: int, exact: bool) -> Schedule:
    if exact and steps > 1:
        return CosineWave(init_value, end_value, steps - 1)
    return Cosine(init_value, end_value, steps - 1)
