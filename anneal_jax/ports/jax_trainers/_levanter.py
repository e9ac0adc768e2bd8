"""Levanter: cycles of warmup, constant and decay, with durations in steps or fractions."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._algebra import maximum
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InversePower
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Harmonic, Linear
from .. import _arguments
from .._terms import host_values
from ._durations import part

_OWNER = "levanter"
_SHAPES = ("constant", "cosine", "linear", "inv_sqrt", "inv", "power")


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
    timescale: RealScalarLike = 10000,
    batch_size: RealScalarLike | None = None,
    seq_length: RealScalarLike | None = None,
    a: RealScalarLike = 4.6,
    b: RealScalarLike = -0.51,
    exact: bool = True,
) -> Schedule:
    """`OptimizerConfig.lr_scheduler` of Levanter, version of 2025.

    Each cycle warms up from where the one before it ended, is constant, and decays. Durations up
    to and including 1 are fractions of the cycle (so 1 is all of it), those above are steps.

    Args:
      learning_rate: rate at the peak, above 0.
      num_train_steps: length of the training. After it the last decay goes on or holds.
      lr_schedule: "constant", "cosine" (`exponent`), "linear", "inv_sqrt" (`timescale`), "inv",
        or "power" (`batch_size`, `seq_length`, `a`, `b`), which counts its steps from the end
        of the constant phase.
      warmup: duration of the first cycle's warmup.
      decay: duration of every cycle's decay; None: all that the warmup leaves.
      rewarmup: duration of every later cycle's warmup.
      min_lr_ratio: floor as a part of the peak.
      cycle_length: length of every cycle, or a list of lengths.
      cycles: number of cycles, or the steps at which they end.
      haps: steps at which cycles end, under its older name.
      cooldown: duration of a line to the floor at the end, as in older versions.
      exponent: power of the cosine.
      timescale: of "inv_sqrt", the steps over which it stays at the peak; at least 1.
      batch_size: of "power", the sequences in a batch.
      seq_length: of "power", the tokens in a sequence.
      a: factor of "power", above 0.
      b: exponent of "power", below 0.
      exact: whether the last cycle takes in what `cycle_length` leaves over, ends of equal
        cycles are cut from floats, "inv" skips its first value, and a decay that is too long
        begins within the phases before it. Without it a short cycle is added, ends are exact,
        "inv" starts at the peak, `0.29` of 100 steps are 29, not 28, and such a decay is
        rejected.

    Raises:
      ValueError: if an argument is out of its range, or more than one of `cycle_length`,
        `cycles` and `haps` is given.

    Example:
        >>> from anneal_jax.ports import jax_trainers
        >>> plan = dict(warmup=2, decay=4, min_lr_ratio=0.0, cycles=2)
        >>> print(jax_trainers.levanter(1.0, 20, "linear", **plan)([0, 2, 6, 8, 10, 18, 20]))
        [0.  1.  1.  0.5 1.  0.5 0. ]
    """
    _checks.nearest(_OWNER, "lr_schedule", lr_schedule, _SHAPES)
    peak = _arguments.known(_OWNER, "learning_rate", learning_rate, above=0)
    least = _arguments.known(_OWNER, "min_lr_ratio", min_lr_ratio, least=0)
    if lr_schedule == "inv":
        _arguments.known(_OWNER, "min_lr_ratio (for inv)", min_lr_ratio, above=0)
    more = {"exponent": exponent, "a": a, "-b": -b}
    if lr_schedule == "power":
        more |= {"batch_size": batch_size, "seq_length": seq_length}
    more = {name: _arguments.known(_OWNER, name, x, above=0) for name, x in more.items()}
    more["timescale"] = _arguments.known(_OWNER, "timescale", timescale, least=1)
    total = _arguments.steps(_OWNER, "num_train_steps", num_train_steps, least=1)
    last = 0 if cooldown is None else _count("cooldown", cooldown, total, exact)
    ends = _ends(total - last, cycle_length, cycles, haps, exact)
    shape = _Shape(lr_schedule, peak, peak * least, more, exact)
    places: list[tuple[int, Schedule]] = []
    floor = 0.0
    for index, (start, end) in enumerate(pairwise(ends)):
        first = ("rewarmup", rewarmup) if index else ("warmup", warmup)
        rise = _count(*first, end - start, exact)
        left = end - start - rise
        fall = left if decay is None else _count("decay", decay, end - start, exact)
        if not exact and not 0 <= fall <= left:
            rule = f"within the cycle of {end - start} steps together"
            _checks.fail(_OWNER, "warmup and decay", rule, (rise, fall), "shorten one")
        begin = end - start - fall
        curve = shape.curve(rise, fall)
        parts = [Linear(floor, peak, rise), Constant(peak), curve]
        bounds = [max(min(rise, begin), 0), max(begin, 0)]
        _place(places, start + min(begin, 0), join(parts, bounds))
        floor = shape.at(curve, fall)
    main = join([cycle for _, cycle in places], [at for at, _ in places[1:]], restarts=True)
    if not last:
        return main
    return join([main, Linear(floor, shape.floor, last)], [total - last])


class _Shape:
    """The decay of a cycle: what `lr_schedule` names, with its numbers."""

    def __init__(self, kind: str, peak: float, floor: float, more: dict[str, Any], exact: bool):
        self.kind, self.peak, self.floor, self.more, self.exact = kind, peak, floor, more, exact

    def curve(self, warmup: int, steps: int) -> Schedule:
        peak, floor, more = self.peak, self.floor, self.more
        if self.kind == "constant" or (self.kind == "linear" and steps <= 0):
            return Constant(peak)  # Optax: a line of no length stays where it begins
        least = int(self.kind in ("cosine", "power"))  # which divide by it, or by 0 at its end
        remedy = "shorten its warmup"
        _checks.steps(_OWNER, "the decay of a cycle", steps, least=least, remedy=remedy)
        if self.kind == "linear":
            return Linear(peak, floor, steps)
        if self.kind == "cosine":
            return Cosine(peak, floor, steps, exponent=more["exponent"])
        if self.kind == "inv_sqrt":
            return maximum(_capped(peak, more["timescale"], 0.5, warmup), floor)
        if self.kind == "power":
            tokens = more["batch_size"] * more["seq_length"]
            scale = more["batch_size"] * more["a"] / peak  # then tokens ** b * scale is 1
            return _capped(peak, scale ** (1 / more["-b"]) / tokens, more["-b"], 0)
        if floor > peak:
            return Constant(floor)  # min(1, ...) keeps it from rising, and then the floor is above
        curve = Harmonic(peak, floor, steps)
        return curve.shift(-1).shift(1) if self.exact else curve  # its step 0 reads as step 1

    def at(self, curve: Schedule, step: int) -> float:
        """The value of a decay at its end."""
        if isinstance(curve, Constant):
            return float(curve.value)
        return self.floor if isinstance(curve, Segment) else float(host_values(curve, step))


def _capped(peak: float, timescale: float, power: float, behind: int) -> Schedule:
    """`peak * min(1, timescale / (t + behind)) ** power`."""
    flat = math.ceil(timescale - behind)
    if flat > MAX_STEP:
        return Constant(peak)
    curve = InversePower(peak, timescale, power=power, offset=max(flat, 0) + behind - timescale)
    return join([Constant(peak), curve], [max(flat, 0)])


def _place(places: list[tuple[int, Schedule]], start: int, part: Schedule) -> None:
    """Put a part where it begins; what would begin later than it, gives way."""
    while places and places[-1][0] >= start:
        places.pop()
    places.append((max(start, 0), part if start >= 0 else part.shift(start)))


def _count(name: str, value: RealScalarLike, steps: int, exact: bool) -> int:
    """A fraction of the steps, up to and including 1, or steps."""
    number = _arguments.known(_OWNER, name, value, least=0)
    if number <= 1:
        return part(steps, number, exact)
    return _arguments.steps(_OWNER, name, number, remedy="fractions end at 1")


def _ends(total: int, length: Any, cycles: Any, haps: Any, exact: bool) -> list[int]:
    """0 and where each cycle ends."""
    given = {"cycle_length": length, "cycles": cycles, "haps": haps}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) > 1:
        _arguments.reject(_OWNER, f"only one of {' and '.join(given)} must be given.")
    inner: list[int] = []
    for name, value in given.items():
        if isinstance(value, list | tuple):
            inner = [_arguments.steps(_OWNER, name, step, least=1) for step in value]
            if name == "cycle_length":
                inner = [sum(inner[: i + 1]) for i in range(len(inner))]
        elif name == "cycle_length":
            each = _count(name, value, total, exact)
            _checks.steps(_OWNER, "cycle_length in steps", each, least=1)
            spare = 0 if exact else (total % each > 0)  # there the last cycle is the longer one
            inner = [i * each for i in range(1, total // each + spare)]
        else:
            count = _arguments.steps(_OWNER, name, value, least=1)
            cut = range(1, count)
            inner = [int(total / count * i) if exact else total * i // count for i in cut]
    ends = [0, *inner, *([] if inner[-1:] == [total] else [total])]
    if any(after <= before for before, after in pairwise(ends)):
        rule = f"increasing ends of cycles, at most {total}"
        _checks.fail(_OWNER, " or ".join(given) or "cooldown", rule, ends, "correct it")
    return ends
