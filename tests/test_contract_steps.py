"""Every schedule takes steps of every integer type and shape, and no others."""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from tests.cases import LARGEST, Case, assert_close, floating, points
from tests.table import CASES

X64 = jax.config.jax_enable_x64
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


FEW = CASES[::18]
few = pytest.mark.parametrize("case", FEW, ids=[case.name for case in FEW])


def _classes(base: type = anneal.Schedule) -> set[type]:
    return {base}.union(*map(_classes, base.__subclasses__()))


def test_steps_are_read_in_one_place() -> None:
    """Whatever type, shape and sign they have: so a few cases stand for all of them."""
    ours = {cls for cls in _classes() if cls.__module__.startswith("anneal_jax.")}
    assert len(ours) > 30
    for name in ("__call__", "cycle", "is_restart"):
        assert {cls for cls in ours if name in vars(cls)} == {anneal.Schedule}


@few
def test_every_integer_type(case: Case) -> None:
    """NumPy and JAX integers of any width give what Python ints give."""
    schedule, steps = case.schedule(), np.resize(np.arange(32), len(points(case)))
    wanted = schedule(steps.tolist())
    for name in INTEGERS:
        steps = steps.astype(name)
        np.testing.assert_array_equal(schedule(steps), wanted, name)
        if X64 or "64" not in name:
            np.testing.assert_array_equal(schedule(jnp.asarray(steps)), wanted, name)


def test_result_is_strongly_typed(case: Case) -> None:
    """float32, or float64 with x64 on: whatever the types of step and hyperparameters."""
    typed = case.schedule().as_arrays()
    for schedule, shape, dtype in [(case.schedule(), (), "int32"), (typed, (2, 0, 3), "uint8")]:
        got = jax.eval_shape(schedule, jax.ShapeDtypeStruct(shape, dtype))
        assert (got.shape, got.dtype, got.weak_type) == (shape, floating(), False)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 1)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    """The result has the shape of `step`, and in it the values of the single steps."""
    schedule = anneal.cosine_restarts(1.0, 3, 4, steps_factor=2, warmup_steps=1)
    wanted = np.asarray(schedule(3 * np.arange(6)))
    count = np.prod(shape, dtype=int)
    steps = 3 * np.arange(count).reshape(shape)
    for got in (schedule(steps), jax.jit(schedule)(steps)):
        np.testing.assert_array_equal(got, wanted[:count].reshape(shape))


@few
def test_negative_steps_read_as_zero(case: Case) -> None:
    schedule, zeros = case.schedule(), np.zeros(len(points(case)), int)
    first = schedule(zeros)
    for steps in (zeros - 1, zeros - 2**31, jnp.asarray(-points(case) % 128 - 128, jnp.int8)):
        np.testing.assert_array_equal(schedule(steps), first)
        np.testing.assert_array_equal(schedule.cycle(steps), zeros)
        assert not np.any(schedule.is_restart(steps))


@pytest.mark.skipif(X64, reason="with x64 on, steps go further")
def test_a_step_beyond_the_counter_is_an_error(case: Case) -> None:
    for step in (2**31, 2**70, np.uint64(2**63), np.array([1, 2**31])):
        for ask in (case.schedule(), case.schedule().cycle, case.schedule().is_restart):
            with pytest.raises(OverflowError, match="step must be at most 2147483647, got "):
                ask(step)


@pytest.mark.skipif(not X64, reason="int32 ends before")
def test_steps_beyond_32_bits_are_exact_with_x64(case: Case) -> None:
    steps = [2**31, 2**31 + 1, 2**32 + 5, 2**33]
    if "growing for ever" in case.name:  # laid out up to step 2**31 - 1, as `Repeat` says
        steps = steps[:2]
    plan = case.reference()
    got = case.schedule()(np.resize(steps, len(points(case))))[: len(steps)]
    assert_close(got, [plan.value(t) for t in steps], [plan.size(t) for t in steps])


WRONG = [1.0, np.float32(3), True, np.True_, None, "3", 1j, [0.5], [True], Fraction(7, 2), [None]]
WRONG += [np.array(["3"]), np.array([1, None]), np.array([Fraction(1)])]


@pytest.mark.parametrize("step", WRONG, ids=repr)
def test_other_steps_are_an_error(step: Any) -> None:
    """What is not an integer is a TypeError that says so; nothing is cast or truncated."""
    for ask in (
        anneal.Linear(1.0, 0.0, 9),
        anneal.Constant(1.0).cycle,
        anneal.Constant(1.0).is_restart,
    ):
        with pytest.raises(TypeError, match="step must be an integer"):
            ask(step)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool", "complex64"])
def test_other_traced_steps_are_an_error(dtype: str) -> None:
    with pytest.raises(TypeError, match="step must be an integer"):
        jax.eval_shape(anneal.Linear(1.0, 0.0, 9), jax.ShapeDtypeStruct((), dtype))


def test_unsigned_tracers_saturate() -> None:
    """A step too large for the counter is the last one, and never wraps round to the first."""
    schedule = anneal.Linear(1.0, 0.0, 100)
    largest = np.uint64 if X64 else np.uint32
    steps = jnp.array([99, 100, LARGEST, 2**31, np.iinfo(largest).max], largest)
    wanted = np.array([0.01, 0, 0, 0, 0], floating())
    np.testing.assert_allclose(jax.jit(schedule)(steps), wanted, rtol=1e-6)
    np.testing.assert_allclose(schedule(steps), wanted, rtol=1e-6)
    counter = anneal.Linear(1.0, 0.0, 2).repeat()
    last = np.iinfo(np.int64 if X64 else np.int32).max
    assert counter.cycle(steps)[-1] == last // 2
