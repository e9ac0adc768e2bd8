"""The transformer example goes on from its checkpoints, bit for bit, or by another plan."""

import gc
import hashlib
import json
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.laws import read_log
from examples.command_line import BadInput
from examples.transformer_lm import (
    checkpoints,
    history,
    optimizer,
    packing,
    schedules,
    train as training,
)
from examples.transformer_lm.checkpoints import Checkpoints
from examples.transformer_lm.config import Config
from examples.transformer_lm.train import main
from tests import example_runs
from tests.example_runs import TINY_RESUMED as TINY, check_same, last_state, log

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Ranks only: Optax's AdamW raises a float to the power of an integer count."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(autouse=True, scope="module")
def no_figures(strict):
    """Drawing one takes longer than such a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("examples.transformer_lm.report.draw", lambda *_: None)
        yield


def begin(out: Path, **options: object) -> int:
    return main(example_runs.command(**{"out": out, "progress": False} | TINY | options))


def go_on(out: Path, *more: str) -> int:
    """With --resume; or with --branch, where that is given."""
    how = [] if any(word.startswith("--branch") for word in more) else ["--resume"]
    return main([*how, f"--out={out}", "--no-progress", *more])


def column(out: Path, name: str) -> np.ndarray:
    return np.array([float(row[name] or "nan") for row in log(out)])


def rates(out: Path) -> np.ndarray:
    return column(out, "learning_rate").astype(np.float32)


def files(folder: Path) -> dict[str, str]:
    """A digest of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(strict, no_figures, tmp_path_factory):
    """A run without any interruption, which keeps all checkpoints."""
    out = tmp_path_factory.mktemp("run") / "whole"
    assert begin(out) == 0
    return out


