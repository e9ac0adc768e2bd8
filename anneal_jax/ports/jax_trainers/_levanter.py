"""Levanter: cycles of warmup, constant and decay, with durations in steps or fractions."""

import math
from itertools import pairwise
from typing import Any

from ... import _checks
from ..._numerics import MAX_STEP
from ...schedules._algebra import maximum
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InversePower
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Harmonic, Linear
from .._common import in_double, reject
from ._durations import part

_OWNER = "levanter"
_SHAPES = ("constant", "cosine", "linear", "inv_sqrt", "inv", "power")


def levanter(
    learning_rate: float,
    num_train_steps: int,
    lr_schedule: str = "cosine",
    warmup: float = 0.01,
    decay: float | None = None,
    rewarmup: float = 0.0,
    min_lr_ratio: float = 0.1,
    cycle_length: float | list[int] | None = None,
    cycles: int | list[int] | None = None,
    haps: list[int] | None = None,
    cooldown: float | None = None,
    *,
    exponent: float = 1.0,
    timescale: float = 10000,
    batch_size: int | None = None,
    seq_length: int | None = None,
    a: float = 4.6,
    b: float = -0.51,
    exact: bool = True,
) -> Schedule:
    """`OptimizerConfig.lr_scheduler` of Levanter, version of 2025.

    Each cycle warms up from where the one before it ended, is constant, and decays. Durations up
    to and including 1 are fractions of the cycle (so 1 is all of it), those above are steps.

    Args:
      learning_rate: the peak, above 0.
      num_train_steps: of the training. After it the last decay goes on or holds.
      lr_schedule: "constant", "cosine" (`exponent`), "linear", "inv_sqrt" (`timescale`), "inv",
        or "power" (`batch_size`, `seq_length`, `a`, `b`), which counts its steps from the end
        of the constant phase.
      warmup: of the first cycle.
      decay: of every cycle; None: all that the warmup leaves.
      rewarmup: of every later cycle.
      min_lr_ratio: the floor as a part of the peak.
      cycle_length: of every cycle, or a list of lengths.
      cycles: how many, or the steps at which they end.
      haps: older name of such a list.
      cooldown: a line to the floor at the end, as in older versions.
      exponent: of the cosine.
      timescale: at least 1.
      batch_size: in sequences.
      seq_length: in tokens.
      a: above 0.
      b: below 0.
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
    _checks.number(_OWNER, "learning_rate", learning_rate, above=0)
    _checks.number(_OWNER, "min_lr_ratio", min_lr_ratio, least=0)
    if lr_schedule == "inv":
        _checks.number(_OWNER, "min_lr_ratio (for inv)", min_lr_ratio, above=0)
    for name, number in (("exponent", exponent), ("a", a), ("-b", -b)):
        _checks.number(_OWNER, name, number, above=0)
    _checks.number(_OWNER, "timescale", timescale, least=1)
    total = _checks.whole(num_train_steps)
    _checks.steps(_OWNER, "num_train_steps", total, least=1)
    if lr_schedule == "power":
        _checks.number(_OWNER, "batch_size (for power)", batch_size, above=0)
        _checks.number(_OWNER, "seq_length (for power)", seq_length, above=0)
    last = 0 if cooldown is None else _count("cooldown", cooldown, total, exact)
    ends = _ends(total - last, cycle_length, cycles, haps, exact)
    more = {"exponent": exponent, "timescale": timescale, "a": a, "b": b}
    more |= {"batch_size": batch_size, "seq_length": seq_length}
    shape = _Shape(lr_schedule, learning_rate, learning_rate * min_lr_ratio, more, exact)
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
        parts = [Linear(floor, learning_rate, rise), Constant(learning_rate), curve]
        bounds = [max(min(rise, begin), 0), max(begin, 0)]
        _place(places, start + min(begin, 0), join(parts, bounds))
        floor = shape.at(curve, fall)
    main = join([cycle for _, cycle in places], [at for at, _ in places[1:]], restarts=True)
    if not last:
        return main
    return join([main, Linear(floor, learning_rate * min_lr_ratio, last)], [total - last])


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
            return Cosine(peak, floor, steps, more["exponent"])
        if self.kind == "inv_sqrt":
            return maximum(_capped(peak, more["timescale"], 0.5, warmup), floor)
        if self.kind == "power":
            tokens = more["batch_size"] * more["seq_length"]
            scale = more["batch_size"] * more["a"] / peak  # then tokens ** b * scale is 1
            return _capped(peak, scale ** (-1 / more["b"]) / tokens, -more["b"], 0)
        if floor > peak:
            return Constant(floor)  # min(1, ...) keeps it from rising, and then the floor is above
        curve = Harmonic(peak, floor, steps)
        return curve.shift(-1).shift(1) if self.exact else curve  # its step 0 reads as step 1

    def at(self, curve: Schedule, step: int) -> float:
        """The value of a decay at its end."""
        if isinstance(curve, Constant):
            return float(curve.value)
        return self.floor if isinstance(curve, Segment) else float(in_double(curve, step))


def _capped(peak: float, timescale: float, power: float, behind: int) -> Schedule:
    """`peak * min(1, timescale / (t + behind)) ** power`."""
    flat = math.ceil(timescale - behind)
    if flat > MAX_STEP:
        return Constant(peak)
    curve = InversePower(peak, timescale, power, max(flat, 0) + behind - timescale)
    return join([Constant(peak), curve], [max(flat, 0)])


def _place(places: list[tuple[int, Schedule]], start: int, part: Schedule) -> None:
    """Put a part where it begins; what would begin later than it, gives way."""
    while places and places[-1][0] >= start:
        places.pop()
    places.append((max(start, 0), part if start >= 0 else part.shift(start)))


def _count(name: str, value: float, steps: int, exact: bool) -> int:
    """A fraction of the steps, up to and including 1, or steps."""
    _checks.number(_OWNER, name, value, least=0)
    if value <= 1:
        return part(steps, value, exact)
    _checks.steps(_OWNER, name, _checks.whole(value), remedy="fractions end at 1")
    return int(value)


def _ends(total: int, length: Any, cycles: Any, haps: Any, exact: bool) -> list[int]:
    """0 and where each cycle ends."""
    given = {"cycle_length": length, "cycles": cycles, "haps": haps}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) > 1:
        reject(_OWNER, f"only one of {' and '.join(given)} must be given.")
    inner: list[int] = []
    for name, value in given.items():
        if isinstance(value, list | tuple):
            inner = [_checks.whole(step) for step in value]
            for step in inner:
                _checks.steps(_OWNER, name, step, least=1)
            if name == "cycle_length":
                inner = [sum(inner[: i + 1]) for i in range(len(inner))]
        elif name == "cycle_length":
            each = _count(name, value, total, exact)
            _checks.steps(_OWNER, "cycle_length in steps", each, least=1)
            spare = 0 if exact else (total % each > 0)  # there the last cycle is the longer one
            inner = [i * each for i in range(1, total // each + spare)]
        else:
            _checks.steps(_OWNER, name, _checks.whole(value), least=1)
            cut = range(1, int(value))
            inner = [int(total / value * i) if exact else total * i // int(value) for i in cut]
    ends = [0, *inner, *([] if inner[-1:] == [total] else [total])]
    if any(after <= before for before, after in pairwise(ends)):
        rule = f"increasing ends of cycles, at most {total}"
        _checks.fail(_OWNER, " or ".join(given) or "cooldown", rule, ends, "correct it")
    return ends
