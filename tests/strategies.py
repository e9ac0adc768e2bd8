"""Hypothesis strategies: random compositions of schedules, each with its reference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc, oracle_spans as os
from tests.cases import LARGEST, assert_close


@dataclass(frozen=True)
class Both:
    """A schedule and what it should be, built side by side."""

    schedule: anneal.Schedule
    plan: o.Plan

    @property
    def timed(self) -> bool:
        return self.plan.steps is not None


# Values with few digits shrink well; zero and equal neighbours come often.
values = st.sampled_from([0.0, 0.0, 1.0, 1.0, 0.1, 0.3, 0.7, 1e-3, 2.0, 1e-9])
positive = st.sampled_from([1.0, 0.1, 0.3, 0.7, 1e-3, 2.0])
lengths = st.one_of(st.integers(0, 12), st.integers(0, 40), st.sampled_from([1000, 10**6]))
exponents = st.sampled_from([0.5, 0.7, 1.0, 1.3, 2.0, 2.9])

PLAIN = {
    anneal.Linear: o.linear,
    anneal.OneMinusSqrt: o.one_minus_sqrt,
    anneal.OneMinusSquare: o.one_minus_square,
    anneal.Logarithmic: o.logarithmic,
}
SHAPED = {anneal.Cosine: o.cosine, anneal.Polynomial: o.polynomial}
POSITIVE = {anneal.Exponential: o.exponential, anneal.Harmonic: os.harmonic}


@st.composite
def segments(draw: Any, init: Any = None, end: Any = None, steps: Any = lengths) -> Both:
    """Any segment between two values."""
    ends = draw(values) if init is None else init, draw(values) if end is None else end
    n = draw(steps)
    kind = draw(st.sampled_from([*PLAIN, *SHAPED, *POSITIVE, anneal.ShiftedExponential]))
    if kind in PLAIN:
        return Both(kind(*ends, n), PLAIN[kind](*ends, n))
    if kind in SHAPED:
        exponent = draw(exponents)
        return Both(kind(*ends, n, exponent), SHAPED[kind](*ends, n, exponent))
    if kind is anneal.ShiftedExponential or 0 in ends:
        base = draw(st.sampled_from([1.5, 2.0, 100.0]))
        schedule = anneal.ShiftedExponential(*ends, n, base)
        return Both(schedule, o.shifted_exponential(*ends, n, base))
    return Both(kind(*ends, n), POSITIVE[kind](*ends, n))


@st.composite
def spans(draw: Any) -> Both:
    """A segment between two moments, perhaps bent."""
    part = draw(segments())
    begin = draw(st.integers(-40, 80)) / 4
    end = begin + draw(st.integers(0, 160)) / 4
    own = max(getattr(part.schedule, name, 1.0) for name in ("exponent", "power"))
    power = draw(st.none() | exponents) if own <= 2 else None  # as documented
    plan = os.Span(part.plan, begin, end, 1 if power is None else power)
    return Both(anneal.Span(part.schedule, begin, end, power), plan)


@st.composite
def tables(draw: Any) -> Both:
    """A piecewise constant, or knots."""
    steps = sorted(draw(st.sets(st.integers(1, 30), min_size=1, max_size=4)))
    heights = draw(st.lists(values, min_size=len(steps) + 1, max_size=len(steps) + 1))
    if draw(st.booleans()):
        return Both(
            anneal.PiecewiseConstant(values=heights, boundaries=steps), oc.table(heights, steps)
        )
    shape = draw(st.sampled_from(list(PLAIN)))
    knots = [draw(st.integers(0, steps[0] - 1)), *steps]
    plan = oc.interpolated(knots, heights, PLAIN[shape])
    return Both(anneal.Interpolated(knots, heights, shape), plan)


@st.composite
def phases(draw: Any) -> Both:
    """What has a length and no parts."""
    if draw(st.integers(0, 5)) == 0:
        value, n = draw(values), draw(st.integers(0, 12))
        return Both(anneal.Constant(value, n), o.Constant(value, n))
    return draw(tables() if draw(st.integers(0, 4)) == 0 else segments())


@st.composite
def laws(draw: Any) -> Both:
    """What has no end."""
    init, unit = draw(values), draw(st.integers(1, 20))
    rate, stairs = draw(st.sampled_from([0.1, 0.5, 0.99])), draw(st.booleans())
    peak, mode = draw(values), draw(st.sampled_from(["triangular", "triangular2", "exp_range"]))
    grows = mode == "exp_range"
    down = draw(st.none() | st.integers(0, 9))
    return draw(
        st.sampled_from(
            [
                Both(anneal.Constant(init), o.Constant(init)),
                Both(anneal.InverseSqrt(init, unit, rate), o.inverse_sqrt(init, unit, rate)),
                Both(
                    anneal.InverseTime(init, unit, rate, stairs),
                    o.inverse_time(init, unit, rate, stairs),
                ),
                Both(
                    anneal.ExponentialDecay(init, unit, rate, stairs),
                    o.exponential_decay(init, unit, rate, stairs),
                ),
                Both(
                    anneal.Triangular(init, peak, unit, down, mode, rate if grows else None),
                    o.triangular(init, peak, unit, down, mode, rate if grows else 1),
                ),
            ]
        )
    )


@st.composite
def joins(draw: Any, parts: Any) -> Both:
    chosen = draw(st.lists(parts, min_size=1, max_size=4))
    restarts, boundaries = draw(st.booleans()), None
    if not all(part.timed for part in chosen[:-1]) or draw(st.booleans()):
        count = len(chosen) - 1
        boundaries = sorted(draw(st.lists(st.integers(0, 40), min_size=count, max_size=count)))
    schedules, plans = [b.schedule for b in chosen], [b.plan for b in chosen]
    return Both(
        anneal.join(schedules, boundaries, restarts=restarts),
        oc.join(plans, boundaries, restarts),
    )


@st.composite
def repeats(draw: Any, parts: Any) -> Both:
    """Cycles: uniform, growing, shrinking or listed; endless or not; over a floor or not."""
    part = draw(parts.filter(lambda b: b.timed and 1 <= b.plan.steps <= 2000))
    factors = st.sampled_from([1.0, 1.0, 0.5, 0.7])
    factor, floor_factor, floor = draw(factors), draw(factors), draw(st.none() | values)
    ours = {"value_factor": factor}
    if floor is not None:
        ours |= {"floor": floor, "floor_factor": floor_factor}
    wanted = {
        "factor": factor,
        "floor": None if floor is None else o.Constant(floor),
        "floor_factor": floor_factor,
    }
    if draw(st.integers(0, 3)) == 0:
        periods = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
        schedule = anneal.repeat(part.schedule, periods=periods, **ours)
        return Both(schedule, oc.Repeat(part.plan, tuple(periods), **wanted))
    cycles = draw(st.none() | st.integers(1, 4))
    ratio = draw(st.sampled_from([1, 2, 1.5] if cycles is None else [1, 2, 1.5, 0.5]))
    schedule = anneal.repeat(part.schedule, cycles, ratio, **ours)
    return Both(schedule, oc.growing(part.plan, ratio, cycles, **wanted))


@st.composite
def moved(draw: Any, parts: Any) -> Both:
    """Shifted, reversed, clipped, slowed down or cut."""
    part = draw(parts)
    verb = draw(st.sampled_from(["shift", "reverse", "clip", "every", "until"]))
    if verb == "reverse" and part.timed and part.plan.steps < 2**31:
        return Both(part.schedule.reverse(), oc.Reverse(part.plan))
    if verb == "clip":
        lower, upper = draw(st.none() | st.just(0.2)), draw(st.none() | st.just(0.6))
        return Both(part.schedule.clip(lower, upper), oc.clip(part.plan, lower, upper))
    if verb == "every" and (not part.timed or part.plan.steps < 10**7):
        interval = draw(st.integers(1, 5))
        return Both(part.schedule.every(interval), os.Every(part.plan, interval))
    if verb == "until":
        end = draw(st.integers(0, 60))
        return Both(part.schedule.until(end), os.Until(part.plan, end))
    offset = draw(st.integers(-30, 30))
    return Both(part.schedule.shift(offset), oc.Shift(part.plan, offset))


@st.composite
def pairs(draw: Any, parts: Any) -> Both:
    """Two parts combined by the algebra."""
    a, b = draw(parts), draw(parts)
    ours, wanted = draw(
        st.sampled_from(
            [
                (lambda x, y: x + y, oc.add),
                (lambda x, y: x * y, oc.multiply),
                (anneal.minimum, oc.minimum),
                (anneal.maximum, oc.maximum),
                (
                    lambda x, y: x - 0.5 * y,
                    lambda x, y: oc.add(
                        x, oc.multiply(o.Constant(-1.0), oc.multiply(o.Constant(0.5), y))
                    ),
                ),
            ]
        )
    )
    return Both(ours(a.schedule, b.schedule), wanted(a.plan, b.plan))


def compositions(leaves: Any = None) -> Any:
    """Anything, two or three levels deep."""
    leaves = (phases() | laws()) if leaves is None else leaves
    trees = st.recursive(
        leaves,
        lambda parts: joins(parts) | repeats(parts) | moved(parts) | pairs(parts),
        max_leaves=4,
    )
    # Outside of cycles, whose stretch leaves a moment the digits of float32.
    parts = leaves | spans()
    return trees | joins(parts) | moved(parts) | pairs(parts)


def timed() -> Any:
    """Any composition that has an end."""
    return compositions(phases()).filter(lambda b: b.timed and b.plan.steps < 10**7)


COUNT = 64  # of steps to look at


def steps_of(both: Both) -> np.ndarray:
    """Steps to look at: the first ones, and around boundaries."""
    edges = sorted(e for e in both.plan.edges() if e < LARGEST)
    near = [e + d for e in edges[:10] + edges[-4:] for d in (0, -1, 1)]
    chosen = [0, 1, 10**6 + 1, *near, *range(2, 2 * COUNT)]
    unique = list(dict.fromkeys(t for t in chosen if 0 <= t <= LARGEST))
    return np.array(sorted(unique[:COUNT]), np.int32)


def check_values(got: Any, both: Both, steps: np.ndarray) -> None:
    """That these are the values at `steps`, within 1e-6."""
    wanted = [both.plan.value(t) for t in steps.tolist()]
    assert_close(got, wanted, [both.plan.size(t) for t in steps.tolist()])
