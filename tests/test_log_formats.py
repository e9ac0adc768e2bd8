"""Logs as trainers, services, libraries and people write them: read alike, or one sentence."""

import gzip
import json
import os
import random
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from anneal_jax.laws import Log, read_log

DATA = Path(__file__).parent / "data"
STEPS = np.arange(10, 101, 10)
RATES = np.round(1e-3 * (1 - STEPS / 100) + 1e-5, 7)
LOSSES = np.round(2 + np.exp(-STEPS / 50), 4)
EVAL = [50, 100], [2.4679, 2.2353]
FIRST = "no rate before step 10: taken as the one there"
GERMAN = {"step": "Schritt", "learning_rate": "Lernrate", "loss": "Verlust"}


def read(path: Path, **names: str) -> Log:
    """Without its warnings, which `notes` has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return read_log(path, **names)


# file: step, learning rate, loss and held-out loss as found; what is odd
FORMATS: dict[str, tuple[str, str, str, str | None, list[str]]] = {
    "trainer_state.json": ("step", "learning_rate", "loss", "eval_loss", []),
    "trainer_log.jsonl": ("current_steps", "lr", "loss", "eval_loss", []),
    "pandas_records.json": ("step", "lr", "train_loss", "val_loss", []),
    "pandas_columns.json": ("step", "lr", "train_loss", "val_loss", []),
    "pandas_split.json": ("step", "lr", "train_loss", "val_loss", []),
    "pandas_index.csv": ("step", "lr", "train_loss", "val_loss", []),
    "lightning_metrics.csv": ("step", "lr-AdamW", "train_loss_step", "val_loss", []),
    "mmengine_scalars.json": ("step", "lr", "loss", None, []),
    "wandb_table.csv": (
        "train/global_step",
        "train/learning_rate",
        "train/loss",
        "eval/loss",
        [],
    ),
    "wandb_chart.csv": ("Step", "brisk-sun-1 - lr", "brisk-sun-1 - loss", None, []),
    "nested_phases.jsonl": ("step", "metrics/lr/group0", "metrics/loss", "metrics/loss", []),
    "excel_utf16.tsv": ("Step", "Learning Rate", "Training Loss", None, []),
    "byte_order_mark.csv": ("step", "lr", "loss", None, []),
    "numpy_savetxt.csv": ("step", "lr", "loss", None, []),
    "appended.csv": ("step", "lr", "loss", None, ["went back 1 times: 2 steps from before"]),
    "cut_off.csv": ("step", "lr", "loss", None, ["the last line is cut off"]),
    "events_torch": ("step", "train/lr", "train/loss", "eval/loss", []),
    "events_clu": ("step", "learning_rate", "train_loss", "eval_loss", []),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format(name: str) -> None:
    """The same run in each; held-out losses apart; the columns are told."""
    if "events" in name:
        pytest.importorskip("tensorboard")
    *columns, odd = FORMATS[name]
    log = read(DATA / name)
    kept = slice(0, 9 if name == "cut_off.csv" else 10)
    assert log.steps.tolist() == STEPS[kept].tolist()
    np.testing.assert_allclose(log.losses, LOSSES[kept], rtol=1e-6)
    np.testing.assert_allclose(log.rates[10::10], RATES[kept], rtol=1e-6)
    arguments = ("step", "learning_rate", "loss", "eval_loss")
    assert log.columns == {a: c for a, c in zip(arguments, columns, strict=True) if c}
    expected = EVAL if columns[3] else ([], [])
    assert log.eval_steps.tolist() == expected[0]
    np.testing.assert_allclose(log.eval_losses, expected[1], rtol=1e-6)
    for note, words in zip(log.notes, [*odd, FIRST], strict=True):
        assert words in note


def test_a_loss_on_held_out_data_by_its_name() -> None:
    """It takes the place of the training loss, and is not told twice."""
    log = read(DATA / "trainer_state.json", loss="eval_loss")
    assert (log.steps.tolist(), log.losses.tolist()) == EVAL
    assert log.columns["loss"] == "eval_loss"
    assert not log.eval_steps.size
    log = read(DATA / "pandas_index.csv", eval_loss="train_loss", loss="val_loss")
    assert log.eval_losses.tolist() == LOSSES.tolist()


def test_a_rate_by_epoch_goes_with_a_loss_by_epoch(tmp_path: Path) -> None:
    """As Keras logs both, beside a loss by batch."""
    row = {"epoch_learning_rate": 0.1, "batch_loss": 9, "epoch_loss": 2}
    rows = [{"step": k, **row} for k in range(3)]
    (tmp_path / "run.json").write_text(json.dumps(rows))
    assert read(tmp_path / "run.json").columns["loss"] == "epoch_loss"
    (tmp_path / "run.json").write_text(json.dumps(rows).replace("epoch_learning_rate", "lr"))
    assert read(tmp_path / "run.json").columns["loss"] == "batch_loss"


def test_a_loss_of_validation_goes_before_one_of_test(tmp_path: Path) -> None:
    """In whatever order they stand; a word in such a column is no error."""
    (tmp_path / "run.csv").write_text(
        "step,lr,test_loss,valid/loss,loss\n0,.1,9,5,3\n1,.1,?!,?!,2\n2,.1,9,4,1\n"
    )
    log = read(tmp_path / "run.csv")
    assert log.columns["eval_loss"] == "valid/loss"
    assert (log.eval_steps.tolist(), log.eval_losses.tolist()) == ([0, 2], [5.0, 4.0])
    assert log.notes == ("1 numbers that are not finite are left out",)


def test_steps_in_thousands() -> None:
    """With commas in quotes, and words for what is missing elsewhere."""
    log = read(DATA / "thousands.csv")
    assert log.steps.tolist() == (100 * STEPS).tolist()
    assert log.losses.tolist() == LOSSES.tolist()


def test_keras() -> None:
    """Tensors in a folder of two runs; a table that counts epochs, and says so."""
    log = read(DATA / "keras_history.csv", step="epoch")
    assert log.steps.tolist() == list(range(10))
    assert log.losses.tolist() == LOSSES.tolist()
    with pytest.raises(ValueError, match=r"the step .*pass step='epoch' to count in epochs"):
        read_log(DATA / "keras_history.csv")
    pytest.importorskip("tensorboard")
    events = read(DATA / "events_keras")
    for name in ("losses", "eval_losses", "rates"):
        np.testing.assert_allclose(getattr(events, name), getattr(log, name), rtol=1e-6)
    assert events.columns["eval_loss"] == "validation/epoch_loss"


def test_excel_in_german() -> None:
    """Semicolons, commas in numbers, Latin-1; no column's name is known."""
    log = read(DATA / "excel_german.csv", **GERMAN)
    assert log.losses.tolist() == LOSSES.tolist()
    np.testing.assert_allclose(log.rates[10::10], RATES)
    with pytest.raises(ValueError, match="got 'Schritt, Lernrate, Verlust, Größe'; pass the name"):
        read_log(DATA / "excel_german.csv")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_encodings(encoding: str, tmp_path: Path) -> None:
    """Packed or not, whatever the name of the file says of that."""
    text = (DATA / "pandas_index.csv").read_text().replace("\n", ",größe\n", 1)
    for data in (text.encode(encoding), gzip.compress(text.encode(encoding))):
        (tmp_path / "run.csv").write_bytes(data)
        assert read(tmp_path / "run.csv").losses.tolist() == LOSSES.tolist()


