"""Every hyperparameter of every schedule may be a tracer: compiled once, mapped, differentiated.

Some tests run operations one by one (`jax.disable_jit`), for the cost of compiling; the compiled
programs are for `test_contract.py`.
"""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

import anneal_jax as anneal
from tests.cases import LARGEST, Case, assert_close, floating, integer, points, references
from tests.oracle import mp

X64 = jax.config.jax_enable_x64


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


def test_vmap_over_each_length(case: Case) -> None:
    """Alone, through the builder, the others being Python numbers: as a loop over the values."""
    steps = points(case)
    for name in case.ints:
        values = _others(case, name)
        mapped = jax.jit(jax.vmap(lambda x, name=name: case.schedule(**{name: x})(steps)))
        got = np.asarray(mapped(np.array(values, integer())))
        for row, value in zip(got, values, strict=True):
            wanted = np.asarray(case.schedule(**{name: value})(steps), float)
            _assert_same(row, wanted, references(case)[1], (name, value))


def test_each_hyperparameter_may_be_the_only_tracer(case: Case) -> None:
    for name in case.floats:
        values = np.array(_others(case, name), floating())
        got = jax.eval_shape(jax.vmap(lambda x, name=name: case.schedule(**{name: x})(0)), values)
        assert (got.shape, got.dtype) == ((3,), floating())


def test_vmap_over_all_hyperparameters_at_once(case: Case) -> None:
    """All of them tracers, so that no branch can rest on a number's being known."""
    given = {name: _others(case, name) for name in case.numbers}
    arrays = {
        name: np.array(values, integer() if name in case.ints else floating())
        for name, values in given.items()
    }
    steps = points(case)
    with jax.disable_jit():
        got = np.asarray(jax.vmap(lambda numbers: case.schedule(**numbers)(steps))(arrays))
    for k, row in enumerate(got):
        plan = case.reference(**{name: values[k] for name, values in given.items()})
        wanted = np.array([float(plan.value(t)) for t in steps.tolist()])
        _assert_same(row, wanted, [plan.size(t) for t in steps.tolist()], k)


def test_gradient_in_every_leaf_is_finite(case: Case) -> None:
    """At every step, at and around every boundary, in every branch."""
    gradient = eqx.filter_grad(lambda schedule, t: schedule(t))
    with jax.disable_jit():
        mapped = eqx.filter_vmap(gradient, in_axes=(None, 0))
        found = mapped(case.schedule().as_arrays(), points(case))
    leaves = jax.tree.leaves(found)
    assert len(leaves) > 0 or not case.floats
    assert all(np.isfinite(leaf).all() for leaf in leaves)


def _derivative(case: Case, name: str, t: int) -> tuple[Any, Any]:
    """That of the reference by a central difference in 40 digits, and its natural magnitude."""
    value = mp.mpf(case.floats[name])
    h = abs(value) * mp.mpf(10) ** -15 or mp.mpf(10) ** -15
    ends = (case.reference(**{name: value + sign * h}).value(t) for sign in (-1, 1))
    low, high = ends
    return (high - low) / (2 * h), case.reference().size(t) / (abs(value) or 1)


def test_gradient_is_the_derivative_of_the_formula(case: Case) -> None:
    """With respect to every float, through the builder; finite everywhere, right inside phases.

    (Of a million steps the powers of a traced rate, rounded to float32, have no digit left.)
    """
    steps = points(case)

    def value(floats: dict[str, Any], t: Any) -> jax.Array:
        return case.schedule(**floats)(t)

    floats = {name: floating()(x) for name, x in case.floats.items()}
    found = jax.jit(jax.vmap(jax.grad(value), (None, 0)))(floats, steps)
    edges = case.reference().edges()
    inside = [k for k, t in enumerate(steps.tolist()) if t not in edges and t < 10**5]
    for name, gradient in found.items():
        assert np.isfinite(gradient).all(), (name, steps[~np.isfinite(gradient)])
        if name in case.rounded:
            continue
        for k in inside[:: max(len(inside) // 6, 1)]:
            wanted, size = _derivative(case, name, int(steps[k]))
            tolerance = (1e-7 if X64 else 1e-3) * (abs(wanted) + size) + np.finfo(np.float32).tiny
            assert abs(float(gradient[k]) - wanted) <= tolerance, (name, steps[k])


def test_gradient_of_a_segment_between_equal_ends() -> None:
    """Raising both ends raises the value as much, also where the value is that of an end."""
    for shape in SHAPES:
        gradient = jax.grad(lambda ends, t, shape=shape: shape(*ends, 10)(t))
        for t in (0, 1, 5, 9, 10, 11):
            assert sum(gradient((0.5, 0.5), t)) == pytest.approx(1.0), (shape, t)


def test_gradient_survives_rounding_to_an_end() -> None:
    """The first steps of a long cosine round to its peak, and still depend on it."""
    gradient = jax.grad(lambda peak, t: anneal.Cosine(peak, 0.1, 10**6)(t))
    for t in (0, 1, 2, 100, 10**6 - 1):
        share = np.sin(np.pi / 2 * (10**6 - t) / 10**6) ** 2
        assert float(gradient(1.0, t)) == pytest.approx(share, rel=1e-4)


SHAPES = [anneal.Linear, anneal.Cosine, anneal.Polynomial, anneal.OneMinusSqrt]
SHAPES += [anneal.OneMinusSquare, anneal.ShiftedExponential, anneal.Logarithmic]
EXPONENTS = {anneal.Cosine: "exponent", anneal.Polynomial: "power"}
EXPONENTS |= {anneal.ShiftedExponential: "base"}


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_finite_in_extreme_segments(shape: type[anneal.Segment]) -> None:
    """Equal ends, zeros, empty and tiny and huge lengths, small and large exponents."""

    def value(floats: dict[str, Any], ends: Any, steps: Any, t: Any) -> jax.Array:
        return shape(*ends, steps, **floats)(t)

    lengths = [0, 1, 2, 3, 1000, LARGEST]
    grid = [(n, t) for n in lengths for t in (0, 1, 2, n // 2, max(n - 1, 0), n, LARGEST)]
    steps, t = np.array(grid, np.int32).T
    mapped = jax.jit(jax.vmap(jax.grad(value, (0, 1)), (None, None, 0, 0)))
    # A base of 1 is no exponential; those above it must do.
    exponents = (
        (1.1, 3.0, 900.0) if shape is anneal.ShiftedExponential else (0.1, 0.5, 1.0, 3.0, 90.0)
    )
    name = EXPONENTS.get(shape)
    for floats in [{name: floating()(x)} for x in exponents] if name else [{}]:
        for ends in [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (1e-30, 1e30)]:
            found = mapped(floats, tuple(map(floating(), ends)), steps, t)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found)), (floats, ends)
