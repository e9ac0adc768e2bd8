"""What the examples' command lines have in common: help, results that stay, notes; and figures."""

import dataclasses
import inspect
import io
import os
import re
import runpy
import sys
from functools import partial
from types import ModuleType

import numpy as np
import pytest
from tqdm import tqdm

import anneal_jax as anneal
from examples import (
    command_line,
    figures,
    matrix_factorization,
    predict_loss,
    schedule_by_gradient,
    snapshot_ensemble,
)
from examples.command_line import BadInput
from examples.transformer_lm import figure, report, schedules, train as transformer
from examples.transformer_lm.config import Config

EXAMPLES = [
    (transformer, "log.csv", ()),
    (transformer, "events/events.out.tfevents.1.here", ()),
    (snapshot_ensemble, "figure.png", ()),
    (schedule_by_gradient, "figure.png", ()),
    (matrix_factorization, "figure.png", ("--batch-size=1",)),
]


def name(x: object) -> str | None:
    return x.__name__.removeprefix("examples.") if isinstance(x, ModuleType) else None


def helped(main, capsys) -> str:
    """What `--help` prints, as one line without its frame."""
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    "example",
    [transformer, predict_loss, snapshot_ensemble, schedule_by_gradient, matrix_factorization],
    ids=name,
)
def test_help_says_of_every_option_what_it_is(example, capsys):
    printed = helped(example.main, capsys)
    for field in dataclasses.fields(getattr(example, "Config", Config)):
        option = command_line.hyphened(field.name)
        kind = r"(?:, --no-\S+| (?=[A-Z{[]))"  # not where the text of another option names it
        (said,) = re.findall(f" {option}{kind}(.*?)\\(default:", printed)
        assert re.search(r"[A-Za-z][a-z]+ [a-z]", said), field.name


def test_help_lists_the_schedules(capsys):
    printed = helped(transformer.main, capsys)
    said = printed.split("--schedule STR")[1].split("(default")[0]
    assert set(schedules.SCHEDULES) <= set(re.findall(r"\w+", said))


