"""Predictions of a fit, their intervals, comparisons, decisions, and what is warned of."""

import dataclasses
import functools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import anneal_jax as anneal
from anneal_jax import laws
from anneal_jax.laws import Fit, Law, LevelLaw, MomentumLaw, MultiPowerLaw

STEPS, PEAK = 4_000, 3e-4
COSINE = anneal.warmup_cosine(PEAK, 200, STEPS, end_value=0.1 * PEAK)
CONSTANT = anneal.warmup_constant(PEAK, 200)
WSD = anneal.warmup_stable_decay(PEAK, 200, 800, STEPS)
TRUE = MultiPowerLaw(3.0, 0.5, 0.5, 400.0, 1.05, 0.5, 0.5, 0.6)


@functools.cache
def curve(law: Law, schedule: anneal.Schedule) -> np.ndarray:
    """Of all steps, without noise."""
    return np.asarray(law(schedule, STEPS), float)


def runs(law: Law, seed: int, noise: float = 2e-3) -> list[Any]:
    """A cosine and a constant run with noise."""
    rng, at = np.random.default_rng(seed), np.arange(200, STEPS, 100)
    return [
        (one, at, curve(law, one)[at] * np.exp(noise * rng.normal(size=len(at))))
        for one in (COSINE, CONSTANT)
    ]


@pytest.fixture(scope="module")
def found() -> Fit:
    """One for all tests that only read it."""
    return laws.fit(MultiPowerLaw, runs(TRUE, 0))


def small(law: Law, given: list[Any]) -> Fit:
    """A fit of the law's class with few starts and members."""
    return laws.fit(type(law), given, starts=1, members=8)


@functools.cache
def many(law: Law) -> list[Fit]:
    """Fits to the same runs with other noise each."""
    return [small(law, runs(law, seed, 5e-3)) for seed in range(10)]


def test_a_prediction_is_the_laws_curve_with_an_interval_around_it(found: Fit) -> None:
    """At every step, wider where it must hold with more probability."""
    one, more = (found.predict(WSD, probability=p) for p in (0.8, 0.95))
    np.testing.assert_allclose(one.losses, found.law(WSD), rtol=1e-6)
    moving = one.losses[1:]
    assert np.isinf(one.losses[0])
    assert ((one.low[1:] < moving) & (moving < one.high[1:])).all()
    assert more.interval[0] < one.interval[0] < one.loss < one.interval[1] < more.interval[1]
    assert (one.loss, one.interval) == (one.losses[-1], (one.low[-1], one.high[-1]))


@pytest.mark.parametrize("true", [TRUE, MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995)])
def test_intervals_hold_the_truth(true: Law) -> None:
    """Of what the law itself would do, nearly always: they also hold a misfit it has not."""
    inside = []
    for fit in many(true):
        interval = fit.predict(WSD).interval
        inside.append(interval[0] < curve(true, WSD)[-1] < interval[1])
    assert np.mean(inside) >= 0.8


def test_more_noise_is_a_wider_interval() -> None:
    """By the members, and by what the law is known to miss."""
    widths = []
    for noise in (1e-3, 1e-2):
        low, high = small(TRUE, runs(TRUE, 0, noise)).predict(WSD).interval
        widths.append(high - low)
    assert widths[1] > 3 * widths[0]


def test_the_misfit_is_the_laws_own_by_the_noise_and_the_ends(found: Fit) -> None:
    """`hypot(2.5 * hypot(5e-4, noise), end)`: waves are no noise, and one run tells less."""

    def misfit(*residuals: np.ndarray) -> float:
        return dataclasses.replace(found, residuals=residuals).misfit

    zero, rng = np.zeros(5_000), np.random.default_rng(0)
    np.testing.assert_allclose(misfit(zero, zero), 2.5 * 5e-4)
    np.testing.assert_allclose(misfit(zero), 4 * 2.5 * 5e-4)
    end = np.where(np.arange(5_000) >= 4_500, 3e-3, 0.0)
    np.testing.assert_allclose(misfit(end, end), np.hypot(2.5 * 5e-4, 3e-3))
    wave = 2e-2 * np.sin(np.arange(5_000) / 500)
    each = rng.normal(0.0, 4e-3, (2, 5_000)) + wave
    wanted = np.hypot(2.5 * np.hypot(5e-4, 4e-3), np.sqrt(np.mean(each[:, 4_500:] ** 2)))
    np.testing.assert_allclose(misfit(*each), wanted, rtol=0.02)