# Names as trainers have them; the first is to be found beside all the others.
NAMES = {
    "step": [
        ("global_step", "step", "epoch"),
        ("train/global_step", "_step", "train/epoch"),
        ("trainer/global_step", "_step"),
        ("Iteration", "time"),
        ("train_num_updates", "train_wall"),
        ("iter", "epoch", "total_steps"),
        ("iter", "_step"),
        ("global_step/max_steps", "epoch"),
        ("optimizer_step", "micro_step"),
        ("globalStep", "stepTime", "steps_per_second"),
    ],
    "learning_rate": [
        ("learning_rate", "base_lr"),
        ("lr-AdamW/pg1", "lr-AdamW/pg1-momentum", "lr-AdamW/pg1-weight_decay"),
        ("lr/group0", "lr_scheduler"),
        ("train/lr", "train/min_lr"),
        ("learning/current_learning_rate", "learning/grad_norm"),
        ("charts/learning_rate", "charts/SPS"),
        ("learning-rate", "learning-rate vs samples"),
        ("LR", "lr_scale"),
        ("learningRate", "warmup_lr"),
        ("train_lr_0", "initial_lr"),
    ],
    "loss": [
        ("loss", "train_loss", "eval_loss"),
        ("train/loss", "train/loss_scale", "eval/loss", "train/train_loss"),
        ("Loss/train", "Loss/val", "Loss/test"),
        ("train_loss_step", "train_loss_epoch", "val_loss"),
        ("Training Loss", "Validation Loss", "lossWeight"),
        ("lm loss", "lm loss vs samples", "loss-scale"),
        ("learning/loss", "evaluation/loss"),
        ("loss", "loss_cls", "loss_bbox", "loss__MIN"),
        ("total_loss", "aux_loss", "dev_loss"),
        ("train.loss", "held_out.loss", "validation_loss"),
    ],
}


