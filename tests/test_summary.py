"""The key figures of a schedule, and its curve in few points, against every one of its steps."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import _curve
from anneal_jax.schedules._pieces import pieces
from tests.table import CASES, DISTINCT

# The last of each class: every one has its own rule for joins, if any, and compiles.
EACH = [*{type(case.schedule()): case for case in DISTINCT}.values()]


def everywhere(schedule: anneal.Schedule, steps: int) -> np.ndarray:
    return _curve.asked(schedule, np.arange(steps + 1))


@pytest.mark.parametrize("case", EACH, ids=lambda case: case.name)
def test_key_figures_are_those_of_all_steps(case: Any) -> None:
    schedule = case.schedule()
    found = anneal.summary(schedule)
    values = everywhere(schedule, found.steps)
    assert (found.length or found.steps) == max(found.steps, 1) or found.length == 0
    assert (found.least_value, found.peak_value) == (values.min(), values.max())
    assert found.peak_step == values.argmax()
    assert (found.init_value, found.end_value) == (values[0], values[-1])
    assert found.area == pytest.approx(values[:-1].sum(), rel=1e-12)
    assert found.cycles == int(schedule.cycle(found.steps - 1)) + 1
    ends = [phase.begin + phase.steps for phase in found.phases]
    assert [phase.begin for phase in found.phases] == [0, *ends[:-1]]  # they tile the steps
    assert ends[-1] == found.steps
    for phase in found.phases:
        own = values[phase.begin : phase.begin + phase.steps]
        assert phase.area == pytest.approx(own.sum(), rel=1e-12)
        assert phase.init_value == own[0]
    assert sum(phase.share for phase in found.phases) == pytest.approx(1)
    at, drawn = _curve.sampled(schedule, found.steps, columns=16)
    np.testing.assert_array_equal(drawn, values[at])
    for low, high in itertools.pairwise(np.linspace(0, found.steps, 17).astype(int)):
        own, seen = values[low : high + 1], drawn[(at >= low) & (at <= high)]
        assert (own.min(), own.max()) == (seen.min(), seen.max())


def test_phases_are_told_by_their_formulas() -> None:
    """Where they begin and what they come to, in time that is shifted, slowed, cut and turned."""
    up, down = anneal.Linear(0.0, 1.0, 10), anneal.Cosine(1.0, 0.0, 40)
    both = up.then(down)

    def told(schedule: anneal.Schedule, steps: int | None = None) -> list[tuple[str, int, int]]:
        return [(p.kind, p.begin, p.steps) for p in anneal.summary(schedule, steps).phases]

    assert told(both) == [("Linear", 0, 10), ("Cosine", 10, 40)]
    assert told(0.1 * both.clip(upper=0.5), 60)[1:] == [("Cosine", 10, 40), ("held", 50, 10)]
    assert told(both.shift(5)) == [("held", 0, 5), ("Linear", 5, 10), ("Cosine", 15, 40)]
    assert told(both.shift(-5)) == [("Linear", 0, 5), ("Cosine", 5, 40)]
    assert told(both.every(3)) == [("Linear", 0, 30), ("Cosine", 30, 120)]
    assert told(both.until(20)) == [("Linear", 0, 10), ("Cosine", 10, 10)]
    assert told(both.reverse()) == [("Cosine", 0, 40), ("Linear", 40, 10)]
    assert told(both * anneal.Linear(1.0, 0.0, 30)) == [
        ("Linear * Linear", 0, 10),
        ("Cosine * Linear", 10, 20),
        ("Cosine", 30, 20),
    ]
    grown = both.repeat(2, steps_factor=1.5)
    assert told(grown) == [
        *told(both),
        ("Linear", 50, 15),
        ("Cosine", 65, 60),
    ]
    assert told(both.repeat(100)) == [("cycles of Linear, Cosine", 0, 5000)]
    table = anneal.PiecewiseConstant([30, 60], [1.0, 0.5, 0.1])
    assert told(table) == [("Constant", 0, 30), ("Constant", 30, 30)]
    ends = [phase.end_value for phase in anneal.summary(table).phases]
    assert ends == pytest.approx([1.0, 0.5])  # not what the next one jumps to
    assert [phase.end_value for phase in anneal.summary(both).phases] == [1.0, 0.0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_joins_hide_no_bend(case: Any) -> None:
    """Pieces tile the steps asked for, whatever the schedule, and are no more than allowed."""
    for end, most in ((1, 5), (200, 4000), (200, 3)):
        found = pieces(case.schedule(), end, most)
        assert [p.begin for p in found] == [0, *(p.end for p in found[:-1])]
        assert found[-1].end == end
        assert all(p.begin < p.end for p in found)


LONG = {
    "cosine": anneal.warmup_cosine(1.0, 30, 400_000, end_value=0.1),
    "product": anneal.Cosine(0.0, 1.0, 300_000) * anneal.Linear(1.0, 0.0, 400_000),
    "table": anneal.PiecewiseConstant([200_001, 200_003, 299_999], [0.5, 1.0, 0.2, 0.3]),
    "few restarts": anneal.cosine_restarts(1.0, 9_999, cycles=40, warmup_steps=11),
    "many restarts": anneal.cosine_restarts(1.0, 7, cycles=60_000, value_factor=0.99999),
    "peaks inside": anneal.cosine_restarts(
        1.0, 7, cycles=60_000, value_factor=0.99999, warmup_steps=3
    ),
    "growing": anneal.cosine_restarts(1.0, 3, cycles=60, steps_factor=1.2, value_factor=0.97),
    "triangles": anneal.Triangular(0.1, 1.0, up_steps=33_333, mode="triangular2").until(400_000),
}


@pytest.mark.parametrize("name", LONG)
def test_curves_of_long_schedules_hold_all_extremes(name: str) -> None:
    """And both sides of joins and restarts, without asking every step."""
    schedule, columns = LONG[name], 64
    end = anneal.summary(schedule).steps
    values = everywhere(schedule, end)
    at, drawn = _curve.sampled(schedule, end, columns=columns)
    assert len(at) < 16 * columns
    np.testing.assert_array_equal(drawn, values[at])
    for low, high in itertools.pairwise(np.linspace(0, end, columns + 1).astype(int)):
        own, seen = values[low : high + 1], drawn[(at >= low) & (at <= high)]
        assert (own.min(), own.max()) == (seen.min(), seen.max())
    fresh = np.flatnonzero(np.asarray(schedule.is_restart(np.arange(end + 1))))
    joins = [phase.begin for phase in anneal.summary(schedule).phases if phase.begin]
    wanted = np.array([*joins, *(fresh if len(fresh) < 100 else [])], int)
    assert set(wanted) | set(wanted - 1) <= set(at.tolist())


def test_areas_of_long_phases_are_close() -> None:
    long = anneal.warmup_cosine(1.0, 30_000, 400_000, end_value=0.1)
    many = anneal.cosine_restarts(1.0, 7, cycles=60_000, value_factor=0.99999, warmup_steps=2)
    for schedule, most in ((long, 1e-6), (many, 1e-3)):
        found = anneal.summary(schedule)
        wanted = everywhere(schedule, found.steps)[:-1].sum()
        assert found.area == pytest.approx(wanted, rel=most)


def test_a_schedule_without_an_end_is_shown_for_a_while() -> None:
    assert anneal.summary(anneal.warmup_inverse_sqrt(1.0, 100)).steps == 400
    assert anneal.summary(anneal.cosine_restarts(1.0, 100, steps_factor=2)).cycles == 4
    assert anneal.summary(anneal.as_schedule(0.1)).length is None
    assert anneal.summary(anneal.as_schedule(0.1), 50).area == pytest.approx(5)
    huge = anneal.summary(anneal.cosine_restarts(1.0, 2, cycles=10**9))
    assert (huge.cycles, len(huge.phases)) == (10**9, 1)


def test_what_has_no_figures_is_refused() -> None:
    batch = jax.vmap(lambda peak: anneal.warmup_cosine(peak, 5, 20))(jnp.ones(3))
    bad: Any
    for bad in (batch, 0.1, batch.as_arrays()):
        with pytest.raises(ValueError, match="summary: schedule must be"):
            anneal.summary(bad)
    with pytest.raises(ValueError, match="summary: schedule must be one schedule whose"):
        jax.jit(lambda peak: anneal.summary(anneal.Linear(peak, 0.0, 5)).steps)(1.0)
    with pytest.raises(ValueError, match="summary: steps must be a whole number from 1"):
        anneal.summary(anneal.Linear(1.0, 0.0, 5), 0)
