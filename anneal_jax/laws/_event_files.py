"""TensorBoard's event files: scalars, whether they are stored as numbers or as tensors."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._log_columns import EVALUATED
from ._log_table import Table, names_of
from ._log_text import OWNER, fail, listed

_STEP = "step"
_MOST = 10_000  # folders that are looked into
_Scalar = tuple[float, int, str, float]  # wall time, step, tag, value


def is_events(path: Path) -> bool:
    """Whether a path is an event file, or a folder, which may hold some."""
    return path.is_dir() or "tfevents" in path.name


def read_events(path: Path) -> Table:
    """The scalars of one run; Keras has those of held-out data in a folder of their own."""
    scalars: list[_Scalar] = []
    for prefix, files in _runs(path).items():
        for file in files:
            scalars += [(at, step, prefix + tag, x) for at, step, tag, x in _scalars(path, file)]
    scalars.sort(key=lambda scalar: scalar[0])
    rows = [{_STEP: step, tag: x} for _, step, tag, x in scalars]
    return Table(rows, [n for n in names_of(rows) if n != _STEP], "tag", [], step=_STEP)


def _runs(path: Path) -> dict[str, list[Path]]:
    """Event files by what is put before their tags: nothing, or the folder of an evaluation."""
    if not path.is_dir():
        return {"": [path]}
    found: dict[Path, list[Path]] = {}
    for folder, _, names in itertools.islice(os.walk(path), _MOST):
        files = [Path(folder) / name for name in sorted(names) if "tfevents" in name]
        if files:
            found[Path(folder).relative_to(path)] = files
    if not found:
        there = listed(sorted(each.name for each in path.iterdir()))
        fail(path, "a folder with event files", there or "an empty one", "pass the log itself")
    if Path() in found:  # other folders below it hold no scalars of the run: hyperparameters
        found = {one: files for one, files in found.items() if one == Path() or _evaluated(one)}
    trained = [one for one in found if not _evaluated(one)]
    if len({one.parent for one in found}) > 1 or len(trained) > 1:
        runs = listed(sorted(map(str, found)))
        fail(path, "the folder of one run", f"{len(found)} runs: {runs}", "pass one of these")
    return {"" if one in trained else f"{one.name}/": files for one, files in found.items()}


def _evaluated(folder: Path) -> bool:
    """Whether a folder is named as one of held-out data."""
    return not EVALUATED.isdisjoint(folder.name.lower().split("_"))


def _scalars(path: Path, file: Path) -> Iterator[_Scalar]:
    loader, unreadable = _loader(path)
    try:
        for event in loader(str(file)).Load():
            for value in event.summary.value:
                if (number := _number(value)) is not None:
                    yield event.wall_time, event.step, value.tag, number
    except (unreadable, OSError) as error:
        fail(path, "an event file of TensorBoard", type(error).__name__, "it may be damaged")


def _loader(path: Path) -> tuple[Any, type[Exception]]:
    try:
        from google.protobuf.message import DecodeError
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    except ImportError:
        raise ImportError(
            f"{OWNER}: {path.name} needs TensorBoard's reader; pip install tensorboard."
        ) from None
    return LegacyEventFileLoader, DecodeError


def _number(value: Any) -> float | None:
    """A scalar, or None: TensorFlow 2, Keras and CLU store one as a tensor without axes."""
    if value.WhichOneof("value") == "simple_value":
        return value.simple_value
    if value.WhichOneof("value") != "tensor" or value.tensor.tensor_shape.dim:
        return None
    from tensorboard.util.tensor_util import make_ndarray

    array = make_ndarray(value.tensor)
    return float(array) if array.dtype.kind in "fiu" else None
