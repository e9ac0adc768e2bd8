"""Every schedule is differentiable in every float: finite everywhere, and right."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from jax import lax

import anneal_jax as anneal
from tests.cases import LARGEST, Case, floating, points
from tests.numpy_eval import evaluate
from tests.oracle import mp
from tests.table import DISTINCT

X64 = jax.config.jax_enable_x64


def test_gradient_in_every_leaf_is_finite(case: Case) -> None:
    """At every step, at and around every boundary, in every branch."""
    gradient = eqx.filter_grad(lambda schedule, t: schedule(t))
    mapped = jax.jit(jax.vmap(gradient, in_axes=(None, 0)))
    leaves = jax.tree.leaves(evaluate(mapped, case.schedule().as_arrays(), points(case)))
    assert len(leaves) > 0 or not case.floats
    assert all(np.isfinite(leaf).all() for leaf in leaves)


@pytest.mark.parametrize("case", DISTINCT, ids=[case.name for case in DISTINCT])
def test_gradient_of_a_sum_over_steps(case: Case) -> None:
    """A loss may see many steps at once: the gradient is traced through an array of them."""
    floats = {name: floating()(x) for name, x in case.floats.items()}
    total = jax.grad(lambda floats: case.schedule(**floats)(np.arange(12)).sum())
    assert jax.eval_shape(total, floats) == jax.eval_shape(lambda: floats)


ORDERS = {
    "grad of a sum": lambda f, t: jax.grad(lambda x: f(x, t).sum()),
    "sum of grads": lambda f, t: lambda x: jax.vmap(jax.grad(f), (None, 0))(x, t).sum(),
    "grad of a sum over vmap": lambda f, t: jax.grad(lambda x: jax.vmap(f, (None, 0))(x, t).sum()),
    "grad over a population": lambda f, t: (
        lambda x: jax.grad(lambda xs: jax.vmap(f, (0, None))(xs, t).sum())(np.full(3, x))[1]
    ),
    "grad of a scan": lambda f, t: jax.grad(
        lambda x: lax.scan(lambda c, s: (c + f(x, s), None), floating()(0), t)[0]
    ),
    "forward": lambda f, t: lambda x: jax.jacfwd(lambda x: f(x, t))(x).sum(),
    "forward over reverse": lambda f, t: (
        lambda x: jax.jvp(jax.grad(lambda x: f(x, t).sum()), (x,), (floating()(1),))[0]
    ),
}


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_differentiation_and_batching(order: str) -> None:
    """Forward and reverse, of and under vmap and scan: the same derivative of the same sum."""
    steps = np.arange(12)

    def value(peak: Any, t: Any) -> jax.Array:
        decay = anneal.warmup_cosine(peak, 2, 10, end_value=0.1).clip(0.01, 0.9)
        return decay(t) * anneal.ExponentialDecay(peak, 3, peak)(t)

    low, high = (np.asarray(value(0.5 + h, steps), float).sum() for h in (-1e-3, 1e-3))
    found = ORDERS[order](value, steps)(floating()(0.5))
    np.testing.assert_allclose(found, (high - low) / 2e-3, rtol=2e-3)


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
    # Forward, over all steps at once; `test_gradient_in_every_leaf_is_finite` goes the other way.
    found = evaluate(jax.jit(jax.jacfwd(value)), floats, steps)
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


def test_gradient_of_a_root_is_finite_where_it_is_zero() -> None:
    """It reads as 0 there, by the schedule's numbers and by the exponent."""

    def value(floats: Any) -> jax.Array:
        return (anneal.Linear(floats[0], 0.0, 4) ** floats[1])(4)

    np.testing.assert_array_equal(jax.grad(value)((floating()(1.0), floating()(0.5))), (0.0, 0.0))
