"""`python -m benchmarks.accelerator`: all of it runs, and no part of it stops the others."""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from benchmarks.accelerator import peaks, sections
from benchmarks.accelerator.__main__ import main
from benchmarks.accelerator.measurements import Clock, LeftOut, Measurement, Row, rows_of
from benchmarks.twins import child, jax_side
from benchmarks.twins.model import Model


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """Optimizers and models of others need JAX's own promotion rules."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_everything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At tiny sizes, in this process; the table and the file have the same rows."""
    path = tmp_path / "found.json"
    assert main(["--quick", "--here", "--out", str(path)]) == 0
    found = {name: part["rows"] for name, part in json.loads(path.read_text()).items()}
    assert list(found) == [section.name for section in sections.SECTIONS]
    table = capsys.readouterr().out
    for row in itertools.chain(*found.values()):
        assert row["what"] in table
        assert row["figure"] in table
    (eager, jitted) = (row["values"] for row in found["contract"] if row["values"])
    assert eager["errors"].keys() == jitted["errors"].keys()
    assert 0 < max(eager["errors"].values()) < 1e-6
    assert [row["figure"] for row in found["plans"]] == ["1", "5", "1"]
    assert found["transformer"][0]["values"]["tokens_per_s"] > 0


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


def test_what_ends_a_side_is_told() -> None:
    """A side that cannot start, and one that is not ready in time."""
    with child.Child("nobody", Model()) as side, pytest.raises(RuntimeError) as error:
        side.ready()
    assert str(error.value).startswith("the nobody side ended: ModuleNotFoundError")
    with child.Child("jax", Model()) as side, pytest.raises(TimeoutError, match="within 0 s"):
        side.ready(0.0)


def test_a_batch_that_does_not_fit_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is seen beforehand or when memory is full; other errors are no reason to."""
    wanted = Model(12, 12, 768, 1024, batch=32, vocabulary=50304)
    assert [wanted.fitting(gigabytes * 10**9).batch for gigabytes in (4, 20, 400)] == [1, 4, 32]

    class Full:
        problem = "RESOURCE_EXHAUSTED: Out of memory"

        def __init__(self, model: Model) -> None:
            self.facts = lambda: {"batch": model.batch}

        def train(self) -> None:
            if self.facts()["batch"] > 4:
                raise RuntimeError(self.problem)

    monkeypatch.setattr(jax_side, "Rounds", Full)
    assert jax_side.start(Model(batch=12))[0]() == {"batch": 3}
    monkeypatch.setattr(Full, "problem", "INTERNAL")
    with pytest.raises(RuntimeError, match="INTERNAL"):
        jax_side.start(Model(batch=12))


def test_work_is_counted_as_in_papers() -> None:
    """PaLM's 6 N + 12 L H Q T, with GPT-2's numbers, by hand; the H100's peak without sparsity."""
    model = Model(12, 12, 768, 1024, vocabulary=50257)
    inner, embedding = 12 * 12 * 768**2, 50257 * 768
    assert model.flops_per_token(inner + 2 * embedding) == (
        6 * (inner + embedding) + 12 * 12 * 12 * 64 * 1024
    )
    assert peaks.share(1979e12 / 4, "NVIDIA H100 80GB HBM3")[1] == "50.0% of 989 TFLOP/s"
    assert peaks.share(1e12, "abacus") == (None, "1 TFLOP/s (no peak known of 'abacus')")


def test_the_twin_is_the_example() -> None:
    """With the same parameters, drawn at random, PyTorch's model has the loss of the example's."""
    torch = pytest.importorskip("torch")
    from benchmarks.twins import torch_side
    from examples.transformer_lm.model import Shape, Transformer, losses

    sizes = {"vocabulary": 11, "blocks": 2, "heads": 2, "width": 16, "block_size": 8}
    ours = Transformer(Shape(**sizes), nnx.Rngs(0))
    theirs = torch_side.Transformer(Model(**sizes))
    draw = np.random.default_rng(0)
    params = nnx.state(ours, nnx.Param)
    params = jax.tree.map(lambda p: draw.normal(size=p.shape).astype(np.float32), params)
    nnx.update(ours, params)
    named = {".".join(map(str, path)): value for path, value in nnx.to_flat_state(params)}
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            end = {"embed": "embedding"}.get(name.split(".")[-2], "scale")
            stem = name.removesuffix(".weight")
            kernel = named.pop(f"{stem}.kernel", None)
            value = named.pop(f"{stem}.{end}") if kernel is None else kernel.T
            parameter.copy_(torch.from_numpy(np.asarray(value)))
    assert not named
    tokens = draw.integers(11, size=(3, 9))
    wanted = losses(ours(tokens[:, :-1]), tokens[:, 1:]).mean()
    with torch.no_grad():
        got = theirs(torch.from_numpy(tokens[:, :-1]), torch.from_numpy(tokens[:, 1:]))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
