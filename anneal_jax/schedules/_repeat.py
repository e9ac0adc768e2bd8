"""Repeat: warm restarts.

Cycles of equal length are found by an integer division. Cycles that grow, shrink or are
listed are found by a search over their starts, and the phases of each (a stretched warmup, a
stretched decay) are laid out in rows when the schedule is built: a step gathers its row. So
the program is the same for 2 cycles and for 1,000.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import (
    MAX_STEP,
    Number,
    as_array,
    as_float,
    as_int,
    int_dtype,
    is_concrete,
    last_reached,
    round_half_up,
    row,
    select,
)
from ._join import stack_rows
from ._rate import Rate
from ._schedule import Array, Scale, Schedule, as_schedule, verb


class Repeat(Schedule):
    """A schedule again and again; built by `schedule.repeat`.

    `value(t) = value_factor**i * schedule_i(t - start_i) + floor_factor**i * floor_i(t - start_i)`
    in cycle `i`, where `schedule_i` is `schedule` stretched to the length of the cycle: its
    boundaries move to the nearest integer step (halves upwards), so ends, peaks and joins are
    exact in every cycle. After the last cycle its end value holds.

    A stretch moves the ends of the cycles (of equal ones without end, it rounds the length of
    one). Growing cycles without end are laid out up to step 2**31 - 1, with x64 on too, and
    shrink with a stretch.
    """

    schedule: Schedule
    floor: Schedule | None
    cycles: Number | None
    value_factor: Rate
    floor_factor: Rate
    lengths: Any  # int[cycles]; None: all as long as `schedule` (so the next two too)
    starts: Any  # int[cycles + 1]: where each begins and the last ends, at most 2**31 - 1
    phases: Any  # the step counts of (schedule, floor), a row for each cycle

    @property
    def steps(self) -> Number | None:
        if self.cycles is None:
            return None
        if self.starts is None:
            return self.schedule.steps * self.cycles
        if is_concrete(self.starts, self.cycles):
            return int(self.starts[self.cycles])
        return row(as_int(self.starts), as_int(self.cycles))

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
        return index * within + schedule.cycle_at(local)

    def stretched(self, scale: Scale) -> "Repeat":
        whole = Scale(scale.numerator, scale.denominator)
        schedule, floor, lengths, begins = self.schedule, self.floor, self.lengths, None
        if lengths is not None:
            begins = self.starts[:-1]
        elif isinstance(self.cycles, int):  # equal cycles move their ends, and may then differ
            lengths = schedule.steps * np.ones(self.cycles, np.int64)
            begins = schedule.steps * np.arange(self.cycles)
        if begins is None:  # for ever: the length of one cycle is rounded
            schedule, floor = schedule.stretched(whole), floor and floor.stretched(whole)
        else:
            reached = lengths <= MAX_STEP - begins  # else its end is nowhere to be moved
            where = np.where if is_concrete(whole.numerator, begins) else jnp.where
            lengths = where(reached, scale.at(begins)(lengths), whole(lengths))
        factors = self.value_factor, self.floor_factor
        return _build(schedule, floor, self.cycles, *factors, lengths)

    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = {"schedule": self.schedule}
        if self.starts is not None:
            begun = np.asarray(self.starts)[:-1] < MAX_STEP
            given["periods"] = np.asarray(self.lengths)[begun][: self.cycles].tolist()
        elif self.cycles is not None:
            given["cycles"] = self.cycles
        given["value_factor"] = self.value_factor.as_number()
        if self.floor is not None:
            given |= {"floor": self.floor, "floor_factor": self.floor_factor.as_number()}
        return given

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


@verb
def repeat(
    schedule: Schedule,
    cycles: Number | None = None,
    steps_factor: Number = 1,
    value_factor: Number = 1.0,
    *,
    periods: Sequence[Number] | None = None,
    floor: Schedule | Number | None = None,
    floor_factor: Number = 1.0,
) -> Repeat:
    """Restart a schedule: cycles that may grow or shrink, with peaks and floors that decay.

    Cycle `i` is `schedule` stretched to `round(steps * steps_factor**i)` steps (halves
    upwards, at least 1), times `value_factor**i`, plus `floor` times `floor_factor**i`.

    Args:
      schedule: one cycle, of known length.
      cycles: how many; None: for ever.
      steps_factor: above 0; each cycle's length over the one before.
      value_factor: above 0; each cycle's values over the one before.
      periods: the cycles' lengths, listed, instead of `cycles` and `steps_factor`. If the last
        runs up to step 2**31 - 1 or beyond, the schedule is open-ended.
      floor: what to add under every cycle: a number, or a schedule as long as one cycle.
      floor_factor: above 0; each cycle's floor over the one before.

    Returns:
      The repeated schedule; its program does not grow with the number of cycles.

    Raises:
      ValueError: if `schedule` is open-ended or empty, a factor is not above 0, cycles shrink
        for ever, or the cycles end beyond step 2**31 - 1.

    Example:
        >>> import anneal_jax as anneal
        >>> cycle = anneal.Linear(1.0, 0.0, steps=2)
        >>> print(cycle.repeat(steps_factor=2, value_factor=0.5)([0, 1, 2, 4, 6, 10]))
        [1.   0.5  0.5  0.25 0.25 0.125]
    """
    length = as_schedule(schedule).steps
    if length is None:
        remedy = "give it steps, or join it with an end"
        _checks.fail("repeat", "schedule", "of known length", schedule, remedy)
    _checks.steps("repeat", "the cycle's length", length, least=1)
    for name, factor in (("value_factor", value_factor), ("floor_factor", floor_factor)):
        _checks.number("repeat", name, factor, above=0)
    if cycles is not None:
        cycles = _checks.whole(cycles)
        _checks.steps("repeat", "cycles", cycles, least=1, remedy="or None for ever")
    if periods is not None:
        if cycles is not None or not _are_equal(steps_factor, None):
            rule = "given without cycles and steps_factor"
            _checks.fail("repeat", "periods", rule, periods, "leave those out")
        periods = _checks.items("repeat", "periods", periods, "steps")
        lengths = _listed(periods)
        endless = is_concrete(*periods) and sum(periods) >= MAX_STEP
        cycles = None if endless else len(periods)
    else:
        lengths = _geometric(length, steps_factor, cycles)
    if lengths is None and cycles is not None and is_concrete(length, cycles):
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
        same = Scale(schedule.steps, schedule.steps)  # to the structure that stretching gives
        schedule, floor = schedule.stretched(same), floor and floor.stretched(same)
        starts = _starts(lengths)
        phases = _phases((schedule, floor), schedule.steps, lengths, starts)
    return Repeat(schedule, floor, cycles, value_factor, floor_factor, lengths, starts, phases)


def _starts(lengths: Any) -> Any:
    if is_concrete(lengths):
        return np.minimum(np.concatenate([[0], np.cumsum(lengths)]), MAX_STEP)
    reached = jnp.cumsum(as_float(lengths)) < MAX_STEP  # where the integer sum does not wrap
    ends = jnp.where(reached, jnp.cumsum(as_int(lengths)), MAX_STEP)
    return jnp.concatenate([jnp.zeros(1, ends.dtype), ends])


def _phases(
    both: tuple[Schedule, Schedule | None], length: Number, lengths: Any, starts: Any
) -> Any:
    """The durations among the leaves of `both`, stretched to each cycle's length, in rows."""

    def stretched(cycle_length: Number) -> Any:
        scale = Scale(cycle_length, length)
        return tuple(s and s.stretched(scale) for s in both)

    if is_concrete(lengths, *jax.tree.leaves(both)):
        real = lengths[starts[:-1] < MAX_STEP].tolist()
        rows = stack_rows([stretched(n) for n in real])
        spare = len(lengths) - len(real)  # filler after the last cycle that can be reached
        rows = jax.tree.map(lambda r: np.concatenate([r, np.repeat(r[-1:], spare, 0)]), rows)
    else:
        rows = jax.vmap(stretched)(as_int(lengths))
    return eqx.filter(rows, _durations(both, rows))


