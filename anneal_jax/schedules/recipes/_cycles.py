"""Recipes of cycles: warm restarts, and the single cycle of 1cycle."""

import jax.numpy as jnp

from ... import _checks
from ..._deprecated import keywords, renamed
from ..._numerics import on_host, product, round_half_up
from ..._types import DurationLike, IntScalarLike, RealScalarLike
from .._join import join
from .._repeat import repeat
from .._schedule import Schedule
from .._segment import Shape, as_shape
from .._segments import Cosine, Linear
from ._phases import check, rest


@renamed(end_value_factor="floor_factor")
@keywords
def cosine_restarts(
    peak_value: RealScalarLike,
    cycle_steps: DurationLike,
    cycles: IntScalarLike | None = None,
    *,
    steps_factor: RealScalarLike = 1,
    value_factor: RealScalarLike = 1,
    end_value: RealScalarLike = 0,
    warmup_steps: DurationLike = 0,
    floor_factor: RealScalarLike = 1,
) -> Schedule:
    """SGDR: cosine annealing with warm restarts.

    Cycle `i` is `n = round(cycle_steps * steps_factor**i)` steps long (halves upwards, at least 1),
    `w` of them warmup (`warmup_steps`, stretched with the cycle). With
    `peak = peak_value * value_factor**i`, `floor = end_value * floor_factor**i` and `u` the step
    within the cycle, its values are

    - `floor + (peak - floor) * u / w` for `u < w`,
    - `floor + (peak - floor) * (1 + cos(pi * (u - w) / (n - w))) / 2` for `w <= u < n`.

    After the last cycle its floor holds.

    Args:
      peak_value: peak of the first cycle; finite, not negative.
      cycle_steps: length of the first cycle in optimizer steps, its warmup included; at least 1.
      cycles: number of cycles, at least 1; None: without end.
      steps_factor: ratio of each cycle's length to that of the one before, above 0 (SGDR's
        `T_mult`). The int 1 means equal cycles, for a smaller compiled program.
      value_factor: ratio of each cycle's peak to that of the one before, above 0. If this and
        `floor_factor` are the int 1, the compiled program is smaller; floats, 1.0 included, can
        change without recompiling.
      end_value: floor of the first cycle, the value that it falls to; finite, not negative. The
        int 0 means that there is no floor, which makes a smaller program where peaks decay; floats,
        0.0 included, can change without recompiling.
      warmup_steps: length of the linear warmup at the start of the first cycle, in optimizer
        steps; 0: no warmup. It is stretched with each later cycle.
      floor_factor: ratio of each cycle's floor to that of the one before, above 0.

    Returns:
      A schedule as long as its cycles together; open-ended if `cycles` is None.

    Raises:
      ValueError: if the warmup is longer than the cycle, a value or factor is out of its range, or
        cycles without end shrink; or if there is a `floor_factor`, but no floor.

    Example:
        >>> import anneal_jax as anneal
        >>> sgdr = anneal.cosine_restarts(1.0, cycle_steps=2, steps_factor=2, value_factor=0.5)
        >>> print(sgdr([0, 1, 2, 4, 6]).round(3))
        [1.   0.5  0.5  0.25 0.25]
        >>> warm = anneal.cosine_restarts(1.0, cycle_steps=4, cycles=2, warmup_steps=2)
        >>> print(warm([0, 1, 2, 3, 4, 6, 8]).round(3))
        [0.  0.5 1.  0.5 0.  1.  0. ]

    Reference: Loshchilov and Hutter, [SGDR](https://arxiv.org/abs/1608.03983), 2016
    """
    check("cosine_restarts", values={"peak_value": peak_value, "end_value": end_value})
    anneal = rest("cosine_restarts", "cycle_steps", cycle_steps, warmup_steps=warmup_steps)

    def cycle(low: RealScalarLike, high: RealScalarLike) -> Schedule:
        return join([Linear(low, high, warmup_steps), Cosine(high, low, anneal)])

    floorless = isinstance(end_value, int) and end_value == 0
    steady = isinstance(floor_factor, int) and floor_factor == 1
    if floorless and not steady:
        rule = "left out without an end_value"
        _checks.fail("cosine_restarts", "floor_factor", rule, floor_factor, "give it a floor")
    if steady and (floorless or (isinstance(value_factor, int) and value_factor == 1)):
        return repeat(cycle(end_value, peak_value), cycles, steps_factor, value_factor)
    # Peaks and floors decay apart, so a cycle is the sum of a part under each,
    # peak * w + floor * (1 - w), with both weights accurate near their own zero.
    peak, floor = cycle(0.0, peak_value), cycle(end_value, 0.0)
    return repeat(peak, cycles, steps_factor, value_factor, floor=floor, floor_factor=floor_factor)


