"""Recipes: the schedules people name, each a composition of segments and nothing else.

Every `*_steps` counts its own phase only; `total_steps` is the sum of all phases.
"""

from collections.abc import Sequence

from . import _checks
from ._join import join
from ._numerics import Number, is_concrete, round_half_up
from ._open_ended import InverseSqrt
from ._repeat import repeat
from ._schedule import Constant, Schedule
from ._segments import Cosine, Linear, OneMinusSqrt, Polynomial, Segment, segment_class
from ._tables import PiecewiseConstant


def _rest(owner: str, total_steps: Number, **phases: Number) -> Number:
    """What `total_steps` leaves after the other phases; an error if they need more."""
    total_steps = _checks.whole(total_steps)
    _checks.steps(owner, "total_steps", total_steps, least=1)
    rest = total_steps
    for name, steps in phases.items():
        _checks.steps(owner, name, _checks.whole(steps))
        rest = rest - _checks.whole(steps)
    if is_concrete(rest) and rest < 0:
        rule = f"at least {' + '.join(phases)} = {total_steps - rest}"
        remedy = "it is the sum of all phases; raise it or shorten a phase"
        _checks.fail(owner, "total_steps", rule, total_steps, remedy)
    return rest


def warmup_constant(peak_value: Number, warmup_steps: Number, init_value: Number = 0.0) -> Schedule:
    """Linear warmup, then constant for ever.

    Args:
      peak_value: the constant.
      warmup_steps: length of the warmup; 0: none.
      init_value: where the warmup starts.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_constant(1.0, warmup_steps=2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    return join([Linear(init_value, peak_value, warmup_steps), Constant(peak_value)])


def warmup_linear(
    peak_value: Number,
    warmup_steps: Number,
    total_steps: Number,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
) -> Schedule:
    """Linear warmup, then linear decay to `end_value` at `total_steps`.

    Args:
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup; 0: none.
      total_steps: length of warmup and decay together.
      init_value: where the warmup starts.
      end_value: value from step `total_steps` on.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_linear(1.0, warmup_steps=2, total_steps=6)([0, 2, 4, 6]))
        [0.  1.  0.5 0. ]
    """
    return warmup_polynomial(peak_value, warmup_steps, total_steps, init_value, end_value)


def warmup_cosine(
    peak_value: Number,
    warmup_steps: Number,
    total_steps: Number,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    exponent: Number = 1.0,
) -> Schedule:
    """Linear warmup, then cosine annealing to `end_value` at `total_steps`.

    Args:
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup; 0: none.
      total_steps: length of warmup and decay together (Optax calls this `decay_steps`).
      init_value: where the warmup starts.
      end_value: value from step `total_steps` on.
      exponent: of the cosine's weight; see `Cosine`.

    Raises:
      ValueError: if `total_steps` is less than `warmup_steps`, or a value is out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(
        ...     anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=6)([0, 1, 2, 4, 6]).round(3)
        ... )
        [0.  0.5 1.  0.5 0. ]
    """
    decay = _rest("warmup_cosine", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, Cosine(peak_value, end_value, decay, exponent)])


def warmup_polynomial(
    peak_value: Number,
    warmup_steps: Number,
    total_steps: Number,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    power: Number = 1.0,
) -> Schedule:
    """Linear warmup, then polynomial decay to `end_value` at `total_steps`.

    Args:
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup; 0: none.
      total_steps: length of warmup and decay together.
      init_value: where the warmup starts.
      end_value: value from step `total_steps` on.
      power: of the remaining fraction; see `Polynomial`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_polynomial(1.0, 2, 6, power=2.0)([0, 2, 4, 6]))
        [0.   1.   0.25 0.  ]
    """
    decay = _rest("warmup_polynomial", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, Polynomial(peak_value, end_value, decay, power)])


def warmup_inverse_sqrt(
    peak_value: Number,
    warmup_steps: Number,
    timescale: Number | None = None,
    init_value: Number = 0.0,
) -> Schedule:
    """Linear warmup, then inverse square root decay for ever.

    Args:
      peak_value: value at step `warmup_steps`.
      warmup_steps: length of the warmup.
      timescale: of the decay; None: `warmup_steps`, which gives `sqrt(warmup_steps / t)`.
      init_value: where the warmup starts.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_inverse_sqrt(1.0, warmup_steps=4)([0, 2, 4, 16]))
        [0.  0.5 1.  0.5]
    """
    if timescale is None:
        remedy = "give timescale where there is no warmup to take it from"
        _checks.steps("warmup_inverse_sqrt", "warmup_steps", warmup_steps, least=1, remedy=remedy)
        timescale = warmup_steps
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, InverseSqrt(peak_value, timescale)])


def noam(model_size: Number, warmup_steps: Number, factor: Number = 1.0) -> Schedule:
    """The schedule of the first transformer, whose first step is 1.

    `value(t) = factor * model_size**-0.5 * min((t+1)**-0.5, (t+1) * warmup_steps**-1.5)`

    Args:
      model_size: width of the model.
      warmup_steps: step (counted from 1) at which the peak is reached; at least 1.
      factor: a scale for the whole.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.noam(model_size=4, warmup_steps=4)([0, 3, 15]))
        [0.0625 0.25   0.125 ]

    Reference: Vaswani et al., Attention is all you need, 2017 (arXiv 1706.03762).
    """
    _checks.number("noam", "model_size", _checks.real(model_size), above=0)
    _checks.number("noam", "factor", _checks.real(factor), least=0)
    _checks.steps("noam", "warmup_steps", _checks.whole(warmup_steps), least=1)
    warmup_steps = _checks.whole(warmup_steps)
    peak = factor * model_size**-0.5 * warmup_steps**-0.5
    return warmup_inverse_sqrt(peak, warmup_steps - 1, warmup_steps, peak / warmup_steps)


def warmup_stable_decay(
    peak_value: Number,
    warmup_steps: Number,
    decay_steps: Number,
    total_steps: Number,
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    cooldown: type[Segment] = OneMinusSqrt,
) -> Schedule:
    """WSD: linear warmup, a constant phase, and a cooldown at the end.

    Args:
      peak_value: value of the constant phase.
      warmup_steps: length of the warmup; 0: none.
      decay_steps: length of the cooldown.
      total_steps: length of all three phases together.
      init_value: where the warmup starts.
      end_value: value from step `total_steps` on.
      cooldown: a segment class: `OneMinusSqrt`, `Linear`, `Cosine`, `OneMinusSquare`,
        `Exponential` (needs `end_value` above 0), `ShiftedExponential`, ...

    Raises:
      ValueError: if the phases need more than `total_steps`, or a value is out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> wsd = anneal.warmup_stable_decay(1.0, 2, decay_steps=4, total_steps=10)
        >>> print(wsd([0, 2, 6, 7, 10]))
        [0.  1.  1.  0.5 0. ]

    Reference: Hu et al., MiniCPM, 2024 (arXiv 2404.06395).
    """
    owner = "warmup_stable_decay"
    stable = _rest(owner, total_steps, warmup_steps=warmup_steps, decay_steps=decay_steps)
    segment_class(owner, "cooldown", cooldown)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join(
        [warmup, Constant(peak_value, stable), cooldown(peak_value, end_value, decay_steps)]
    )


def trapezoid(
    peak_value: Number, warmup_steps: Number, decay_steps: Number, total_steps: Number
) -> Schedule:
    """Straight up, flat, straight down to 0: `warmup_stable_decay` with a linear cooldown.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.trapezoid(1.0, 2, 4, total_steps=10)([0, 1, 2, 6, 8, 10]))
        [0.  0.5 1.  1.  0.5 0. ]
    """
    return warmup_stable_decay(peak_value, warmup_steps, decay_steps, total_steps, cooldown=Linear)


def warmup_stable_decay_cycles(
    peak_value: Number,
    warmup_steps: Number,
    decay_steps: Number,
    periods: Sequence[Number],
    init_value: Number = 0.0,
    end_value: Number = 0.0,
    cooldown: type[Segment] = OneMinusSqrt,
    rewarmup_steps: Number = 0,
) -> Schedule:
    """WSD-S: several periods, each ended by a cooldown and each a model worth keeping.

    The first period warms up from `init_value`, each later one from `end_value` in
    `rewarmup_steps` (0: back to the peak at once). Each later period is a new cycle.

    Args:
      peak_value: value of the constant phases.
      warmup_steps: length of the first warmup.
      decay_steps: length of each cooldown.
      periods: length of each period, cooldown and warmup included.
      init_value: where the first warmup starts.
      end_value: value at the end of each period.
      cooldown: a segment class.
      rewarmup_steps: length of every later warmup.

    Example:
        >>> import anneal_jax as anneal
        >>> wsds = anneal.warmup_stable_decay_cycles(1.0, 2, 2, periods=[6, 4])
        >>> print(wsds([0, 2, 4, 6, 7, 8, 10]))
        [0. 1. 1. 1. 1. 1. 0.]

    Reference: Wen et al., Understanding warmup-stable-decay learning rates, 2024
    (arXiv 2410.05192).
    """
    if len(periods) == 0:
        rule = "at least one length"
        _checks.fail("warmup_stable_decay_cycles", "periods", rule, periods, "list the periods")
    starts = [init_value] + [end_value] * (len(periods) - 1)
    warmups = [warmup_steps] + [rewarmup_steps] * (len(periods) - 1)
    parts = zip(starts, warmups, periods, strict=True)
    cycles = [
        warmup_stable_decay(peak_value, warmup, decay_steps, period, start, end_value, cooldown)
        for start, warmup, period in parts
    ]
    return join(cycles, restarts=True)


def cosine_restarts(
    peak_value: Number,
    cycle_steps: Number,
    cycles: Number | None = None,
    steps_factor: Number = 1,
    value_factor: Number = 1.0,
    end_value: Number = 0.0,
    warmup_steps: Number = 0,
    end_value_factor: Number = 1.0,
) -> Schedule:
    """SGDR: cosine annealing with warm restarts.

    Cycle `i` is `round(cycle_steps * steps_factor**i)` steps long; it rises from its floor to
    `peak_value * value_factor**i` and falls to its floor, `end_value * end_value_factor**i`.

    Args:
      peak_value: the first cycle's peak.
      cycle_steps: the first cycle's length, its warmup included.
      cycles: how many; None: for ever.
      steps_factor: each cycle's length over the one before (SGDR's `T_mult`).
      value_factor: each cycle's peak over the one before.
      end_value: the first cycle's floor.
      warmup_steps: linear warmup at the start of each cycle, stretched with it.
      end_value_factor: each cycle's floor over the one before.

    Raises:
      ValueError: if the warmup is longer than the cycle, or a factor is not above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> sgdr = anneal.cosine_restarts(1.0, cycle_steps=2, steps_factor=2, value_factor=0.5)
        >>> print(sgdr([0, 1, 2, 4, 6]).round(3))
        [1.   0.5  0.5  0.25 0.25]

    Reference: Loshchilov and Hutter, SGDR, 2016 (arXiv 1608.03983).
    """
    anneal = _rest("cosine_restarts", cycle_steps, warmup_steps=warmup_steps)

    def cycle(low: Number, high: Number) -> Schedule:
        decay = Cosine(high, low, anneal)
        no_warmup = is_concrete(warmup_steps) and warmup_steps == 0
        return decay if no_warmup else join([Linear(low, high, warmup_steps), decay])

    if _is(1, value_factor) and _is(1, end_value_factor):
        return repeat(cycle(end_value, peak_value), cycles, steps_factor)
    # Peaks and floors decay apart, so a cycle is the sum of a part under each,
    # peak * w + floor * (1 - w), with both weights accurate near their own zero.
    floor = None if _is(0, end_value) else cycle(end_value, 0.0)
    peak = cycle(0.0, peak_value)
    return repeat(
        peak, cycles, steps_factor, value_factor, floor=floor, floor_factor=end_value_factor
    )


def _is(number: float, x: Number) -> bool:
    return isinstance(x, int | float) and x == number


def one_cycle(
    peak_value: Number,
    total_steps: Number,
    warmup_fraction: Number = 0.3,
    div_factor: Number = 25.0,
    final_div_factor: Number = 1e4,
    three_phase: bool = False,
    shape: type[Segment] = Cosine,
) -> Schedule:
    """1cycle: up to a large peak, and down far below the start.

    From `peak_value / div_factor` up in `round(warmup_fraction * total_steps)` steps, then
    down to `peak_value / div_factor / final_div_factor`; in three phases, first down to the
    start in as many steps as up.

    Args:
      peak_value: the maximum.
      total_steps: length of all phases together.
      warmup_fraction: between 0 and 1 (at most 0.5 in three phases); torch's `pct_start`.
      div_factor: peak over start; at least 1.
      final_div_factor: start over end; at least 1.
      three_phase: whether to return to the start before the final fall.
      shape: the segment class of every phase.

    Raises:
      ValueError: if a factor or the fraction is out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.one_cycle(1.0, total_steps=10, div_factor=4.0)
        >>> print(schedule([0, 3, 10]))
        [2.5e-01 1.0e+00 2.5e-05]

    Reference: Smith and Topin, Super-convergence, 2017 (arXiv 1708.07120).
    """
    _checks.number("one_cycle", "div_factor", _checks.real(div_factor), least=1)
    _checks.number("one_cycle", "final_div_factor", _checks.real(final_div_factor), least=1)
    start = peak_value / div_factor
    values = [start, peak_value, *([start] if three_phase else []), start / final_div_factor]
    return _phases("one_cycle", values, total_steps, warmup_fraction, shape)


def one_cycle_momentum(
    base_momentum: Number,
    max_momentum: Number,
    total_steps: Number,
    warmup_fraction: Number = 0.3,
    three_phase: bool = False,
    shape: type[Segment] = Cosine,
) -> Schedule:
    """The twin of `one_cycle` for momentum (or `b1`): low where the rate is high.

    Args:
      base_momentum: the minimum, met at the rate's peak.
      max_momentum: the value at both ends.
      total_steps: as in `one_cycle`.
      warmup_fraction: as in `one_cycle`.
      three_phase: as in `one_cycle`; the last phase stays at `max_momentum`.
      shape: the segment class of every phase.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.one_cycle_momentum(0.85, 0.95, total_steps=10)([0, 3, 10]))
        [0.95 0.85 0.95]
    """
    values = [max_momentum, base_momentum, max_momentum, *([max_momentum] if three_phase else [])]
    return _phases("one_cycle_momentum", values, total_steps, warmup_fraction, shape)


def _phases(
    owner: str, values: list[Number], total_steps: Number, fraction: Number, shape: type[Segment]
) -> Schedule:
    """One-cycle phases through two or three values after the first, meeting at whole steps."""
    most = 1.0 if len(values) == 3 else 0.5
    _checks.number(owner, "warmup_fraction", _checks.real(fraction), least=0, most=most)
    segment_class(owner, "shape", shape)
    total_steps = _checks.whole(total_steps)
    _checks.steps(owner, "total_steps", total_steps, least=1)
    up = round_half_up(fraction * total_steps)
    up = min(up, total_steps // (len(values) - 2)) if is_concrete(up) else up
    lengths = [up] * (len(values) - 2)
    lengths.append(total_steps - sum(lengths))
    return join([shape(values[i], values[i + 1], n) for i, n in enumerate(lengths)])


def flat_cosine(
    peak_value: Number, flat_steps: Number, total_steps: Number, end_value: Number = 0.0
) -> Schedule:
    """Constant, then cosine annealing (fastai's `fit_flat_cos`).

    Args:
      peak_value: the constant.
      flat_steps: length of the constant phase.
      total_steps: length of both phases together.
      end_value: value from step `total_steps` on.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.flat_cosine(1.0, flat_steps=6, total_steps=8)([0, 6, 7, 8]).round(3))
        [1.  1.  0.5 0. ]
    """
    anneal = _rest("flat_cosine", total_steps, flat_steps=flat_steps)
    return join([Constant(peak_value, flat_steps), Cosine(peak_value, end_value, anneal)])


def warmup_multi_step(
    peak_value: Number,
    warmup_steps: Number,
    boundaries: Sequence[Number],
    factors: Sequence[Number],
    init_value: Number = 0.0,
) -> Schedule:
    """Linear warmup, then constants, each a factor times the one before.

    Args:
      peak_value: the first constant.
      warmup_steps: length of the warmup; 0: none.
      boundaries: steps, counted from the start of training, at which a factor sets in.
      factors: one for each boundary.
      init_value: where the warmup starts.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_multi_step(1.0, 2, [4, 8], [0.5, 0.5])([0, 1, 2, 4, 8]))
        [0.   0.5  1.   0.5  0.25]
    """
    later = [boundary - warmup_steps for boundary in boundaries]
    table = PiecewiseConstant.from_factors(peak_value, later, factors)
    return join([Linear(init_value, peak_value, warmup_steps), table])


def deepseek_steps(peak_value: Number, warmup_steps: Number, total_steps: Number) -> Schedule:
    """DeepSeek's multi-step schedule: 31.6% of the peak at 80% of training, 10% at 90%.

    Args:
      peak_value: value after the warmup.
      warmup_steps: length of the warmup (2,000 there); 0: none.
      total_steps: length of the whole training; its parts are rounded, halves upwards.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.deepseek_steps(1.0, 2, total_steps=10)([0, 2, 8, 9]))
        [0.    1.    0.316 0.1  ]

    Reference: DeepSeek-AI, DeepSeek LLM, 2024 (arXiv 2401.02954).
    """
    _rest("deepseek_steps", total_steps, warmup_steps=warmup_steps)
    at = [round_half_up(part * total_steps) - warmup_steps for part in (0.8, 0.9)]
    table = PiecewiseConstant([peak_value, 0.316 * peak_value, 0.1 * peak_value], at)
    return join([Linear(0.0, peak_value, warmup_steps), table])


def with_cooldown(
    schedule: Schedule,
    start: Number,
    decay_steps: Number,
    end_value: Number = 0.0,
    cooldown: type[Segment] = OneMinusSqrt,
) -> Schedule:
    """`schedule` until `start`, then a cooldown from the value it has there.

    The way to end a run that was planned open-ended or longer: decide late.

    Args:
      schedule: any schedule.
      start: the step at which the cooldown begins.
      decay_steps: its length.
      end_value: value from step `start + decay_steps` on.
      cooldown: a segment class.

    Example:
        >>> import anneal_jax as anneal
        >>> base = anneal.warmup_constant(1.0, 2)
        >>> print(anneal.with_cooldown(base, start=6, decay_steps=4)([0, 2, 6, 7, 10]))
        [0.  1.  1.  0.5 0. ]
    """
    segment_class("with_cooldown", "cooldown", cooldown)
    return join([schedule, cooldown(schedule(start), end_value, decay_steps)], [start])
