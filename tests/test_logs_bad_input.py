"""Logs that are cut off, damaged, or none: one sentence, at once, and what is left is read."""

import gzip
import json
import os
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from anneal_jax.laws import read_log
from tests.log_data import DATA, LOSSES, TABLE, read

ROWS = [{"step": s, "lr": 0.1, "loss": 2.0} for s in (0, 10)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
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
