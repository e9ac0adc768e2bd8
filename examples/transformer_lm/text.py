"""Text before it is tokens: where it is read from, and which of it is held out."""

import codecs
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..command_line import BadInput

HELD_OUT = 0.1  # of the text, for validation
CHUNK = 1 << 20  # bytes read at once: what memory a file takes, however long it is


def read(paths: Iterable[Path]) -> Iterator[str]:
    """All files, one after the other, in chunks of about a megabyte."""
    for path in paths:
        yield from _read(path)


def _read(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    begin = 0  # where in the file the bytes stand that are decoded next
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield decoder.decode(chunk)
                begin = file.tell() - len(decoder.getstate()[0])  # half a character may wait
            decoder.decode(b"", final=True)
            empty = file.tell() == 0
    except UnicodeDecodeError as error:
        raise BadInput(
            f"--text must be UTF-8, got {path} with byte {error.object[error.start]:#04x} at "
            f"{begin + error.start}; convert it, for example with iconv."
        ) from None
    except OSError as error:
        raise BadInput(
            f"--text must be a readable file, got {path} ({error.strerror}); check the path."
        ) from None
    if empty:
        raise BadInput(f"--text must hold some text, got the empty file {path}; leave it out.")


def help_topics() -> list[str]:
    """Paragraphs of CPython's own documentation: real English, on every machine, no download."""
    from pydoc_data.topics import topics

    return [p for topic in sorted(topics) for p in topics[topic].split("\n\n") if p.strip()]


def split_by_paragraph(paragraphs: list[str]) -> tuple[str, str]:
    """Training and validation text that share no paragraph.

    Topics repeat each other's paragraphs (a fifth of the text), so each is kept once. Which
    part it goes to depends on its own characters alone, not on its neighbours.
    """
    parts: tuple[list[str], list[str]] = [], []
    for paragraph in dict.fromkeys(p.strip("\n") for p in paragraphs):
        point = int.from_bytes(hashlib.sha256(paragraph.encode()).digest()[:4]) / 2**32
        parts[point < HELD_OUT].append(paragraph)
    return "\n\n".join(parts[0]), "\n\n".join(parts[1])


def train_length(characters: int) -> int:
    """The first nine tenths are learnt from and the last held out, as nanoGPT splits its text."""
    return int(characters * (1 - HELD_OUT))


def between(chunks: Iterable[str], start: int, stop: int) -> Iterator[str]:
    """The characters from `start` to `stop` of a text in chunks."""
    begin = 0
    for chunk in chunks:
        if part := chunk[max(0, start - begin) : stop - begin]:
            yield part
        begin += len(chunk)
        if begin >= stop:
            return


def survey(chunks: Iterable[str]) -> tuple[int, str]:
    """How many characters there are, and each that occurs, in order."""
    count, occurs = 0, np.zeros(sys.maxunicode + 1, bool)
    for chunk in chunks:
        count += len(chunk)
        occurs[code_points(chunk)] = True
    return count, from_code_points(np.flatnonzero(occurs))


def code_points(text: str) -> np.ndarray:
    """uint32[characters]: the number that Unicode gives each."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def from_code_points(points: np.ndarray) -> str:
    """The text of those characters."""
    return points.astype("<u4").tobytes().decode("utf-32-le")
