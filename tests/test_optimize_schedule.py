"""Schedules that a law's gradient finds: against published optima, and as schedules."""

from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.laws import LevelLaw, MomentumLaw, MultiPowerLaw, optimize_schedule

SMALL = MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414)
LARGE = MultiPowerLaw(2.6514, 0.6012, 0.4530, 437.95, 2.1325, 0.5979, 0.6552)


@pytest.mark.parametrize("constraint", ["non_increasing", "free"])
@pytest.mark.parametrize(("law", "published"), [(SMALL, 3.2580), (LARGE, 2.9246)])
def test_published_optima(law: MultiPowerLaw, published: float, constraint: str) -> None:
    """To a unit of the last published digit; the loss is that of the schedule returned."""
    best = optimize_schedule(law, 3e-4, 24_000, 2_160, constraint=constraint)
    assert best.loss < published + 1e-4
    with jax.enable_x64(True):
        assert float(law(best.schedule)[-1]) == pytest.approx(best.loss, abs=1e-5)
    assert best.loss < best.wsd < best.cosine


@pytest.mark.parametrize("law", [SMALL, MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995)])
def test_a_better_one_is_not_close_by(law: Any) -> None:
    """No small random change of its rates that keeps the constraint lowers the loss."""
    best: Any = optimize_schedule(law, 3e-4, 2_000, 100, knots=16)
    with jax.enable_x64(True):
        rates = np.asarray(best.schedule(np.arange(2_000)), float)
        assert rates.max() == pytest.approx(3e-4, rel=1e-6)
        assert (np.diff(rates[100:]) <= 1e-12).all()
        at = np.asarray(best.schedule.knots)
        rng = np.random.default_rng(0)
        for _ in range(20):
            values = rates[at] * np.exp(0.02 * rng.normal(size=len(at)))
            values[1:] = np.minimum.accumulate(np.minimum(values[1:], 3e-4))
            tried = np.interp(np.arange(2_000), at, values)
            assert float(law(tried)[-1]) > best.loss - 1e-6


def test_a_law_without_a_past_wants_one_drop_at_the_end() -> None:
    """The level law pays at once for a drop, so the optimum stays at the peak till the end."""
    best = optimize_schedule(LevelLaw(2.5, 0.5, 0.5, 300.0), 3e-4, 1_000, knots=8)
    assert float(best.schedule(900)) > 2.9e-4
    assert float(best.schedule(999)) < 1e-7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"law": 1.0}, "law must be a law"),
        ({"peak_value": 0.0}, "peak_value must be"),
        ({"constraint": "falling"}, "constraint"),
        ({"total_steps": 100}, "total_steps must be"),
        ({"knots": 1}, "knots must be"),
    ],
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    """One sentence that names the argument."""
    given: dict[str, Any] = {"law": SMALL, "peak_value": 1e-3, "total_steps": 1_000}
    with pytest.raises(ValueError, match=message):
        optimize_schedule(**{**given, **change})


def test_it_plugs_into_anneal() -> None:
    """What comes back is a schedule as any other."""
    best = optimize_schedule(SMALL, 3e-4, 2_000, 100, knots=16)
    assert isinstance(best.schedule, anneal.Schedule)
    assert float(jax.jit(best.schedule)(100)) == pytest.approx(3e-4)
