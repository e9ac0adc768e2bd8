"""The transformer example keeps its promises, at a size that trains in a second."""

import csv
import dataclasses
import json
import re
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from examples.command_line import BadInput
from examples.transformer_lm import data, optimizer, schedules, train as training
from examples.transformer_lm.config import Config, parse
from examples.transformer_lm.train import dispatches, main
from tests import example_runs

ROOT = Path(__file__).resolve().parent.parent
SHAKESPEARE = ROOT.parent / "shared/data/text/tinyshakespeare.txt"

TINY = {
    "width": 16,
    "heads": 2,
    "blocks": 1,
    "block_size": 8,
    "batch_size": 8,
    "steps": 60,
    "steps_per_dispatch": 20,
    "peak": 2e-2,
    "sample_length": 20,
}


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Ranks only: Optax's AdamW raises a float to the power of an integer count."""
    with jax.numpy_rank_promotion("raise"):
        yield


def command(out: Path, **options: object) -> list[str]:
    """The command line of a tiny run."""
    return example_runs.command(**{"out": out, "progress": False} | TINY | options)


def log(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def column(out: Path, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in log(out)])


@pytest.fixture(scope="module")
def finished(strict, tmp_path_factory):
    """One tiny run on the embedded text, and in `printed` what it told."""
    out = tmp_path_factory.mktemp("run")
    (out / "printed").write_text(example_runs.finish(training, command(out)).printed)
    return out


@pytest.fixture
def rejected(capsys, tmp_path):
    def run(**options):
        return example_runs.refusal(main, command(tmp_path / "out", **options), capsys)

    return run


class TestRun:
    def test_it_learns(self, finished):
        losses = column(finished, "loss")
        assert losses[:3].mean() > losses[-10:].mean() + 0.8
        held_out = [float(row["val_loss"]) for row in log(finished) if row["val_loss"]]
        assert held_out[-1] < held_out[0]

    def test_the_rate_logged_is_the_rate_of_the_schedule_at_every_step(self, finished):
        schedule = schedules.build(Config(**TINY))
        steps = np.arange(TINY["steps"])
        np.testing.assert_array_equal(column(finished, "step"), steps)
        rates = column(finished, "learning_rate").astype(np.float32)
        np.testing.assert_allclose(rates, schedule(steps), rtol=1e-6)

    def test_it_leaves_a_csv_events_a_figure_and_a_sample(self, finished):
        assert set(log(finished)[0]) == {
            "step", "learning_rate", "loss", "tokens_per_second", "val_loss",
        }  # fmt: skip
        (events,) = (finished / "events").iterdir()
        assert events.stat().st_size > 60 * TINY["steps"]
        assert (finished / "schedule_and_loss.png").read_bytes().startswith(b"\x89PNG")
        assert len((finished / "sample.txt").read_text()) == TINY["sample_length"]

    def test_a_seed_gives_the_same_run_however_it_is_cut_into_dispatches(self, finished, tmp_path):
        assert main(command(tmp_path, steps_per_dispatch=60, evaluate_every="100%")) == 0
        np.testing.assert_allclose(
            column(tmp_path, "loss"), column(finished, "loss"), rtol=2e-5, atol=0
        )
        assert (tmp_path / "sample.txt").read_text() == (finished / "sample.txt").read_text()

    def test_it_prints_the_corpus_and_the_final_loss(self, finished):
        printed = (finished / "printed").read_text()
        assert printed.count(data.load((), None, "characters", 0, 8).digest) == 2
        assert f"validation loss {float(log(finished)[-1]['val_loss']):.4f}" in printed
        assert f"{TINY['steps']} steps" in printed
        assert (finished / "sample.txt").read_text() in printed

    def test_a_sample_of_no_length_is_none(self, monkeypatch, tmp_path):
        monkeypatch.setattr(training, "train", lambda run, state, *_: (state, 1.5))
        assert main(command(tmp_path, sample_length=0)) == 0
        assert not (tmp_path / "sample.txt").exists()

    def test_the_schedule_can_come_from_a_file(self, tmp_path):
        config = {"kind": "Linear", "init_value": 1e-2, "end_value": 0.0, "steps": "50%"}
        for name, text in (
            ("plan.json", json.dumps(config)),
            ("plan.toml", "\n".join(f"{k} = {json.dumps(v)}" for k, v in config.items())),
        ):
            (tmp_path / name).write_text(text)
            built = schedules.build(Config(steps=10, schedule_config=tmp_path / name))
            assert built == anneal.Linear(1e-2, 0.0, 5)

    def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_came_before(
        self, capsys, finished, tmp_path
    ):
        """And another seed makes another run."""
        plan = {"kind": "PiecewiseConstant", "values": [1e-2, 3e38], "boundaries": [30]}
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        options = {"schedule_config": tmp_path / "plan.json", "evaluate_every": "100%"}
        assert main(command(tmp_path, seed=1, **options)) == 1
        rates = column(tmp_path, "learning_rate")
        assert (rates[:30].astype(np.float32) == np.float32(1e-2)).all()
        losses = column(tmp_path, "loss")
        last = len(losses) - 1
        assert last == 31  # the step after the first one at that rate
        assert losses[0] != column(finished, "loss")[0]
        assert np.isfinite(losses[:-1]).all()
        assert not np.isfinite(losses[-1])
        printed = capsys.readouterr().err
        (stopped,) = (line for line in printed.splitlines() if not line.startswith("note: "))
        assert f"at step {last} with learning rate 3e+38" in stopped
        assert (tmp_path / "schedule_and_loss.png").exists()
        (events,) = (tmp_path / "events").iterdir()
        assert events.stat().st_size > 60 * last