@pytest.fixture
def copy(whole, tmp_path):
    """The same run, to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def refused(capsys):
    """One sentence, exit code 2, and every file as it was."""

    def refuse(out, *more):
        before = files(out)
        how = [] if any(word.startswith("--branch") for word in more) else ["--resume"]
        arguments = [*how, f"--out={out}", "--no-progress", *more]
        printed = example_runs.refusal(main, arguments, capsys)
        assert files(out) == before
        return printed

    return refuse


class TestExact:
    def test_a_run_that_sigterm_ends_goes_on_as_if_nothing_had_happened(
        self, whole, tmp_path, monkeypatch, capsys
    ):
        """In log, events, parameters and moments; by steps that no checkpoint is due after."""
        steps = training.Report.steps

        def ended(report, first, rows):
            steps(report, first, rows)
            if first == 10:
                signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(training.Report, "steps", ended)
        assert begin(tmp_path / "run", checkpoint_every="100%") == 0
        assert "ended by SIGTERM; --resume goes on from step 20.\n" in capsys.readouterr().out
        assert len(log(tmp_path / "run")) == 20
        assert go_on(tmp_path / "run", "--checkpoint-every=10steps") == 0
        assert "note" not in capsys.readouterr().err
        check_same(whole, tmp_path / "run")
        for kind in ("log.csv", "events"):
            found = read_log(tmp_path / "run" / kind)
            np.testing.assert_array_equal(found.steps, np.arange(60))
            np.testing.assert_array_equal(found.eval_steps, [19, 39, 59])
            assert not found.notes

    def test_going_back_makes_the_later_steps_again(self, whole, copy, refused):
        assert "--at must be the last, 60, unless later ones may be lost, got 30" in refused(
            copy, "--at=30"
        )
        assert go_on(copy, "--at=30", "--overwrite") == 0
        check_same(whole, copy)
        assert len(read_log(copy / "events").steps) == 60

    def test_a_branch_without_another_plan_is_the_same_run(self, whole, tmp_path):
        before = files(whole)
        assert go_on(tmp_path / "branch", f"--branch={whole}", "--at=30") == 0
        check_same(whole, tmp_path / "branch")
        assert len(read_log(tmp_path / "branch" / "events").steps) == 60
        assert files(whole) == before

    def test_killed_at_any_moment_it_goes_on_from_the_last_whole_checkpoint(self, tmp_path):
        """Run it with 20 instead of 2 when the way that checkpoints are written has changed."""
        program = [sys.executable, "-m", "tests.example_kills", str(tmp_path), "2"]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + (tmp_path / "printed.txt").read_text()
        assert done.stdout.startswith("2 kills, ")

    def test_a_resumed_run_that_has_ended_says_what_it_came_to(self, copy, capsys):
        before = log(copy)
        assert go_on(copy) == 0
        printed = capsys.readouterr().out
        assert f"validation loss {float(before[-1]['val_loss']):.4f}" in printed
        assert log(copy) == before


class TestPlans:
    def test_extend_to_makes_the_plan_anew_for_another_length(self, copy, capsys):
        assert go_on(copy, "--extend-to=80") == 0
        assert (
            "from step 60 on the plan of this command line holds (--extend-to 80 for none): "
            in (capsys.readouterr().err)
        )
        longer = schedules.build(Config(**TINY, extend_to=80))
        np.testing.assert_allclose(rates(copy)[60:], longer(np.arange(60, 80)), rtol=1e-6)
        once = log(copy)
        assert go_on(copy, "--extend-to=80") == 0  # it has happened
        assert log(copy) == once
        assert not capsys.readouterr().err

    def test_cooldown_now_is_a_branch_that_can_be_killed_and_begun_again(
        self, whole, tmp_path, capsys
    ):
        command = [f"--branch={whole}", "--at=20", "--cooldown-now=25steps", "--resume"]
        assert go_on(tmp_path / "cooled", *command) == 0
        assert "(--cooldown-now 25steps for none): rate 0.02 -> 0.02, 45" in capsys.readouterr().err
        plan = schedules.build(Config(**TINY))
        expected = anneal.with_cooldown(plan, 20, 25, cooldown=anneal.Linear)(np.arange(45))
        np.testing.assert_allclose(rates(tmp_path / "cooled"), expected, rtol=1e-6)
        shutil.copytree(tmp_path / "cooled", tmp_path / "again")
        for step in (40, 45):
            shutil.rmtree(tmp_path / "again" / "checkpoints" / str(step))
        assert go_on(tmp_path / "again", *command) == 0
        assert not capsys.readouterr().err  # it goes on with the cooldown, and does not begin one
        check_same(tmp_path / "cooled", tmp_path / "again")

    def test_a_cooldown_that_is_only_tried_leaves_the_run_alone_and_foretells_the_real_one(
        self, whole, tmp_path
    ):
        assert begin(tmp_path / "run", preview_cooldown="15steps") == 0
        tried = column(tmp_path / "run", "cooled_loss")
        assert np.isfinite(tried).nonzero()[0].tolist() == [19, 39, 59]
        options = [f"--branch={whole}", "--at=40", "--cooldown-now=15steps"]
        assert go_on(tmp_path / "real", *options) == 0
        assert tried[39] == pytest.approx(column(tmp_path / "real", "val_loss")[-1], rel=1e-6)
        assert tried[39] != column(whole, "val_loss")[39]
        logged = [row for row in log(tmp_path / "run") if row.pop("cooled_loss") or True]
        for row in logged + (expected := log(whole)):
            del row["tokens_per_second"]
        assert logged == expected
        assert last_state(tmp_path / "run")[0] == 60

    def test_numbers_and_another_kind_of_schedule_take_effect_at_the_step(
        self, whole, tmp_path, capsys
    ):
        out = tmp_path / "branch"
        changed = ["--schedule=cosine", "--weight-decay=0.3"]
        assert go_on(out, f"--branch={whole}", "--at=30", *changed) == 0
        assert "(--schedule cosine for wsd, --weight-decay 0.3 for 0.1)" in capsys.readouterr().err
        cosine = schedules.build(Config(**TINY, schedule="cosine"))
        np.testing.assert_array_equal(rates(out)[:30], rates(whole)[:30])
        np.testing.assert_allclose(rates(out)[30:], cosine(np.arange(30, 60)), rtol=1e-6)
        arguments = ["--resume", f"--out={out}", "--no-progress"]
        run, state, *_ = example_runs.finish(training, arguments, "conclude").calls["conclude"][0]
        assert (run.config.schedule, run.config.weight_decay) == ("cosine", 0.3)
        assert anneal.hyperparams(state.opt_state)["weight_decay"] == np.float32(0.3)

    def test_a_file_counts_by_what_is_in_it(self, whole, tmp_path, capsys):
        plan = {"kind": "Linear", "init_value": 1e-2, "end_value": 0.0, "steps": "100%"}
        for name in ("one", "same", "other"):
            text = json.dumps(plan | ({"end_value": 1e-3} if name == "other" else {}))
            (tmp_path / f"{name}.json").write_text(text)
        out = tmp_path / "branch"
        first = f"--schedule-config={tmp_path / 'one.json'}"
        assert go_on(out, f"--branch={whole}", "--at=50", first) == 0
        assert f"({first.replace('=', ' ')} for none)" in capsys.readouterr().err
        (tmp_path / "one.json").unlink()  # the checkpoint has it
        assert go_on(out, f"--schedule-config={tmp_path / 'same.json'}") == 0
        assert not capsys.readouterr().err
        other = f"--schedule-config={tmp_path / 'other.json'}"
        assert go_on(out, "--at=50", "--overwrite", other) == 0
        assert "other.json for " in capsys.readouterr().err
        expected = anneal.Linear(1e-2, 1e-3, 60)(np.arange(50, 60))
        np.testing.assert_allclose(rates(out)[50:], expected, rtol=1e-6)

    def test_momentum_does_not_cool_down(self):
        plans = optimizer.plans(Config(optimizer="muon", steps=100))
        cooled = optimizer.cooled(plans, 40, 10)
        ends = {name: float(plan(50)) for name, plan in cooled.items()}
        assert ends == {
            "learning_rate": 0.0,
            "muon_rate": 0.0,
            "momentum": float(plans["momentum"](50)),
        }


class TestBadInput:
    """One sentence before any step is taken, and nothing is overwritten."""

    def test_nothing_to_resume(self, refused, tmp_path):
        assert "with the --out of a run that has checkpoints" in refused(tmp_path)
        assert "--branch must be the folder of a run" in refused(tmp_path, f"--branch={tmp_path}")

    @pytest.mark.parametrize("option", ["at=3", "extend-to=80", "cooldown-now=10steps"])
    def test_what_only_a_resumed_run_knows(self, option, tmp_path, capsys):
        arguments = [f"--{option}", f"--out={tmp_path}"]
        assert "given with --resume or --branch" in example_runs.refusal(main, arguments, capsys)

    @pytest.mark.parametrize(
        ("option", "said"),
        [
            ("--at=31", "(0, 10, 20, 30, 40, 50, 60), got 31"),
            ("--steps=70", "--steps must be 60, as in the checkpoint, got 70; --extend-to"),
            ("--blocks=2", "--blocks must be 1, as in the checkpoint, got 2"),
            ("--optimizer=muon", "--optimizer must be adamw, as in the checkpoint, got muon"),
            ("--extend-to=60", "--extend-to must be above 60"),
            ("--text=README.md", "must be of the text of this run"),
        ],
    )
    def test_what_does_not_fit_the_checkpoint(self, refused, whole, option, said):
        assert said in refused(whole, option)

    def test_two_new_plans_at_once(self, refused, whole):
        printed = refused(whole, "--extend-to=80", "--cooldown-now=5steps")
        assert "must not both be new" in printed

    def test_a_model_or_an_optimizer_that_the_code_makes_otherwise(
        self, refused, whole, monkeypatch
    ):
        sgd = anneal.inject_hyperparams(optax.sgd)(anneal.Constant(1e-2))
        monkeypatch.setattr("examples.transformer_lm.state.make_optimizer", lambda *_: sgd)
        printed = refused(whole)
        assert "the checkpoint of step 60 in" in printed
        assert "opt_state" in printed

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_checkpoint_that_is_broken(self, refused, copy):
        for path in (copy / "checkpoints/60/state").rglob("*"):
            if path.is_file() and path.stat().st_size > 1000:
                path.write_bytes(path.read_bytes()[:500])
        assert "go back to an earlier one with --at 50" in refused(copy)
        (copy / "checkpoints/60/about/metadata").write_text("{")
        assert "go back to an earlier one with --at 50" in refused(copy)
        assert go_on(copy, "--at=50", "--overwrite") == 0
        gc.collect()  # what Orbax still holds fails here, and not in another test

    def test_a_disk_without_room_for_the_next_checkpoint(self, refused, whole, monkeypatch):
        nearly_full = SimpleNamespace(free=1000)
        monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: nearly_full)
        printed = refused(whole, "--extend-to=80")
        assert "--out must be in a place with room for checkpoints of" in printed
        assert "with 1,000 bytes free; make room there, or choose another." in printed

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_full_disk(self, tmp_path, capsys, monkeypatch):
        """Files of at most 1,000 bytes, while the first checkpoint is written."""
        save = Checkpoints.save

        def full(self, *given):
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
            try:
                save(self, *given)
                self.wait()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)

        monkeypatch.setattr(Checkpoints, "save", full)
        assert begin(tmp_path / "run") == 2
        printed = capsys.readouterr().err
        assert "could not be written" in printed
        assert "there is none yet: make room there" in printed
        assert not (tmp_path / "run" / "log.csv").exists()


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path):
    losses = {0: np.nan, 10: 3.0, 20: 1.5, 30: np.nan, 40: 2.0, 50: np.nan, 60: 1.8}
    x = jnp.arange(3.0)
    like = {"x": jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)}
    for keep, expected in ((2, [20, 50, 60]), (1, [20, 60]), (0, [*losses])):
        with Checkpoints(tmp_path / str(keep), keep) as saved:
            for step, loss in losses.items():
                saved.save(step, {"x": x.at[0].set(step)}, {"said": step}, loss)
            saved.wait()
            assert saved.steps() == expected
            assert saved.state(20, like)["x"].tolist() == [20, 1, 2]
        with Checkpoints(tmp_path / str(keep)) as saved:
            assert saved.about(20)["said"] == 20


def test_small_and_large_arrays_come_back_as_they_were(monkeypatch):
    monkeypatch.setattr(packing, "LARGE", 5)
    packing.pack.clear_cache()  # which has read it
    tree = {
        "a": jnp.arange(3), "b": jnp.float32(0.1), "c": jnp.ones((2, 3)), "d": jnp.eye(2),
        "e": jnp.zeros((0,)), "f": jnp.array(True), "g": jnp.arange(7),
    }  # fmt: skip
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree)
    packed = packing.pack(tree)
    assert jax.tree.structure(packed) == jax.tree.structure(packing.packed_like(like))
    assert packed.keys() == {"int32", "float32", "bool", "large2", "large6"}
    found = packing.unpack(packed, like)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(tree), strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


def test_a_branch_killed_before_its_first_checkpoint_begins_again(whole, tmp_path):
    config = Config(out=tmp_path, resume=True)
    for first in (20, 20, 30):
        history.prepare(config, whole, first)
        assert [row["step"] for row in history.rows(tmp_path / "log.csv")] == [*range(first)]
    with pytest.raises(BadInput, match="without results of an earlier run"):
        history.prepare(config, whole, 20)


def test_half_a_line_and_half_an_event_do_not_count(copy):
    with (copy / "log.csv").open("a") as file:
        file.write("60,0.0")
    assert len(history.rows(copy / "log.csv")) == 60
    (events,) = (copy / "events").iterdir()
    before = events.read_bytes()
    events.write_bytes(before + b"half an event")
    history.trim(copy / "events", 60)
    assert events.read_bytes() == before


def test_two_processes_train_and_resume(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def together(*options):
        shared = [
            "--coordinator",
            f"127.0.0.1:{port}",
            "--processes=2",
            f"--out={tmp_path / 'run'}",
        ]
        program = [sys.executable, "-m", "examples.transformer_lm", *shared, *options]
        running = [
            subprocess.Popen(
                [*program, f"--process={i}"], cwd=ROOT, stdout=-1, stderr=-2, text=True
            )
            for i in range(2)
        ]
        try:
            printed = [process.communicate(timeout=240)[0] for process in running]
        finally:  # where one has failed, the other would wait for it
            for process in running:
                process.kill()
        assert [process.returncode for process in running] == [0, 0], printed
        return printed

    few = {"steps": 20, "evaluate_every": "100%", "checkpoint_every": "100%", "dropout": 0.0}
    options = example_runs.command(**TINY | few | {"progress": False})
    first, second = together(*options)
    assert first.count("validation loss") == 1
    assert "validation loss" not in second
    together("--resume", "--extend-to=30", "--no-progress")
    np.testing.assert_array_equal(read_log(tmp_path / "run" / "events").steps, np.arange(30))
    assert checkpoints.exist(tmp_path / "run")
