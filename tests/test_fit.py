"""Fits find the law that made the losses, and refuse what tells them nothing."""

import io
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.laws import FunctionalScalingLaw, Law, LevelLaw, MomentumLaw, MultiPowerLaw, fit
from anneal_jax.laws._runs import LossCurve

STEPS = 4_000
COSINE = anneal.warmup_cosine(3e-4, 200, STEPS, end_value=3e-5)
WSD = anneal.warmup_stable_decay(3e-4, 200, 800, STEPS)
CONSTANT = anneal.warmup_constant(3e-4, 200)
AT = np.arange(200, STEPS, 20)
LAWS: dict[str, Law] = {
    "level": LevelLaw(2.5, 0.5, 0.5, 300.0),
    "momentum": MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995),
    "multi-power": MultiPowerLaw(3.0, 0.5, 0.5, 400.0, 1.05, 0.5, 0.5, 0.6),
    "functional": FunctionalScalingLaw(2.5, 0.5, 0.5, 0.03, 5.0, 1.0, 9e-3),
}


def runs(law: Law, noise: float = 0.0, spikes: int = 0, at: np.ndarray = AT[::2]) -> list[Any]:
    """A cosine and a constant run, as the law has them."""
    rng = np.random.default_rng(0)
    found = []
    for schedule in (COSINE, CONSTANT):
        losses = np.array(law(schedule, STEPS), float)[at]
        losses *= np.exp(noise * rng.normal(size=len(at)))
        losses[rng.choice(len(at), spikes, replace=False)] += 1.0
        found.append((schedule, at, losses))
    return found


@pytest.mark.parametrize("name", LAWS)
def test_a_fit_finds_the_law_of_the_losses(name: str) -> None:
    """What it says of another schedule, to a share of what the schedule changes (about .1)."""
    with jax.enable_x64(True):
        law = LAWS[name]
        found = fit(type(law), runs(law), members=2)
        assert found.converged
        assert found.error < 2e-4
        np.testing.assert_allclose(found.law(WSD)[AT], law(WSD)[AT], atol=4e-3)


@pytest.mark.parametrize("name", LAWS)
def test_without_x64_and_again_it_is_the_same(name: str) -> None:
    """A fit computes in float64 inside, and is deterministic."""
    law = LAWS[name]
    given = [(np.asarray(s(np.arange(STEPS)), float), at, loss) for s, at, loss in runs(law)]
    with jax.enable_x64(True):
        wide = fit(type(law), given, starts=1, members=2)
    found = fit(type(law), given, starts=1, members=2)
    assert jax.tree.leaves(found.law) == jax.tree.leaves(wide.law)


def test_noise_and_spikes() -> None:
    """A few spikes of 1 move the prediction by less than the noise of one loss."""
    law = LAWS["momentum"]
    found = fit(MomentumLaw, runs(law, noise=1e-3, spikes=5, at=AT), members=2)
    assert abs(float(found.law(WSD)[-1] - law(WSD)[-1])) < 3e-3


def test_dense_logs_are_thinned() -> None:
    """A loss for every step tells the same as one in twenty."""
    law = LAWS["level"]
    every = np.arange(STEPS)
    dense = [(s, every, np.maximum(law(s, STEPS), 0.1)[:STEPS]) for s in (COSINE, CONSTANT)]
    dense = [(s, at[1:], np.asarray(loss, float)[1:]) for s, at, loss in dense]
    found = fit(LevelLaw, dense, members=2)
    assert all(len(r) <= 256 for r in found.residuals)
    assert found.law.floor == pytest.approx(2.5, abs=2e-3)


def test_the_last_tenth_of_the_steps_counts_ten_times() -> None:
    """Of the steps, however many losses lie there."""
    at = np.array([0, 100, 200, 890, 910, 920, 930, 1_000])
    weights = LossCurve(np.ones(1_001), at, np.ones(8)).weights()
    assert weights.tolist() == [1, 1, 1, 1, 10, 10, 10, 10]


def test_a_prior_of_ones_own_holds_a_parameter() -> None:
    """A narrow prior is the parameter; None takes it away."""
    law = LAWS["multi-power"]
    held = fit(MultiPowerLaw, runs(law), prior={"decay": (0.8, 1e-4)}, starts=1, members=2)
    assert held.law.decay == pytest.approx(0.8, abs=1e-2)
    free = fit(MomentumLaw, runs(LAWS["momentum"]), prior={"decay": None}, members=2)
    assert free.law.decay == pytest.approx(0.995, abs=5e-4)


