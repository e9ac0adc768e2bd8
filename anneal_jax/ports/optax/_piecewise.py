"""Pieces given by factors: constants, interpolations, and one cycle."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ... import _checks
from ..._numerics import MAX_STEP, product, round_half_up
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from ...schedules._tables import Interpolated, PiecewiseConstant
from .. import _arguments, _terms

_SHAPES: dict[str, type[Segment]] = {"linear": Linear, "cosine": Cosine}


def piecewise_constant_schedule(
    init_value: RealScalarLike, boundaries_and_scales: Mapping[Any, Any] | None = None
) -> Schedule:
    """Constants, each a factor times the one before; core `PiecewiseConstant.from_factors`.

    Args:
      init_value: first value, of either sign.
      boundaries_and_scales: `{step: factor}`, both at least 0; a factor holds from its step on.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.piecewise_constant_schedule(1.0, {2: 0.5, 4: 0.5})([0, 2, 4]))
        [1.   0.5  0.25]
    """
    owner = "piecewise_constant_schedule"
    scales = _scales(owner, boundaries_and_scales)

    def build(value: RealScalarLike) -> Schedule:
        values = {0: value}
        for boundary, scale in scales:
            value = value * scale
            values[int(np.ceil(boundary))] = value  # (several before one whole step: the last)
        return PiecewiseConstant(values=list(values.values()), boundaries=list(values)[1:])

    return _terms.signed(_arguments.number(owner, "init_value", init_value), build)


def piecewise_interpolate_schedule(
    interpolate_type: str,
    init_value: RealScalarLike,
    boundaries_and_scales: Mapping[Any, Any] | None = None,
) -> Schedule:
    """Lines or cosines between values, each a factor times the one before; core `Interpolated`.

    Args:
      interpolate_type: shape between two values, `"linear"` or `"cosine"`.
      init_value: value at step 0, of either sign.
      boundaries_and_scales: `{step: factor}`, both at least 0; a step need not be whole.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.piecewise_interpolate_schedule("linear", 1.0, {2: 0.5})([0, 1, 2, 3]))
        [1.   0.75 0.5  0.5 ]
    """
    owner = "piecewise_interpolate_schedule"
    _checks.nearest(owner, "interpolate_type", interpolate_type, _SHAPES)
    return _interpolated(
        _SHAPES[interpolate_type],
        _arguments.number(owner, "init_value", init_value),
        _scales(owner, boundaries_and_scales),
    )


def cosine_onecycle_schedule(
    transition_steps: IntScalarLike,
    peak_value: RealScalarLike,
    pct_start: RealScalarLike = 0.3,
    div_factor: RealScalarLike = 25.0,
    final_div_factor: RealScalarLike = 1e4,
    *,
    exact: bool = True,
) -> Schedule:
    """Up to the peak and down to `peak_value / div_factor / final_div_factor`, in cosines.

    Args:
      transition_steps: length of the whole cycle; at least 1.
      peak_value: value at step `int(pct_start * transition_steps)`, of either sign.
      pct_start: part of the steps that go up, from 0 to 1.
      div_factor: peak over start; above 0.
      final_div_factor: start over end; above 0.
      exact: whether the peak's step is truncated (0.29 of 100 steps is 28), and a peak that falls
        on the last step is skipped. False: it is rounded, and only the end's value is kept there.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.cosine_onecycle_schedule(10, 1.0, div_factor=4.0)([0, 3, 10]))
        [2.5e-01 1.0e+00 2.5e-05]
    """
    owner = "cosine_onecycle_schedule"
    div_factor, final_div_factor = _arguments.numbers(
        owner, {"above": 0}, div_factor=div_factor, final_div_factor=final_div_factor
    )
    pct_start = _arguments.known(owner, "pct_start", pct_start, least=0, most=1)
    scales = [(pct_start, div_factor), (1, 1.0 / (div_factor * final_div_factor))]
    return _one_cycle(owner, Cosine, transition_steps, peak_value, scales, exact)


def linear_onecycle_schedule(
    transition_steps: IntScalarLike,
    peak_value: RealScalarLike,
    pct_start: RealScalarLike = 0.3,
    pct_final: RealScalarLike = 0.85,
    div_factor: RealScalarLike = 25.0,
    final_div_factor: RealScalarLike = 1e4,
    *,
    exact: bool = True,
) -> Schedule:
    """Up to the peak, back to the start, and down to a `final_div_factor`th of it, in lines.

    Args:
      transition_steps: length of the whole cycle; at least 1.
      peak_value: value at step `int(pct_start * transition_steps)`, of either sign.
      pct_start: part of the steps that go up, from 0 to 1.
      pct_final: part of the steps after which the start's value is met again; from `pct_start`
        to 1.
      div_factor: peak over start; above 0.
      final_div_factor: start over end; above 0.
      exact: whether steps are truncated, and of factors that then fall on one step only the
        last counts (as for fewer than 4 steps, which so end too low or too high). False: steps
        are rounded, and all factors count.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.linear_onecycle_schedule(20, 1.0, div_factor=4.0)([0, 3, 6, 17, 20]))
        [2.50e-01 6.25e-01 1.00e+00 2.50e-01 2.50e-05]
    """
    owner = "linear_onecycle_schedule"
    div_factor, final_div_factor = _arguments.numbers(
        owner, {"above": 0}, div_factor=div_factor, final_div_factor=final_div_factor
    )
    pct_start = _arguments.known(owner, "pct_start", pct_start, least=0, most=1)
    pct_final = _arguments.known(owner, "pct_final", pct_final, least=pct_start, most=1)
    scales = [(pct_start, div_factor), (pct_final, 1 / div_factor), (1, 1 / final_div_factor)]
    return _one_cycle(owner, Linear, transition_steps, peak_value, scales, exact)


def _scales(owner: str, given: Any) -> list[tuple[Any, float]]:
    """Boundaries in order, each with its factor; checked."""
    name = "boundaries_and_scales"
    if given is not None and not isinstance(given, Mapping):
        _checks.fail(owner, name, "a dict {step: factor}", given, "pass one")
    most = {"least": 0, "most": MAX_STEP, "remedy": "correct the steps"}
    return sorted(
        (
            _arguments.duration(owner, name, boundary, **most),
            _arguments.number(owner, name, scale, least=0, remedy="correct the factors"),
        )
        for boundary, scale in (given or {}).items()
    )


def _interpolated(
    shape: type[Segment], init_value: RealScalarLike, scales: Sequence[tuple[Any, float]]
) -> Schedule:
    """A shape between `init_value` at step 0 and what the factors make of it, step by step."""

    def build(value: RealScalarLike) -> Schedule:
        values = {0: value}
        for knot, scale in scales:
            value = value * scale
            values[knot] = value  # (at step 0: instead of the first)
        knots = list(values)
        if len(knots) == 1:
            return Constant(value)
        if all(isinstance(knot, int) for knot in knots):
            return Interpolated(knots=knots, values=list(values.values()), shape=shape)
        pairs = pairwise(knots)
        spans = [Span(shape(values[a], values[b], 1), a, b) for a, b in pairs]
        return _terms.cycles(spans, [int(np.ceil(knot)) for knot in knots[:-1]], restarts=False)

    return _terms.signed(init_value, build)


def _one_cycle(
    owner: str,
    shape: type[Segment],
    transition_steps: IntScalarLike,
    peak_value: RealScalarLike,
    scales: Sequence[tuple[float, float]],
    exact: bool,
) -> Schedule:
    """Phases between parts of the total, of which the first scale is peak over start."""
    _checks.flag(owner, "exact", exact)
    total = _arguments.steps(owner, "transition_steps", transition_steps, least=1)
    if not _checks.known(total):
        reason = "transition_steps must be known, its phases end at whole steps; see one_cycle"
        _arguments.reject(owner, reason)
    found: dict[int, float] = {}
    for part, scale in scales:
        step = int(part * total) if exact else round_half_up(product(part, total))
        found[step] = scale if exact else found.get(step, 1.0) * scale
    start = _arguments.number(owner, "peak_value", peak_value) / scales[0][1]
    return _interpolated(shape, start, sorted(found.items()))
