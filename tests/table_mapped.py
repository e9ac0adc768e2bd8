"""Cases: what is done to the value of one schedule, and the scaling rules built on it."""

from typing import Any

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc, oracle_mapped as om
from tests.cases import Case


def _noisy(kind: str) -> Case:
    def build(peak: Any, limit: Any, key: Any, n: Any, begin: Any, end: Any, std: Any = None):
        cosine = anneal.Cosine(peak, 0.01, n)
        return cosine.noise(key, std, kind, begin=begin, end=end, limit=limit)

    def plan(peak: Any, limit: Any, key: int, n: int, begin: int, end: int, std: Any = None) -> Any:
        return om.Noise(o.cosine(peak, 0.01, n), key, limit, std, begin, end)

    floats = {"peak": 0.3, "limit": 0.6} | ({"std": 0.4} if kind == "normal" else {})
    return Case(f"noise, {kind}", build, plan, floats, {"key": 7, "n": 40, "begin": 3, "end": 31})


def _ramp(small: Any, large: Any, i: Any) -> anneal.Schedule:
    return anneal.PiecewiseConstant([i], [small, large])


def _scaled(name: str, build: Any, power: float) -> Case:
    def plan(peak: Any, reference: Any, small: Any, large: Any, n: int, i: int) -> o.Plan:
        ratios = [o.mp.mpf(x) / o.mp.mpf(reference) for x in (small, large)]
        return oc.multiply(o.cosine(peak, 0.01, n), om.Power(oc.table(ratios, [i]), power))

    return Case(
        name,
        lambda peak, reference, small, large, n, i: build(
            anneal.Cosine(peak, 0.01, n), _ramp(small, large, i), reference
        ),
        plan,
        {"peak": 0.3, "reference": 256.0, "small": 256.0, "large": 1000.0},
        {"n": 40, "i": 13},
    )


def _cycles(part: o.Plan, cycles: int) -> o.Plan:
    return oc.Repeat(part, (part.steps,) * cycles)


MAPPED = [
    Case(
        "power of a cycle",
        lambda peak, exponent, warmup, decay: (
            anneal.Linear(0.0, peak, warmup).then(anneal.Cosine(peak, 0.0, decay)).repeat(3)
            ** exponent
        ),
        lambda peak, exponent, warmup, decay: om.Power(
            _cycles(oc.join([o.linear(0.0, peak, warmup), o.cosine(peak, 0.0, decay)]), 3),
            exponent,
        ),
        {"peak": 0.3, "exponent": 0.5},
        {"warmup": 4, "decay": 9},
    ),
    _noisy("normal"),
    _noisy("uniform"),
    Case(
        "noise for ever",
        lambda value, key: anneal.Constant(value).noise(key),
        lambda value, key: om.Noise(o.Constant(value), key, 0.67, 1.0),
        {"value": 0.3},
        {"key": 2**31 - 5},
        similar=True,
    ),
    _scaled("linear_scaling", anneal.linear_scaling, 1),
    _scaled("sqrt_scaling", anneal.sqrt_scaling, 0.5),
]