def test_the_package_is_a_command(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("examples.transformer_lm", run_name="__main__")
    assert "usage: python -m examples.transformer_lm [" in capsys.readouterr().out


class TestResults:
    @pytest.mark.parametrize(("example", "result", "options"), EXAMPLES, ids=name)
    def test_a_second_run_does_not_replace_the_first_unasked(
        self, example, result, options, tmp_path, capsys
    ):
        if example is matrix_factorization:
            (tmp_path / "r.csv").write_text("userId,movieId,rating\n" + "1,2,3\n2,1,4\n" * 5)
            options = (*options, f"--data={tmp_path / 'r.csv'}")
        out = tmp_path / "out"
        (out / result).parent.mkdir(parents=True)
        (out / result).write_text("of the first run")
        assert example.main([f"--out={out}", *options]) == 2
        (printed,) = capsys.readouterr().err.splitlines()
        assert f"got {out} with {(out / result).name}; choose another, such as --out" in printed
        assert f"{out}-2, or add --overwrite." in printed
        assert (out / result).read_text() == "of the first run"
        assert [path.name for path in out.iterdir()] == [result.partition("/")[0]]

    def test_asked_to_it_leaves_nothing_of_the_first_but_what_is_not_its_own(self, tmp_path):
        for file in ("plan.json", "log.csv", "sample.txt", "events.1"):
            (tmp_path / file).touch()
        command_line.make_folder(tmp_path, ("log.csv", "sample.txt", "events.*"), overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]

    def test_the_folder_it_names_is_free(self, tmp_path):
        for folder in ("run", "run-2", "run-3"):
            (tmp_path / folder).mkdir()
        (tmp_path / "run/log.csv").touch()
        with pytest.raises(BadInput, match=r"such as --out \S+run-4, or"):
            command_line.make_folder(tmp_path / "run", ["*.csv"], overwrite=False)


ONE_FILE = [predict_loss, snapshot_ensemble, schedule_by_gradient, matrix_factorization]


class TestCtrlC:
    """It ends a command with the exit code that shells give it, and with one sentence."""

    @pytest.mark.parametrize("example", ONE_FILE, ids=name)
    def test_before_there_are_results(self, example, tmp_path, capsys, monkeypatch):
        def pressed(*_):
            raise KeyboardInterrupt

        (tmp_path / "r.csv").write_text("userId,movieId,rating\n" + "1,2,3\n2,1,4\n" * 500)
        options = {
            predict_loss: [f"--text={tmp_path / 'r.csv'}"],
            matrix_factorization: [f"--data={tmp_path / 'r.csv'}", "--batch-size=1"],
        }
        monkeypatch.setattr(command_line, "make_folder", pressed)
        assert example.main([f"--out={tmp_path}", *options.get(example, ())]) == 130
        assert capsys.readouterr().err == "stopped by hand; nothing was kept.\n"

    def test_it_tells_which_results_were_kept(self, tmp_path, capsys):
        with command_line.Ending() as ending:
            ending.make_folder(tmp_path / "out", ("predicted.png", "fit.json"), overwrite=False)
            (tmp_path / "out/fit.json").touch()
            raise KeyboardInterrupt
        assert ending.code == 130
        kept = f"kept in {tmp_path / 'out'}: fit.json"
        assert capsys.readouterr().err == f"stopped by hand; {kept}.\n"

    def test_the_process_ends_at_once(self, monkeypatch):
        """What else it would do at its end may crash, and then the exit code is another."""
        codes = []
        monkeypatch.setattr(os, "_exit", codes.append)
        for code in (0, 2, 130):
            with pytest.raises(SystemExit):
                command_line.leave(code)
        assert codes == [130]

    def test_an_error_that_is_nobodys_fault_keeps_its_traceback(self):
        with pytest.raises(ZeroDivisionError), command_line.Ending():
            _ = 1 / 0


@pytest.mark.parametrize("example", ONE_FILE[1:], ids=name)
def test_every_option_is_read(example):
    """So that none needs a note that it has no effect."""
    read = set(re.findall(r"config\.(\w+)", inspect.getsource(example)))
    assert {field.name for field in dataclasses.fields(example.Config)} <= read


class TestNotes:
    """What has no effect is said before a run, and what a plan does where it does not fit."""

    @staticmethod
    def notes(*arguments: str) -> list[str]:
        config = transformer.parse(arguments)
        schedule = schedules.build(config)
        return schedules.remarks(config, schedule, command_line.given(config, arguments))

    @pytest.mark.parametrize(
        ("arguments", "options", "why"),
        [
            ("--schedule=cosine --cooldown 50%", ["cooldown"], "--schedule cosine"),
            ("--schedule one_cycle --warmup=1% --peak 1.", ["warmup"], "--schedule one_cycle"),
            ("--schedule-config FILE --peak 1", ["peak"], "--schedule-config FILE"),
            ("--schedule_config=FILE --schedule wsd", ["schedule"], "--schedule-config FILE"),
            ("--sample-length 0 --temperature .8", ["temperature"], "--sample-length 0"),
            ("--sample-length 0 --top-p .8 --top-k 3", ["top_k", "top_p"], "--sample-length 0"),
            ("--muon-peak .1", ["muon_peak"], "--optimizer adamw"),
            ("--vocabulary 9", ["vocabulary"], "--tokenizer characters"),
            ("--optimizer muon --muon-peak .1 --tokenizer bpe --vocabulary 9", [], ""),
            ("--prepared FILE --tokenizer bpe", ["tokenizer"], "--prepared FILE"),
            ("--warmup 1% --cooldown 2% --temperature .7 --evaluate-every 50steps", [], ""),
            ("--schedule cosine --sample-length 0", [], ""),  # nothing asked for is left out
        ],
    )
    def test_an_option_without_effect(self, arguments, options, why, tmp_path):
        file = tmp_path / "plan.json"
        file.write_text('{"kind": "Constant", "value": 0.1}')
        said = self.notes(*arguments.replace("FILE", str(file)).split())
        why = why.replace("FILE", str(file))
        options = map(command_line.hyphened, options)
        assert said == [f"{option} is not read with {why}." for option in options]

    def test_evaluations_that_cannot_be_as_frequent_as_asked_for(self):
        (said,) = self.notes("--evaluate-every=20steps")
        assert said.startswith("--evaluate-every 20steps comes to every 50 steps")

    @pytest.mark.parametrize("schedule", schedules.SCHEDULES)
    @pytest.mark.parametrize("steps", [10, 699, 2000])
    def test_named_schedules_fit_every_run(self, schedule, steps):
        built = schedules.build(Config(schedule=schedule, steps=steps, warmup="1steps"))
        assert anneal.Horizon(steps).misfit(built) == ""

    def test_they_are_printed_before_training(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(transformer, "train", lambda run, state, *_: (state, 1.5))
        command = (
            f"--out={tmp_path} --schedule cosine --cooldown=1% --sample-length 0 --no-progress"
        )
        assert transformer.main(command.split()) == 0
        assert capsys.readouterr().err == "note: --cooldown is not read with --schedule cosine.\n"


def test_the_bar_is_drawn_once_per_dispatch_and_shows_the_held_out_loss(monkeypatch, tmp_path):
    drawn = io.StringIO()
    bar = partial(tqdm, file=drawn, mininterval=0, ascii=True)
    monkeypatch.setattr(report, "tqdm", bar)
    monkeypatch.setattr(report, "draw", lambda *_: None)
    with report.Report(Config(out=tmp_path, steps=40), ("learning_rate",)) as told:
        for first in (0, 10, 20, 30):
            told.steps(first, {"learning_rate": np.full(10, 1e-3), "loss": np.full(10, 2.0)})
            told.validation(2.5 - first / 100)
        drawn.write("printed")
    assert drawn.getvalue().endswith("\nprinted")  # after the bar's last line
    lines = [line for line in drawn.getvalue().split("\r") if line.strip()]
    assert 4 <= len(lines) <= 6  # also at the begin and at the end
    assert "held-out 2.5," not in lines[-1]
    assert "loss 2, held-out 2.2" in lines[-1]


class TestFiguresAfterDivergence:
    @pytest.mark.parametrize("worst", [1e9, np.inf, np.nan])
    def test_the_losses_before_it_stay_readable(self, worst):
        loss = np.concatenate([np.linspace(4.6, 2.0, 50), np.geomspace(2, 1e8, 50), [worst]])
        low, high = figure.limits(loss, np.array([3.0, worst]))
        assert 1.5 < low < 2 < 4.6 < high < 6

    def test_a_loss_that_is_no_number_leaves_the_mean_before_it_alone(self):
        loss = np.append(np.ones(100), np.nan)
        np.testing.assert_allclose(figure.smoothed(loss), 1.0)

    def test_the_title_says_where_a_run_stopped(self, tmp_path, monkeypatch):
        seen = []
        monkeypatch.setattr(figure.Figure, "savefig", lambda self, _: seen.append(self))
        rows = [{"step": i, "learning_rate": 1.0, "loss": x} for i, x in enumerate([2, np.inf])]
        for planned in (2, 9):
            figure.draw(rows, planned, "wsd", tmp_path)
        titles = [drawn.axes[0].get_title(loc="left") for drawn in seen]
        assert titles == ["wsd", "wsd, stopped after step 1 with loss inf"]

    @pytest.mark.parametrize("scale", ["linear", "log"])
    def test_what_is_out_of_reach_does_not_squeeze_the_rest(self, scale):
        _, axes, _ = figures.two_panels()
        axes.set_yscale(scale)
        axes.plot([1.2, 1.1, 1.0])
        axes.plot([1.3, 1e16, np.nan])
        figures.limit_above(axes, np.nan)  # no limit
        assert axes.get_ylim()[1] > 1e15
        figures.limit_above(axes, 1.4)
        low, high = axes.get_ylim()
        assert 0.8 < low < 1 < 1.4 < high < 1.5
