"""The key figures of a schedule, as data: what a picture, a table and the command line tell."""

from typing import Any, NamedTuple

import jax
import numpy as np

from .. import _checks
from .._numerics import MAX_STEP
from ._curve import ALL, asked, begun, sampled
from ._pieces import STILL, Piece, pieces
from ._repeat import Repeat
from ._schedule import Schedule
from ._time_scale import kind_of

_PHASES = 12  # at most, in a table
_SHOWN = 4  # times the longest duration, or cycles: what is shown of a schedule without an end
_POINTS = 2**14  # asked for the area of a phase that is too long to ask every step
_JUMP = 3.0  # times the change of the step before: at the end of a root it is 2.4


class Phase(NamedTuple):
    """A part of a schedule, ruled by one formula.

    Attributes:
      kind: the name of its class, such as "Linear"; "cycles of Linear, Cosine" where there are too
        many to tell apart; "held" where the schedule keeps its last value.
      begin: its first optimizer step.
      steps: its length in optimizer steps.
      init_value: the value at its first step.
      end_value: the value that it comes to: that of the step after it, unless the schedule jumps or
        restarts there; then that of its last step.
      cycles: number of cycles that it touches.
      share: of the summary's steps.
      area: sum of its values over its steps.
      area_share: of the summary's area (0 if that is 0).
    """

    kind: str
    begin: int
    steps: int
    init_value: float
    end_value: float
    cycles: int
    share: float
    area: float
    area_share: float


class Summary(NamedTuple):
    """The key figures of a schedule; made by `summary`.

    Attributes:
      steps: the number of optimizer steps that all else is about, those from 0 to `steps - 1`.
      length: the schedule's own length; None: open-ended.
      peak_value: the largest value at steps 0 to `steps`.
      peak_step: the first step that has it.
      least_value: the smallest value there.
      init_value: the value at step 0.
      end_value: the value at step `steps`, which holds from there on if that is the length.
      mean_value: the mean over the steps.
      area: the sum over the steps (of learning rates: the distance that Adam can go).
      cycles: number of cycles begun.
      phases: a `Phase` for each part, at most 12, in order.
    """

    steps: int
    length: int | None
    peak_value: float
    peak_step: int
    least_value: float
    init_value: float
    end_value: float
    mean_value: float
    area: float
    cycles: int
    phases: tuple[Phase, ...]


def summary(schedule: Schedule, steps: int | None = None) -> Summary:
    """The key figures of a schedule: its peak and end, and its phases with their shares.

    Areas of up to 2**17 steps are exact sums. For more, each phase is asked about 16,384 steps that
    are spread over it; the relative error of its area is then about 1e-6, or 1e-3 where it
    consists of many cycles. The peak of a longer schedule is exact where, between its joins and
    restarts, it does not rise and fall many times.

    Args:
      schedule: one schedule whose numbers are known.
      steps: number of optimizer steps to look at, at least 1. None: the schedule's length; without
        one, four times its longest duration (or four cycles).

    Returns:
      A `Summary`.

    Raises:
      ValueError: if the schedule is a batch or holds tracers, or `steps` is below 1.

    Example:
        >>> import anneal_jax as anneal
        >>> found = anneal.summary(anneal.warmup_stable_decay(1.0, 10, 20, 100))
        >>> [(p.kind, p.steps, round(p.area_share, 2)) for p in found.phases]
        [('Linear', 10, 0.06), ('Constant', 70, 0.86), ('OneMinusSqrt', 20, 0.09)]
        >>> found.peak_value, found.peak_step, round(found.mean_value, 4)
        (1.0, 10, 0.8171)
    """
    require_known("summary", schedule)
    steps = shown_steps("summary", schedule, steps)
    arrays = schedule.as_arrays()
    at, values = sampled(schedule, steps)
    top = int(np.argmax(values))
    parts = pieces(schedule, steps, _PHASES)
    areas = [_area(arrays, part) for part in parts]
    area, length = float(sum(areas)), _checks.whole(schedule.steps)
    return Summary(
        steps=steps,
        length=None if length is None else int(length),
        peak_value=float(values[top]),
        peak_step=int(at[top]),
        least_value=float(values.min()),
        init_value=float(values[0]),
        end_value=float(values[-1]),
        mean_value=area / steps,
        area=area,
        cycles=int(begun(arrays, np.array([steps - 1]))[0]) + 1,
        phases=tuple(_phases(arrays, parts, areas, steps)),
    )


