"""What `data.load` and `prepare` share: parts of a text become tokens, and leave a digest."""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from .tokenizer import Characters, Tokenizer


class Encoder:
    """A corpus as tokens, part by part, and the digest of all that went through."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._hash = hashlib.sha256()
        self._parts = 0

    def part(self, chunks: Iterable[str]) -> Iterator[np.ndarray]:
        """The tokens of the next part."""
        self._hash.update(b"\0" * (self._parts > 0))
        self._parts += 1
        yield from self._tokenizer.stream(map(self._hashed, chunks))

    def _hashed(self, chunk: str) -> str:
        self._hash.update(chunk.encode())
        return chunk

    def digest(self) -> str:
        """12 hex digits of the text, and of the tokenizer unless the text determines it."""
        whole = self._hash.copy()
        if not isinstance(self._tokenizer, Characters):
            whole.update(b"\0" + self._tokenizer.to_json().encode())
        return whole.hexdigest()[:12]
