"""Cycles: warm restarts, and the one cycle."""

from ... import _checks
from ..._deprecated import keywords, renamed
from ..._numerics import on_host, product, round_half_up
from ..._types import IntScalarLike, RealScalarLike
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
    cycle_steps: IntScalarLike,
    cycles: IntScalarLike | None = None,
    *,
    steps_factor: RealScalarLike = 1,
    value_factor: RealScalarLike = 1,
    end_value: RealScalarLike = 0.0,
    warmup_steps: IntScalarLike = 0,
    floor_factor: RealScalarLike = 1,
) -> Schedule:
    """SGDR: cosine annealing with warm restarts.

    Cycle `i` is `round(cycle_steps * steps_factor**i)` steps long; it rises from its floor to
    `peak_value * value_factor**i` and falls to its floor, `end_value * floor_factor**i`.

    Args:
      peak_value: the first cycle's peak.
      cycle_steps: the first cycle's length, its warmup included.
      cycles: how many; None: for ever.
      steps_factor: each cycle's length over the one before (SGDR's `T_mult`).
      value_factor: each cycle's peak over the one before. (An int 1, here and for the other
        factors, says that nothing changes, and saves its part of the program; 1.0 is a number
        like 0.9, and changes to it without recompiling.)
      end_value: the first cycle's floor.
      warmup_steps: linear warmup at the start of each cycle, stretched with it.
      floor_factor: each cycle's floor over the one before.

    Raises:
      ValueError: if the warmup is longer than the cycle, or a factor is not above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> sgdr = anneal.cosine_restarts(1.0, cycle_steps=2, steps_factor=2, value_factor=0.5)
        >>> print(sgdr([0, 1, 2, 4, 6]).round(3))
        [1.   0.5  0.5  0.25 0.25]

    Reference: Loshchilov and Hutter, [SGDR](https://arxiv.org/abs/1608.03983), 2016
    """
    check("cosine_restarts", values={"peak_value": peak_value, "end_value": end_value})
    anneal = rest("cosine_restarts", "cycle_steps", cycle_steps, warmup_steps=warmup_steps)

    def cycle(low: RealScalarLike, high: RealScalarLike) -> Schedule:
        return join([Linear(low, high, warmup_steps), Cosine(high, low, anneal)])

    if all(isinstance(f, int) and f == 1 for f in (value_factor, floor_factor)):
        return repeat(cycle(end_value, peak_value), cycles, steps_factor)
    # Peaks and floors decay apart, so a cycle is the sum of a part under each,
    # peak * w + floor * (1 - w), with both weights accurate near their own zero.
    peak, floor = cycle(0.0, peak_value), cycle(end_value, 0.0)
    return repeat(peak, cycles, steps_factor, value_factor, floor=floor, floor_factor=floor_factor)


@keywords
def one_cycle(
    peak_value: RealScalarLike,
    total_steps: IntScalarLike,
    *,
    warmup_fraction: RealScalarLike = 0.3,
    div_factor: RealScalarLike = 25.0,
    final_div_factor: RealScalarLike = 1e4,
    three_phase: bool = False,
    shape: Shape = Cosine,
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
      shape: a segment class, or any function `(init_value, end_value, steps) -> Schedule`, that
        makes every phase.

    Raises:
      ValueError: if a factor or the fraction is out of range.

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
    start = peak_value / div_factor
    values = [start, peak_value, *([start] if three_phase else []), start / final_div_factor]
    return _phases("one_cycle", values, total_steps, warmup_fraction, shape)


@keywords
def one_cycle_momentum(
    base_momentum: RealScalarLike,
    max_momentum: RealScalarLike,
    total_steps: IntScalarLike,
    *,
    warmup_fraction: RealScalarLike = 0.3,
    three_phase: bool = False,
    shape: Shape = Cosine,
) -> Schedule:
    """The twin of `one_cycle` for momentum (or `b1`): low where the rate is high.

    Args:
      base_momentum: the minimum, met at the rate's peak.
      max_momentum: the value at both ends.
      total_steps: as in `one_cycle`.
      warmup_fraction: as in `one_cycle`.
      three_phase: as in `one_cycle`; the last phase stays at `max_momentum`.
      shape: a segment class, or any function `(init_value, end_value, steps) -> Schedule`, that
        makes every phase.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.one_cycle_momentum(0.85, 0.95, total_steps=10)([0, 3, 10]))
        [0.95 0.85 0.95]
    """
    given = {"base_momentum": base_momentum, "max_momentum": max_momentum}
    check("one_cycle_momentum", values=given)
    values = [max_momentum, base_momentum, max_momentum, *([max_momentum] if three_phase else [])]
    return _phases("one_cycle_momentum", values, total_steps, warmup_fraction, shape)


def _phases(
    owner: str,
    values: list[RealScalarLike],
    total_steps: IntScalarLike,
    fraction: RealScalarLike,
    shape: Shape,
) -> Schedule:
    """One-cycle phases through two or three values after the first, meeting at whole steps."""
    most = 1.0 if len(values) == 3 else 0.5
    _checks.number(owner, "warmup_fraction", fraction, least=0, most=most)
    shape = as_shape(owner, "shape", shape)
    total_steps = _checks.whole(total_steps)
    _checks.steps(owner, "total_steps", total_steps, least=1)
    up = round_half_up(product(fraction, total_steps))
    up = min(up, total_steps // (len(values) - 2)) if on_host(up) else up
    lengths = [up] * (len(values) - 2)
    lengths.append(total_steps - sum(lengths))
    return join([shape(values[i], values[i + 1], n) for i, n in enumerate(lengths)])
