"""What an earlier part of a run has logged, up to the step that the run goes on from."""

import csv
import math
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tensorboardX.proto.event_pb2 import Event

from ..command_line import make_folder
from . import checkpoints
from .config import Config

LOG, FIGURE, SAMPLE, EVENTS = "log.csv", "schedule_and_loss.png", "sample.txt", "events"
FILES = f"{EVENTS}/events.out.tfevents.*"
RESULTS = (LOG, FIGURE, SAMPLE, FILES, f"{checkpoints.FOLDER}/*")
Row = dict[str, Any]


def prepare(config: Config, source: Path | None, first: int) -> None:
    """Make the folder of a run, with the log so far of the one that it branches from."""
    if source == config.out:
        return
    # What was killed before its first checkpoint may begin again.
    lost = [row for row in rows(config.out / LOG) if row["step"] >= first]
    make_folder(config.out, RESULTS, config.overwrite or (config.resume and not lost))
    if source is None:
        return
    (config.out / LOG).write_text("".join(lines(source / LOG, first)), encoding="utf-8")
    (config.out / EVENTS).mkdir(exist_ok=True)
    for path in source.glob(FILES):
        shutil.copyfile(path, config.out / EVENTS / path.name)
    trim(config.out / EVENTS, first)


def lines(path: Path, before: float) -> Iterator[str]:
    """Those of a CSV up to a step; the last may be half of one, and does not count."""
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            for i, line in enumerate(file):
                if line.endswith("\n") and (i == 0 or int(line.partition(",")[0]) < before):
                    yield line


def rows(path: Path, before: float = math.inf) -> list[Row]:
    """The same lines as rows."""
    found = csv.DictReader(lines(path, before))
    return [_parsed({name: value for name, value in row.items() if value}) for row in found]


def _parsed(row: dict[str, str]) -> Row:
    whole = ("step", "tokens_per_second")
    return {name: (int if name in whole else float)(value) for name, value in row.items()}


def trim(events: Path, before: int) -> None:
    """Cut TensorBoard's files where a step begins that will be made again."""
    for path in events.glob("events.out.tfevents.*"):
        with path.open("r+b") as file:
            file.truncate(_end(file, before))


def _end(file: BinaryIO, before: int) -> int:
    """Where the first record of a later step, or half of one, begins: they stand in order.

    A record is its length, a checksum of that, so many bytes, and a checksum of these.
    """
    begin, size = 0, file.seek(0, 2)
    while begin + 12 <= size:
        file.seek(begin)
        end = begin + 16 + struct.unpack("<Q4x", file.read(12))[0]
        if end > size or Event.FromString(file.read(end - begin - 16)).step >= before:
            break
        begin = end
    return begin
