"""What every kind of log is turned into: rows with named cells."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


@dataclasses.dataclass
class Table:
    """The rows of a log, in the order of the file.

    Attributes:
      rows: cells by name; what is not logged is left out.
      names: all names, in the order of the file.
      kind: what a name is called in such a log.
      notes: sentences about what was odd.
      step: the name of the step where the format itself has one.
    """

    rows: Sequence[Mapping[str, Any]]
    names: list[str]
    kind: str
    notes: list[str]
    step: str | None = None


def names_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each name once."""
    return list({name: None for row in rows for name in row})