@keywords
def one_cycle(
    peak_value: RealScalarLike,
    total_steps: DurationLike,
    *,
    warmup_fraction: RealScalarLike = 0.3,
    div_factor: RealScalarLike = 25.0,
    final_div_factor: RealScalarLike = 1e4,
    three_phase: bool = False,
    shape: Shape = Cosine,
) -> Schedule:
    """1cycle: a rise to a large peak, then a fall to far below the start.

    With `start = peak_value / div_factor`, `end = start / final_div_factor`, `T = total_steps` and
    `u = round(warmup_fraction * T)` (halves upwards; at most `T // 2` in three phases), the phases
    are, one after the other,

    - `shape(start, peak_value, u)` and `shape(peak_value, end, T - u)`, or
    - in three phases `shape(start, peak_value, u)`, `shape(peak_value, start, u)` and
      `shape(start, end, T - 2 * u)`.

    Args:
      peak_value: the largest value, at step `u`; finite, not negative.
      total_steps: length of all phases together in optimizer steps, at least 1.
      warmup_fraction: length of the rise as a fraction of `total_steps`, from 0 to 1 (to 0.5 in
        three phases); torch's `pct_start`.
      div_factor: ratio of the peak to the value at step 0, at least 1.
      final_div_factor: ratio of the value at step 0 to the last, at least 1.
      three_phase: whether the value first falls back to `start`, in as many steps as it rose, and
        only then to `end`.
      shape: a segment class, or any function `(init_value, end_value, steps) -> Schedule` of
        that length, such as `functools.partial(anneal.Polynomial, power=1.2)`; it
        makes every phase.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.one_cycle(1.0, total_steps=10, div_factor=4.0)
        >>> print(schedule([0, 3, 10]))
        [2.5e-01 1.0e+00 2.5e-05]

    Reference: Smith and Topin, [Super-Convergence](https://arxiv.org/abs/1708.07120), 2017
    """
    _checks.number("one_cycle", "div_factor", div_factor, least=1)
    _checks.number("one_cycle", "final_div_factor", final_div_factor, least=1)
    check("one_cycle", values={"peak_value": peak_value})
    _checks.flag("one_cycle", "three_phase", three_phase)
    peak_value, div_factor, final_div_factor = map(
        _checks.real, (peak_value, div_factor, final_div_factor)
    )
    start = peak_value / div_factor
    values = [start, peak_value, *([start] if three_phase else []), start / final_div_factor]
    return _phases("one_cycle", values, total_steps, warmup_fraction, shape)


@keywords
def one_cycle_momentum(
    base_momentum: RealScalarLike,
    max_momentum: RealScalarLike,
    total_steps: DurationLike,
    *,
    warmup_fraction: RealScalarLike = 0.3,
    three_phase: bool = False,
    shape: Shape = Cosine,
) -> Schedule:
    """The momentum (or Adam's `b1`) that goes with `one_cycle`: lowest where the rate peaks.

    With `T = total_steps` and `u = round(warmup_fraction * T)` (halves upwards; at most `T // 2` in
    three phases), the phases are, one after the other,

    - `shape(max_momentum, base_momentum, u)` and `shape(base_momentum, max_momentum, T - u)`, or
    - in three phases `shape(max_momentum, base_momentum, u)`,
      `shape(base_momentum, max_momentum, u)` and `shape(max_momentum, max_momentum, T - 2 * u)`.

    Args:
      base_momentum: the smallest value, at step `u`, where the rate peaks; finite, not negative.
      max_momentum: value at step 0 and at the end; finite, not negative.
      total_steps: length of all phases together in optimizer steps, at least 1.
      warmup_fraction: length of the first phase as a fraction of `total_steps`, from 0 to 1 (to 0.5
        in three phases); the same as that of the rate.
      three_phase: whether there are three phases; the same as for the rate.
      shape: a segment class, or any function `(init_value, end_value, steps) -> Schedule` of
        that length, such as `functools.partial(anneal.Polynomial, power=1.2)`; it
        makes every phase.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.one_cycle_momentum(0.85, 0.95, total_steps=10)([0, 3, 10]))
        [0.95 0.85 0.95]
    """
    given = {"base_momentum": base_momentum, "max_momentum": max_momentum}
    check("one_cycle_momentum", values=given)
    _checks.flag("one_cycle_momentum", "three_phase", three_phase)
    values = [max_momentum, base_momentum, max_momentum, *([max_momentum] if three_phase else [])]
    return _phases("one_cycle_momentum", values, total_steps, warmup_fraction, shape)


def _phases(
    owner: str,
    values: list[RealScalarLike],
    total_steps: DurationLike,
    fraction: RealScalarLike,
    shape: Shape,
) -> Schedule:
    """The phases of a cycle, through two or three values after the first, in whole steps."""
    most = 1.0 if len(values) == 3 else 0.5
    _checks.number(owner, "warmup_fraction", fraction, least=0, most=most)
    shape = as_shape(owner, "shape", shape)
    total_steps = _checks.whole(total_steps)
    _checks.steps(owner, "total_steps", total_steps, least=1)
    up = round_half_up(product(fraction, total_steps))
    most_up = total_steps >> (len(values) - 3)  # all of it, or half, which is rounded down
    up = min(up, most_up) if on_host(up, most_up) else jnp.minimum(up, most_up)
    lengths = [up] * (len(values) - 2)
    lengths.append(total_steps - sum(lengths))
    return join([shape(values[i], values[i + 1], n) for i, n in enumerate(lengths)])
