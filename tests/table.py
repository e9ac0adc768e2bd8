"""The table of cases that every contract runs over. To enter a schedule, add one `Case`.

`test_table.py` fails when a public schedule or recipe is missing.
"""

from functools import partial
from typing import Any

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc
from tests.cases import Case
from tests.table_compositions import COMPOSITIONS
from tests.table_mapped import MAPPED
from tests.table_recipes import RECIPES
from tests.table_spans import SPANNED

UP = {"init_value": 0.003, "end_value": 0.7}
DOWN = {"init_value": 0.3, "end_value": 0.0}
BOTH = {"init_value": 0.7, "end_value": 0.003}


def _segment(
    name: str, build: Any, plan: Any, floats: dict[str, float], steps: int, similar: bool = False
) -> Case:
    def reference(init_value: float, end_value: float, steps: int, **shape: float) -> o.Plan:
        return plan(init_value, end_value, steps, **shape)

    return Case(name, build, reference, floats, {"steps": steps}, similar=similar)


SEGMENTS = [
    _segment("linear", anneal.Linear, o.linear, DOWN, 41),
    _segment("linear up", anneal.Linear, o.linear, {"init_value": 0.0, "end_value": 1e-3}, 7, True),
    _segment("linear in one step", anneal.Linear, o.linear, BOTH, 1, True),
    _segment("linear in no step", anneal.Linear, o.linear, BOTH, 0, True),
    _segment("cosine", anneal.Cosine, o.cosine, DOWN | {"exponent": 1.0}, 1000),
    _segment("cosine up", anneal.Cosine, o.cosine, UP | {"exponent": 0.7}, 50, True),
    _segment("cosine cubed", anneal.Cosine, o.cosine, BOTH | {"exponent": 2.9}, 55, True),
    _segment("polynomial", anneal.Polynomial, o.polynomial, DOWN | {"power": 0.5}, 500),
    _segment(
        "polynomial squared", anneal.Polynomial, o.polynomial, BOTH | {"power": 2.1}, 2000, True
    ),
    _segment("1-sqrt", anneal.OneMinusSqrt, o.one_minus_sqrt, DOWN, 61),
    _segment("1-square", anneal.OneMinusSquare, o.one_minus_square, DOWN, 3),
    _segment("exponential", anneal.Exponential, o.exponential, BOTH, 47),
    _segment("exponential up", anneal.Exponential, o.exponential, UP, 8000, True),
    _segment(
        "shifted exponential",
        anneal.ShiftedExponential,
        o.shifted_exponential,
        DOWN | {"base": 2.0},
        30,
    ),
    _segment(
        "shifted exponential, large base",
        anneal.ShiftedExponential,
        o.shifted_exponential,
        BOTH | {"base": 900.0},
        30,
        similar=True,
    ),
    _segment("rex", anneal.Rex, o.rex, DOWN, 90),
    _segment("rex up", anneal.Rex, o.rex, UP, 8000, True),
    _segment("tanh", anneal.Tanh, o.tanh, DOWN | {"lower": -6.7, "upper": 3.1}, 100),
    _segment("tanh up", anneal.Tanh, o.tanh, UP | {"lower": -7.0, "upper": 3.0}, 10**6, True),
    _segment(
        "tanh of one sign", anneal.Tanh, o.tanh, BOTH | {"lower": 0.3, "upper": 2.2}, 77, True
    ),
    _segment("tanh, steep", anneal.Tanh, o.tanh, DOWN | {"lower": -3.0, "upper": 9.5}, 500, True),
    _segment("logarithmic", anneal.Logarithmic, o.logarithmic, DOWN, 90),
    _segment("logarithmic up", anneal.Logarithmic, o.logarithmic, UP, 1000, True),
]


def _decay(name: str, build: Any, plan: Any, rate: float, unit: int, staircase: bool) -> Case:
    def reference(init_value: float, decay_rate: float, decay_steps: int) -> o.Plan:
        return plan(init_value, decay_steps, decay_rate, staircase)

    floats = {"init_value": 0.3, "decay_rate": rate}
    build = partial(build, staircase=staircase)
    return Case(name, build, reference, floats, {"decay_steps": unit}, similar=staircase)


