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
from ._periods import (
    Lengths,
    are_equal,
    geometric,
    listed,
    starts_of,
    stretched_lengths,
)
from ._phases import laid_out, opened
from ._rate import Rate
from ._schedule import Schedule
from ._time_scale import OTHER, TimeScale, longest


class Repeat(Schedule):
    """A schedule again and again; built by `schedule.repeat`.

    `value(t) = value_factor**i * schedule_i(t - start_i) + floor_factor**i * floor_i(t - start_i)`
    in cycle `i`, where `schedule_i` is `schedule` stretched to the length of the cycle: its
    boundaries move to the nearest integer step (halves upwards), so ends, peaks and joins are
    exact in every cycle. After the last cycle its end value holds.

    A stretch moves the ends of the cycles; of equal cycles without end, it rounds their length.
    Growing cycles without end are stored up to step 2**31 - 1, with x64 on too. A stretch by less
    than 1 moves that last step down; from there on the end value of the last one holds.

    Of those, a cycle in which something is longer than 2**31 - 1 steps (the last one stored, as a
    rule) is counted in the smallest units of `2**k` steps that fit: its value at its step `local`
    is that at `local - local % 2**k`. So joins inside it are placed to within `2**k` steps, and
    what depends on single steps (`Logarithmic`, `gamma` of `Triangular`, the interval of `Every`,
    noise) on units.
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
    # int[cycles]: `lengths` and `phases` count units of 2**shifts steps; None: all are steps
    shifts: Any = eqx.field(metadata=OTHER)

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
        lengths: Any = None
        if self.lengths is not None:
            lengths = stretched_lengths(scale, self._in_steps(), self.starts[..., :-1])
        elif self.cycles is not None and on_host(self.cycles):
            # equal cycles move their ends, and may then differ
            count, steps = np.arange(int(np.max(self.cycles))), cast(Any, schedule.steps)
            length = opened(steps, np.ndim(steps))
            equal = Lengths(length * np.ones_like(count), None)
            lengths = stretched_lengths(scale, equal, length * count)
        else:  # for ever: the length of one cycle is rounded
            schedule, floor = schedule.stretched(whole), floor and floor.stretched(whole)
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

    def _in_steps(self) -> Lengths:
        """The lengths of the cycles in steps, but for the last one begun."""
        if self.shifts is None:
            return Lengths(self.lengths, None)
        xp: Any = np if on_host(self.starts, self.lengths, self.shifts) else jnp
        ended = self.starts[..., 1:] < MAX_STEP
        counts = xp.where(ended, xp.diff(self.starts), self.lengths)
        return Lengths(counts, xp.where(ended, 0, self.shifts))

    def _periods(self) -> Any:
        """The lengths of the cycles, without the filler; of tracers and batches with it."""
        if not _checks.known(self.lengths, self.starts, self.cycles) or self.lengths.ndim > 1:
            return self.lengths
        counts, shifts = (np.asarray(0 if x is None else x, np.int64) for x in self._in_steps())
        begun = np.asarray(self.starts)[:-1] < MAX_STEP
        return (counts << shifts)[begun][: self.cycles].tolist()

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
        if self.shifts is not None:
            local = lax.shift_right_logical(local, row(as_int(self.shifts), index))
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
        the last one reaches step 2**31 - 1 or beyond (its length may be any), the schedule is
        open-ended.
      floor: what is added in every cycle: a number, or a schedule as long as one cycle.
      floor_factor: ratio of each cycle's floor to that of the one before, above 0.

    Returns:
      A schedule as long as its cycles together, open-ended without `cycles` and `periods`. Its
      compiled program does not grow with the number of cycles.

    Raises:
      ValueError: if `schedule` is open-ended or empty, a factor is not above 0, cycles without end
        shrink, or a given number of cycles ends beyond step 2**31 - 1 or has a part (cut off by
        `until`, say) of more steps than that.

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
    factors = Rate.of(value_factor), Rate.of(floor_factor)
    built = _build(schedule, floor, cycles, *factors, lengths)
    most = int(longest(built))
    if most > MAX_STEP:
        rule = "at most 2**31 - 1 steps in every cycle"
        remedy = "lower cycles or steps_factor, or cut less off with until"
        _checks.fail("repeat", "every length and boundary in the schedule", rule, most, remedy)
    return built


def _build(
    schedule: Schedule,
    floor: Schedule | None,
    cycles: Number | None,
    value_factor: Rate,
    floor_factor: Rate,
    lengths: Any,
) -> Repeat:
    if lengths is None:
        return Repeat(schedule, floor, cycles, value_factor, floor_factor, *[None] * 4)
    same = TimeScale(schedule.steps, schedule.steps)  # to the structure that stretching gives
    both = schedule, floor = schedule.stretched(same), floor and floor.stretched(same)
    starts = starts_of(lengths, cycles is None)
    if on_host(lengths) and cycles is None:  # what a stretch moved out of reach is filler now
        lengths = np.where(starts[..., :-1] < MAX_STEP, lengths, 0)
    (counts, shifts), phases = laid_out(both, schedule.steps, lengths, cycles)
    plan = counts, starts, phases, shifts
    return Repeat(schedule, floor, cycles, value_factor, floor_factor, *plan)
