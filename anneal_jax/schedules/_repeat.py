"""Repeat: warm restarts.

In cycles of equal length, an integer division finds the cycle of a step. In cycles that grow,
shrink or are listed, a search over their starts finds it; the phases of each cycle (a stretched
warmup, a stretched decay) are stored in rows when the schedule is built, and a step gathers its
row. So the program is the same for 2 cycles and for 1,000.
"""

from collections.abc import Sequence
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import (
    MAX_STEP,
    Number,
    as_int,
    int_dtype,
    largest,
    last_reached,
    on_host,
    row,
    select,
)
from .._types import Array, DurationLike, IntScalarLike, RealScalarLike
from ._constant import as_schedule
from ._periods import are_equal, geometric, listed, starts_of
from ._rate import Rate
from ._schedule import Schedule
from ._time_scale import OTHER, TimeScale, durations


class Repeat(Schedule):
    """A schedule again and again; built by `schedule.repeat`.

    `value(t) = value_factor**i * schedule_i(t - start_i) + floor_factor**i * floor_i(t - start_i)`
    in cycle `i`, where `schedule_i` is `schedule` stretched to the length of the cycle: its
    boundaries move to the nearest integer step (halves upwards), so ends, peaks and joins are
    exact in every cycle. After the last cycle its end value holds.

    A stretch moves the ends of the cycles; of equal cycles without end, it rounds their length.
    Growing cycles without end are stored up to step 2**31 - 1, with x64 on too; a stretch by less
    than 1 moves that last step down.
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    floor: Schedule | None
    cycles: IntScalarLike | None
    value_factor: Rate
    floor_factor: Rate
    # int[cycles]; None: all as long as `schedule` (so the next two too)
    lengths: Any = eqx.field(metadata=OTHER)
    # int[cycles + 1]: where each begins and the last ends, at most 2**31 - 1
    starts: Any = eqx.field(metadata=OTHER)
    # the durations in (schedule, floor), a row for each cycle
    phases: Any = eqx.field(metadata=OTHER)

    @property
    def steps(self) -> DurationLike | None:
        if self.cycles is None:
            return None
        length = cast(Any, self.schedule.steps)
        return length * self.cycles if self.starts is None else self._end()

    @property
    def has_restarts(self) -> bool:
        return True

    def value_at(self, step: Array) -> Array:
        index, local, (schedule, floor) = self._locate(step)
        value = schedule.value_at(local) * self.value_factor.power(index)
        if floor is None:
            return value
        return value + floor.value_at(local) * self.floor_factor.power(index)

    def cycle_at(self, step: Array) -> Array:
        index, local, (schedule, _) = self._locate(step)
        if not schedule.has_restarts:
            return index
        within = self.schedule.cycle_at(as_int(self.schedule.steps) - 1) + 1
        # What begins where the last cycle ends, as a last part without steps does, begins nothing.
        return index * within + schedule.cycle_at(lax.min(local, as_int(schedule.steps) - 1))

    def stretched(self, scale: TimeScale) -> "Repeat":
        whole, schedule, floor = scale.from_zero(), self.schedule, self.floor
        lengths: Any = self.lengths
        begins: Any = None
        if lengths is not None:
            begins = self.starts[..., :-1]
        elif self.cycles is not None and on_host(self.cycles):
            # equal cycles move their ends, and may then differ
            count, steps = np.arange(int(np.max(self.cycles))), cast(Any, schedule.steps)
            length = _opened(steps, np.ndim(steps))
            lengths, begins = length * np.ones_like(count), length * count
        if begins is None:  # for ever: the length of one cycle is rounded
            schedule, floor = schedule.stretched(whole), floor and floor.stretched(whole)
        else:
            reached = lengths <= MAX_STEP - begins  # else its end is nowhere to be moved
            moved, free = scale.at(begins)(lengths), whole(lengths)
            lengths = (np if on_host(reached, moved) else jnp).where(reached, moved, free)
        factors = self.value_factor, self.floor_factor
        return _build(schedule, floor, self.cycles, *factors, lengths)

    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = {"schedule": self.schedule}
        if self.starts is not None:
            given["periods"] = self._periods()
        elif self.cycles is not None:
            given["cycles"] = self.cycles
        given["value_factor"] = self.value_factor
        if self.floor is not None:
            given |= {"floor": self.floor, "floor_factor": self.floor_factor}
        return given

    def _periods(self) -> Any:
        """The lengths of the cycles, without the filler; of tracers and batches with it."""
        if not _checks.known(self.lengths, self.starts, self.cycles) or self.lengths.ndim > 1:
            return self.lengths
        begun = np.asarray(self.starts)[:-1] < MAX_STEP
        return np.asarray(self.lengths)[begun][: self.cycles].tolist()

    def _end(self) -> DurationLike:
        """The step at which the last cycle ends; in a batch of schedules, one for each."""
        known = on_host(self.starts, self.cycles)
        xp: Any = np if known else jnp
        starts = self.starts if known else as_int(self.starts)
        cycles = cast(Any, self.cycles if known else as_int(self.cycles))
        place = xp.reshape(cycles, np.shape(cycles) + (1,) * (starts.ndim - np.ndim(cycles)))
        return largest(xp.take_along_axis(starts, place, -1)[..., 0])

    def _locate(self, step: Array) -> tuple[Array, Array, tuple[Schedule, Schedule | None]]:
        """The cycle of `step`, the step within it, and that cycle's schedule and floor."""
        most = np.iinfo(int_dtype()).max
        last = as_int(most if self.cycles is None else as_int(self.cycles) - 1)
        both = self.schedule, self.floor
        if self.starts is None:
            period = lax.max(as_int(self.schedule.steps), as_int(1))
            index = lax.min(lax.div(step, period), last)
            return index, step - index * period, both
        starts = as_int(self.starts)
        before_filler = lax.min(step, as_int(MAX_STEP - 1))
        index = lax.min(last_reached(starts[:-1], before_filler), last)
        phases = jax.tree.map(lambda leaf: row(leaf, index), self.phases)
        schedule, floor = eqx.combine(phases, both)
        # Past the last cycle, the end: that of a nested schedule may not be that of its cycle.
        local = step - row(starts, index)
        local = select(local >= row(self.lengths, index), as_int(schedule.steps), local)
        return index, local, (schedule, floor)


