"""Logs as trainers, services, libraries and people write them: read alike."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from anneal_jax.laws import read_log
from tests.log_data import DATA, LOSSES, RATES, STEPS, TABLE, read

EVAL = [50, 100], [2.4679, 2.2353]
FIRST = "no rate before step 10: taken as the one there"
GERMAN = {"step": "Schritt", "learning_rate": "Lernrate", "loss": "Verlust"}


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
