"""Cycles and stretching: where cycles begin, and how boundaries move."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import REAL, WHOLE, TimeScale
from anneal_jax.schedules._time_scale import replaced
from tests.cases import LARGEST, Case, assert_close, floating, points, references
from tests.numpy_eval import evaluate
from tests.table import CASES

FIRST = np.arange(160)


def test_cycles_are_counted_from_the_restarts(case: Case) -> None:
    """`cycle` is the number of restarts up to and including a step, counted one by one."""
    plan, schedule = case.reference(), case.schedule()
    begun = np.array([0] + [plan.restarts(int(t)) for t in FIRST[1:]])
    ask = jax.jit(lambda schedule, steps: (schedule.cycle(steps), schedule.is_restart(steps)))
    cycles, restarts = evaluate(ask, schedule, FIRST)
    np.testing.assert_array_equal(cycles, np.cumsum(begun))
    np.testing.assert_array_equal(restarts, begun > 0)
    assert schedule.has_restarts or not begun.any()


@pytest.mark.parametrize("ahead", [10**6, 2**24, LARGEST - 200])
def test_cycles_far_ahead(ahead: int) -> None:
    """Cycle 10**8 begins where it should: indices are integers all the way."""
    cycle = anneal.Linear(0.0, 1.0, 2).then(anneal.Cosine(1.0, 0.0, 5)).repeat()
    steps = np.arange(ahead, ahead + 100)
    np.testing.assert_array_equal(cycle.cycle(steps), steps // 7)
    np.testing.assert_array_equal(cycle.is_restart(steps), steps % 7 == 0)
    np.testing.assert_array_equal(cycle(steps), np.asarray(cycle(np.arange(7)))[steps % 7])


def test_a_part_without_steps_begins_no_cycle_before_the_first_step() -> None:
    schedule = anneal.join([anneal.Linear(0.0, 1.0, 0), anneal.Cosine(1.0, 0.0, 4)], restarts=True)
    np.testing.assert_array_equal(schedule.cycle([0, 1, 4, 5]), [0, 0, 0, 0])
    assert not schedule.is_restart(0)


STRETCHED = [case for case in CASES if case.stretches]
FACTORS = [0.1, 0.37, 1.7, 3]


@pytest.mark.parametrize("case", STRETCHED, ids=[case.name for case in STRETCHED])
class TestStretch:
    def test_by_one_is_the_same(self, case: Case) -> None:
        schedule = case.schedule()
        stretched = schedule.stretch(1.0)
        assert stretched.steps == schedule.steps
        np.testing.assert_array_equal(stretched(points(case)), schedule(points(case)))

    def test_by_two_and_back_keeps_boundaries(self, case: Case) -> None:
        schedule = case.schedule().stretch(2).stretch(0.5)
        near = points(case) < 2**29
        got = np.asarray(schedule(points(case)))[near]
        wanted, sizes = (np.array(x)[near].tolist() for x in references(case))
        assert schedule.steps == case.schedule().steps
        assert_close(got, wanted, sizes)

    @pytest.mark.parametrize("factor", FACTORS)
    def test_boundaries_move_to_the_nearest_step(self, case: Case, factor: float) -> None:
        """Phases are rebuilt between them: the length, ends, peaks and joins are exact."""
        schedule, plan = case.schedule().stretch(factor), case.reference().stretch(factor)
        assert schedule.steps == plan.steps
        edges = sorted(plan.edges())
        near = {*range(40), *(e + d for e in edges[:12] + edges[-12:] for d in (-1, 0, 1))}
        if case.name == "shift earlier into cycles" and factor == 0.37:
            return  # its boundaries are rounded from where it begins, before step 0
        # Growing cycles without end are laid out up to step 2**31 - 1, and shrink with the rest.
        last = LARGEST if factor >= 1 or schedule.steps is not None else int(factor * 2**30)
        steps = np.resize(sorted(t for t in near if 0 <= t <= last), len(points(case)))
        got = np.asarray(schedule(steps))
        values = [plan.value(t) for t in steps.tolist()]
        assert_close(got, values, [plan.size(t) for t in steps.tolist()])
        given = np.array([plan.given(t) for t in steps.tolist()])
        exact = np.array([float(value) for value in values]).astype(floating())
        np.testing.assert_array_equal(got[given], exact[given])


def test_the_length_of_a_stretch_is_the_nearest() -> None:
    """`round(factor * steps)`, halves upwards, also of many short cycles."""
    assert anneal.Linear(1.0, 0.0, 3).repeat(1000).stretch(1.1).steps == 3300
    assert anneal.Linear(1.0, 0.0, 5).stretch(0.5).steps == 3
    later = anneal.Constant(1.0, 1).then(anneal.Linear(1.0, 0.0, 3).repeat(2))
    assert later.stretch(0.5).steps == 4


def test_a_stretch_keeps_cycles_that_outlast_one_that_vanishes() -> None:
    """The first cycle shrinks to nothing; the later ones still begin at their peaks."""
    schedule = anneal.Linear(1.0, 0.0, 2).repeat(4, steps_factor=10).stretch(0.1)
    np.testing.assert_array_equal(schedule([0, 2, 22]), [1.0, 1.0, 1.0])
    assert schedule(12) == 0.5


def test_a_stretch_keeps_endless_cycles_endless() -> None:
    """Growing cycles begin where they did, times the factor."""
    cycle = anneal.Linear(1.0, 0.0, 2)
    schedule, plan = cycle.repeat(steps_factor=2).stretch(0.5), cycle.repeat(steps_factor=2)
    starts = np.array([2 * (2**k - 1) for k in range(1, 31)])
    np.testing.assert_array_equal(schedule(starts // 2), np.ones(30))
    np.testing.assert_array_equal(plan(starts), np.ones(30))


def test_a_stretch_of_endless_cycles_keeps_the_floor() -> None:
    """Peaks fall from cycle to cycle, the floor stays; both parts become longer."""
    short, wanted = (
        anneal.cosine_restarts(1.0, n, value_factor=0.5, end_value=0.1) for n in (4, 8)
    )
    np.testing.assert_array_equal(short.stretch(2)(FIRST), wanted(FIRST))


def test_a_pair_restarts_where_either_does() -> None:
    cycles, line = anneal.Linear(1.0, 0.0, 4).repeat(3), anneal.Linear(1.0, 0.5, 12)
    for schedule in (cycles * line, line * cycles, cycles + line, anneal.minimum(line, cycles)):
        assert schedule.has_restarts
        np.testing.assert_array_equal(np.flatnonzero(schedule.is_restart(FIRST)), [4, 8])
    assert not (line * line).has_restarts


def test_cycles_that_end_where_they_are_cut_do_not_begin_once_more() -> None:
    """The next part begins where a cycle would have."""
    cycles = anneal.Linear(1.0, 0.0, 4).repeat()
    whole = anneal.join([cycles, cycles, anneal.Constant(0.0)], [8, 12])
    np.testing.assert_array_equal(np.flatnonzero(whole.is_restart(FIRST)), [4])


def test_nothing_begins_where_the_last_cycle_ends() -> None:
    """Though a part without steps stands at the end of each."""
    cycle = anneal.join([anneal.Linear(1.0, 0.0, 4), anneal.Linear(1.0, 0.5, 0)], restarts=True)
    np.testing.assert_array_equal(np.flatnonzero(cycle.repeat(2).is_restart(FIRST)), [4])


def test_a_stretch_of_a_traced_length_is_exact() -> None:
    """float32 does not count beyond 2**24; the factor is applied in integers."""
    for steps in (2**24 + 1, 2**27 + 1):
        length = jax.jit(lambda n: anneal.Linear(1.0, 0.0, n).stretch(2.0).steps)(steps)
        assert length == 2 * steps


def test_halves_go_upwards_also_for_tracers() -> None:
    cycle = anneal.Linear(1.0, 0.0, 3)
    wanted = cycle.repeat(3, 1.5)(FIRST)
    np.testing.assert_allclose(jax.jit(lambda f: cycle.repeat(3, f)(FIRST))(1.5), wanted, rtol=1e-6)


def test_stacked_cycles_are_stretched_one_by_one() -> None:
    """Like segments are one stack; each has its own number and lengths of cycles."""

    def both(factor: int, growth: int) -> anneal.Schedule:
        first, second = (anneal.Linear(1.0, 0.0, n * factor // 2) for n in (4, 6))
        return anneal.join([first.repeat(2, growth), second.repeat(3, growth)])

    steps = np.arange(200)
    ask = jax.jit(lambda schedule, t: (schedule(t), schedule.cycle(t)))
    for factor, growth in [(3, 1), (4, 2)]:
        whole, wanted = both(2, growth), both(factor, growth)
        assert len(whole.layout) == 1
        for got, expected in [
            (whole.stretch(factor / 2), wanted),
            (whole.repeat(2, factor / 2), anneal.join([whole, wanted], restarts=True)),
        ]:
            assert got.steps == expected.steps
            found, sought = (evaluate(ask, schedule, steps) for schedule in (got, expected))
            np.testing.assert_array_equal(found, sought)


def test_a_count_that_is_no_declared_duration_is_not_stretched() -> None:
    """Nothing guesses what a field of one's own schedule means."""

    class Own(anneal.Schedule):
        steps: int

        def value_at(self, step: jax.Array) -> jax.Array:
            return step.astype(floating())

    for steps in (3, np.int64(3), 2.5):
        with pytest.raises(NotImplementedError, match="steps may be a duration or not; mark it"):
            Own(cast(int, steps)).stretched(TimeScale(2, 1))