def repeat(
    schedule: Schedule,
    cycles: IntScalarLike | None = None,
    steps_factor: RealScalarLike = 1,
    value_factor: RealScalarLike = 1.0,
    *,
    periods: Sequence[DurationLike] | None = None,
    floor: Schedule | RealScalarLike | None = None,
    floor_factor: RealScalarLike | None = None,
) -> Repeat:
    """Restart a schedule in cycles that may grow or shrink, with peaks and floors that decay.

    Cycle `i` is `schedule` stretched to `round(steps * steps_factor**i)` steps (halves
    upwards, at least 1), times `value_factor**i`, plus `floor` times `floor_factor**i`.

    Args:
      schedule: one cycle, of known length, at least 1 step.
      cycles: number of cycles, at least 1; None: without end.
      steps_factor: ratio of each cycle's length to that of the one before, above 0.
      value_factor: ratio of each cycle's values to those of the one before, above 0.
      periods: lengths of the cycles in optimizer steps, in place of `cycles` and `steps_factor`. If
        the last one reaches step 2**31 - 1 or beyond, the schedule is open-ended.
      floor: what is added in every cycle: a number, or a schedule as long as one cycle.
      floor_factor: ratio of each cycle's floor to that of the one before, above 0.

    Returns:
      A schedule as long as its cycles together, open-ended without `cycles` and `periods`. Its
      compiled program does not grow with the number of cycles.

    Raises:
      ValueError: if `schedule` is open-ended or empty, a factor is not above 0, cycles without end
        shrink, or a given number of cycles ends beyond step 2**31 - 1.

    Example:
        >>> import anneal_jax as anneal
        >>> cycle = anneal.Linear(1.0, 0.0, steps=2)
        >>> print(cycle.repeat(steps_factor=2, value_factor=0.5)([0, 1, 2, 4, 6, 10]))
        [1.   0.5  0.5  0.25 0.25 0.125]
    """
    schedule = as_schedule(schedule)
    length = _checks.whole(schedule.steps)
    if length is None:
        remedy = "give it steps, or join it with an end"
        _checks.fail("repeat", "schedule", "of known length", schedule, remedy)
    _checks.steps("repeat", "the cycle's length", length, least=1)
    if floor is None and floor_factor is not None:
        _checks.fail("repeat", "floor_factor", "left out without a floor", floor_factor, "add one")
    floor_factor = 1.0 if floor_factor is None else floor_factor
    for name, factor in (("value_factor", value_factor), ("floor_factor", floor_factor)):
        _checks.number("repeat", name, factor, above=0)
    if cycles is not None:
        cycles = _checks.whole(cycles)
        _checks.steps("repeat", "cycles", cycles, least=1, remedy="or None for ever")
    if periods is not None:
        if cycles is not None or not are_equal(steps_factor, None):
            rule = "given without cycles and steps_factor"
            _checks.fail("repeat", "periods", rule, periods, "leave those out")
        periods = [_checks.whole(n) for n in _checks.items("repeat", "periods", periods, "steps")]
        lengths = listed(periods)
        endless = on_host(*periods) and sum(periods) >= MAX_STEP
        cycles = None if endless else len(periods)
    else:
        lengths = geometric(length, _checks.unboxed(steps_factor), cycles)
    if lengths is None and cycles is not None and on_host(length, cycles):
        _checks.steps("repeat", "cycles times the cycle's length", length * cycles)
    floor = None if floor is None else as_schedule(floor)
    return _build(schedule, floor, cycles, Rate.of(value_factor), Rate.of(floor_factor), lengths)


def _build(
    schedule: Schedule,
    floor: Schedule | None,
    cycles: Number | None,
    value_factor: Rate,
    floor_factor: Rate,
    lengths: Any,
) -> Repeat:
    starts = phases = None
    if lengths is not None:
        same = TimeScale(schedule.steps, schedule.steps)  # to the structure that stretching gives
        schedule, floor = schedule.stretched(same), floor and floor.stretched(same)
        starts = starts_of(lengths)
        phases = _phases((schedule, floor), schedule.steps, lengths)
    return Repeat(schedule, floor, cycles, value_factor, floor_factor, lengths, starts, phases)


def _phases(both: tuple[Schedule, Schedule | None], length: Number, lengths: Any) -> Any:
    """The durations among the leaves of `both`, stretched to each cycle's length, one row each."""
    axis = lengths.ndim - 1  # of the cycles, behind those of a batch

    scale = TimeScale(lengths, _opened(length, axis))
    rows = tuple(s and s.stretched(scale) for s in jax.tree.map(lambda x: _opened(x, axis), both))

    def filled(leaf: Any) -> Any:
        shape = lengths.shape + np.shape(leaf)[axis + 1 :]
        known = on_host(leaf)
        return np.array(np.broadcast_to(leaf, shape)) if known else jnp.broadcast_to(leaf, shape)

    return jax.tree.map(filled, eqx.filter(rows, durations(rows)))


def _opened(leaf: Any, axis: int) -> Any:
    """An array with a new axis, for the cycles, at position `axis`; a scalar stays one."""
    if np.ndim(leaf) == 0:
        return leaf
    return (np if on_host(leaf) else jnp).expand_dims(leaf, axis)
