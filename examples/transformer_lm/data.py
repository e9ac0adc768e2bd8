"""The corpus, and which part of it each step of training sees."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..command_line import BadInput
from . import order, text as texts
from .encoder import Encoder
from .tokenizer import Characters, Kind, Tokenizer, from_json, make


class Tokens:
    """A sequence of tokens, in memory or in a file."""

    def __init__(self, where: np.ndarray | Path, dtype: str = "uint16"):
        self._where = where
        self._dtype = np.dtype(dtype)  # of the file
        if isinstance(where, Path):
            self._length = where.stat().st_size // self._dtype.itemsize
        else:
            self._length = len(where)

    def __len__(self) -> int:
        return self._length

    def at(self, starts: np.ndarray, length: int) -> np.ndarray:
        """int32[len(starts), length]: the tokens that follow each start, itself included."""
        if isinstance(self._where, np.ndarray):
            return sliding_window_view(self._where, length)[starts].astype(np.int32)
        # Read rather than mapped: whatever a map has touched counts as this process's memory.
        size, rows = self._dtype.itemsize, []
        with self._where.open("rb", buffering=0) as file:
            for start in starts.tolist():
                file.seek(start * size)
                rows.append(file.read(length * size))
        found = np.frombuffer(b"".join(rows), self._dtype)
        return found.reshape(len(starts), length).astype(np.int32)


class Corpus(NamedTuple):
    """A text, split and encoded."""

    train: Tokens
    validation: Tokens
    tokenizer: Tokenizer
    digest: str  # of both parts and the tokenizer: losses on different text do not compare
    source: str  # where it came from
    characters: int  # in the validation text: a loss per token can be given per character


def load(
    text: tuple[Path, ...],
    prepared: Path | None,
    tokenizer: Kind,
    vocabulary: int,
    block_size: int,
) -> Corpus:
    """A folder that `prepare` wrote, or the user's text, or Python's own help topics."""
    if prepared and text:
        raise BadInput(
            f"--text and --prepared must not both be given, got {prepared} and {text[0]}; "
            "leave one out."
        )
    corpus = _prepared(prepared) if prepared else _encoded(text, tokenizer, vocabulary)
    unit = "characters" if isinstance(corpus.tokenizer, Characters) else "tokens"
    for part, tokens in (("training", corpus.train), ("validation", corpus.validation)):
        if len(tokens) <= block_size:
            raise BadInput(
                f"--{'prepared' if prepared else 'text'} must leave more than --block-size "
                f"{block_size} {unit} for {part}, got {len(tokens)}; give more text or a smaller "
                "--block-size."
            )
    return corpus


def _encoded(text: tuple[Path, ...], kind: Kind, vocabulary: int) -> Corpus:
    if text:
        whole = "".join(texts.read(text))
        cut = texts.train_length(len(whole))
        parts = whole[:cut], whole[cut:]
        source = ", ".join(str(path) for path in text)
    else:
        parts = texts.split_by_paragraph(texts.help_topics())
        source = "Python's help topics (pydoc_data.topics)"
    tokenizer = make(kind, texts.survey(parts)[1], parts[:1], vocabulary)
    encoder = Encoder(tokenizer)
    train, validation = (Tokens(_joined(encoder.part([part]))) for part in parts)
    return Corpus(train, validation, tokenizer, encoder.digest(), source, len(parts[1]))


def _joined(pieces: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.uint16), *pieces])  # no text: no piece


class Prepared(NamedTuple):
    """What `corpus.json` says of the files beside it."""

    digest: str
    source: str
    dtype: str  # of train.bin and validation.bin
    vocabulary: int
    train_tokens: int
    validation_tokens: int
    validation_characters: int


def _prepared(folder: Path) -> Corpus:
    try:
        facts = Prepared(**json.loads((folder / "corpus.json").read_text("utf-8")))
        tokenizer = from_json((folder / "tokenizer.json").read_text("utf-8"))
        train = _part(folder / "train.bin", facts.dtype, facts.train_tokens)
        validation = _part(folder / "validation.bin", facts.dtype, facts.validation_tokens)
        if tokenizer.size != facts.vocabulary:
            raise _unprepared(folder, f"{tokenizer.size} tokens instead of {facts.vocabulary}")
    except OSError as error:
        raise _unprepared(folder, f"{error.filename}: {error.strerror}") from None
    except (TypeError, ValueError) as error:
        raise _unprepared(folder, f"corpus.json: {error}") from None
    characters = facts.validation_characters
    return Corpus(train, validation, tokenizer, facts.digest, facts.source, characters)


def _part(path: Path, dtype: str, tokens: int) -> Tokens:
    found, expected = path.stat().st_size, tokens * np.dtype(dtype).itemsize
    if found != expected:
        raise _unprepared(path.parent, f"{path.name} of {found} bytes instead of {expected}")
    return Tokens(path, dtype)


def _unprepared(folder: Path, found: str) -> BadInput:
    return BadInput(
        f"--prepared must be a folder as python -m examples.transformer_lm.prepare writes it, "
        f"got {folder} ({found}); prepare it again."
    )


def batches(
    tokens: Tokens,
    seed: int,
    first: int,
    steps: int,
    rows: slice | np.ndarray,
    batch_size: int,
    block_size: int,
) -> np.ndarray:
    """int32[steps, len(rows), block_size + 1]: the sequences of steps `first`, `first` + 1, ….

    Each step has `batch_size` sequences, of which this process holds `rows`. They depend on the
    seed, the step and the row alone.
    """
    row = np.arange(batch_size)[rows]
    positions = np.arange(first, first + steps)[:, None] * batch_size + row
    starts = order.shuffled(seed, positions, len(tokens), block_size)
    return tokens.at(starts.ravel(), block_size + 1).reshape(steps, len(row), block_size + 1)


def windows(tokens: Tokens, block: int, most: int = 10_000) -> np.ndarray:
    """int32[windows, block + 1]: consecutive blocks, each with the token to predict after it.

    Every token but the first is predicted once; a last incomplete block is left out. Of a text
    with more than `most` windows, so many stand for all, evenly spread.
    """
    count = (len(tokens) - 1) // block
    chosen = np.arange(count) if count <= most else np.arange(most) * count // most
    return tokens.at(chosen * block, block + 1)