@pytest.mark.parametrize(
    ("argument", "names"), [(a, names) for a, each in NAMES.items() for names in each]
)
def test_names_that_trainers_give(argument: str, names: tuple[str, ...], tmp_path: Path) -> None:
    """Found among those that resemble them, in whatever order they stand."""
    plain = {"step": "step", "learning_rate": "lr", "loss": "loss"}
    plain.pop(argument)
    for order in (names, names[::-1]):
        rows = [dict.fromkeys((*plain.values(), *order), k + 1) for k in range(3)]
        (tmp_path / "run.json").write_text(json.dumps(rows))
        assert read(tmp_path / "run.json").columns[argument] == names[0]


def test_rates_of_groups_that_differ_are_told(tmp_path: Path) -> None:
    """The first is read; groups with the same rate are one."""
    rows = [{"step": k, "loss": 2.0, "lr/a": 0.1, "lr/b": 0.1, "lr/c": k / 10} for k in range(3)]
    (tmp_path / "run.json").write_text(json.dumps(rows))
    with pytest.warns(UserWarning, match="'lr/a' is the rate; lr/c differ"):
        read_log(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["2,345.5", " 2.5e+0 ", "1.", ".5"], [2345.5, 2.5, 1.0, 0.5]),
        (["tensor(2.5, device='cuda:0')", "Array(1.5, dtype=float32)"], [2.5, 1.5]),
        (["1", "N/A", "None", "-", "", "null", "2"], [1.0, 2.0]),
        (["1", "NaN", "inf", "-Infinity", "1e999", "2"], [1.0, 2.0]),
    ],
)
def test_numbers_as_logs_spell_them(cells: list[str], value: list[float], tmp_path: Path) -> None:
    """Missing ones are no rows; what is not finite is left out."""
    lines = [f'{k}.0,0.1,"{cell}"' for k, cell in enumerate(cells)]
    (tmp_path / "run.csv").write_text("\n".join(["step,lr,loss", *lines, ""]))
    assert read(tmp_path / "run.csv").losses.tolist() == value


