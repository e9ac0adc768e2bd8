"""Rows in JSON: one object a line, a list of them, or a document that holds them."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ._log_table import Table, names_of
from ._log_text import fail

_BETWEEN = re.compile(r"(?:[\s,\[\]]+|(?:#|//)[^\n]*)*")
_ANOTHER = re.compile(r"\n[ \t]*\{")
_DEEP = 4  # levels of an object whose cells are read
_Row = dict[str, Any]


def read_json(path: Path, text: str, notes: list[str]) -> Table:
    """The rows in a text; a value that is cut off at its end is left out."""
    values = list(_values(path, text, notes))
    rows = _document(values[0]) if len(values) == 1 else values
    rows = [dict(_cells(row)) for row in rows]
    return Table(rows, names_of(rows), "key", notes)


def _values(path: Path, text: str, notes: list[str]) -> Iterator[_Row]:
    """Each object of a text, with line breaks, commas or nothing between them."""
    decoder = json.JSONDecoder(parse_int=_whole)
    at = 0
    for number in itertools.count():
        at = _between(text, at)
        if at == len(text):
            return
        start = at
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:
            fail(path, "a log whose rows are flat", "JSON that is nested very deep")
        except json.JSONDecodeError:
            if number and not _ANOTHER.search(text, at):
                notes.append("the last line is cut off")
                return
            _fail_line(path, text, start)
        if not isinstance(value, dict):
            _fail_line(path, text, start)
        yield value


def _between(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _fail_line(path: Path, text: str, at: int) -> NoReturn:
    line = text[at:].partition("\n")[0].strip()
    got = f"{line[:40]} ({text.count(chr(10), 0, at) + 1})"
    fail(path, "a log with one JSON object a line", got, "mend that line")


def _whole(digits: str) -> int | float:
    """An integer; a float for one that no log means and that takes long to read."""
    return int(digits) if len(digits) < 20 else float(digits)


def _document(one: _Row) -> list[_Row]:
    """The rows that one object holds, or the object itself."""
    lists = [x for x in one.values() if isinstance(x, list) and x]
    holders = [x for x in lists if all(isinstance(row, dict) for row in x)]
    if holders:  # `log_history` of Transformers' trainer_state.json; pandas' orient="table"
        return max(holders, key=len)
    if isinstance(one.get("columns"), list) and isinstance(one.get("data"), list):
        rows = [row for row in one["data"] if isinstance(row, list)]  # pandas' orient="split"
        return [dict(zip(map(str, one["columns"]), row, strict=False)) for row in rows]
    inner = [x for x in one.values() if isinstance(x, dict)]
    if inner and len(inner) == len(one):  # pandas' orient="index", then orient="columns"
        if all(name.isdecimal() for name in one):
            return inner
        if all(name.isdecimal() for x in inner for name in x):
            places = dict.fromkeys(place for x in inner for place in x)
            return [{name: x[p] for name, x in one.items() if p in x} for p in places]
    if lists and max(map(len, lists)) > 1:  # columns as lists
        named = {name: x for name, x in one.items() if isinstance(x, list)}
        rows = itertools.zip_longest(*named.values())
        return [dict(zip(named, row, strict=True)) for row in rows]
    return [one]


def _cells(row: _Row, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The cells of a row, and those of objects in it, with both names."""
    for name, value in row.items():
        if not isinstance(value, dict):
            yield prefix + name.strip(), value
        elif depth < _DEEP:
            yield from _cells(value, f"{prefix}{name.strip()}/", depth + 1)
