"""Cases: what the verbs of a schedule build."""

from typing import Any

import jax.numpy as jnp
import optax

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc
from tests.cases import Case

PEAK = {"peak": 0.3}
WARM = {"peak": 0.3, "end": 0.01}
STEPS = {"warmup": 4, "decay": 9}


def _warm(peak: Any, warmup: Any, decay: Any, end: Any = 0.0) -> anneal.Schedule:
    return anneal.Linear(0.0, peak, warmup).then(anneal.Cosine(peak, end, decay))


def _warm_plan(peak: float, warmup: int, decay: int, end: float = 0.0) -> o.Plan:
    return oc.join([o.linear(0.0, peak, warmup), o.cosine(peak, end, decay)])


JOINS = [
    Case("then", _warm, _warm_plan, WARM, STEPS),
    Case(
        "join: cut and waiting segments, like ones, an open end",
        lambda peak, end, i, j, k, unit: anneal.join(
            [
                anneal.Linear(0.0, peak, 20),
                anneal.Linear(peak, end, 3),
                anneal.Linear(end, peak, 6),
                anneal.InverseTime(peak, unit, 1.5),
            ],
            [i, j, k],
        ),
        lambda peak, end, i, j, k, unit: oc.join(
            [
                o.linear(0.0, peak, 20),
                o.linear(peak, end, 3),
                o.linear(end, peak, 6),
                o.inverse_time(peak, unit, 1.5),
            ],
            [i, j, k],
        ),
        WARM,
        {"i": 8, "j": 14, "k": 20, "unit": 5},
    ),
    Case(
        "join: restarts, with a join and cycles inside",
        lambda peak, n, length: anneal.join(
            [
                anneal.Cosine(peak, 0.0, n),
                anneal.Linear(0.0, 0.2, 2).then(anneal.Linear(0.2, 0.0, 4)),
                anneal.Cosine(peak, 0.0, length).repeat(3),
                anneal.Constant(0.1),
            ],
            restarts=True,
        ),
        lambda peak, n, length: oc.join(
            [
                o.cosine(peak, 0.0, n),
                oc.join([o.linear(0.0, 0.2, 2), o.linear(0.2, 0.0, 4)]),
                oc.equal(o.cosine(peak, 0.0, length), 3),
                o.Constant(0.1),
            ],
            restarts=True,
        ),
        PEAK,
        {"n": 7, "length": 4},
    ),
]

CYCLES = [
    Case(
        "repeat for ever",
        lambda peak, n: anneal.Cosine(peak, 0.0, n).repeat(),
        lambda peak, n: oc.Repeat(o.cosine(peak, 0.0, n), None),
        PEAK,
        {"n": 5},
    ),
    Case(
        "repeat, decaying over a floor",
        lambda peak, end, factor, floor_factor, warmup, decay, cycles: anneal.repeat(
            _warm(peak, warmup, decay),
            cycles,
            value_factor=factor,
            floor=end,
            floor_factor=floor_factor,
        ),
        lambda peak, end, factor, floor_factor, warmup, decay, cycles: oc.equal(
            _warm_plan(peak, warmup, decay),
            cycles,
            factor=factor,
            floor=o.Constant(end),
            floor_factor=floor_factor,
        ),
        WARM | {"factor": 0.7, "floor_factor": 0.3},
        STEPS | {"cycles": 4},
    ),
    Case(
        "repeat, growing for ever",
        lambda peak, end, factor, warmup, decay: _warm(peak, warmup, decay, end).repeat(
            steps_factor=2, value_factor=factor
        ),
        lambda peak, end, factor, warmup, decay: oc.growing(
            _warm_plan(peak, warmup, decay, end), 2, None, factor=factor
        ),
        WARM | {"factor": 0.7},
        STEPS,
    ),
    Case(
        "repeat, growing by a fraction",
        lambda peak, end, ratio, warmup, decay: _warm(peak, warmup, decay, end).repeat(4, ratio),
        lambda peak, end, ratio, warmup, decay: oc.growing(
            _warm_plan(peak, warmup, decay, end), ratio, 4
        ),
        WARM | {"ratio": 1.5},
        {"warmup": 1, "decay": 2},  # 3, 4.5, 6.75, 10.125 steps: a half among them
        rounded=("ratio",),
    ),
    Case(
        "repeat, shrinking",
        lambda peak, end, ratio, warmup, decay: _warm(peak, warmup, decay, end).repeat(9, ratio),
        lambda peak, end, ratio, warmup, decay: oc.growing(
            _warm_plan(peak, warmup, decay, end), ratio, 9
        ),
        WARM | {"ratio": 0.5},
        {"warmup": 21, "decay": 75},
        rounded=("ratio",),
    ),
    Case(
        "repeat, listed periods",
        lambda peak, factor, n, i, j, k: anneal.repeat(
            anneal.OneMinusSqrt(peak, 0.0, n), periods=[i, j, k], value_factor=factor
        ),
        lambda peak, factor, n, i, j, k: oc.Repeat(
            o.one_minus_sqrt(peak, 0.0, n), (i, j, k), factor=factor
        ),
        {"peak": 0.3, "factor": 1.3},
        {"n": 10, "i": 7, "j": 1, "k": 15},
    ),
    Case(
        "repeat, nested and shifted",
        lambda peak, factor, n, inner, outer: (
            anneal.Linear(peak, 0.0, n).repeat(inner, value_factor=factor).repeat(outer).shift(3)
        ),
        lambda peak, factor, n, inner, outer: oc.Shift(
            oc.equal(oc.equal(o.linear(peak, 0.0, n), inner, factor=factor), outer), 3
        ),
        {"peak": 0.3, "factor": 0.5},
        {"n": 4, "inner": 3, "outer": 2},
    ),
    Case(
        "repeat, cycles of growing cycles",
        lambda peak, n: anneal.Linear(peak, 0.0, n).repeat(3, 2).repeat(2, 3),
        lambda peak, n: oc.growing(oc.growing(o.linear(peak, 0.0, n), 2, 3), 3, 2),
        PEAK,
        {"n": 2},
    ),
]

