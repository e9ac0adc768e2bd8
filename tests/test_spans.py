"""Spans where moments meet the counter, waves that go on, and time slowed down or cut."""

from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import TimeScale
from tests import oracle as o, oracle_spans as os
from tests.cases import LARGEST, assert_close, floating

FIRST = np.arange(60)


def _cycle(n: int) -> anneal.Schedule:
    return anneal.Linear(0.0, 1.0, 2).then(anneal.Cosine(1.0, 0.0, n - 2)).repeat(3)


class TestEvery:
    def test_every_value_is_held(self) -> None:
        schedule = anneal.Linear(1.0, 0.0, 5)
        slow = schedule.every(3)
        assert slow.steps == 15
        np.testing.assert_array_equal(slow(FIRST), schedule(FIRST // 3))

    def test_of_an_open_end_has_none(self) -> None:
        assert anneal.InverseTime(1.0, 3, 0.5).every(7).steps is None

    def test_cycles_begin_with_an_interval(self) -> None:
        slow = _cycle(4).every(3)
        assert slow.steps == 36
        assert slow.has_restarts
        np.testing.assert_array_equal(np.flatnonzero(slow.is_restart(FIRST)), [12, 24])
        np.testing.assert_array_equal(slow.cycle(FIRST), np.minimum(FIRST // 12, 2))
        assert not anneal.Linear(1.0, 0.0, 5).every(3).has_restarts

    def test_of_one_step_is_the_same(self) -> None:
        schedule = _cycle(4)
        np.testing.assert_array_equal(schedule.every(1)(FIRST), schedule(FIRST))

    def test_far_ahead(self) -> None:
        """Whole intervals of a counter, not a quotient of floats."""
        slow = anneal.Linear(0.0, 1.0, 2).repeat().every(2**24 + 1)
        ends = np.arange(1, 120) * (2**24 + 1)
        np.testing.assert_array_equal(slow.is_restart(ends), np.arange(1, 120) % 2 == 0)
        assert not np.any(slow.is_restart(ends - 1))

    def test_stretch_keeps_the_interval(self) -> None:
        slow = anneal.Linear(1.0, 0.0, 10).every(4).stretch(1.05)
        assert slow == anneal.Linear(1.0, 0.0, 11).every(4)


class TestUntil:
    def test_holds_the_value_it_ends_at(self) -> None:
        schedule = anneal.InverseTime(1.0, 3, 0.5)
        cut = schedule.until(20)
        assert cut.steps == 20
        np.testing.assert_array_equal(cut(FIRST), schedule(np.minimum(FIRST, 20)))
        assert cut(LARGEST) == schedule(20)

    def test_gives_an_open_end_a_length(self) -> None:
        assert anneal.Constant(1.0).until(5).then(anneal.Linear(1.0, 0.0, 4)).steps == 9

    def test_no_cycle_begins_after_the_end(self) -> None:
        cut = _cycle(4).until(9)
        assert (cut.steps, cut.has_restarts) == (9, True)
        np.testing.assert_array_equal(np.flatnonzero(cut.is_restart(FIRST)), [4, 8])
        assert cut.cycle(LARGEST) == 2
        assert not anneal.Linear(1.0, 0.0, 5).until(3).has_restarts

    def test_one_that_begins_at_the_end_counts(self) -> None:
        np.testing.assert_array_equal(np.flatnonzero(_cycle(4).until(8).is_restart(FIRST)), [4, 8])

    def test_may_be_longer_than_the_schedule(self) -> None:
        schedule = anneal.Linear(1.0, 0.5, 4)
        assert schedule.until(9).steps == 9
        np.testing.assert_array_equal(schedule.until(9)(FIRST), schedule(FIRST))

    def test_at_step_0_is_a_constant(self) -> None:
        np.testing.assert_array_equal(anneal.Linear(1.0, 0.5, 4).until(0)(FIRST), np.ones(60))


class TestSpan:
    def test_holds_both_ends_exactly(self) -> None:
        span = anneal.Span(anneal.Cosine(0.7, 0.1, 1), begin=2.5, end=7.5)
        got = span([0, 2, 3, 7, 8, LARGEST])
        np.testing.assert_array_equal(got[:2], floating()(0.7))
        np.testing.assert_array_equal(got[-2:], floating()(0.1))
        assert 0.1 < got[3] < got[2] < 0.7
        assert span.steps == 8

    def test_a_fraction_that_rounds_to_one_is_no_trouble(self) -> None:
        """As products such as `0.3 * 100 - 1` give them: hardly below a whole step, or above."""
        for begin, end in [(3 - 4e-16, 9 - 2e-15), (3 + 4e-16, 9 + 2e-15), (-1e-20, 9.0)]:
            for shape, plan in [(anneal.Linear, o.linear), (anneal.Logarithmic, o.logarithmic)]:
                span = anneal.Span(shape(1.0, 0.5, 1), begin, end)
                wanted = os.Span(plan(1.0, 0.5, 1), begin, end)
                assert span.steps == wanted.steps
                assert_close(span(FIRST), [wanted.value(t) for t in FIRST.tolist()])

    def test_of_no_length_jumps(self) -> None:
        """As a segment of no steps does; a stretch may come to it."""
        for begin in (0.0, 2.5, 3.0, -4.0):
            span = anneal.Span(anneal.Linear(1.0, 0.5, 1), begin, begin)
            np.testing.assert_array_equal(span(FIRST), np.where(begin > FIRST, 1.0, 0.5))
        assert anneal.Span(anneal.Linear(1.0, 0.5, 1), 1.5, 3.5).stretch(0.01)(0) == 0.5

    def test_whole_moments_of_tracers_are_exact(self) -> None:
        for n in (2**24 + 1, LARGEST):
            assert jax.jit(lambda n: anneal.k_decay(anneal.Linear(1.0, 0.0, n), 2.0).steps)(n) == n

    @pytest.mark.parametrize(("top", "bottom"), [(3, 2), (7, 5), (2**30 + 1, 2**30), (1, 3)])
    def test_a_traced_stretch_keeps_the_fraction(self, top: int, bottom: int) -> None:
        """float32 has none at a million steps: the whole part is scaled in integers."""
        span = anneal.Span(anneal.Linear(1.0, 0.0, 1), -2.25, 10**6 + 0.75)
        known = span.stretched(TimeScale(top, bottom))
        traced = jax.jit(lambda span, a, b: span.stretched(TimeScale(a, b)))(span, top, bottom)
        for name in ("begin", "end"):
            ours, wanted = getattr(traced, name), getattr(known, name)
            difference = (int(ours.whole) - wanted.whole) + (float(ours.part) - wanted.part)
            assert abs(difference) < 1e-6

    def test_a_stretch_stays_within_the_counter(self) -> None:
        """Cycles that nobody reaches are filled up with very long ones."""
        span = anneal.Span(anneal.Linear(1.0, 0.0, 1), -7, 0.25)
        wanted = span.repeat(3)(FIRST)
        np.testing.assert_array_equal(anneal.repeat(span, periods=[1, 1, 1])(FIRST), wanted)

    def test_gradients_are_finite_in_extreme_spans(self) -> None:
        """Of no length, shorter than a step, before step 0, as long as can be; crossed ones too."""

        def value(moments: Any, ends: Any, t: Any, shape: Any = anneal.Linear) -> jax.Array:
            begin, end, power = moments
            return anneal.Span(shape(*ends, 1), begin, end, power)(t)

        pairs = [(0, 0), (3, 3), (3, 2), (2.9999999, 3), (2.5, 2.75), (-5, -2.5), (-1e-9, 5)]
        moments = [(b, e, p) for b, e in [*pairs, (0, 2e9)] for p in (0.3, 1.0, 3.0)]
        moments = tuple(np.array(column, floating()) for column in zip(*moments, strict=True))
        steps, ends = np.array([0, 1, 2, 3, 4, 2**30, LARGEST], np.int32), (1.0, 0.5)
        for shape in (anneal.Linear, anneal.Cosine, anneal.Logarithmic, anneal.Harmonic):
            at = jax.grad(lambda m, e, t, shape=shape: value(m, e, t, shape), (0, 1))
            mapped = jax.vmap(jax.vmap(at, (None, None, 0)), (0, None, None))
            found = jax.jit(mapped)(moments, tuple(map(floating(), ends)), steps)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found)), shape


class TestWaves:
    @pytest.mark.parametrize("unit", [1, 7, 41, 10**6, LARGEST])
    def test_one_half_is_exact_for_ever(self, unit: int) -> None:
        powers = [2**k for k in range(31)]
        steps = sorted({0, *powers, *(LARGEST - p + 1 for p in powers), *range(unit - 3, unit)})
        steps = [t for t in steps if t >= 0]
        plan = os.cosine_wave(0.3, 0.0, unit)
        # In a trough the reference has the rounding of its 40 digits for the zero.
        values = [x if x > 1e-30 else o.mp.mpf(0) for x in map(plan.value, steps)]
        assert_close(anneal.CosineWave(0.3, 0.0, unit)(steps), values)

    @pytest.mark.parametrize(("halves", "drift"), [(2.5, 0), (0.25, 0), (9999.0, 0), (1.3, 1e-9)])
    def test_errors_of_others_are_as_documented(self, halves: float, drift: float) -> None:
        for unit in (7, 1000):
            plan = os.cosine_wave(0.7, 0.0, unit, halves)
            steps = np.unique(np.geomspace(1, LARGEST, 200).astype(np.int64))
            got = np.asarray(anneal.CosineWave(0.7, 0.0, unit, halves)(steps), float)
            for t, x in zip(steps.tolist(), got, strict=True):
                limit = 3e-6 if halves > 1000 else 1e-6
                assert abs(x - float(plan.value(t))) <= 0.7 * (limit + drift * t / unit), t

    def test_a_polynomial_ends_each_cycle_where_it_should(self) -> None:
        wave = anneal.CyclicPolynomial(1.0, 0.25, 7, power=2.0)
        ends = np.array([7, 14, 7 * 10**8, LARGEST - LARGEST % 7])
        np.testing.assert_array_equal(wave(ends), np.full(4, 0.25))
        assert wave.is_restart(ends + 1).all()
        assert not wave.is_restart(ends).any()


def test_chebyshev_is_a_permutation_of_its_rates() -> None:
    for k in (0, 1, 2, 5, 10):
        n = 2**k
        got = np.sort(anneal.Chebyshev(1.0, n, lower=0.1)(np.arange(n)))
        angles = np.pi * (2 * np.arange(n) + 1) / (4 * n)
        wanted = 1 / (0.1 * np.cos(angles) ** 2 + np.sin(angles) ** 2)
        np.testing.assert_allclose(got, np.sort(wanted), rtol=1e-6)
    with pytest.raises(NotImplementedError, match="power of two cannot be stretched"):
        anneal.Chebyshev(1.0, 8).stretch(2)
    assert anneal.Chebyshev(1.0, 8).repeat(3).steps == 24


def test_a_harmonic_of_sixty_decades() -> None:
    """No product of the ends, which float32 could not hold."""
    steps = np.array([0, 1, 2, 500, 998, 999, 1000])
    for ends in [(1e30, 1e-30), (1e-30, 1e30)]:
        plan = os.harmonic(*ends, 1000)
        wanted = [plan.value(t) for t in steps.tolist()]
        assert_close(anneal.Harmonic(*ends, 1000)(steps), wanted)


@pytest.mark.parametrize(
    "cycle",
    [
        anneal.Span(anneal.Linear(1.0, 0.0, 1), 0.5, 3.5),
        anneal.InverseSqrt(1.0, timescale=3.0).until(4),
    ],
)
def test_growing_cycles_stretch_moments_too(cycle):
    """Durations that are no whole numbers grow with the cycles they are in."""
    length = cycle.steps
    parts = [cycle.stretch(factor) for factor in (1, 2, 4)]
    wanted = anneal.join(parts, [length, 3 * length])
    steps = np.arange(7 * length)
    np.testing.assert_allclose(cycle.repeat(3, 2)(steps), wanted(steps), rtol=1e-6)