class TestSchedules:
    @pytest.mark.parametrize("name", schedules.SCHEDULES)
    def test_every_schedule_is_positive_within_its_peak_and_reaches_it(self, name):
        config = Config(schedule=name, steps=700, peak=0.5)
        rates = np.asarray(schedules.build(config)(np.arange(700)))
        assert rates.min() >= 0
        assert rates[1:-1].min() > 0
        assert rates.max() == pytest.approx(0.5, rel=1e-6)

    def test_muon_has_plans_of_its_own_for_rate_and_momentum(self):
        config = Config(optimizer="muon", steps=100, warmup="10%", cooldown="20%")
        config = dataclasses.replace(config, muon_peak=0.03, muon_cooldown="60%")
        found = {n: np.asarray(p(np.arange(100))) for n, p in optimizer.plans(config).items()}
        wsd = partial(anneal.warmup_stable_decay, cooldown=anneal.Linear)
        expected = {
            "learning_rate": wsd(config.peak, 10, 20, 100),
            "muon_rate": wsd(0.03, 10, 60, 100),
            "momentum": anneal.Linear(0.85, 0.95, 10),
        }
        assert found.keys() == expected.keys()
        for name, plan in expected.items():
            np.testing.assert_array_equal(found[name], plan(np.arange(100)))

    def test_a_file_names_the_plans_of_muon(self, tmp_path):
        path = tmp_path / "plans.json"
        config = Config(optimizer="muon", steps=10, schedule_config=path)
        plans = {
            "learning_rate": {
                "kind": "Linear",
                "init_value": 1.0,
                "end_value": 0.0,
                "steps": "50%",
            },
            "muon_rate": {"kind": "Constant", "value": 0.02},
            "momentum": {"kind": "Constant", "value": 0.9},
        }
        path.write_text(json.dumps(plans))
        assert optimizer.plans(config)["learning_rate"] == anneal.Linear(1.0, 0.0, 5)
        path.write_text(json.dumps(plans["momentum"]))
        with pytest.raises(BadInput, match="with the plans learning_rate, muon_rate, momentum"):
            optimizer.plans(config)

    def test_durations_have_units(self):
        config = Config(steps=1000, warmup="768tok", cooldown="120ex")
        rates = np.asarray(schedules.build(config)(np.arange(1000)))
        assert rates[1] == rates[989] == rates.dtype.type(config.peak)
        assert rates[0] < rates[1] > rates[991]


