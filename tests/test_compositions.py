"""Random compositions do what their parts say, by an interpreter in exact arithmetic.

NumPy runs the programs: compiling each example would leave time for few, which are in
`test_contract.py`.
"""

import itertools
from typing import Any

import jax
import numpy as np
from hypothesis import assume, given, settings, strategies as st

import anneal_jax as anneal
from tests import oracle_compose as oc
from tests.cases import floating
from tests.numpy_eval import evaluate
from tests.strategies import (
    COUNT,
    Both,
    check_values,
    compositions,
    exponents,
    joins,
    phases,
    repeats,
    segments,
    steps_of,
    timed,
    values,
)


def _values(schedule: anneal.Schedule, steps: Any) -> np.ndarray:
    return evaluate(jax.jit(lambda t: schedule(t)), steps)


@given(compositions())
@settings(max_examples=15)
def test_values_and_lengths(both: Both) -> None:
    steps = steps_of(both)
    got = _values(both.schedule, steps)
    check_values(got, both, steps)
    assert both.schedule.steps == both.plan.steps
    given_values = np.array([both.plan.given(t) for t in steps.tolist()])
    exact = np.array([float(both.plan.value(t)) for t in steps.tolist()]).astype(got.dtype)
    np.testing.assert_array_equal(got[given_values], exact[given_values])


@given(compositions() | joins(repeats(phases()) | joins(phases())))
@settings(max_examples=15)
def test_cycles_rise_at_restarts(both: Both) -> None:
    """Exactly there, by one or more; they begin at 0."""
    steps = np.arange(COUNT)
    restarts = [False] + [both.plan.restarts(t) > 0 for t in range(1, COUNT)]
    ask = jax.jit(lambda t: (both.schedule.cycle(t), both.schedule.is_restart(t)))
    cycles, found = evaluate(ask, steps)
    np.testing.assert_array_equal(found, restarts)
    assert cycles[0] == 0
    np.testing.assert_array_equal(np.diff(cycles) > 0, restarts[1:])
    assert (np.diff(cycles) >= 0).all()


@given(timed(), st.sampled_from([0.1, 0.5, 0.8, 1.0, 1.5, 2, 3]))
@settings(max_examples=6)
def test_stretched_values_and_lengths(both: Both, factor: float) -> None:
    """Boundaries move to the nearest step, in every part of a composition."""
    stretched = Both(both.schedule.stretch(factor), both.plan.stretch(factor))
    assert stretched.schedule.steps == stretched.plan.steps
    steps = steps_of(stretched)
    check_values(_values(stretched.schedule, steps), stretched, steps)


@given(compositions(), values, values)
@settings(max_examples=8)
def test_clipped_values_are_bounded(both: Both, a: float, b: float) -> None:
    lower, upper = min(a, b), max(a, b)
    got = _values(both.schedule.clip(lower, upper), steps_of(both))
    assert (got >= floating()(lower)).all()
    assert (got <= floating()(upper)).all()


@given(compositions())
@settings(max_examples=8)
def test_values_stay_in_the_spans_of_segments(both: Both) -> None:
    steps = steps_of(both)
    for value, t in zip(_values(both.schedule, steps).tolist(), steps.tolist(), strict=True):
        low, high = (float(bound) for bound in both.plan.span(t))
        slack = 0 if both.plan.exact else 1e-6 * float(both.plan.size(t))
        assert floating()(low) - slack <= value <= floating()(high) + slack


@st.composite
def chains(draw: Any) -> tuple[Both, list[float], list[int]]:
    """Segments through given values, so that each begins where the one before it ended."""
    through = draw(st.lists(values, min_size=2, max_size=5))
    parts = [draw(segments(a, b, st.integers(1, 15))) for a, b in itertools.pairwise(through)]
    first, *others = [part.schedule for part in parts]
    plan = oc.join([part.plan for part in parts])
    return Both(first.then(*others), plan), through, [*plan.starts, plan.steps]


@given(chains())
@settings(max_examples=20)
def test_chains_are_continuous_and_monotone_between(chain: Any) -> None:
    """Through its values exactly, up or down in between, and no step larger than the formula's."""
    both, through, boundaries = chain
    got = _values(both.schedule, np.arange(COUNT + 1))
    np.testing.assert_array_equal(got[boundaries], np.array(through, floating()))
    for (start, end), (a, b) in zip(
        itertools.pairwise(boundaries), itertools.pairwise(through), strict=True
    ):
        rises = np.diff(got[start : end + 1]) * (1 if b >= a else -1)
        assert (rises >= -1e-6 * max(a, b)).all()


@given(timed(), timed(), st.integers(0, 40))
@settings(max_examples=6)
def test_laws_of_the_algebra(x: Both, y: Both, k: int) -> None:
    """What must be the same, written in two ways."""
    a, b = x.schedule, y.schedule
    assume(a.steps < 10**6 and b.steps < 10**6)
    steps = steps_of(Both(a, oc.add(x.plan, y.plan)))
    size = max(float(x.plan.size(t) + y.plan.size(t)) for t in steps.tolist())
    inside, ours = np.minimum(steps, a.steps), _values(a, steps)

    def same(left: anneal.Schedule, right: anneal.Schedule, at: np.ndarray = steps) -> None:
        one = _values(left, at)
        other = ours if right is a and at is steps else _values(right, at)
        largest = max(size, abs(one).max(), abs(other).max())
        assert abs(one - other).max() <= 2e-6 * largest, (left, right)

    same(a + b, b + a)
    same(a * b, b * a)
    same(anneal.minimum(a, b) + anneal.maximum(a, b), a + b)
    same(2 * a, a + a)
    same(a - a, 0 * a)
    negative = -a
    same(-negative, a)
    same(a / 2, 0.5 * a)
    same(a + 0, a)
    same(a * 1, a)
    same(a.clip(), a)
    same(a.reverse().reverse(), a, inside)
    same(a.shift(k).shift(-k), a)
    same(a.shift(0), a)
    same(a.stretch(1), a)
    same(anneal.join([a]), a)
    same(a.then(b), anneal.join([a, b]))
    same(a.then(b).then(a), a.then(b, a))
    if a.steps:
        same(a.repeat(1), a)
        same(a.repeat(3), a.then(a, a))
        same(a.repeat(3), anneal.repeat(a, periods=[a.steps] * 3))
    assert (a + b).steps == (b * a).steps == max(a.steps, b.steps)
    assert a.then(b).steps == a.steps + b.steps
    assert (2 * a - 0.5).steps == a.steps


@given(phases(), exponents)
@settings(max_examples=8)
def test_equal_compositions_are_equal(both: Both, power: float) -> None:
    a = both.schedule
    assert a + power == a + power
    assert hash(a.then(a).shift(3)) == hash(a.then(a).shift(3))
    assert a.shift(3) != a.shift(4)
