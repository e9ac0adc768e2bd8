"""Every hyperparameter of every schedule may be a tracer: compiled once, and mapped.

To save the cost of compiling, cases that are similar to another are left out, and NumPy runs the
programs; compiled ones are for `test_contract.py`, gradients for `test_contract_gradients.py`.
"""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from tests.cases import Case, assert_close, floating, integer, points, references
from tests.numpy_eval import evaluate
from tests.table import DISTINCT


@pytest.fixture(params=DISTINCT, ids=[case.name for case in DISTINCT], scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """Every case in turn, but for those that would compile the program of another."""
    return request.param


def _others(case: Case, name: str) -> list[Any]:
    """Other values of a hyperparameter, exact in float32, the one given among them."""
    if name in case.ints:
        return [case.ints[name] + d for d in (0, 1, 2)]
    value = case.floats[name]
    return [float(np.float32(value * factor)) for factor in (1.0, 0.875, 0.9375)]


def _assert_same(got: np.ndarray, wanted: np.ndarray, sizes: list[Any], of: Any) -> None:
    """Within 1e-5: a traced factor loses its digits beyond float32, which powers magnify."""
    scale = np.maximum(abs(wanted), [float(size) for size in sizes])
    error = abs(got - wanted) / np.maximum(scale, np.finfo(np.float32).tiny)
    assert error.max() < 1e-5, (of, error.argmax())


def test_values_at_other_hyperparameters(case: Case) -> None:
    """The table's numbers are nothing special."""
    changed = {name: _others(case, name)[1] for name in case.numbers}
    plan, steps = case.reference(**changed), points(case)
    wanted, sizes = zip(*((plan.value(t), plan.size(t)) for t in steps.tolist()), strict=True)
    assert_close(case.schedule(**changed)(steps), list(wanted), list(sizes))
    assert case.schedule(**changed).steps == plan.steps


def test_changing_a_value_never_recompiles(case: Case) -> None:
    traces = []

    @jax.jit
    def step(schedule: anneal.Schedule, t: Any) -> jax.Array:
        traces.append(t)
        return schedule(t)

    for convert in (lambda schedule: schedule, lambda schedule: schedule.as_arrays()):
        traces.clear()
        for name in case.numbers:
            for value in _others(case, name):
                step.eval_shape(convert(case.schedule(**{name: value})), 0)
        assert len(traces) <= 1


def test_special_values_compile_no_other_program(case: Case) -> None:
    """Not even 0 and 1, which turn a warmup or a decay of peaks off."""
    traces, changed = [], []

    @jax.jit
    def step(schedule: anneal.Schedule) -> jax.Array:
        traces.append(changed[-1:])
        return schedule(0)

    step.eval_shape(case.schedule().as_arrays())
    for name in case.numbers:
        for value in (0, 1) if name in case.ints else (0.0, 1.0):
            try:
                schedule = case.schedule(**{name: value})
            except ValueError:
                continue  # not allowed here
            changed.append((name, value))
            step.eval_shape(schedule.as_arrays())
    assert traces == [[]]


def _mapped(case: Case, names: Iterable[str], steps: Any) -> np.ndarray:
    """Values at other hyperparameters, of which those of `names` are tracers."""
    arrays = {
        name: np.array(_others(case, name), integer() if name in case.ints else floating())
        for name in names
    }
    mapped = jax.jit(jax.vmap(lambda numbers: case.schedule(**numbers)(steps)))
    return evaluate(mapped, arrays)


def test_vmap_over_lengths(case: Case) -> None:
    """All lengths tracers and the floats Python numbers: as a loop over the values."""
    if not case.ints:
        return
    steps = points(case)
    got = _mapped(case, case.ints, steps)
    for k, row in enumerate(got):
        numbers = {name: _others(case, name)[k] for name in case.ints}
        wanted = np.asarray(case.schedule(**numbers)(steps), float)
        _assert_same(row, wanted, references(case)[1], k)


def test_each_hyperparameter_may_be_the_only_tracer(case: Case) -> None:
    """The others being Python numbers; so no two of them are compared while one is unknown."""
    for name in case.numbers:
        tracer = jax.ShapeDtypeStruct((), integer() if name in case.ints else floating())
        got = jax.eval_shape(lambda x, name=name: case.schedule(**{name: x})(0), tracer)
        assert (got.shape, got.dtype) == ((), floating())


def test_vmap_over_all_hyperparameters_at_once(case: Case) -> None:
    """All of them tracers, so that no branch can rest on a number's being known."""
    steps = points(case)
    for k, row in enumerate(_mapped(case, case.numbers, steps)):
        plan = case.reference(**{name: _others(case, name)[k] for name in case.numbers})
        wanted = np.array([float(plan.value(t)) for t in steps.tolist()])
        _assert_same(row, wanted, [plan.size(t) for t in steps.tolist()], k)