def test_members_agree_where_the_runs_leave_no_doubt() -> None:
    """Centres of the prior are drawn as far apart as residuals are large."""
    at = np.array([STEPS - 1])
    fit = small(TRUE, runs(TRUE, 0, 1e-4))
    assert np.abs(fit.ratios(np.asarray(WSD(np.arange(STEPS)), float), at)).max() < 3e-4


def test_a_wrong_law_has_a_larger_held_out_error_and_comes_last() -> None:
    """`select` sorts by it."""
    true = MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.998)
    fits = laws.select([LevelLaw, MomentumLaw], runs(true, 0, noise=5e-4))
    assert [type(one.law) for one in fits] == [MomentumLaw, LevelLaw]
    assert fits[1].held_out > 2 * fits[0].held_out


@pytest.mark.filterwarnings("ignore:fit. LevelLaw did not converge")  # (to what no law explains)
def test_three_runs_are_held_out_each_as_a_whole() -> None:
    """A run that no law explains is what its held-out error speaks of."""
    true = LevelLaw(2.5, 0.5, 0.5, 300.0)
    good = [*runs(true, 0), *runs(true, 1)[:1]]
    odd = [*good[:2], (*good[2][:2], good[2][2] * 1.1)]
    assert small(true, odd).held_out > 0.03
    assert small(true, good).held_out < 0.005


def test_a_fit_is_plain_data(found: Fit, tmp_path: Path) -> None:
    """JSON, and back to the same predictions."""
    found.save(tmp_path / "fit.json")
    again = laws.load_fit(tmp_path / "fit.json")
    for one, other in zip(found.predict(WSD)[:3], again.predict(WSD)[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.as_data() == json.loads((tmp_path / "fit.json").read_text()) == found.as_data()


class Mine(LevelLaw):
    """A law of a user's own."""


def test_a_law_of_ones_own_is_saved_and_read(tmp_path: Path) -> None:
    """With its class; without it, the error names the known ones."""
    true = Mine(2.5, 0.5, 0.5, 300.0)
    small(true, runs(true, 0)).save(tmp_path / "fit.json")
    assert type(laws.load_fit(tmp_path / "fit.json", Mine).law) is Mine
    with pytest.raises(ValueError, match="pass its class as kind"):
        laws.load_fit(tmp_path / "fit.json")
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match=r"a file that Fit\.save wrote"):
        laws.load_fit(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        (anneal.warmup_cosine(6e-4, 200, STEPS), r"its peak 0.0006 is 2.00 times 0.0003"),
        (anneal.warmup_cosine(1e-4, 200, STEPS), r"its peak 0.0001 is 0.33 times 0.0003"),
        (anneal.warmup_cosine(PEAK, 200, 3 * STEPS), r"its 12000 steps are 3.08 times 3901"),
    ],
)
def test_what_was_not_fitted_is_warned_of(found: Fit, schedule: Any, told: str) -> None:
    """With the distance; by each function that predicts."""
    with pytest.warns(UserWarning, match=f"predict: .*{told}"):
        found.predict(schedule)
    with pytest.warns(UserWarning, match=f"compare: .*{told}"):
        laws.compare(found, {"it": schedule})


def test_a_fall_that_no_run_had_is_warned_of() -> None:
    """A constant run says nothing of a cooldown."""
    only = small(LevelLaw(2.5, 0.5, 0.5, 300.0), runs(TRUE, 0)[1:])
    with pytest.warns(UserWarning, match="it falls to .* of its peak, and no run below 1"):
        only.predict(WSD)


