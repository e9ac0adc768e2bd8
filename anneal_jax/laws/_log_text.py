"""The text of a log, compressed or not, in whatever encoding; the sentence that a bad log gets."""

import codecs
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from .. import _checks

OWNER = "read_log"
_MOST = 2**28  # bytes of a log, uncompressed: what a small file can unpack to has no bounds
_MARKS = {  # those of UTF-32 begin as those of UTF-16 do
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHERS = {b"PK\x03\x04": "a zip or Excel file", b"PAR1": "Parquet", b"\x89HDF": "HDF5"}
_OTHERS |= {b"\x93NUMPY": "a NumPy array", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
_OTHERS |= {b"\x28\xb5\x2f\xfd": "zstd", b"SQLite": "an SQLite database"}


def fail(path: Path, rule: str, got: Any, remedy: str = "pass such a log") -> NoReturn:
    """Raise the sentence about a log that cannot be read."""
    _checks.fail(OWNER, f"path ({short(path.name)})", rule, short(got), remedy)


def short(value: Any, most: int = 60) -> Any:
    """A number as it is; the beginning of a long text, and of anything else as text."""
    if isinstance(value, int | float) and abs(value) < 1e30:
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def listed(names: Iterable[str], most: int = 4) -> str:
    """The first few names, and how many there are besides."""
    names = list(names)
    shown = ", ".join(short(name, 24) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def text_of(path: Path, notes: list[str]) -> str:
    """What stands in a file; a note where it is cut off."""
    try:
        data = _bytes(path, notes)
    except (OSError, zlib.error) as error:
        fail(path, "a file that can be read", getattr(error, "strerror", None) or str(error))
    if len(data) > _MOST:
        fail(
            path, "256 MiB long at most", "a longer one", "keep its columns of step, rate and loss"
        )
    for start, what in _OTHERS.items():
        if data.startswith(start):
            fail(path, "CSV, JSON or event files", what, "export it as CSV")
    return _decoded(path, data)


def _bytes(path: Path, notes: list[str]) -> bytes:
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            return file.read(_MOST + 1)
    parts: list[bytes] = []
    with gzip.open(path) as packed:
        try:
            while sum(map(len, parts)) <= _MOST and (part := packed.read1(2**24)):
                parts.append(part)
        except EOFError:  # as a killed process leaves it
            notes.append("the compressed file is cut off")
    return b"".join(parts)


def _decoded(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:64].rstrip(b"\0"):  # every other byte, of plain text
        even, odd = data[:64:2].count(0), data[1:64:2].count(0)
        encoding = "utf-16-be" if even > odd else "utf-16-le"
        if min(even, odd) or max(even, odd) < len(data[:64]) // 4:
            fail(path, "a text", "bytes that are none", "export the log as CSV or JSON")
    if encoding is None:
        data = data.rstrip(b"\0\x1a")  # what a crash leaves, and what DOS ends a text with
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:  # Latin-1 but for its control characters; only names use it
            encoding = "cp1252"
    text = data.decode(encoding, errors="replace")
    if any(sign < " " and sign not in "\t\n\r\f" for sign in text[:4096]):
        fail(path, "a text", "bytes that are none", "export the log as CSV or JSON")
    return text
