"""The compiled program: as large for a thousand cycles or segments as for two, and built once."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import _evaluation


def equations(function: Callable[..., Any], *arguments: Any) -> int:
    """How many primitive equations a program has, those of nested programs included."""
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(jaxpr: Any) -> int:
    inner = [x for e in jaxpr.eqns for x in jax.tree.leaves(tuple(e.params.values()))]
    nested = [getattr(x, "jaxpr", x) for x in inner]
    return len(jaxpr.eqns) + sum(_count(x) for x in nested if hasattr(x, "eqns"))


def _wsd(n: int) -> anneal.Schedule:
    return anneal.warmup_stable_decay(1.0, 1, 2, 4 + n)


PROGRAMS: dict[str, Callable[[int], anneal.Schedule]] = {
    "uniform restarts": lambda n: anneal.cosine_restarts(1.0, 100, n),
    "growing restarts": lambda n: anneal.cosine_restarts(1.0, 100, n, steps_factor=1.005),
    "growing, with warmup and decays": lambda n: anneal.cosine_restarts(
        1.0,
        100,
        n,
        steps_factor=1.005,
        value_factor=0.99,
        end_value=0.01,
        warmup_steps=10,
        floor_factor=0.98,
    ),
    "shrinking": lambda n: anneal.Cosine(1.0, 0.0, 10**5).repeat(n, 0.999),
    "listed periods": lambda n: anneal.repeat(anneal.Linear(1.0, 0.0, 9), periods=range(1, n + 1)),
    # (the periods of these are built one by one, in a twentieth of a second each)
    "restarts of restarts": lambda n: anneal.cosine_restarts(1.0, 9, 3, steps_factor=2).repeat(
        max(2, n // 5), 1.001
    ),
    "like segments": lambda n: anneal.join([anneal.Linear(1.0, 1 / k, k) for k in range(1, n + 1)]),
    "like segments by then": lambda n: anneal.Linear(1.0, 0.0, 1).then(
        *(anneal.Linear(1.0, 0.0, k) for k in range(1, n + 1))
    ),
    "two kinds of segments": lambda n: anneal.join(
        [(anneal.Linear, anneal.Cosine)[k % 2](1.0, 0.0, k + 1) for k in range(2 * n)]
    ),
    "like compositions": lambda n: anneal.join([_wsd(k) for k in range(n)], restarts=True),
    "periods with cooldowns": lambda n: anneal.warmup_stable_decay_cycles(
        1.0, 2, 3, [10 + k for k in range(n)], rewarmup_steps=1
    ),
    "piecewise": lambda n: anneal.PiecewiseConstant(
        values=[float(k) for k in range(n + 1)], boundaries=range(1, n + 1)
    ),
    "interpolated": lambda n: anneal.Interpolated(
        range(n), [float(k) for k in range(n)], anneal.Cosine
    ),
}


@cache
def _built(program: str, n: int) -> anneal.Schedule:
    return PROGRAMS[program](n)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_thousand_cost_what_two_do(program: str) -> None:
    few, many = _built(program, 2), _built(program, 1000)
    for read in (lambda s: s, lambda s: s.cycle):
        wanted = equations(read(few), 0)
        assert wanted > 0
        assert equations(read(many), 0) <= 1.1 * wanted
        # Nor are thousands of numbers written into it when the schedule is an argument.
        assert equations(lambda s, t, read=read: read(s)(t), many.as_arrays(), 0) <= 1.1 * wanted


def test_no_floor_costs_nothing() -> None:
    """The int 0 says that there is none, 0.0 is a number that may change: the same values."""
    decaying = {"value_factor": 0.9, "steps_factor": 1.5, "warmup_steps": 2}
    none = anneal.cosine_restarts(1.0, 10, 5, **decaying)
    zero = anneal.cosine_restarts(1.0, 10, 5, end_value=0.0, **decaying)
    np.testing.assert_array_equal(none(np.arange(160)), zero(np.arange(160)))
    assert equations(none, 0) < 0.7 * equations(zero, 0)


def test_the_count_sees_nested_programs() -> None:
    """The measure itself: a loop unrolled inside `jit` counts in full."""

    @jax.jit
    def unrolled(x: Any) -> Any:
        for _ in range(50):
            x = x * 2.0 + 1.0
        return x

    assert equations(unrolled, 1.0) >= 100


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_callback_and_no_loop_in_the_program(program: str) -> None:
    """Neither the host nor, hidden in one equation, a loop over the cycles."""
    text = str(jax.make_jaxpr(_built(program, 1000))(0))
    for primitive in ("callback", "while", "scan"):
        assert primitive not in text


def test_a_train_step_compiles_once_for_every_plan() -> None:
    """Peaks, warmups, totals, exponents, numbers of cycles: all are data."""
    traces = []

    @jax.jit
    def step(schedule: anneal.Schedule, t: Any) -> jax.Array:
        traces.append(t)
        return schedule(t)

    for peak, warmup, total in [(0.1, 1, 10), (0.2, 500, 10**6), (0.3, 7, 2**31 - 1), (1, 0, 5)]:
        for exponent in (1.0, 2.0, 0.5):
            step(anneal.warmup_cosine(peak, warmup, total, exponent=exponent), 3)
    assert len(traces) == 1
    traces.clear()
    for cycles in (1, 2, 1000):
        for factor in (0.5, 0.9):
            step(anneal.cosine_restarts(1.0, 100 + cycles, cycles, value_factor=factor), 3)
    assert len(traces) == 1
    traces.clear()
    for length in (1, 10, 1000):
        step(anneal.cosine_restarts(1.0, length, steps_factor=2), 3)
    assert len(traces) == 1


def test_another_number_of_growing_cycles_compiles_no_other_program() -> None:
    traces = []

    @jax.jit
    def step(schedule: anneal.Schedule, t: Any) -> jax.Array:
        traces.append(t)
        return schedule(t)

    for number in (3, 4, 5):
        step(anneal.Cosine(1.0, 0.0, 10).repeat(number, steps_factor=1.1), 3)
    assert len(traces) == 1


def test_calling_a_schedule_compiles_once_for_all_of_its_kind() -> None:
    """Without any `jit` of the user's own: eager calls share one program."""

    anneal.Cosine(1.0, 0.0, 10)(np.arange(5))
    before = _evaluation.evaluate._cache_size()
    for k in range(1, 20):
        anneal.Cosine(1.0 / k, 0.1 / k, 10 * k, exponent=k / 2)(np.arange(5))
    assert _evaluation.evaluate._cache_size() == before
