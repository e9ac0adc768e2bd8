"""The example that predicts a loss keeps its promises, at a size that takes seconds."""

import jax
import numpy as np
import pytest

from anneal_jax import laws
from examples import predict_loss as example
from examples.command_line import BadInput
from examples.predict_loss import Config, Recorder, main

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


def rehearsed(config, corpus, schedule, report):
    """What training reports, with losses as a law has them."""
    del corpus
    losses = np.asarray(LAW(schedule, config.steps))
    rates = np.asarray(schedule(np.arange(config.steps)))
    count = config.steps_per_dispatch
    for first in range(0, config.steps, count):
        now = slice(first, first + count)
        report.steps(first, rates[now], losses[now], 1.0)
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


def test_a_run_is_measured_after_each_dispatch(text, tmp_path, capsys):
    """By training: losses on held-out text, where they were asked for, that fall."""
    config = Config(**TINY | {"steps": 60}, text=(text,), out=tmp_path)
    schedule, at, losses = example.measure(config, example.data.load(config), "constant")
    assert at.tolist() == [9, 19, 29, 39, 49, 59]
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
    recorder.steps(20, np.ones(10), np.ones(10), 1.0)
    recorder.validation(2.5)
    assert (recorder.at, recorder.losses) == ([29], [2.5])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"schedule": "cosine"}, "--schedule must be another than cosine and constant"),
        ({"schedule": "wsdd"}, "did you mean wsd?"),
        ({"unfitted": "20%%"}, "--unfitted: "),
    ],
)
def test_bad_input(text, tmp_path, capsys, options, told):
    """One sentence; nothing is trained for a schedule that is none."""
    assert main(command(text, tmp_path, **options)) == 2
    assert told in capsys.readouterr().err