def require_known(owner: str, schedule: Any) -> None:
    """Refuse what is no schedule, and one that is a batch, or traced, or has leaves left out."""
    if not isinstance(schedule, Schedule):
        _checks.fail(owner, "schedule", "a schedule", schedule, "wrap it with as_schedule")
    if not is_one(schedule):
        remedy = "take one of a batch, or ask outside of jit and vmap"
        _checks.fail(owner, "schedule", "one schedule whose numbers are known", schedule, remedy)


def is_one(schedule: Schedule) -> bool:
    """Whether it answers with one number, which is known; a batch or one of shardings does not.

    What goes wrong in a schedule of plain numbers (in a function of the user's) is raised.
    """
    leaves = jax.tree.leaves(schedule)
    if not _checks.known(*leaves):
        return False
    try:
        return jax.eval_shape(lambda: schedule(0)).shape == ()
    except (AttributeError, IndexError, TypeError, ValueError):
        everything = jax.tree.leaves(schedule, is_leaf=lambda x: x is None)
        if _checks.are_numbers(*everything):
            raise
        return False


def shown_steps(owner: str, schedule: Schedule, steps: int | None) -> int:
    """`steps`, checked; None: the length of the schedule, or of a telling part if it has none."""
    steps = _checks.whole(steps)
    if steps is not None:
        _checks.steps(owner, "steps", steps, least=1)
        return int(steps)
    length = _checks.whole(schedule.steps)
    return max(int(length), 1) if length is not None else _part(schedule)


def last_shown(schedule: Schedule, steps: int) -> int:
    """The last step of a picture: `steps`, but not where another cycle begins right there."""
    again = schedule.steps is None and np.diff(begun(schedule, np.array([steps - 1, steps])))[0]
    return steps - 1 if again and steps > 1 else steps


def _part(schedule: Schedule) -> int:
    """A telling part of a schedule without an end."""
    found = int(np.ceil(_SHOWN * _longest(schedule)))
    return min(max(found, 1) if found else 1000, MAX_STEP)


def _longest(schedule: Schedule) -> float:
    """The longest duration in a schedule; of cycles without an end, that of one, or all of four."""
    if isinstance(schedule, Repeat) and schedule.cycles is None:
        base: Any = schedule.schedule.steps
        return float(base if schedule.starts is None else schedule.starts[_SHOWN] / _SHOWN)
    found = [0.0]
    for name, field in schedule.__dataclass_fields__.items():
        value: Any = getattr(schedule, name)
        parts = value if isinstance(value, tuple) else (value,)
        found += [_longest(part) for part in parts if isinstance(part, Schedule)]
        if kind_of(field) is not None and not isinstance(value, Schedule):
            found += [float(np.max(np.abs(x), initial=0)) for x in jax.tree.leaves(value)]
    return max(found)


def _area(schedule: Schedule, part: Piece) -> float:
    """The sum of the values over the steps of a part."""
    count = part.end - part.begin
    if count <= ALL:
        return float(asked(schedule, np.arange(part.begin, part.end)).sum())
    # One step in each of many strata, at offsets that golden ratios keep from any cycle's beat.
    offsets = (np.arange(_POINTS) * ((5**0.5 - 1) / 2)) % 1
    at = part.begin + ((np.arange(_POINTS) + offsets) * (count / _POINTS)).astype(np.int64)
    return float(asked(schedule, at).mean()) * count


def _phases(schedule: Any, parts: list[Piece], areas: list[float], steps: int) -> list[Phase]:
    ends = np.array([part.end for part in parts])
    begins = np.array([part.begin for part in parts])
    places = np.stack([begins, np.maximum(ends - 2, begins), ends - 1, ends])
    flat = np.minimum(places, MAX_STEP).ravel()
    first, before, last, after = asked(schedule, flat).reshape(places.shape)
    cycles = begun(schedule, flat).reshape(places.shape)
    jumps = np.abs(after - last) > _JUMP * np.abs(last - before)
    jumps = ((ends - begins > 1) & jumps) | (cycles[3] > cycles[2])
    total = sum(areas)
    return [
        Phase(
            kind=part.kind,
            begin=part.begin,
            steps=part.end - part.begin,
            init_value=float(first[k]),
            end_value=float(last[k] if jumps[k] or part.kind in STILL else after[k]),
            cycles=int(cycles[2, k] - cycles[0, k]) + 1,
            share=(part.end - part.begin) / steps,
            area=areas[k],
            area_share=areas[k] / total if total else 0.0,
        )
        for k, part in enumerate(parts)
    ]