ROWS = [{"step": s, "lr": 0.1, "loss": 2.0} for s in (0, 10)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
TABLE = "step,lr,loss\n0,0.1,3\n10,0.1,2\n"
BAD: dict[str, tuple[str, str | bytes, str]] = {
    "a step of 1e18": ("a.csv", TABLE + "1e18,.1,2\n", "whole steps from 0 to 20,000,000 under"),
    "a step of 3e9": ("a.jsonl", LINES + '{"step":3e9,"loss":1}', "got '3000000000.0 in row 3'"),
    "a fraction": ("a.csv", TABLE + "10.5,.1,2\n", "got '10.5 in row 3'; pass step= if it is"),
    "5,000 digits": ("a.jsonl", LINES + f'{{"step":{"9" * 5000},"loss":1}}', "got 'inf in row 3'"),
    "no object": ("a.jsonl", "5\n" + LINES, "one JSON object a line, got"),
    "a word": (
        "a.jsonl",
        LINES + '{"step":1,"loss":"low"}',
        "under 'loss', got 'low in row 3'",
    ),
    "a truth": ("a.jsonl", LINES + '{"step":1,"loss":true}', "got 'True in row 3'"),
    "a list": ("a.jsonl", LINES + '{"step":1,"loss":[1,2]}', "got '[1, 2] in row 3'"),
    "deep JSON": ("a.json", '{"a":' * 100_000, "flat, got 'JSON that is nested very deep'"),
    "only brackets": ("a.json", "[" * 100_000, "got 'no names'"),
    "nothing": ("a.csv", "", "must be a log with rows, got 'none'"),
    "only comments": ("a.csv", "# a\n#b\n", "must be a log with rows, got 'none'"),
    "no header": ("a.csv", "0,0.1,3\n10,0.1,2\n", "whose first row has the names, got '0,0.1,3'"),
    "only held-out": ("a.csv", TABLE.replace("loss", "val_loss"), "a column of the training loss"),
    "losses": ("a.csv", "step,lr,loss_a,b_loss\n1,1,1,1\n", "with one training loss, or"),
    "runs": ("a.csv", "Step,a - lr,b - lr,a - loss\n1,1,1,1\n", "of one run, got 'a - lr, b - lr'"),
    "runs of two": ("a.csv", "Step,a - lr,b - loss\n1,1,1\n", "one run, got 'a - lr, b - loss'"),
    "binary": ("a.csv", bytes(range(256)), "must be a text, got 'bytes that are none'"),
    "control characters": ("a.csv", bytes(range(1, 256)), "a text, got 'bytes that are none'"),
    "one cut object": ("a.json", '{"step": 0, "lr": .1, "lo', "one JSON object a line, got"),
    "Python's spelling": ("a.csv", TABLE + "20,.1,1_0\n", "numbers under 'loss', got '1_0 in row"),
    "Excel": ("a.csv", b"PK\x03\x04" + bytes(99), "got 'a zip or Excel file'; export it as CSV"),
    "Parquet": ("a.json", b"PAR1" + bytes(99), "got 'Parquet'"),
    "a damaged .gz": ("a.csv.gz", b"\x1f\x8b\x08\0" + bytes(60), "must be a file that can be read"),
    "a long cell": ("a.csv", TABLE + '"' + "1" * 200_000, "a table of comma-separated values"),
    "a long name": ("a.csv", TABLE.replace("lr", "r" * 9000), "a column of the learning rate"),
    "damaged events": ("a.tfevents.1", b"\x08" + bytes(7) + b"garbage" * 9, "a tag of the"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_one_short_sentence(what: str, tmp_path: Path) -> None:
    """Which file, the rule, what came and where; nothing foreign, and at once."""
    if "events" in what:
        pytest.importorskip("tensorboard")
    name, content, words = BAD[what]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError) as error:
        read(path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"read_log: path ({name}) must be ")
    assert len(str(error.value)) < 300
    assert str(error.value).isprintable()


def test_names_and_paths_that_are_not_there(tmp_path: Path) -> None:
    """With the nearest name, or the files and the runs that there are."""
    with pytest.raises(ValueError, match=r"a column must be one of .*did you mean 'val_loss'\?"):
        read_log(DATA / "pandas_index.csv", loss="val_los")
    with pytest.raises(ValueError, match="path must be that of a log, got 5"):
        read_log(5)  # type: ignore[arg-type]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(ValueError, match="a file or a folder, got 'a device or a pipe'"):
            read_log(tmp_path / "pipe.csv")
        (tmp_path / "pipe.csv").unlink()
    with pytest.raises(ValueError, match="a file that is there"):
        read_log("a\0b.csv")
    shutil.copy(DATA / "trainer_state.json", tmp_path)
    with pytest.raises(ValueError, match=r"with event files, got 'trainer_state\.json'; pass the"):
        read_log(tmp_path)
    with pytest.raises(ValueError, match="the folder of one run, got '2 runs: first, second'"):
        read_log(DATA / "events_two_runs")


SAME = {
    "for Excel": "sep=;\nstep;lr;loss\n0;0,1;3\n10;0,1;2\n",
    "old ends of lines": TABLE.replace("\n", "\r"),
    "of DOS, after a crash": TABLE.replace("\n", "\r\n") + "\x1a\0\0",
    "no end of the last line": TABLE[:-1],
    "quotes and blanks": '"step" , "lr", "loss"\n 0 , 0.1 , "3"\n 10 ,  "0.1", "2"\n',
    "columns in line": "step   lr   loss\n0      0.1  3\n10     0.1  2\n",
    "lists of one": '{"step": 0, "lr": [0.1], "loss": [3]}\n{"step": 10, "lr": 0.1, "loss": [2]}',
    "cut in a number": TABLE + "20,0.1,1e-",
    "cut after a sign": TABLE + "20,0.1,-",
    "cut in a cell": TABLE + "20,0.",
    "cut in a step": TABLE + "2",
    "an empty column": "step,lr,loss,train_loss\n0,0.1,,3\n10,0.1,,2\n",
    "a better step in few rows": "global_step,step,lr,loss\n,0,.1,3\n,10,.1,2\n9,20,,\n",
    "bars": "|step|lr|loss|\n|0|0.1|3|\n|10|0.1|2|\n",
    "a column twice": "step,lr,loss,loss\n0,0.1,3,9\n10,0.1,2,9\n",
    "more columns later": TABLE[:21] + "step,time,lr,loss\n10,9,0.1,2\n",
    "the steps of all": "step,lr,loss\n0/20,.1,3\n10/20,.1,2\n",
    "a word for no loss": "step,lr,loss,val_loss\n0,.1,3,No log\n10,.1,2,No log\n",
    "comments": "# by me\n\n" + TABLE.replace("10,", "# resumed\n10,"),
    "a row a number": "step,tag,value\n0,lr,.1\n0,loss,3\n10,lr,.1\n10,loss,2\n",
    "one JSON object": '{"step": [0, 10], "lr": [0.1, 0.1], "loss": [3, 2]}',
    "rows by index": '{"0": {"step":0,"lr":0.1,"loss":3}, "1": {"step":10,"lr":0.1,"loss":2}}',
    "objects over lines": '{"step":0, "lr":0.1,\n "loss":3}\n{"step":10,\n "lr":0.1, "loss":2}',
    "rows by kind": "step,lr,loss,type\n0,.1,3,train\n0,,9,eval\n10,.1,2,train\n10,,9,eval\n",
}


@pytest.mark.parametrize("what", SAME)
def test_ways_to_write_two_rows(what: str, tmp_path: Path) -> None:
    """A table or JSON, whatever the name of a table says."""
    (tmp_path / "run.csv").write_bytes(SAME[what].encode())
    log = read(tmp_path / "run.csv")
    assert (log.steps.tolist(), log.losses.tolist()) == ([0, 10], [3.0, 2.0])
    assert log.rates.tolist() == [0.1] * 11
    cut = what in ("cut in a number", "cut in a cell", "cut in a step")
    odd = "the last line is cut" if cut else "several columns" if what == "a column twice" else ""
    assert len(log.notes) == bool(odd)
    assert odd in "".join(log.notes)


def test_evaluations_in_a_folder_below(tmp_path: Path) -> None:
    """As Estimators and T5X write them; runs beside each other have other names."""
    pytest.importorskip("tensorboard")
    shutil.copytree(DATA / "events_keras/train", tmp_path, dirs_exist_ok=True)
    shutil.copytree(DATA / "events_keras/validation", tmp_path / "training_eval")
    shutil.copytree(DATA / "events_torch", tmp_path / "hparams")
    log = read(tmp_path)
    assert log.losses[0] == pytest.approx(LOSSES[0])
    assert log.eval_losses[0] == pytest.approx(LOSSES[0] + 0.1)
    assert log.columns["eval_loss"] == "training_eval/epoch_loss"


def test_event_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that hold no events; and no reader."""
    writer = pytest.importorskip("tensorboard.summary.writer.record_writer")
    with (tmp_path / "a.tfevents.1").open("wb") as file:
        writer.RecordWriter(file).write(b"garbage")
    with pytest.raises(ValueError, match="must be an event file of TensorBoard, got 'DecodeError'"):
        read_log(tmp_path / "a.tfevents.1")
    reader = "tensorboard.backend.event_processing.event_file_loader"
    monkeypatch.setitem(sys.modules, reader, None)
    with pytest.raises(ImportError, match=r"events_torch needs .*; pip install tensorboard\."):
        read_log(DATA / "events_torch")


@pytest.mark.parametrize("name", ["pandas_records.json", "trainer_log.jsonl", "wandb_table.csv"])
def test_files_that_are_cut_off(name: str, tmp_path: Path) -> None:
    """In the middle of a number, and packed: what came before is read, and it is told."""
    whole = (DATA / name).read_bytes()
    cut = whole[: whole.index(b"2.2019") + 3]
    packed = gzip.compress(cut)
    for ending, data in (("", cut), (".gz", packed), (".gz", packed[:-6])):
        (tmp_path / (name + ending)).write_bytes(data)
        log = read(tmp_path / (name + ending))
        assert log.losses.tolist() == LOSSES[:7].tolist()
        assert "the last line is cut off" in log.notes
        assert ("the compressed file is cut off" in log.notes) == (len(data) < len(packed))


TOKENS = [b"NaN", b"1e400", b"-1", b"9" * 5000, b"{", b"[", b'"', b"null", b"true", b"\0", b"\n"]
TOKENS += [b"\xff\xfe", b",", b";", b"1e18", b'{"a":' * 3000, b"#", b"\xe9", b"step", b"epoch"]


def changed(data: bytes, rng: random.Random) -> bytes:
    """A log with bytes lost, doubled or put in."""
    at, to = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    token = rng.choice(TOKENS)
    changes = [data[:at], data[:to] + data[at:], data[:at] + data[to:]]
    return rng.choice([*changes, data[:at] + token + data[at:], data[:at] + token + data[at + 3 :]])


def sentence(path: Path) -> str:
    """What is wrong with a log; nothing if it is read, and then what is read can be used."""
    try:
        log = read(path)
    except ValueError as error:
        return str(error)
    assert np.isfinite(log.losses).all()
    assert np.isfinite(log.rates).all()
    assert (np.diff(log.steps) > 0).all()
    return ""


def test_no_change_of_a_log_gives_anything_but_a_log_or_a_sentence(tmp_path: Path) -> None:
    """Some hundred, of all kinds but event files."""
    rng = random.Random(0)
    files = [path for path in sorted(DATA.glob("*")) if path.is_file()]
    told = []
    for count in range(250):
        source = files[count % len(files)]
        data = source.read_bytes()
        for _ in range(rng.choice([1, 1, 3])):
            data = changed(data, rng)
        (tmp_path / source.name).write_bytes(data)
        told.append(sentence(tmp_path / source.name))
    assert all(one.startswith("read_log: ") for one in told if one)
    assert all(len(one) < 300 and one.isprintable() for one in told)
    assert 30 < told.count("") < 220
