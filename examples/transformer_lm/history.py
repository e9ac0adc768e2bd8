"""What an earlier part of a run has logged, up to the step that the run goes on from."""

import csv
import math
import shutil
import struct
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
    """Make the folder of a new run, with the log so far of the one that it branches from."""
    # What was killed before its first step may begin again.
    lost = [row for row in rows(config.out / LOG) if row["step"] >= first]
    begun = config.resume and not lost
    make_folder(config.out, RESULTS, config.overwrite or begun)
    if source is None:
        return
    for path in (source / LOG, *source.glob(FILES)):
        if path.exists():
            copy = config.out / path.relative_to(source)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)


def rows(path: Path, before: float = math.inf) -> list[Row]:
    """The rows of a CSV up to a step; the last line may be half of one, and does not count."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(line for line in file if line.endswith("\n"))
        found = [{name: value for name, value in row.items() if value} for row in reader]
    return [parsed for row in found if (parsed := _parsed(row))["step"] < before]


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
    while True:
        begin = file.tell()
        head = file.read(12)
        if len(head) < 12:
            return begin
        length = struct.unpack("<Q4x", head)[0]
        record = file.read(length + 4)
        if len(record) < length + 4 or Event.FromString(record[:length]).step >= before:
            return begin
