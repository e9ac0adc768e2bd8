"""Levanter: cycles of warmup, constant and decay, with durations in steps or fractions."""

from collections.abc import Sequence
from typing import NamedTuple

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear
from .. import _arguments
from ._durations import known_steps
from ._levanter_cycles import Run, count, runs
from ._levanter_decays import KINDS, Decay

_OWNER = "levanter"


def levanter(
    learning_rate: RealScalarLike,
    num_train_steps: IntScalarLike,
    lr_schedule: str = "cosine",
    warmup: RealScalarLike = 0.01,
    decay: RealScalarLike | None = None,
    rewarmup: RealScalarLike = 0.0,
    min_lr_ratio: RealScalarLike = 0.1,
    cycle_length: RealScalarLike | Sequence[int] | None = None,
    cycles: IntScalarLike | Sequence[int] | None = None,
    haps: Sequence[int] | None = None,
    cooldown: RealScalarLike | None = None,
    *,
    exponent: RealScalarLike = 1.0,
    power: RealScalarLike = 2.0,
    timescale: RealScalarLike = 10000,
    decay_constant: RealScalarLike = 28.6,
    batch_size: RealScalarLike | None = None,
    seq_length: RealScalarLike | None = None,
    a: RealScalarLike = 4.6,
    b: RealScalarLike = -0.51,
    exact: bool = True,
) -> Schedule:
    """`OptimizerConfig.lr_scheduler` of Levanter, version of 2026 (package `marin-levanter`).

    Each cycle warms up from where the one before it ended, is constant, and decays. Durations up
    to and including 1 are fractions of the cycle (so 1 is all of it), those above are steps. A
    warmup that is longer than its cycle is cut to it, a decay to what the warmup leaves; of equal
    cycles there may be any number.

    Args:
      learning_rate: rate at the peak, above 0.
      num_train_steps: length of the training. After it the last decay goes on or holds.
      lr_schedule: "constant", "cosine" (`exponent`), "linear", "polynomial" (`power`), "inv_sqrt"
        (`timescale`), "inv_sqrt_decay" (`decay_constant`), "inv", or "power" (`batch_size`,
        `seq_length`, `a`, `b`), which counts its steps from the end of the constant phase.
      warmup: duration of the first cycle's warmup.
      decay: duration of every cycle's decay; None: all that the warmup leaves.
      rewarmup: duration of every later cycle's warmup.
      min_lr_ratio: floor as a part of the peak.
      cycle_length: length of every cycle, or a list of at most 1000 lengths.
      cycles: number of cycles (at most 1000 if it does not divide the steps), or the steps at
        which they end.
      haps: steps at which cycles end, under its older name.
      cooldown: duration of a line to the floor at the end, as in older versions.
      exponent: power of the cosine, above 0.
      power: exponent of "polynomial", above 0.
      timescale: of "inv_sqrt", the steps over which it stays at the peak; at least 1.
      decay_constant: `c` of "inv_sqrt_decay", whose rate is the peak over `sqrt(1 + c * part)` in
        each part of the decay; above 0.
      batch_size: of "power", the sequences in a batch.
      seq_length: of "power", the tokens in a sequence.
      a: factor of "power", above 0.
      b: exponent of "power", below 0.
      exact: whether the last cycle takes in what `cycle_length` leaves over, ends of equal
        cycles are cut from floats, and "inv" skips its first value. Without it a short cycle is
        added, ends are exact, "inv" starts at the peak, and `0.29` of 100 steps are 29, not 28.

    Raises:
      ValueError: if an argument is out of its range, or more than one of `cycle_length`,
        `cycles` and `haps` is given.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> plan = dict(warmup=2, decay=4, min_lr_ratio=0.0, cycles=2)
        >>> print(jax_trainers.levanter(1.0, 20, "linear", **plan)([0, 2, 6, 8, 10, 18, 20]))
        [0.  1.  1.  0.5 1.  0.5 0. ]
    """
    _checks.nearest(_OWNER, "lr_schedule", lr_schedule, KINDS)
    _checks.flag(_OWNER, "exact", exact)
    numbers = {"exponent": exponent, "power": power, "decay_constant": decay_constant, "a": a}
    if lr_schedule == "power":
        numbers |= {"batch_size": batch_size, "seq_length": seq_length}
    more = {name: _arguments.known(_OWNER, name, x, above=0) for name, x in numbers.items()}
    more["b"] = _arguments.known(_OWNER, "b", b, below=0)
    more["timescale"] = _arguments.known(_OWNER, "timescale", timescale, least=1)
    peak = _arguments.known(_OWNER, "learning_rate", learning_rate, above=0)
    floor = peak * _arguments.known(_OWNER, "min_lr_ratio", min_lr_ratio, least=0)
    if lr_schedule == "inv":
        _arguments.known(_OWNER, "min_lr_ratio (for inv)", min_lr_ratio, above=0)
    _arguments.known(_OWNER, "rewarmup", rewarmup, least=0)  # in a single cycle, too
    total = known_steps(_OWNER, "num_train_steps", num_train_steps, least=1)
    last = 0 if cooldown is None else count("cooldown", cooldown, total, exact)
    if last >= total:
        rule = f"below num_train_steps={total}"
        _checks.fail(_OWNER, "the cooldown in steps", rule, last, "shorten it")
    lengths = runs(total - last, cycle_length, cycles, haps, exact)
    phases = _Phases(warmup, rewarmup, decay, Decay(lr_schedule, peak, floor, more, exact))
    main, end = phases.joined(lengths)
    if not last:
        return main
    return join([main, Linear(end, floor, last)], [total - last])


class _Phases(NamedTuple):
    """The warmup, the constant and the decay of each cycle."""

    warmup: RealScalarLike
    rewarmup: RealScalarLike
    fall: RealScalarLike | None
    decay: Decay

    def joined(self, lengths: Sequence[Run]) -> tuple[Schedule, float]:
        """All cycles, and the value at which the last one ends."""
        parts: list[Schedule] = []
        starts: list[int] = []
        start, value = 0, 0.0
        for length, left in lengths:
            while left:
                cycle, end = self.cycle(start == 0, value, length)
                same = left if start and end == value else 1  # what begins where it ends repeats
                parts.append(cycle if same == 1 else cycle.until(length).repeat(same))
                starts.append(start)
                start, left, value = start + same * length, left - same, end
        return join(parts, starts[1:], restarts=True), value

    def cycle(self, first: bool, value: float, length: int) -> tuple[Schedule, float]:
        """One cycle from a value on, and where it ends."""
        decay, exact = self.decay, self.decay.exact
        name, rise = ("warmup", self.warmup) if first else ("rewarmup", self.rewarmup)
        rise = min(count(name, rise, length, exact), length)
        fall = length if self.fall is None else count("decay", self.fall, length, exact)
        fall = min(fall, length - rise)
        curve = decay.curve(rise, fall)
        parts = [Linear(value, decay.peak, rise), Constant(decay.peak), curve]
        return join(parts, [rise, length - fall]), decay.at(curve, fall)
