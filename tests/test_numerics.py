"""Exact integers in traced programs: what the host does with Python's, JAX does without 64 bits."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax._numerics import MAX_STEP, scale_int
from anneal_jax.schedules._rate import Rate

pytestmark = pytest.mark.optimized


def _exactly(n: int, numerator: int, denominator: int) -> int:
    scaled = (2 * n * numerator + max(denominator, 1)) // (2 * max(denominator, 1))
    return min(scaled, MAX_STEP)


def test_scaled_integers_are_exact() -> None:
    """`n * numerator / denominator`, halves upwards, in every size of the three; NumPy and JAX."""
    rng = np.random.default_rng(0)
    sizes = 2.0 ** rng.uniform(0, 31, (20_000, 3))
    triples = np.minimum(sizes, MAX_STEP).astype(np.int64)
    edges = [0, 1, 2, 3, 255, 256, 2**16, 2**24 + 1, 2**30, MAX_STEP]
    triples = np.concatenate([triples, [(a, b, c) for a in edges for b in edges for c in edges]])
    wanted = np.array([_exactly(*map(int, triple)) for triple in triples])
    np.testing.assert_array_equal(scale_int(*triples.T), wanted)
    traced = jax.jit(scale_int)(*(jnp.asarray(column, np.int32) for column in triples.T))
    np.testing.assert_array_equal(traced, wanted)


@pytest.mark.parametrize("factor", [0.5, 1.75, 3.0])
def test_a_traced_factor_stretches_what_has_no_end(factor: float) -> None:
    """In parts of 2 ** -16, for its length is nothing to go by."""
    decay = anneal.InverseTime(1.0, 1000, 1.0)
    got = jax.jit(lambda factor: decay.stretch(factor)(np.arange(5000)))(factor)
    np.testing.assert_allclose(got, decay.stretch(factor)(np.arange(5000)), rtol=1e-6)


def test_a_traced_factor_shortens_no_cycle_to_nothing() -> None:
    """Shrinking cycles last at least one step, traced or not."""
    cycle = anneal.Linear(1.0, 0.5, 3)
    got = jax.jit(lambda factor: cycle.repeat(6, factor)(np.arange(12)))(0.4)
    np.testing.assert_allclose(got, cycle.repeat(6, 0.4)(np.arange(12)), rtol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.9999, 1.0, 3.0, 1e-7, 12345.678])
def test_a_rate_prints_the_number_given(rate: float) -> None:
    assert Rate.of(rate).as_number() == rate
    assert repr(Rate.of(rate)) == repr(rate)
    assert "log2_head" in repr(jax.vmap(Rate.of)(jnp.array([rate, rate])))


def test_the_largest_chebyshev_orders_every_step_once() -> None:
    """The permutation is that of the recursion, also where it has more than 16 bits."""
    steps = 2**18
    found = np.asarray(anneal.Chebyshev(1.0, steps)(np.arange(0, steps, 1021)))
    places = []
    for t in range(0, steps, 1021):
        place, bits, size = 0, [(t >> k) & 1 for k in range(17, -1, -1)], 1
        for bit in bits:  # of twice as many: s(2 t) = s(t), s(2 t + 1) its mirror image
            place, size = (2 * size - 1 - place if bit else place), 2 * size
        places.append(place)
    angle = np.pi * (2 * np.array(places) + 1) / (4 * steps)
    np.testing.assert_allclose(
        found, 1 / (0.05 * np.cos(angle) ** 2 + np.sin(angle) ** 2), rtol=1e-6
    )


def test_a_moment_is_stretched_exactly() -> None:
    """On the host in fractions, in a trace in integers; both hold within what can be counted."""
    span = anneal.Span(anneal.Linear(1.0, 0.0, 1), 0.25, 100.5)
    for top, bottom in [(3, 2), (1, 7), (2**20 + 1, 3), (5, 0)]:
        scale = anneal.TimeScale(top, bottom)
        known = span.stretched(scale)
        exact = min(Fraction(201, 2) * top / max(bottom, 1), MAX_STEP)
        assert known.end.as_number() == float(exact)
        traced = jax.jit(lambda a, b: span.stretched(anneal.TimeScale(a, b)).end)(top, bottom)
        assert float(traced.whole) + float(traced.part) == pytest.approx(float(exact), rel=1e-6)