TIME = [
    Case(
        "shift later",
        lambda peak, end, warmup, decay, offset: _warm(peak, warmup, decay, end).shift(offset),
        lambda peak, end, warmup, decay, offset: oc.Shift(
            _warm_plan(peak, warmup, decay, end), offset
        ),
        WARM,
        STEPS | {"offset": 5},
    ),
    Case(
        "shift earlier",
        lambda peak, end, warmup, decay, offset: _warm(peak, warmup, decay, end).shift(offset),
        lambda peak, end, warmup, decay, offset: oc.Shift(
            _warm_plan(peak, warmup, decay, end), offset
        ),
        WARM,
        STEPS | {"offset": -6},
    ),
    Case(
        "shift earlier into cycles",
        lambda peak, n, offset: anneal.Cosine(peak, 0.0, n).repeat(4, 2).shift(offset),
        lambda peak, n, offset: oc.Shift(oc.growing(o.cosine(peak, 0.0, n), 2, 4), offset),
        PEAK,
        {"n": 4, "offset": -13},
    ),
    Case(
        "reverse",
        lambda peak, power, n: anneal.Polynomial(peak, 0.0, n, power).reverse(),
        lambda peak, power, n: oc.Reverse(o.polynomial(peak, 0.0, n, power)),
        {"peak": 0.3, "power": 1.5},
        {"n": 44},
    ),
    Case(
        "reverse of cycles",
        lambda peak, warmup, decay: _warm(peak, warmup, decay).repeat(3).reverse(),
        lambda peak, warmup, decay: oc.Reverse(oc.equal(_warm_plan(peak, warmup, decay), 3)),
        PEAK,
        STEPS,
    ),
    *(
        Case(
            f"stretch by {factor}",
            lambda peak, end, factor, warmup, stable, decay: anneal.warmup_stable_decay(
                peak, warmup, decay, warmup + stable + decay, end_value=end
            ).stretch(factor),
            lambda peak, end, factor, warmup, stable, decay: oc.join(
                [
                    o.linear(0.0, peak, warmup),
                    o.Constant(peak, stable),
                    o.one_minus_sqrt(peak, end, decay),
                ]
            ).stretch(factor),
            WARM | {"factor": factor},
            {"warmup": 3, "stable": 8, "decay": 6},
            rounded=("factor",),
            similar=factor < 1,
        )
        for factor in (0.25, 2.5)
    ),
    Case(
        "stretch of an open end",
        lambda peak, rate, factor, n, unit: (
            anneal.Linear(0.0, peak, n).then(anneal.InverseTime(peak, unit, rate)).stretch(factor)
        ),
        lambda peak, rate, factor, n, unit: oc.join(
            [o.linear(0.0, peak, n), o.inverse_time(peak, unit, rate)]
        ).stretch(factor),
        {"peak": 0.3, "rate": 1.7, "factor": 1.5},
        {"n": 5, "unit": 3},
        rounded=("factor",),
    ),
    Case(
        "stretch of a real timescale",
        lambda peak, timescale, factor, n: anneal.join(
            [anneal.InverseSqrt(peak, timescale), anneal.Linear(0.1, 0.0, 3)], [n]
        ).stretch(factor),
        lambda peak, timescale, factor, n: oc.join(
            [o.inverse_sqrt(peak, timescale), o.linear(0.1, 0.0, 3)], [n]
        ).stretch(factor),
        {"peak": 0.3, "timescale": 7.7, "factor": 1.5},
        {"n": 9},
        rounded=("factor",),
    ),
    Case(
        "stretch of growing cycles",
        lambda peak, factor, n: anneal.Linear(peak, 0.0, n).repeat(3, 2).stretch(factor),
        lambda peak, factor, n: oc.growing(o.linear(peak, 0.0, n), 2, 3).stretch(factor),
        {"peak": 0.3, "factor": 1.5},
        {"n": 3},
        rounded=("factor",),
    ),
]