def _triangular(name: Any, down: dict[str, int], **gamma: float) -> Case:
    def reference(init_value: float, peak_value: float, up_steps: int, **rest: Any) -> o.Plan:
        down_steps = rest.pop("down_steps", None)
        return o.triangular(init_value, peak_value, up_steps, down_steps, name, **rest)

    floats = {"init_value": 0.1, "peak_value": 0.9} | gamma
    build = partial(anneal.Triangular, mode=name)
    return Case(f"{name} {down}", build, reference, floats, {"up_steps": 6} | down)


LAWS = [
    Case("constant", anneal.Constant, lambda value: o.Constant(value), {"value": 0.3}),
    Case(
        "constant phase",
        anneal.Constant,
        lambda value, steps: o.Constant(value, steps),
        {"value": 0.3},
        {"steps": 9},
    ),
    Case(
        "inverse sqrt",
        anneal.InverseSqrt,
        lambda init_value, timescale, offset: o.inverse_sqrt(init_value, timescale, offset),
        {"init_value": 0.3, "timescale": 100.3, "offset": 7.0},
    ),
    _decay("inverse time", anneal.InverseTime, o.inverse_time, 0.7, 41, False),
    _decay("inverse time staircase", anneal.InverseTime, o.inverse_time, 0.7, 47, True),
    _decay("exponential decay", anneal.ExponentialDecay, o.exponential_decay, 0.97, 30, False),
    _decay("exponential staircase", anneal.ExponentialDecay, o.exponential_decay, 0.9999, 41, True),
    _decay("exponential fast", anneal.ExponentialDecay, o.exponential_decay, 0.1, 3, True),
    _triangular("triangular", {}),
    _triangular("triangular", {"down_steps": 3}),
    _triangular("triangular2", {"down_steps": 3}),
    _triangular("exp_range", {"down_steps": 4}, gamma=0.9994),
]


def _interpolated(shape: type[anneal.Segment], plan: Any) -> Case:
    return Case(
        f"interpolated {shape.__name__}",
        lambda x, y, z, i, j, k: anneal.Interpolated([i, j, k], [x, y, z], shape),
        lambda x, y, z, i, j, k: oc.interpolated([i, j, k], [x, y, z], plan),
        {"x": 0.3, "y": 0.1, "z": 0.7},
        {"i": 5, "j": 12, "k": 40},
        similar=shape is not anneal.Linear,
    )


def _products(first: float, *factors: float) -> list[o.Real]:
    values = [o.mp.mpf(first)]
    for factor in factors:
        values.append(values[-1] * factor)
    return values


TABLES = [
    Case(
        "piecewise values",
        lambda x, y, z, i, j: anneal.PiecewiseConstant([i, j], [x, y, z]),
        lambda x, y, z, i, j: oc.table([x, y, z], [i, j]),
        {"x": 0.3, "y": 0.1, "z": 0.7},
        {"i": 5, "j": 12},
    ),
    Case(
        "piecewise factors",
        lambda x, y, z, i, j: anneal.PiecewiseConstant.from_factors(x, [i, j], [y, z]),
        lambda x, y, z, i, j: oc.table(_products(x, y, z), [i, j]),
        {"x": 0.3, "y": 0.1, "z": 0.7},
        {"i": 5, "j": 12},
    ),
    Case(
        "piecewise, one value",
        lambda x: anneal.PiecewiseConstant([], [x]),
        lambda x: oc.table([x], []),
        {"x": 0.3},
    ),
    _interpolated(anneal.Linear, o.linear),
    _interpolated(anneal.Cosine, o.cosine),
    _interpolated(anneal.Exponential, o.exponential),
    _interpolated(anneal.OneMinusSqrt, o.one_minus_sqrt),
]

CASES = SEGMENTS + LAWS + TABLES + COMPOSITIONS + MAPPED + RECIPES + SPANNED
# Those whose programs differ in more than numbers or the formula of a segment.
DISTINCT = [case for case in CASES if not case.similar]
