"""Cases: spans between moments, waves, Chebyshev steps, and time cut or slowed down."""

from typing import Any

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc, oracle_spans as os
from tests.cases import Case

BOTH = {"init_value": 0.7, "end_value": 0.003}
DOWN = {"init_value": 0.3, "end_value": 0.0}
UP = {"init_value": 0.003, "end_value": 0.7}


def _span(
    name: str,
    shape: Any,
    plan: Any,
    floats: dict[str, float],
    begin: float,
    end: float,
    similar: bool = True,
    **fixed: float,
) -> Case:
    """Short binary fractions, which a float32 number holds: tracers then see the same moments."""

    def build(init_value: Any, end_value: Any, **moments: Any) -> anneal.Schedule:
        return anneal.Span(shape(init_value, end_value, 1, **fixed), **moments)

    def reference(init_value: float, end_value: float, **moments: float) -> o.Plan:
        return os.Span(plan(init_value, end_value, 1, **fixed), **moments)

    return Case(name, build, reference, floats | {"begin": begin, "end": end}, similar=similar)


LONG = 6e8 + 0.75  # three times as long is still below 2**31

SPANS = [
    _span("span", anneal.Cosine, o.cosine, DOWN, -1.5, 40.75, False),
    _span("span between steps", anneal.Linear, o.linear, DOWN, 3.0, 12.0),
    _span("span from 0", anneal.Linear, o.linear, UP, 0.0, 12.75),
    _span("span up from 0", anneal.Linear, o.linear, {"init_value": 0.0, "end_value": 0.3}, -1, 8),
    _span("span shorter than a step", anneal.Cosine, o.cosine, DOWN, 4.75, 5.625),
    _span("span over before step 0", anneal.Cosine, o.cosine, BOTH, -9.5, -1.25),
    _span("span, long", anneal.Cosine, o.cosine, DOWN, -0.5, LONG),
    _span("span, polynomial", anneal.Polynomial, o.polynomial, BOTH, 0.5, 60.75, False, power=2.1),
    _span("span, logarithmic", anneal.Logarithmic, o.logarithmic, UP, -2.25, 50.75, False),
    _span("span, logarithmic, longer", anneal.Logarithmic, o.logarithmic, DOWN, 7.5, 6e4 + 0.75),
    _span("span, exponential", anneal.Exponential, o.exponential, BOTH, 2.25, 47.75, False),
    _span("span, harmonic", anneal.Harmonic, os.harmonic, UP, -0.25, 30.75, False),
    _span("span, bent", anneal.Cosine, o.cosine, BOTH | {"power": 1.7}, -2.5, 33.75, False),
    _span("span, bent up", anneal.Linear, o.linear, UP | {"power": 0.4}, 1.5, 90.0),
    Case(
        "k_decay",
        lambda init_value, power, k, n: anneal.k_decay(
            anneal.Polynomial(init_value, 0.0, n, power), k
        ),
        lambda init_value, power, k, n: os.k_decay(o.polynomial(init_value, 0.0, n, power), k),
        {"init_value": 0.3, "power": 2.0, "k": 2.5},
        {"n": 40},
    ),
    Case(
        "k_decay, logarithmic, bent early",
        lambda k, n: anneal.k_decay(anneal.Logarithmic(0.7, 0.003, n), k),
        lambda k, n: os.k_decay(o.logarithmic(0.7, 0.003, n), k),
        {"k": 0.4},
        {"n": 2000},
    ),
    Case(
        "spans joined",
        lambda peak, begin, end, n: anneal.join(
            [
                anneal.Span(anneal.Linear(0.0, peak, 1), begin, end),
                anneal.Span(anneal.Linear(peak, 0.1, 1), 0, 8.5),
                anneal.Cosine(0.1, 0.0, n),
            ],
            [9, 18],
        ),
        lambda peak, begin, end, n: oc.join(
            [
                os.Span(o.linear(0.0, peak, 1), begin, end),
                os.Span(o.linear(peak, 0.1, 1), 0, 8.5),
                o.cosine(0.1, 0.0, n),
            ],
            [9, 18],
        ),
        {"peak": 0.3, "begin": -1.0, "end": 8.75},
        {"n": 9},
    ),
]

