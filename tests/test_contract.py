"""Every schedule has the value of its formula, at every step, however it is run."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from jax import lax

import anneal_jax as anneal
from tests.cases import LARGEST, Case, assert_close, floating, points, references
from tests.strategies import Both, check_values, compositions, steps_of
from tests.table import CASES, DISTINCT

pytestmark = pytest.mark.optimized

distinct = pytest.mark.parametrize("case", DISTINCT, ids=[case.name for case in DISTINCT])


@jax.jit
def _scanned(schedules: anneal.Schedule, steps: Any) -> jax.Array:
    """A batch of two like schedules, an argument, evaluated in the body of a scan."""
    both = jax.vmap(lambda schedule, _, step: schedule(step), (0, 0, None))
    return lax.scan(lambda c, t: (c, both(schedules, np.arange(2), t)), None, steps)[1][:, 1]


def _batch(schedule: anneal.Schedule) -> anneal.Schedule:
    return jax.tree.map(lambda leaf: np.stack([leaf, leaf]), schedule.as_arrays())


def test_value_is_that_of_the_formula(case: Case) -> None:
    """Relative error at most 1e-6: early, around every boundary, past the end and between."""
    assert_close(case.schedule()(points(case)), *references(case))


@distinct
def test_value_in_a_scan(case: Case) -> None:
    """The same, with all numbers arguments of the program, under `vmap`."""
    schedule = case.schedule()
    assert_close(_scanned(_batch(schedule), points(case)), *references(case))


@distinct
def test_value_of_a_constant_of_the_program(case: Case) -> None:
    """What XLA folds and fuses when it knows a schedule's numbers is the same."""
    schedule = case.schedule()
    assert_close(jax.jit(lambda t: schedule(t))(points(case)), *references(case))


@given(compositions())
@settings(max_examples=6)
def test_values_of_random_compositions(both: Both) -> None:
    """Compiled as constants of a program, and as its arguments."""
    steps = steps_of(both)
    check_values(jax.jit(lambda t: both.schedule(t))(steps), both, steps)
    check_values(both.schedule.as_arrays()(steps), both, steps)


@pytest.mark.parametrize("case", CASES[::12], ids=[case.name for case in CASES[::12]])
def test_value_at_one_python_int(case: Case) -> None:
    """What one of many steps gives; the base class sees to it (and `test_contract_steps.py`)."""
    schedule, (wanted, sizes) = case.schedule(), references(case)
    chosen = [0, 1, 17, -1]
    got = np.array([schedule(int(points(case)[k])) for k in chosen])
    assert_close(got, [wanted[k] for k in chosen], [sizes[k] for k in chosen])


def test_given_values_are_hit_exactly(case: Case) -> None:
    """Ends, peaks and joins are the numbers given, rounded once to the computing precision."""
    plan, got = case.reference(), np.asarray(case.schedule()(points(case)))
    steps = points(case).tolist()
    given = np.array([plan.given(t) for t in steps])
    wanted = np.array([float(w) for w in references(case)[0]]).astype(got.dtype)
    np.testing.assert_array_equal(got[given], wanted[given])
    assert given.any() or plan.steps is None or not plan.exact


def test_end_value_holds_for_ever(case: Case) -> None:
    plan = case.reference()
    if plan.steps is None:
        assert case.schedule().steps is None
        return
    after = np.array([plan.steps, plan.steps + 1, 2 * plan.steps, 10**9, LARGEST])
    got = np.asarray(case.schedule()(np.resize(after, len(points(case)))))
    assert len(set(got.tolist())) == 1
    end = plan.value(plan.steps)
    if plan.given(plan.steps):
        assert got[0] == floating()(float(end))
    elif end == 0:
        assert got[0] == 0


def test_steps_is_the_length(case: Case) -> None:
    """A Python int, or None for open-ended."""
    steps = case.schedule().steps
    assert steps == case.reference().steps
    assert steps is None or type(steps) is int


def test_no_value_leaves_the_span_of_its_segment(case: Case) -> None:
    """Not by one bit where values are picked; by rounding where they are combined."""
    plan, got = case.reference(), np.asarray(case.schedule()(points(case)))
    for value, t in zip(got.tolist(), points(case).tolist(), strict=True):
        low, high = (float(bound) for bound in plan.span(t))
        if plan.exact:
            assert floating()(low) <= value <= floating()(high), t
        else:
            slack = 1e-6 * float(plan.size(t))
            assert low - slack <= value <= high + slack, t


def test_finite_and_of_one_sign(case: Case) -> None:
    """Finite up to the last step that can be counted; not negative unless algebra makes it so."""
    steps = np.linspace(0, LARGEST, len(points(case))).astype(np.int64)
    steps[::2] = np.arange(len(steps[::2]))
    got = np.asarray(case.schedule()(steps))
    assert np.isfinite(got).all()
    plan = case.reference()
    lowest = np.array([float(plan.span(int(t))[0]) for t in steps])
    assert (got[lowest >= 0] >= 0).all()


def test_no_callback_in_the_program(case: Case) -> None:
    """Nothing calls back to the host: validation is over when the schedule is built."""
    program = str(jax.make_jaxpr(lambda schedule, t: schedule(t))(case.schedule(), 0))
    assert "callback" not in program