class TestBadInput:
    """Each bad input gets one sentence: argument, rule, what came, what to do."""

    def test_a_missing_file(self, rejected, tmp_path):
        printed = rejected(text=tmp_path / "nowhere.txt")
        assert "nowhere.txt" in printed
        assert "check the path" in printed

    def test_a_folder_for_a_file(self, rejected, tmp_path):
        assert "readable file" in rejected(text=tmp_path)

    def test_an_empty_file(self, rejected, tmp_path):
        (tmp_path / "empty").touch()
        assert "the empty file" in rejected(text=tmp_path / "empty")

    def test_a_file_that_is_not_utf8(self, rejected, tmp_path):
        (tmp_path / "latin1").write_bytes("Köln".encode("latin-1"))
        assert "byte 0xf6 at 1" in rejected(text=tmp_path / "latin1")

    @pytest.mark.parametrize(("length", "part"), [(8, "training"), (60, "validation")])
    def test_a_text_shorter_than_a_block(self, rejected, tmp_path, length, part):
        (tmp_path / "short").write_text("x" * length)
        printed = rejected(text=tmp_path / "short")
        assert f"characters for {part}" in printed
        assert "smaller --block-size" in printed

    def test_a_misspelt_schedule(self, rejected):
        assert "did you mean cosine?\n" in rejected(schedule="cosin")

    def test_a_misspelt_option(self, rejected):
        assert "did you mean --schedule?\n" in rejected(shedule="wsd")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("steps", 0),
            ("steps", -5),
            ("batch_size", 0),
            ("block_size", 0),
            ("blocks", 0),
            ("heads", 0),
            ("steps_per_dispatch", 0),
            ("peak", 0.0),
            ("peak", "nan"),
            ("temperature", 0.0),
            ("clip_norm", -1.0),
            ("b1", 1.0),
            ("weight_decay", -0.1),
            ("sample_length", -1),
        ],
    )
    def test_a_number_out_of_range(self, rejected, option, value):
        printed = rejected(**{option: value})
        assert f"--{option.replace('_', '-')} must be" in printed
        assert f"got {value}; " in printed

    def test_a_width_that_heads_do_not_divide(self, rejected):
        assert "divisible by twice --heads 3, got 16; try --width 18." in rejected(heads=3)

    def test_a_duration_without_a_unit(self, rejected):
        for option in ("warmup", "cooldown", "evaluate_every"):
            printed = rejected(**{option: "10"})
            assert f"--{option.replace('_', '-')}: " in printed
            assert "add steps, ep, ex, ba, tok or %" in printed
        assert "--evaluate-every must be at least 1 steps" in rejected(evaluate_every="0%")

    def test_phases_longer_than_the_run(self, rejected):
        assert "warmup_stable_decay" in rejected(warmup="60%", cooldown="60%")

    def test_a_schedule_file_that_cannot_be_used(self, rejected, tmp_path):
        assert "check the path" in rejected(schedule_config=tmp_path / "nowhere.json")
        (tmp_path / "plan.yaml").touch()
        assert "a .json or .toml file" in rejected(schedule_config=tmp_path / "plan.yaml")
        (tmp_path / "broken.toml").write_text("kind = ")
        assert "valid TOML" in rejected(schedule_config=tmp_path / "broken.toml")
        (tmp_path / "plan.json").write_text('{"kind": "Linaer"}')
        assert "did you mean 'Linear'?" in rejected(schedule_config=tmp_path / "plan.json")

    def test_an_output_folder_that_is_a_file(self, capsys, tmp_path):
        (tmp_path / "taken").touch()
        printed = example_runs.refusal(main, command(tmp_path / "taken"), capsys)
        assert "--out must be a folder" in printed

    def test_a_value_of_the_wrong_kind_exits_with_2(self, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(["--steps=many"])
        assert stopped.value.code == 2
        assert "--steps" in capsys.readouterr().err

    def test_nothing_is_written_for_a_bad_configuration(self, rejected, tmp_path):
        rejected(steps=0)
        assert not (tmp_path / "out").exists()


def test_every_option_is_on_the_command_line():
    given = parse(["--seed=3", "--text", "a", "b", "--peak=1e-3", "--no-progress"])
    expected = Config(seed=3, text=(Path("a"), Path("b")), peak=1e-3, progress=False)
    assert given == expected
    with pytest.raises(BadInput):
        dataclasses.replace(given, steps=0)


def test_dispatches_cover_the_run():
    assert [*dispatches(0, 120, 50)] == [(0, 50), (50, 50), (100, 20)]
    assert [*dispatches(0, 100, 50)] == [(0, 50), (50, 50)]
    assert [*dispatches(0, 3, 50)] == [(0, 3)]


def test_dispatches_end_at_the_same_steps_wherever_they_begin():
    assert [*dispatches(70, 120, 50)] == [(70, 30), (100, 20)]
    assert [*dispatches(100, 120, 50)] == [(100, 20)]
    assert [*dispatches(120, 120, 50)] == []


def test_the_readme_says_where_everything_is():
    folder = ROOT / "examples/transformer_lm"
    named = set(re.findall(r"`(\w+\.py)`", (folder / "README.md").read_text()))
    assert named == {path.name for path in folder.glob("[!_]*.py")}
