"""What every kind of log is turned into: rows with named cells."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_VALUES = {"value", "metric_value"}
_TAGS = {"tag", "metric", "metric_name", "name", "key", "variable"}


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


def pivoted(table: Table) -> Table:
    """A table with a row for each number, `step, tag, value`, as one with a column for each tag."""
    value = next((name for name in table.names if name.lower() in _VALUES), None)
    tag = next((name for name in table.names if name.lower() in _TAGS), None)
    if value is None or tag is None:
        return table
    rows = [
        {n: x for n, x in row.items() if n not in (tag, value)}
        | ({str(row[tag]): row[value]} if tag in row and value in row else {})
        for row in table.rows
    ]
    return dataclasses.replace(table, rows=rows, names=names_of(rows))
