"""The example that predicts a loss keeps its promises, at a size that takes seconds."""

import dataclasses
import json
import warnings

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax import laws
from examples import command_line, predict_loss as example
from examples.command_line import BadInput
from examples.predict_loss import Config, Recorder, main
from examples.transformer_lm.state import load_corpus

TINY = {"blocks": 1, "heads": 1, "width": 8, "block_size": 8, "batch_size": 4, "steps": 200}
TINY |= {"steps_per_dispatch": 10, "evaluate_every": "5%"}
LAW = laws.MultiPowerLaw(1.0, 0.1, 0.5, 30.0, 0.27, 0.5, 0.5, 0.6)


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam mixes dtypes."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A short text with something to learn."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog.\n\n" * 400)
    return path


def command(text, out, **options):
    """The command line of a tiny run."""
    given = {"text": text, "out": out} | TINY | options
    return [f"--{name.replace('_', '-')}={v}" for name, v in given.items()] + ["--no-progress"]


def rehearsed(run, state, report):
    """What training reports, with losses as a law has them."""
    del state
    config, schedule = run.config, run.plans["learning_rate"]
    losses = np.minimum(LAW(schedule, config.steps), 9.0)  # the law's own begin at infinity
    rates = np.asarray(schedule(np.arange(config.steps)))
    count = config.steps_per_dispatch
    for first in range(0, config.steps, count):
        now = slice(first, first + count)
        report.steps(first, {"learning_rate": rates[now], "loss": losses[now]})
        report.validation(float(losses[now][-1]))


def test_a_prediction_is_made_before_the_run(text, tmp_path, capsys, monkeypatch):
    """It is printed, then the run; the picture and the fit are kept."""
    monkeypatch.setattr(example, "train", rehearsed)
    assert main(command(text, tmp_path)) == 0
    told = capsys.readouterr().out
    where = [
        told.index(word) for word in ("constant  trained", "wsd       predicted", "wsd       t")
    ]
    assert where == sorted(where)
    assert "inside the interval: True" in told
    assert (tmp_path / "predicted.png").stat().st_size > 10_000
    fit = laws.load_fit(tmp_path / "fit.json")
    said = float(told.split("predicted: loss ")[1].split(",")[0])
    config = Config(**TINY, text=(text,))
    predicted = fit.predict(example.schedules.build(config), config.steps).loss
    assert predicted == pytest.approx(said, abs=1e-4)
    assert abs(float(told.split("error ")[1].split(";")[0])) < 0.01


def test_the_schedule_of_a_file_is_predicted_and_trained(text, tmp_path, capsys, monkeypatch):
    """Under the file's name; the two runs that are fitted stay what they are."""
    trained = []

    def record(run, state, report):
        trained.append(run.plans["learning_rate"])
        rehearsed(run, state, report)

    monkeypatch.setattr(example, "train", record)
    plan = anneal.warmup_linear(4e-3, 20, 200)
    (tmp_path / "plan.json").write_text(json.dumps(anneal.to_config(plan)))
    file = {"schedule_config": tmp_path / "plan.json", "schedule": "cosine"}
    assert main(command(text, tmp_path, **file)) == 0
    assert trained[2] == plan
    assert [float(one(150)) for one in trained[:2]] == [
        pytest.approx(float(example.schedules.SCHEDULES[name](Config(**TINY))(150)))
        for name in example.FITTED
    ]
    told, notes = capsys.readouterr()
    assert notes == f"note: --schedule is not read with --schedule-config {tmp_path}/plan.json.\n"
    assert "plan.json predicted: loss" in told
    assert "plan.json trained: loss" in told
    assert "inside the interval: True" in told