def _durations(both: Any, rows: Any) -> Any:
    """Which leaves a stretch may change: whole numbers, and floats that it scales."""
    leaves, structure = jax.tree.flatten(jax.tree.map(as_array, both))
    program = jax.make_jaxpr(
        lambda leaves, n, d: jax.tree.leaves(
            tuple(s and s.stretched(Scale(n, d)) for s in structure.unflatten(leaves))
        )
    )(leaves, as_int(1), as_int(1)).jaxpr
    kept = {id(v) for v in program.invars}
    moved = [
        jnp.issubdtype(row.dtype, jnp.integer) or id(v) not in kept
        for v, row in zip(program.outvars, jax.tree.leaves(rows), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(rows), moved)


def _are_equal(factor: Number, cycles: Number | None) -> bool:
    """Whether all cycles are as long as the first by definition.

    A factor of 1.0 among others (a float, with so many cycles) keeps the program of the others.
    """
    return (
        isinstance(factor, int | float) and factor == 1 and (isinstance(factor, int) or not cycles)
    )


def _listed(periods: Sequence[Number]) -> Any:
    periods = [_checks.whole(n) for n in periods]
    for n in periods:
        _checks.steps("repeat", "periods", n, least=1)
    if not periods:
        _checks.fail("repeat", "periods", "at least one length", periods, "list the cycles' steps")
    if not is_concrete(*periods):
        return jnp.stack([as_int(n) for n in periods])
    _checks.steps("repeat", "the sum of all periods but the last", sum(periods[:-1]))
    lengths = np.array(periods, np.int64)
    return _padded(lengths)


def _geometric(length: Number, factor: Number, cycles: Number | None) -> Any:
    """Lengths of `round(length * factor**i)` steps, or None where all are alike."""
    _checks.number("repeat", "steps_factor", factor, above=0)
    if _are_equal(factor, cycles):
        return None
    count = cycles if isinstance(cycles, int) else _cycles_within_reach(length, factor)
    if not is_concrete(length, factor):
        powers = as_float(factor) ** jnp.arange(count, dtype=as_float(0).dtype)
        return jnp.maximum(round_half_up(as_float(length) * powers), 1)
    with np.errstate(over="ignore"):
        lengths = np.maximum(round_half_up(length * float(factor) ** np.arange(count)), 1)
    if isinstance(cycles, int) and lengths.sum() > MAX_STEP:
        rule = f"at most {np.sum(np.cumsum(lengths) <= MAX_STEP)}, so as to end before step 2**31"
        _checks.fail("repeat", "cycles", rule, cycles, "lower cycles or steps_factor")
    return _padded(lengths)


def _padded(lengths: np.ndarray) -> np.ndarray:
    """Lengths up to step 2**31 - 1, filled up so that another number is the same program."""
    begins = np.cumsum(lengths) - lengths
    lengths = lengths[begins < MAX_STEP]
    size = max(64, 1 << (len(lengths) - 1).bit_length())
    return np.pad(lengths, (0, size - len(lengths)), constant_values=MAX_STEP)


def _cycles_within_reach(length: Number, factor: Number) -> int:
    """Enough growing cycles to pass step 2**31 (a traced length may be as short as 1)."""
    if not is_concrete(factor) or factor < 1:
        rule = "given where the cycles shrink or steps_factor is traced"
        _checks.fail("repeat", "cycles", rule, None, "say how many, as a Python int")
    shortest = length if is_concrete(length) else 1
    count = int(np.log1p((factor - 1) * 2.0**31 / shortest) / np.log(factor)) + 2
    if count > 2**17:
        remedy = "say how many cycles, or use 1"
        _checks.fail("repeat", "steps_factor", "1 or clearly above it", factor, remedy)
    return count
