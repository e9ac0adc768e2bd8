"""Text as numbers and back: one token for a character, or one for a frequent run of bytes."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Literal, Protocol

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from ..command_line import BadInput, reject
from .text import code_points, from_code_points

Kind = Literal["characters", "bpe"]


class Tokenizer(Protocol):
    """What training, generation and checkpoints need to know."""

    @property
    def size(self) -> int:
        """The size of the vocabulary: tokens are 0, …, size − 1."""
        ...

    def encode(self, text: str) -> np.ndarray:
        """uint16[tokens], or uint32 where `size` needs it."""
        ...

    def stream(self, chunks: Iterable[str]) -> Iterator[np.ndarray]:
        """What `encode` gives for a text that comes in chunks, in pieces."""
        ...

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """The text that tokens stand for."""
        ...

    def to_json(self) -> str:
        """All of it, for `from_json`."""
        ...


def make(kind: Kind, characters: str, train: Iterable[str], vocabulary: int) -> Tokenizer:
    """The tokenizer of a text with these characters; byte pairs are learnt from `train`."""
    return BytePairs.train(train, vocabulary) if kind == "bpe" else Characters(characters)


def from_json(text: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote; also any `tokenizer.json` of Hugging Face's library."""
    try:
        found = json.loads(text)
        if "characters" in found:
            return Characters(found["characters"])
        tokenizer = BytePairs(text)
        _ = tokenizer.size  # reads it
        return tokenizer
    except Exception as error:  # `tokenizers` raises no narrower one
        raise BadInput(
            f"a tokenizer must be JSON as `to_json` writes it, got {text[:20]!r}… ({error}); "
            "prepare the text again."
        ) from None


def dtype_of(size: int) -> np.dtype:
    """The narrowest type of tokens for a vocabulary of this size."""
    return np.dtype(np.uint16 if size <= 2**16 else np.uint32)


@dataclasses.dataclass(frozen=True)
class Characters:
    """One token for each character of the vocabulary, in its order."""

    vocabulary: str

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    @cached_property
    def _tokens(self) -> np.ndarray:
        """int32: the token of each code point, −1 where it has none; the last one has none."""
        points = code_points(self.vocabulary)
        tokens = np.full(int(points.max(initial=0)) + 2, -1, np.int32)
        tokens[points] = np.arange(self.size, dtype=np.int32)
        return tokens

    def encode(self, text: str) -> np.ndarray:
        tokens = self._tokens[np.minimum(code_points(text), len(self._tokens) - 1)]
        if (tokens < 0).any():
            at = int(np.argmax(tokens < 0))
            raise BadInput(
                f"every character must occur in the text that the model learns from, got "
                f"{text[at]!r} at {at}; leave it out, or train with --tokenizer bpe."
            )
        return tokens.astype(dtype_of(self.size))

    def stream(self, chunks: Iterable[str]) -> Iterator[np.ndarray]:
        return map(self.encode, chunks)

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        return from_code_points(code_points(self.vocabulary)[np.asarray(tokens, np.int64)])

    def to_json(self) -> str:
        return json.dumps({"characters": self.vocabulary}, ensure_ascii=False)


@dataclasses.dataclass(frozen=True)
class BytePairs:
    """Tokens of bytes and of runs that were merged because they are frequent; encodes any text."""

    json: str  # what `tokenizers` reads

    @classmethod
    def train(cls, chunks: Iterable[str], vocabulary: int) -> "BytePairs":
        """Merges learnt from a text in chunks, until there are `vocabulary` tokens."""
        if vocabulary < 256:
            reject("vocabulary", "at least 256, one for each byte", vocabulary)
        model = tokenizers.Tokenizer(models.BPE())
        model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        model.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False
        )
        model.train_from_iterator(pieces(chunks), trainer)
        return cls(model.to_str())

    @cached_property
    def _model(self) -> tokenizers.Tokenizer:
        return tokenizers.Tokenizer.from_str(self.json)

    @property
    def size(self) -> int:
        return self._model.get_vocab_size()

    def encode(self, text: str) -> np.ndarray:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            found = f"{text[error.start]!r} at {error.start}"
            raise BadInput(f"text must be Unicode, got {found}; leave it out.") from None
        return np.concatenate([np.zeros(0, dtype_of(self.size)), *self.stream([text])])

    def stream(self, chunks: Iterable[str]) -> Iterator[np.ndarray]:
        each, dtype = pieces(chunks), dtype_of(self.size)
        while batch := list(islice(each, 32)):  # at once, on all cores
            for found in self._model.encode_batch_fast(batch, add_special_tokens=False):
                yield np.array(found.ids, dtype)

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        return self._model.decode(np.asarray(tokens).tolist(), skip_special_tokens=False)

    def to_json(self) -> str:
        return self.json


PIECE = 2**15  # characters that `tokenizers` is given at once: long texts take it much memory
BEFORE_SPACE = re.compile(r".*\S(?=\s)", re.DOTALL)


def pieces(chunks: Iterable[str]) -> Iterator[str]:
    """The same text in short pieces, cut where no token crosses: before space after a word.

    So a text gives the same tokens however it comes in chunks. (Only where no space comes for
    very long is it cut anywhere.)
    """
    rest = ""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            text = rest + chunk[start : start + PIECE]
            found = BEFORE_SPACE.match(text)
            cut = found.end() if found else len(text) * (len(text) > 32 * PIECE)
            if cut:
                yield text[:cut]
            rest = text[cut:]
    if rest:
        yield rest