def test_a_fit_that_did_not_converge_has_no_interval(text, tmp_path, capsys, monkeypatch):
    """It is said beside the prediction, in words for a user of the command."""
    fit = laws.fit

    def unconverged(*arguments, **options):
        warnings.warn("fit: MultiPowerLaw did not converge in 300 evaluations", stacklevel=1)
        return dataclasses.replace(fit(*arguments, **options), converged=False)

    monkeypatch.setattr(example, "train", rehearsed)
    monkeypatch.setattr(laws, "fit", unconverged)
    assert main(command(text, tmp_path)) == 0
    told = capsys.readouterr().out
    assert "the fit did not converge, so no interval holds: lower --evaluate-every" in told
    assert "probability" not in told
    assert "inside" not in told
    assert "error " in told


def test_a_run_is_measured_after_each_dispatch(text, tmp_path, capsys):
    """By training: losses on held-out text, where they were asked for, that fall."""
    config = Config(**TINY | {"steps": 60}, text=(text,), out=tmp_path)
    schedule, at, losses = example.measure(config, load_corpus(config), "constant")
    assert at.tolist() == [9, 19, 29, 39, 49, 59] == example.measured_at(config).tolist()
    assert (np.diff(losses) < 0).all()
    assert float(schedule(59)) == pytest.approx(config.peak)
    assert f"constant  trained: loss {losses[-1]:.4f}" in capsys.readouterr().out


def test_runs_too_short_for_a_law_are_bad_input(tmp_path):
    """In one sentence that names the option."""
    config = Config(**TINY, out=tmp_path)
    run = example.schedules.build(config), np.array([199]), np.array([3.0])
    with pytest.raises(BadInput, match="--steps must be enough for a law to be fitted, got 200"):
        example.fit(config, [run, run])


def test_losses_stand_at_the_steps_they_were_measured_after(tmp_path):
    """A dispatch of steps 20 to 29, then a loss: that of step 29."""
    recorder = Recorder(tmp_path)
    recorder.steps(20, {"learning_rate": np.ones(10), "loss": np.ones(10)})
    recorder.validation(2.5)
    assert (recorder.at, recorder.losses) == ([29], [2.5])


@pytest.mark.parametrize(
    ("named", "options", "why"),
    [
        ("--schedule linear --cooldown 30%", ["cooldown"], "--schedule linear"),
        ("--schedule-config FILE --cooldown 3%", ["cooldown"], "--schedule-config FILE"),
        ("--schedule-config FILE --peak .1 --warmup 1%", [], ""),  # the fitted runs read both
        ("--cooldown 3% --evaluate-every 3%", [], ""),
        (
            "--sample-length 9 --temperature 1.",
            ["sample-length", "temperature"],
            "a prediction, which writes no sample",
        ),
    ],
)
def test_an_option_without_effect_is_said(named, options, why, tmp_path):
    """In the words of the transformer's own command line."""
    file = tmp_path / "plan.json"
    file.write_text('{"kind": "Constant", "value": 0.1}')
    named, why = (given.replace("FILE", str(file)) for given in (named, why))
    config = command_line.parse(Config, "predict_loss", named.split())
    schedule = example.schedules.build(config)
    said = example.remarks(config, schedule, command_line.given(config, named.split()))
    assert said == [f"--{option} is not read with {why}." for option in options]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"schedule": "cosine"}, "--schedule must be another than cosine and constant"),
        ({"schedule": "wsdd"}, "did you mean wsd?"),
        ({"unfitted": "20%%"}, "--unfitted: "),
        ({"unfitted": "99%"}, "--unfitted must be such that 8 losses of each run are left"),
        ({"unfitted": "70%"}, "got '70%' (6 are left); lower it"),
        ({"warmup": "50%", "evaluate_every": "10%"}, "--evaluate-every must be such that 8 losses"),
        ({"steps_per_dispatch": 50}, "got '5%' (4 are left); lower it, and --steps-per-dispatch"),
        ({"schedule_config": "none.json"}, "--schedule-config must be a readable file"),
    ],
)
def test_bad_input(text, tmp_path, capsys, monkeypatch, options, told):
    """One sentence, before anything is trained."""
    monkeypatch.setattr(example, "train", None)
    assert main(command(text, tmp_path, **options)) == 2
    assert told in capsys.readouterr().err