def test_a_fit_that_does_not_converge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a warning and by its field."""
    monkeypatch.setattr("anneal_jax.laws._fit._TRIALS", 1)
    with pytest.warns(UserWarning, match="MomentumLaw did not converge in 1 evaluations"):
        found = fit(MomentumLaw, runs(LAWS["momentum"], noise=1e-2), starts=1, members=2)
    assert not found.converged


GOOD = (COSINE, AT, np.linspace(4.0, 3.0, len(AT)))
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "none": ([], {}, "runs must be a list of one run or more"),
    "pair": ([(COSINE, AT)], {}, r"runs\[0\] must be a Log, or"),
    "nan": ([(COSINE, AT, np.full(len(AT), np.nan))], {}, r"losses of runs\[0\] must be"),
    "order": ([(COSINE, AT[::-1], GOOD[2])], {}, r"steps of runs\[0\] must be whole, increasing"),
    "short rates": ([(np.full(9, 0.1), *GOOD[1:])], {}, "given for each step up to the last"),
    "warmup": ([(COSINE, np.arange(20, 200), np.ones(180))], {}, "longer than its warmup"),
    "few": ([(COSINE, AT[:9], GOOD[2][:9])], {}, "twice as many losses as MultiPowerLaw"),
    "negative rates": ([(np.full(STEPS, -0.1), *GOOD[1:])], {}, "positive and finite"),
    "prior": ([GOOD], {"prior": {"speeed": (1.0, 1.0)}}, "speed"),
    "spread": ([GOOD], {"prior": {"speed": (1.0, 0.0)}}, "spread of speed must be"),
    "starts": ([GOOD], {"starts": 0}, "starts must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    """One sentence that names the argument."""
    given, options, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        fit(MultiPowerLaw, given, **options)


def test_a_kind_that_is_none() -> None:
    """An instance, or a class that cannot be fitted."""
    for kind in (LAWS["level"], Law, int):
        with pytest.raises(ValueError, match="kind must be a class of laws"):
            fit(kind, [GOOD])  # pyright: ignore[reportArgumentType]


def test_trials_beyond_all_numbers_are_only_bad_ones() -> None:
    """Losses on a line, which the law has not, lead the optimizer to an exponent of 70."""
    found = fit(LevelLaw, [GOOD], starts=1, members=2)
    assert np.isfinite(found.error)


class Forgetful(LevelLaw):
    """A law that does not say what is likely of its exponent."""

    @classmethod
    def guesses(cls, peak: float) -> dict[str, Any]:
        return {}


def test_a_law_guesses_what_a_loss_is_not_linear_in() -> None:
    """Or says in one sentence which parameters are left."""
    with pytest.raises(ValueError, match=r"guesses are of exponent, got \[\]; define Forgetful"):
        fit(Forgetful, [GOOD])


@pytest.mark.parametrize(("progress", "terminal", "shown"), [
    (True, True, True), (True, False, False), (False, True, False),
])  # fmt: skip
def test_a_bar_is_shown_where_there_is_a_terminal(
    progress: bool, terminal: bool, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its own accord, unless it is switched off."""
    written = io.StringIO()
    monkeypatch.setattr(written, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stderr", written)
    fit(LevelLaw, runs(LAWS["level"]), starts=1, members=2, progress=progress)
    assert ("fit: 100%" in written.getvalue()) == shown


DATA = Path(__file__).parents[2] / "shared/data/loss_curves/mpl"


@pytest.mark.skipif(not DATA.exists(), reason="the loss curves are not part of the project")
@pytest.mark.parametrize(("size", "most"), [("25M", 0.0046), ("100M", 0.0040)])
def test_unseen_curves_of_real_runs(size: str, most: float) -> None:
    """The multi-power law, fitted to a cosine and a constant run and one in two stages."""

    def run(name: str, schedule: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        table = np.genfromtxt(DATA / size / f"{name}.csv", delimiter=",", names=True)
        steps = table["step"].astype(int)
        rates = schedule(np.arange(steps[-1] + 1))
        np.testing.assert_allclose(rates[steps], table["lr"], atol=2e-6)
        return rates, steps, table["loss"]

    warm = anneal.warmup_constant(3e-4, 2_160)
    train = [
        run("cosine_24000", anneal.warmup_cosine(3e-4, 2_160, 24_000, end_value=3e-5)),
        run("constant_24000", warm),
        run("wsdcon_9", lambda at: np.where(at < 8_000, warm(at), 9e-5)),
    ]
    test = [
        run("cosine_72000", anneal.warmup_cosine(3e-4, 2_160, 72_000, end_value=3e-5)),
        run("constant_72000", warm),
        run("wsdcon_3", lambda at: np.where(at < 8_000, warm(at), 3e-5)),
        run("wsdcon_18", lambda at: np.where(at < 8_000, warm(at), 1.8e-4)),
        run("wsd_20000_24000", lambda at: warm(at) * 0.1 ** np.clip((at - 2e4) / 4e3, 0, 1)),
        run("wsdld_20000_24000", lambda at: warm(at) * (1 - 0.9 * np.clip((at - 2e4) / 4e3, 0, 1))),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        law = fit(MultiPowerLaw, train).law
    errors = [np.abs(law(rates)[steps] - losses).mean() for rates, steps, losses in test]
    assert np.mean(errors) < most
