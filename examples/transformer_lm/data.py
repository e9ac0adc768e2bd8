"""Text as character indices, split so that nothing held out was trained on."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..command_line import BadInput
from .config import Config

HELD_OUT = 0.1  # of the text, for validation


class Corpus(NamedTuple):
    """A text, split and encoded."""

    train: np.ndarray  # int32[characters]: indices into `vocabulary`
    validation: np.ndarray  # the same, of the held-out part
    vocabulary: str  # every character that occurs, in order
    digest: str  # of both parts: losses on different text do not compare
    source: str  # where it came from

    def decode(self, indices: Iterable[int]) -> str:
        """The text that indices stand for."""
        return "".join(self.vocabulary[i] for i in indices)


def load(config: Config) -> Corpus:
    """The user's text, or else the help topics that come with Python."""
    if config.text:
        train, validation = split_in_order("".join(_read(path) for path in config.text))
        source = ", ".join(str(path) for path in config.text)
    else:
        train, validation = split_by_paragraph(help_topics())
        source = "Python's help topics (pydoc_data.topics)"
    for part, text in (("training", train), ("validation", validation)):
        if len(text) <= config.block_size:
            raise BadInput(
                f"--text must leave more than --block-size {config.block_size} characters for "
                f"{part}, got {len(text)}; give more text or a smaller --block-size."
            )
    vocabulary = "".join(sorted(set(train + validation)))
    index = {character: i for i, character in enumerate(vocabulary)}
    digest = hashlib.sha256(f"{train}\0{validation}".encode()).hexdigest()[:12]
    encoded = (np.array([index[c] for c in part], np.int32) for part in (train, validation))
    return Corpus(*encoded, vocabulary, digest, source)


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


def split_in_order(text: str) -> tuple[str, str]:
    """The first nine tenths and the last, as nanoGPT splits its Shakespeare."""
    cut = int(len(text) * (1 - HELD_OUT))
    return text[:cut], text[cut:]


def batch(data: jax.Array, key: jax.Array, step: jax.Array, size: int, block: int) -> jax.Array:
    """int32[size, block + 1]: the sequences of one step, a function of nothing but its number."""
    starts = jax.random.randint(jax.random.fold_in(key, step), (size,), 0, len(data) - block)
    return data[starts[:, None] + jnp.arange(block + 1)[None]]


def windows(data: np.ndarray, block: int) -> np.ndarray:
    """int32[windows, block + 1]: consecutive blocks, each with the character to predict after it.

    Every character but the first is predicted once; a last incomplete block is left out.
    """
    count = (len(data) - 1) // block
    return data[np.arange(count)[:, None] * block + np.arange(block + 1)]


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"--text must be UTF-8, got {path} with byte {error.object[error.start]:#04x} at "
            f"{error.start}; convert it, for example with iconv."
        ) from None
    except OSError as error:
        raise BadInput(
            f"--text must be a readable file, got {path} ({error.strerror}); check the path."
        ) from None
    if not text:
        raise BadInput(f"--text must hold some text, got the empty file {path}; leave it out.")
    return text
