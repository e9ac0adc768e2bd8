"""Logs of runs: what is read, and what is said of what is odd in them."""

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.laws import Log, read_log

STEPS = np.arange(0, 100, 10)
SCHEDULE = anneal.warmup_linear(0.1, 20, 100)
RATES = np.asarray(SCHEDULE(STEPS), float)
LOSSES = 3.0 - STEPS / 100
WHOLE = [
    {"step": int(s), "learning_rate": float(r), "loss": float(x)}
    for s, r, x in zip(STEPS, RATES, LOSSES, strict=True)
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Rows as the kind of file that its name says."""
    names = list({name: None for row in rows for name in row})
    if ".csv" in path.name:
        lines = [",".join(names)]
        lines += [",".join(str(row.get(name, "")) for name in names) for row in rows]
    else:
        lines = [json.dumps(row) for row in rows]
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def quiet(path: Path, **names: str) -> Log:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_log(path, **names)


KINDS = ["run.csv", "run.csv.gz", "run.jsonl", "run.json.gz"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_clean_log(kind: str, tmp_path: Path) -> None:
    """Steps, losses, the rate of every step; nothing to say."""
    log = quiet(written(tmp_path / kind, WHOLE))
    assert log.steps.tolist() == STEPS.tolist()
    assert log.losses.tolist() == LOSSES.tolist()
    np.testing.assert_allclose(log.rates, SCHEDULE(np.arange(91)), rtol=1e-6)
    assert log.notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_rates_and_losses_at_different_steps(kind: str, tmp_path: Path) -> None:
    """As where a validation loss has rows of its own; other rows do not matter."""
    rows: list[dict[str, Any]] = []
    for row in WHOLE:
        rows.append({"step": row["step"], "learning_rate": row["learning_rate"]})
        if row["step"] % 20 == 0:
            rows.append({"step": row["step"], "loss": row["loss"]})
        rows.append({"step": row["step"], "text": "hello"})
    log = quiet(written(tmp_path / kind, rows))
    assert log.steps.tolist() == STEPS[::2].tolist()
    assert log.losses.tolist() == LOSSES[::2].tolist()
    np.testing.assert_allclose(log.rates, SCHEDULE(np.arange(81)), rtol=1e-6)


def test_a_resumed_run(tmp_path: Path) -> None:
    """What was done twice counts as it was done last; that is said."""
    again = [{**row, "loss": row["loss"] - 1} for row in WHOLE if row["step"] >= 40]
    path = written(tmp_path / "run.csv", [*WHOLE[:7], *again])
    with pytest.warns(UserWarning, match="run.csv: went back 1 times: 3 steps from before it"):
        log = read_log(path)
    assert log.steps.tolist() == STEPS.tolist()
    np.testing.assert_allclose(log.losses, LOSSES - (STEPS >= 40))
    assert len(log.notes) == 1


def test_a_step_logged_twice(tmp_path: Path) -> None:
    """The later value counts."""
    twice = {**WHOLE[3], "loss": 9.0}
    assert quiet(written(tmp_path / "run.csv", [*WHOLE[:4], twice, *WHOLE[4:]])).losses[3] == 9.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_losses_that_are_not_finite(kind: str, bad: float, tmp_path: Path) -> None:
    """Left out, and said; the rate of their row is kept."""
    rows = [{**row, "loss": bad} if row["step"] in (30, 70) else row for row in WHOLE]
    with pytest.warns(UserWarning, match="2 numbers that are not finite are left out"):
        log = read_log(written(tmp_path / kind, rows))
    assert log.steps.tolist() == [0, 10, 20, 40, 50, 60, 80, 90]
    np.testing.assert_allclose(log.rates, SCHEDULE(np.arange(91)), rtol=1e-6)


EVALUATED = [{"step": e, "top1": 50.0} for e in (1, 2, 3)]
LONG = [{"step": s, "lr": 1e-3, "loss": 3.0 - s / 1000} for s in range(10, 901, 10)]
BY_EPOCH = [
    row
    for k, third in enumerate((LONG[:30], LONG[30:60], LONG[60:]))
    for row in (*third, EVALUATED[k])
]


@pytest.mark.parametrize(
    ("rows", "kept", "told"),
    [
        (BY_EPOCH, 90, []),
        ([*LONG, {"step": 0, "note": "done"}], 90, []),
        ([*LONG[:50], {"step": 0, "lr": "", "loss": None}, *LONG[50:]], 90, []),
        ([*LONG[:50], {"step": "end", "note": "x"}, {"note": "y"}, *LONG[50:]], 90, []),
        (
            [{"step": e, "lr": 1e-3} for e in range(3)] + [{**r, "lr": None} for r in LONG],
            90,
            ["no rate after step 2", "the rate may be logged by epoch"],
        ),
        ([*LONG[:50], {"step": 1, "loss": 9.0}, *LONG[50:]], 90, ["1 numbers whose step goes b"]),
        ([*LONG, {"step": 3, "loss": 9.0}], 90, ["1 numbers whose step goes back alone are left"]),
        ([*LONG[:50], *LONG[40:60]], 60, ["went back 1 times: 10 steps"]),
        ([*LONG[:50], *LONG[40:45], *LONG[42:60]], 60, ["went back 2 times: 10 steps"]),
        ([*LONG, *LONG[:20]], 20, ["went back 1 times: 90 steps"]),
        ([*LONG[:50], {"lr": 1.0, "loss": 1.0}, *LONG[50:]], 90, ["1 rows without a step"]),
    ],
)
def test_only_a_series_of_its_own_goes_back(
    rows: list[dict[str, Any]], kept: int, told: list[str], tmp_path: Path
) -> None:
    """Rows without rate and loss are no steps; a single step of another kind resumes nothing."""
    with pytest.warns(UserWarning, match="no rate before step 10|no rate after step 2"):
        log = read_log(written(tmp_path / "run.jsonl", rows))
    assert log.steps.tolist() == [10 * k for k in range(1, kept + 1)]
    np.testing.assert_allclose(log.losses, 3.0 - log.steps / 1000)
    assert all(any(words in note for note in log.notes) for words in told)
    others = [note for note in log.notes if not any(words in note for words in told)]
    assert all(note == "no rate before step 10: taken as the one there" for note in others)


def test_steps_that_begin_anew_with_each_epoch(tmp_path: Path) -> None:
    """Are no steps of the run: as in the logs of MMCV."""
    rows = [{**row, "step": row["step"] % 40, "epoch": row["step"] // 40} for row in WHOLE]
    with pytest.raises(ValueError, match="whose 'step' counts through all epochs, got '30, then 0"):
        read_log(written(tmp_path / "run.jsonl", rows))
    again = [{**row, "epoch": row["step"] // 40} for row in (*WHOLE[:7], *WHOLE[4:])]
    with pytest.warns(UserWarning, match="went back 1 times"):
        assert len(read_log(written(tmp_path / "run.jsonl", again)).steps) == len(STEPS)


def test_gaps_and_rates_that_are_not_there(tmp_path: Path) -> None:
    """Each is said, with the steps."""
    rows = [row for row in WHOLE if not 20 < row["step"] < 70]
    with pytest.warns(UserWarning, match="no losses from step 20 to 70, usually one in 10; no rat"):
        read_log(written(tmp_path / "run.csv", rows))
    rows = [{**row, "learning_rate": "" if row["step"] in (0, 90) else 0.1} for row in WHOLE]
    with pytest.warns(UserWarning, match="no rate before step 10.*; no rate after step 80"):
        log = read_log(written(tmp_path / "run.csv", rows))
    assert log.rates.tolist() == [0.1] * 91


def test_a_line_that_is_cut_off(tmp_path: Path) -> None:
    """As a killed process leaves it: at the end it is told, elsewhere an error."""
    path = written(tmp_path / "run.jsonl", WHOLE)
    path.write_text(path.read_text()[:-9])
    with pytest.warns(UserWarning, match="run.jsonl: the last line is cut off"):
        assert read_log(path).steps.tolist() == STEPS[:-1].tolist()
    path.write_text(path.read_text() + "\n" + json.dumps(WHOLE[-1]))
    with pytest.raises(
        ValueError, match=r"must be a log with one JSON object a line, got .*\(10\)"
    ):
        read_log(path)


def test_event_files(tmp_path: Path) -> None:
    """Of TensorBoard, by a file or its folder."""
    writer = pytest.importorskip("tensorboardX")
    pytest.importorskip("tensorboard")
    with writer.SummaryWriter(str(tmp_path / "events")) as out:
        for row in WHOLE:
            out.add_scalar("train/lr", row["learning_rate"], row["step"], walltime=row["step"])
            out.add_scalar("train/loss", row["loss"], row["step"], walltime=row["step"] + 0.5)
    names = {"learning_rate": "train/lr", "loss": "train/loss"}
    for path in (tmp_path / "events", next((tmp_path / "events").iterdir())):
        log = quiet(path, **names)
        assert log.steps.tolist() == STEPS.tolist()
        np.testing.assert_allclose(log.losses, LOSSES, rtol=1e-6)
        np.testing.assert_allclose(log.rates, SCHEDULE(np.arange(91)), rtol=1e-6)
    with pytest.raises(ValueError, match=r"a tag must be one of .*did you mean 'train/loss'"):
        read_log(tmp_path / "events", learning_rate="train/lr", loss="train/los")


def test_event_files_of_a_resumed_run(tmp_path: Path) -> None:
    """Are read by their times, whatever their names are."""
    writer = pytest.importorskip("tensorboardX")
    pytest.importorskip("tensorboard")
    for part, name, time in ((WHOLE[:7], ".b", 0), (WHOLE[4:], ".a", 1000)):
        with writer.SummaryWriter(str(tmp_path), filename_suffix=name) as out:
            for row in part:
                out.add_scalar("lr", row["learning_rate"], row["step"], walltime=time)
                out.add_scalar("loss", row["loss"] + time, row["step"], walltime=time)
    with pytest.warns(UserWarning, match="went back 1 times: 3 steps from before it"):
        log = read_log(tmp_path)
    np.testing.assert_allclose(log.losses, LOSSES + 1000 * (STEPS >= 40), rtol=1e-6)


def test_a_resumed_run_that_logs_less_often(tmp_path: Path) -> None:
    """Has gone back all the same, where it does not reach what was there."""
    rows = [*LONG[:50], LONG[9], LONG[29]]
    with pytest.warns(UserWarning, match="went back 1 times: 41 steps from before it"):
        log = read_log(written(tmp_path / "run.csv", rows))
    assert log.steps.tolist() == [*range(10, 100, 10), 100, 300]


def test_a_real_log() -> None:
    """Of a model with 124M parameters: rates as its schedule has them."""
    folder = Path(__file__).parents[2] / "shared/data/loss_curves/llama_124m"
    if not folder.exists():
        pytest.skip("the loss curves of ../shared/data are not here")
    path = next(folder.glob("cos-10*lr0.001*iter25000*"))
    with pytest.warns(UserWarning, match="no rate before step 50: taken as the one there"):
        log = read_log(path, step="iter", learning_rate="train_lr", loss="val_loss")
    assert len(log.notes) == 1
    assert log.rates.max() == pytest.approx(1e-3, rel=1e-4)
    assert log.rates[-1] == pytest.approx(1e-4, rel=1e-2)
    assert 2.9 < log.losses[-1] < 3.2


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("none.csv", None, "path (none.csv) must be a file that is there"),
        ("run.txt", WHOLE, "path (run.txt) must be a .csv, .jsonl or .json file"),
        ("run.csv", [{"step": 0, "rate": 0.1, "loss": 3.0}], "a column of the learning rate"),
        (
            "run.jsonl",
            [{"step": 0, "learning_rat": 0.1, "loss": 3.0}],
            "did you mean 'learn",
        ),
        ("run.csv", WHOLE[:1], "path (run.csv) must be a log with two finite losses or more"),
        ("run.csv", [{**r, "learning_rate": ""} for r in WHOLE], "must be a log with rates under"),
        ("run.csv", [{**r, "learning_rate": -1} for r in WHOLE], "must be a log with rates under"),
        (
            "run.csv",
            [{**r, "loss": "low"} for r in WHOLE],
            "must be a log with numbers under",
        ),
        ("run.csv", [{**r, "step": 0.5} for r in WHOLE], "must be a log with whole steps from 0"),
    ],
)
def test_bad_input_is_one_sentence(name: str, rows: Any, words: str, tmp_path: Path) -> None:
    """Which file, the rule, what came."""
    path = tmp_path / name
    if rows is not None:
        written(path, rows)
    with pytest.raises(ValueError) as error:
        read_log(path)
    assert words in str(error.value)
    assert str(error.value).count("\n") == 0
