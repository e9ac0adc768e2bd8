"""`python -m benchmarks.accelerator`: all of it runs, and no part of it stops the others."""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from benchmarks.accelerator import sections
from benchmarks.accelerator.__main__ import main
from benchmarks.accelerator.measurements import Clock, LeftOut, Measurement, Row, rows_of


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """Optimizers and models of others need JAX's own promotion rules."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_everything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At tiny sizes, in this process; the table and the file have the same rows."""
    path = tmp_path / "found.json"
    names = ["device", "contract", "overhead", "plans", "sweep", "laws", "host_snapshots"]
    assert main(["--quick", "--here", "--out", str(path), "--only", *names]) == 0
    found = {name: part["rows"] for name, part in json.loads(path.read_text()).items()}
    assert list(found) == names
    table = capsys.readouterr().out
    for row in itertools.chain(*found.values()):
        assert row["what"] in table
        assert row["figure"] in table
    (eager, jitted) = (row["values"] for row in found["contract"] if row["values"])
    assert eager["errors"].keys() == jitted["errors"].keys()
    assert 0 < max(eager["errors"].values()) < 1e-6
    assert [row["figure"] for row in found["plans"]] == ["1", "5", "1"]


def _raises(clock: Clock) -> Iterator[Row]:
    del clock
    yield Row("half", "1")
    raise ValueError("a long story\nof many lines")


def _absent(clock: Clock) -> Iterator[Row]:
    del clock
    raise LeftOut("nobody has one")
    yield


def test_a_measurement_that_raises_is_a_row() -> None:
    """What it had found is kept, and the next one is made."""
    parts = [Measurement("first", _raises), Measurement("second", _absent)]
    begun: list[str] = []
    assert [row[:2] for row in rows_of(parts, Clock(60.0), begun.append)] == [
        ("half", "1"),
        ("first", "failed: ValueError: a long story"),
        ("second", "left out: nobody has one"),
    ]
    assert begun == ["first", "second"]


def test_no_measurement_begins_when_time_is_up() -> None:
    (row,) = rows_of([Measurement("first", _raises)], Clock(0.0))
    assert row[:2] == ("first", "left out: the time of this section is used up")


GOES_WELL = """
print("a library says something")
print('{"begun": "first"}')
print('{"what": "first", "figure": "1", "goal": "", "values": null}')
print('{"begun": "second"}', flush=True)
"""


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("", None),
        ("import os; os.abort()", "failed: its process ended with code -6: it said nothing"),
        ("raise SystemError('lost')", "failed: its process ended with code 1: SystemError: lost"),
        ("import time; time.sleep(60)", "left out: stopped after 1 s of its section"),
    ],
)
def test_a_section_ends_alone(monkeypatch: pytest.MonkeyPatch, end: str, said: str | None) -> None:
    """Its process may crash or hang: what it found before is kept, and it is said what ended it."""
    monkeypatch.setattr(sections, "GRACE", 1.0 if "sleep" in end else 60.0)
    rows = list(sections.apart("section", 0.0, [sys.executable, "-c", GOES_WELL + end]))
    assert rows[0] == Row("first", "1")
    assert [(row.what, row.figure) for row in rows[1:]] == ([("second", said)] if said else [])


def test_a_section_has_a_process_of_its_own(tmp_path: Path) -> None:
    assert main(["--quick", "--out", str(tmp_path / "found.json"), "--only", "device"]) == 0


def test_time_goes_where_it_is_left() -> None:
    """The last section may use all that the others did not."""
    three = (sections.Section("a", 1), sections.Section("b", 1), sections.Section("c", 2))
    assert sections.seconds_for(three, 50.0) == 10.0
    assert sections.seconds_for(three[2:], 50.0) == 40.0
    assert sections.seconds_for(three, 5.0) == 0.0
