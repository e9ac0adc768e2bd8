"""MaxText: cosine or WSD, with phases that reach their ends at their last step."""

from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._waves import CosineWave
from .. import _arguments
from ._durations import part


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
    """`create_learning_rate_schedule` of MaxText, version of 2026.

    Linear warmup from 0, then a cosine, or constant and a decay; then 0 where `steps` are more.
    A phase of `n` steps reaches its end in its step `n - 1`, not in the one after.

    Args:
      learning_rate: rate at the peak.
      steps: length of the training.
      learning_rate_schedule_steps: length of the schedule; -1: `steps`. The rate is 0 after it.
      warmup_steps_fraction: part of the schedule that warms up, cut to whole steps.
      learning_rate_final_fraction: floor as a part of the peak (in older versions
        `cosine_learning_rate_final_fraction`).
      lr_schedule_type: kind of the schedule, "cosine" or "wsd".
      wsd_decay_steps_fraction: part of the schedule that decays, cut to whole steps.
      wsd_decay_style: shape of that decay, "linear" or "cosine".
      exact: whether a cosine rises again after its end, where no zeros follow; a warmup and a
        linear decay of one step stay at 0 and at the peak; and `100 * 0.29` steps are 28.
        Without it the last value holds, phases of one step reach their ends, and it is 29.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> schedule = jax_trainers.maxtext(1.0, steps=12, learning_rate_schedule_steps=10)
        >>> print([f"{x:.2f}" for x in schedule([0, 1, 5, 9, 10])])
        ['0.00', '1.00', '0.55', '0.10', '0.00']
    """
    owner = "maxtext"
    _checks.nearest(owner, "lr_schedule_type", lr_schedule_type, ("cosine", "wsd"))
    _checks.nearest(owner, "wsd_decay_style", wsd_decay_style, ("linear", "cosine"))
    peak = _arguments.number(owner, "learning_rate", learning_rate, least=0)
    last = learning_rate_final_fraction
    floor = peak * _arguments.number(owner, "learning_rate_final_fraction", last, least=0)
    given = {"warmup": warmup_steps_fraction, "wsd_decay": wsd_decay_steps_fraction}
    fractions = [
        _arguments.known(owner, f"{name}_steps_fraction", fraction, least=0, most=1)
        for name, fraction in given.items()
    ]
    run = _arguments.steps(owner, "steps", steps, least=1)
    total = _checks.whole(learning_rate_schedule_steps)
    total = run if isinstance(total, int) and total == -1 else total
    total = _arguments.steps(owner, "learning_rate_schedule_steps", total, least=1)
    if lr_schedule_type == "wsd" and sum(fractions) > 1:
        reason = "warmup_steps_fraction + wsd_decay_steps_fraction must not exceed 1."
        _arguments.reject(owner, reason)
    warmup, decay = (part(total, fraction, exact) for fraction in fractions)
    parts: list[tuple[int, Schedule]] = []
    if warmup > 0:
        parts.append((0, _line(0.0, peak, warmup, exact)))
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


def _line(init_value: Any, end_value: Any, steps: int, exact: bool) -> Schedule:
    if exact and steps == 1:  # Optax: a line of no length stays where it begins
        return Constant(init_value, 1)
    return Linear(init_value, end_value, steps - 1)


def _cosine(init_value: Any, end_value: Any, steps: int, exact: bool) -> Schedule:
    if exact and steps > 1:
        return CosineWave(init_value, end_value, steps - 1)
    return Cosine(init_value, end_value, steps - 1)
