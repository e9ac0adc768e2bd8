"""Tables of text, as programs and people write them: CSV and its relatives."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from ._log_numbers import is_missing, is_number
from ._log_table import Table
from ._log_text import fail, short

_DELIMITERS = ",\t;|"
_FOR_EXCEL = re.compile(r"\"?sep=.\"?\s*$")
_NOTES = 3  # about names, at most


def read_csv(path: Path, text: str, notes: list[str]) -> Table:
    """The table in a text: its delimiter is found, comments and repeated headers are left out."""
    header, lines = _header(path, text)
    delimiter = max(_DELIMITERS, key=header.count)
    delimiter = delimiter if delimiter in header else " "
    reader = csv.reader(
        itertools.chain([header], lines), delimiter=delimiter, skipinitialspace=True
    )
    try:
        cells = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        fail(path, "a table of comma-separated values", str(error), "export it again")
    if delimiter == ";":  # where it separates, a comma is what a point is elsewhere
        cells = [cells[0], *([cell.replace(",", ".") for cell in row] for row in cells[1:])]
    names = _names(cells[0], notes)
    if not names or any(is_number(name) for name in cells[0] if name):
        fail(path, "a table whose first row has the names", header.strip(), "add a row of names")
    body = [row for row in cells[1:] if any(row)]
    if not text.endswith(("\n", "\r")) and body and _unfinished(body, len(cells[0])):
        notes.append("the last line is cut off")
        body.pop()
    rows, every = [], dict.fromkeys(filter(None, names))
    for row in body:
        if _is_header(row, every):
            names = _names(row, [])
            every |= dict.fromkeys(filter(None, names))
        else:
            rows.append({k: x for k, x in zip(names, row, strict=False) if k and x})
    return Table(rows, [*every], "column", notes)


def _header(path: Path, text: str) -> tuple[str, Iterator[str]]:
    """The line with the names, which may be a comment, and the lines after it."""
    lines = (line for line in io.StringIO(text, newline="") if line.strip())
    comment = ""
    for line in lines:
        if _FOR_EXCEL.match(line):
            continue
        if not line.lstrip().startswith("#"):
            rest = (line for line in lines if not line.startswith("#"))
            if comment and is_number(line.replace(",", " ").split()[0]):
                return comment, itertools.chain([line], rest)
            return line, rest
        comment = line.strip().lstrip("# ")
    return fail(path, "a log with rows", "none")


def _names(header: list[str], notes: list[str]) -> list[str]:
    """The names of a header; of several that are alike, those after the first are left out."""
    names: dict[str, None] = {}
    found = []
    for name in (cell.strip("\"' ") for cell in header):
        again = name in names and bool(name)
        if again and len(notes) < _NOTES:
            notes.append(f"several columns are named {short(name)!r}: the first is read")
        names[name] = None
        found.append("" if again else name)
    return found


def _is_header(row: list[str], names: dict[str, None]) -> bool:
    """Whether a row names columns, as where a log was appended to."""
    first = next(cell for cell in row if cell)
    return not (is_number(first) or names.keys().isdisjoint(row) or any(map(is_number, row)))


def _unfinished(body: list[list[str]], width: int) -> bool:
    """Whether the last row, which no line break ends, looks cut: cells or digits are missing."""
    last, before = body[-1], [row[-1] for row in body[:-1] if len(row) == width and row[-1]]
    if len(last) < width:
        return True
    odd = bool(last[-1]) and not (is_number(last[-1]) or is_missing(last[-1]))
    odd = odd and any(is_number(cell) for cell in before)
    return odd or (len(before) > 1 and len(last[-1]) < min(map(len, before)))