def test_durations_of_ones_own_that_are_no_whole_numbers() -> None:
    """`REAL` moves them unrounded; `WHOLE` would round them, and no mark lose them in cycles."""

    class Own(anneal.Schedule):
        half_life: float = eqx.field(metadata=REAL)
        wrong: Any = eqx.field(default=None, metadata=WHOLE)
        lost: Any = None

        @property
        def steps(self) -> int:
            return 4

        def value_at(self, step: jax.Array) -> jax.Array:
            return jnp.exp2(-step.astype(floating()) / jnp.asarray(self.half_life, floating()))

        def stretched(self, scale: TimeScale) -> anneal.Schedule:
            moved = super().stretched(scale)
            return moved if self.lost is None else replaced(moved, lost=scale.real(self.lost))

    assert cast(Own, Own(2.5).stretch(0.5)).half_life == 1.25
    np.testing.assert_allclose(Own(2.5).repeat(2, 2)(4 + 5), 0.5, rtol=1e-6)
    for value in (2.5, 2.0, jnp.ones(())):
        with pytest.raises(NotImplementedError, match="wrong must be a whole number where it is"):
            Own(1.0, value).stretch(2)
    with pytest.raises(NotImplementedError, match="moves a field that is not marked; mark it"):
        Own(1.0, lost=2.5).repeat(2, 2)