def _pair(name: str, combine: Any, plan: Any, **floats: float) -> Case:
    """A warmup and cosine against a line."""
    return Case(
        name,
        lambda peak, slope, warmup, decay, n, **rest: combine(
            _warm(peak, warmup, decay), anneal.Linear(0.1, slope, n), **rest
        ),
        lambda peak, slope, warmup, decay, n, **rest: plan(
            _warm_plan(peak, warmup, decay), o.linear(0.1, slope, n), **rest
        ),
        {"peak": 0.3, "slope": 0.2} | floats,
        STEPS | {"n": 11},
    )


ALGEBRA = [
    _pair("sum", lambda a, b: a + b, oc.add),
    _pair("product", lambda a, b: a * b, oc.multiply),
    _pair("minimum", anneal.minimum, oc.minimum),
    _pair("maximum", anneal.maximum, oc.maximum),
    _pair(
        "difference",
        lambda a, b: a - 0.5 * b - 0.7,
        lambda a, b: oc.add(a, oc.multiply(o.Constant(-0.5), b), o.Constant(-0.7)),
    ),
    _pair(
        "numbers on the left, quotients and signs",
        lambda a, b, x: 0.9 - -(x * a) / 3.0 + b,
        lambda a, b, x: oc.add(o.Constant(0.9), oc.multiply(o.Constant(o.mp.mpf(x) / 3), a), b),
        x=1.7,
    ),
    _pair(
        "clip",
        lambda a, b, lower, upper: (a + b).clip(lower, upper),
        lambda a, b, lower, upper: oc.clip(oc.add(a, b), lower, upper),
        lower=0.15,
        upper=0.3,
    ),
    _pair(
        "clip on one side",
        lambda a, b, upper: a.clip(upper=upper).then(b.clip(0.05)),
        lambda a, b, upper: oc.join([oc.clip(a, upper=upper), oc.clip(b, 0.05)]),
        upper=0.25,
    ),
    Case(
        "clip of triangles",
        lambda peak, upper, up: anneal.Triangular(0.1, peak, up).clip(upper=upper),
        lambda peak, upper, up: oc.clip(o.triangular(0.1, peak, up, None), upper=upper),
        {"peak": 0.9, "upper": 0.6},
        {"up": 5},
    ),
]


def _half_from_ten_on(step: Any) -> Any:
    return jnp.where(step < 10, 1.0, 0.5)


_OPTAX_SCHEDULE = optax.linear_schedule(0.5, 0.25, 8)

FUNCTIONS = [
    Case(
        "a function of Optax",
        lambda scale: scale * anneal.as_schedule(_OPTAX_SCHEDULE),
        lambda scale: oc.multiply(
            o.Constant(scale), o.Function(lambda t: 0.5 - min(t, 8) / 32, (0.25, 0.5))
        ),
        {"scale": 0.3},
        stretches=False,
        pickles=False,  # a closure
    ),
    Case(
        "a function",
        lambda x: anneal.maximum(anneal.Function(_half_from_ten_on), x),
        lambda x: oc.maximum(
            o.Function(lambda t: 1.0 if t < 10 else 0.5, (0.5, 1.0)), o.Constant(x)
        ),
        {"x": 0.7},
        stretches=False,
    ),
]

COMPOSITIONS = JOINS + CYCLES + TIME + ALGEBRA + FUNCTIONS