def test_what_was_fitted_is_not_warned_of(found: Fit) -> None:
    """Neither the runs themselves nor others of their kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for schedule in (COSINE, CONSTANT, WSD):
            found.predict(schedule, STEPS)


def test_a_comparison_ranks_and_knows_how_sure_it_is(found: Fit) -> None:
    """Probabilities of a pair add up to 1; what is hardly different is near to even odds."""
    alike = anneal.warmup_stable_decay(PEAK, 200, 801, STEPS)
    ranked = laws.compare(
        found, {"constant": CONSTANT, "wsd": WSD, "alike": alike, "cosine": COSINE}, STEPS
    )
    truth = {"constant": CONSTANT, "cosine": COSINE}
    wanted = sorted(truth, key=lambda name: curve(TRUE, truth[name])[-1])
    assert list(ranked.names[-2:]) == wanted
    assert (np.diff(ranked.losses) >= 0).all()
    np.testing.assert_allclose(ranked.better + ranked.better.T, 1.0, atol=1e-12)
    assert ranked.better[0, -1] > 0.99
    assert 0.5 <= ranked.better[0, 1] < 0.51
    at = ranked.names.index("wsd")
    single = found.predict(WSD)
    assert ranked.losses[at] == pytest.approx(single.loss, rel=1e-6)
    assert (ranked.low[at], ranked.high[at]) == pytest.approx(single.interval, rel=1e-4)


def test_probabilities_are_right_as_often_as_they_say() -> None:
    """The better of two is named right, over many fits of a known law, at least that often."""
    other = anneal.warmup_stable_decay(PEAK, 200, 1_600, STEPS)
    truth = curve(TRUE, WSD)[-1] < curve(TRUE, other)[-1]
    said, right = [], []
    for fit in many(TRUE):
        ranked = laws.compare(fit, {"wsd": WSD, "other": other})
        said.append(ranked.better[0, 1])
        right.append((ranked.names[0] == "wsd") == truth)
    assert np.mean(right) >= np.mean(said) - 0.2


def test_the_best_cooldown_is_the_best_of_those_tried(found: Fit) -> None:
    """And its schedule is the one a user would build."""
    best = laws.best_cooldown(found, PEAK, STEPS, 200, cooldown=anneal.Linear)
    assert best.loss == min(best.losses.values()) == best.losses[best.share]
    steps = round(best.share * STEPS)
    same = anneal.warmup_stable_decay(PEAK, 200, steps, STEPS, cooldown=anneal.Linear)
    assert float(found.law(same)[-1]) == pytest.approx(best.loss, rel=1e-6)
    assert max(best.losses) <= 1 - 200 / STEPS


def test_steps_for_a_loss_are_the_fewest(found: Fit) -> None:
    """One step fewer does not reach it; the interval lies around."""

    def cosine(steps: int) -> anneal.Schedule:
        return anneal.warmup_cosine(PEAK, 200, steps, end_value=0.1 * PEAK)

    target = found.predict(cosine(2_000)).loss
    needed = laws.steps_for(found, target * (1 + 1e-9), cosine, least=500, most=STEPS)
    assert needed.steps in range(1_999, 2_001)
    assert needed.low < needed.steps
    assert needed.high is None or needed.high > needed.steps
    with pytest.raises(ValueError, match="target_loss must be at or above what 4000 steps reach"):
        laws.steps_for(found, 1.0, cosine, least=500, most=STEPS)


def test_ways_to_extend_a_run_begin_with_it(found: Fit) -> None:
    """And end as they say."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ways = laws.extend(found, CONSTANT, 2_000, 2_000)
    before, after = np.arange(2_000), np.arange(2_000, 4_000)
    for schedule in ways.schedules.values():
        np.testing.assert_allclose(schedule(before), CONSTANT(before))
    two, late = (np.asarray(ways.schedules[n](after)) for n in ("two-stage", "late cooldown"))
    np.testing.assert_allclose(two[[0, 999, 1_000, 1_999]] / PEAK, [1, 1, 0.316, 0.316], rtol=1e-5)
    assert late[1_599] == pytest.approx(PEAK)
    assert 0 < late[-1] < 0.01 * PEAK
    cosine = laws.extend(found, COSINE, 3_900, 100).schedules["re-warmup"]
    assert float(np.asarray(cosine(np.arange(3_900, 4_000))).max()) == pytest.approx(PEAK)
    assert set(ways.comparison.names) == {"re-warmup", "two-stage", "late cooldown"}