LAWS = [
    Case("harmonic", anneal.Harmonic, os.harmonic, BOTH, {"steps": 47}),
    Case("harmonic up", anneal.Harmonic, os.harmonic, UP, {"steps": 8000}, similar=True),
    Case(
        "inverse power",
        anneal.InversePower,
        os.inverse_power,
        {"init_value": 0.3, "timescale": 100.3, "power": 0.51, "offset": 7.0},
    ),
    Case(
        "inverse power, squared",
        anneal.InversePower,
        os.inverse_power,
        {"init_value": 0.7, "timescale": 3.0, "power": 2.0, "offset": 0.0},
        similar=True,
    ),
    Case(
        "cosine wave",
        lambda peak, n: anneal.CosineWave(peak, 0.0, n),
        lambda peak, n: os.cosine_wave(peak, 0.0, n),
        {"peak": 0.3},
        {"n": 41},
    ),
    # A number of half waves of few bits: its error, relative to the larger end, does not grow.
    Case(
        "cosine wave of many halves",
        anneal.CosineWave,
        os.cosine_wave,
        {"init_value": 0.7, "end_value": 0.1, "halves": 2.5},
        {"decay_steps": 1000},
    ),
    Case(
        "cosine wave, slow",
        anneal.CosineWave,
        os.cosine_wave,
        {"init_value": 0.1, "end_value": 0.7, "halves": 0.25},
        {"decay_steps": 7},
        similar=True,
    ),
    Case(
        "cyclic polynomial",
        anneal.CyclicPolynomial,
        os.cyclic_polynomial,
        DOWN | {"power": 2.0},
        {"decay_steps": 13},
    ),
    Case(
        "cyclic polynomial up",
        anneal.CyclicPolynomial,
        os.cyclic_polynomial,
        UP | {"power": 0.7},
        {"decay_steps": 1},
        similar=True,
    ),
    Case(
        "chebyshev",
        lambda scale, lower, upper, doublings: anneal.Chebyshev(
            scale, 1 << doublings, lower, upper
        ),
        lambda scale, lower, upper, doublings: os.Chebyshev(scale, 1 << doublings, lower, upper),
        {"scale": 0.3, "lower": 0.03, "upper": 1.7},
        {"doublings": 5},
        stretches=False,
    ),
    Case(
        "chebyshev of one step",
        lambda scale: anneal.Chebyshev(scale, 1),
        lambda scale: os.Chebyshev(scale, 1),
        {"scale": 0.3},
        stretches=False,
    ),
    Case(
        "chebyshev, again and again",
        lambda scale, doublings: anneal.Chebyshev(scale, 1 << doublings).repeat(),
        lambda scale, doublings: oc.Repeat(os.Chebyshev(scale, 1 << doublings), None),
        {"scale": 0.3},
        {"doublings": 3},
        stretches=False,
    ),
]


def _cycle(peak: Any, n: Any) -> anneal.Schedule:
    return anneal.Linear(0.0, peak, 2).then(anneal.Cosine(peak, 0.01, n)).repeat(3)


def _cycle_plan(peak: float, n: int) -> o.Plan:
    return oc.equal(oc.join([o.linear(0.0, peak, 2), o.cosine(peak, 0.01, n)]), 3)


PEAK = {"peak": 0.3}

TIME = [
    Case(
        "every",
        lambda peak, n, interval: anneal.Cosine(peak, 0.0, n).every(interval),
        lambda peak, n, interval: os.Every(o.cosine(peak, 0.0, n), interval),
        PEAK,
        {"n": 9, "interval": 4},
    ),
    Case(
        "every, of cycles",
        lambda peak, n, interval: _cycle(peak, n).every(interval),
        lambda peak, n, interval: os.Every(_cycle_plan(peak, n), interval),
        PEAK,
        {"n": 5, "interval": 3},
    ),
    Case(
        "every, for ever",
        lambda peak, unit, interval: anneal.InverseTime(peak, unit, 0.7).every(interval),
        lambda peak, unit, interval: os.Every(o.inverse_time(peak, unit, 0.7), interval),
        PEAK,
        {"unit": 3, "interval": 7},
    ),
    Case(
        "until",
        lambda peak, unit, end: anneal.InverseTime(peak, unit, 0.7).until(end),
        lambda peak, unit, end: os.Until(o.inverse_time(peak, unit, 0.7), end),
        PEAK,
        {"unit": 3, "end": 31},
    ),
    Case(
        "until, of cycles, and then",
        lambda peak, n, end: (
            anneal.Cosine(peak, 0.1, n).repeat().until(end).then(anneal.Linear(0.1, 0.0, 6))
        ),
        lambda peak, n, end: oc.join(
            [os.Until(oc.Repeat(o.cosine(peak, 0.1, n), None), end), o.linear(0.1, 0.0, 6)]
        ),
        PEAK,
        {"n": 7, "end": 24},
    ),
    Case(
        "until, longer than its schedule",
        lambda peak, n, end: _cycle(peak, n).until(end),
        lambda peak, n, end: os.Until(_cycle_plan(peak, n), end),
        PEAK,
        {"n": 5, "end": 60},
    ),
]

SPANNED = SPANS + LAWS + TIME