def test_an_optimized_schedule_of_a_fit_says_how_sure_its_gain_is(found: Fit) -> None:
    """It warns where the gain is inside of what the fit may be off."""
    with pytest.warns(UserWarning, match="its gain is inside the fit's interval"):
        unsure = laws.optimize_schedule(small(TRUE, runs(TRUE, 0, 3e-2)), PEAK, STEPS, 200, knots=8)
    assert unsure.better is not None
    assert unsure.better < 0.9


CALLS: dict[str, tuple[Any, str]] = {
    "probability": (lambda f: f.predict(WSD, probability=1.0), "probability must be"),
    "endless": (lambda f: f.predict(CONSTANT), "schedule must be a schedule with a length"),
    "negative": (lambda f: f.predict(np.array([1e-4, -1e-4])), "positive and finite"),
    "list": (lambda f: laws.compare(f, [WSD]), "schedules must be a dictionary"),
    "shares": (lambda f: laws.best_cooldown(f, PEAK, STEPS, 200, shares=[1.5]), "shares must be"),
    "array": (lambda f: laws.extend(f, np.ones(9), 5, 20), "a schedule of anneal_jax"),
    "extra": (lambda f: laws.extend(f, WSD, 5, 1), "extra_steps must be"),
    "law": (lambda f: laws.select([], []), "laws must be"),
    "kind": (lambda f: laws.select([1], []), "a class of laws"),
    "members": (lambda f: laws.fit(LevelLaw, runs(TRUE, 0), members=1), "members must be"),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_input(found: Fit, name: str) -> None:
    """One sentence that names the argument."""
    call, message = CALLS[name]
    with pytest.raises(ValueError, match=message):
        call(found)


def test_pictures_of_predictions_and_decisions(found: Fit) -> None:
    """The curve within its band; several in one picture; losses with their intervals."""
    predicted = found.predict(WSD)
    ax: Any = predicted.plot(Figure().subplots(), label="wsd")
    (line,) = ax.get_lines()
    at = np.asarray(line.get_xdata(), int) - 1
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), predicted.losses[at])
    assert {0, STEPS - 1} <= {*at.tolist()}
    low, high = ax.get_ylim()
    assert low < predicted.low[-1] < predicted.losses[STEPS // 10] < high < predicted.losses[1]
    found.predict(COSINE).plot(ax, label="cosine")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["wsd", "cosine"]
    assert len({one.get_color() for one in ax.get_lines()}) == 2
    compared = laws.compare(found, {"cosine": COSINE, "wsd": WSD})
    ax = compared.plot(Figure().subplots())
    assert [text.get_text() for text in ax.get_yticklabels()] == [*compared.names]
    assert [x.get_text() for x in ax.texts] == [f"P(higher) {100 * compared.better[0, 1]:.0f}%"]
    choice = laws.best_cooldown(found, PEAK, STEPS, 200, shares=[0.1, 0.2, 0.4])
    ax = choice.plot(Figure().subplots())
    assert [[*line.get_xdata()] for line in ax.get_lines()] == [[0.1, 0.2, 0.4], [choice.share]]
    ax = found.plot(runs(TRUE, 0), Figure().subplots())
    assert len(ax.get_lines()) == len(ax.collections) == 2
