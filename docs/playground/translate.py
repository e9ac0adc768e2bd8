"""A traced schedule as a JavaScript function: what depends on no step is computed once.

`javascript(program)` is the text of `(a, b, …) => [x => …, …]`: from the hyperparameters to one
result each: a function of the step where it depends on it, else a number or an array.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from .moves import move
from .primitives import formula, kind
from .program import Program, Ref

_LONGEST = 160  # characters of one expression
_RESERVED = {"as", "do", "if", "in", "of", "for", "let", "new", "try", "var"}
_HEAD = 0xFFFFFFFFF8000000  # the leading bits that `_numerics.float_head` keeps


def javascript(program: Program) -> str:
    """The function of a program whose first argument is the step."""
    return _Writer(program).written()


class _Writer:
    def __init__(self, program: Program):
        self.ops, self.outputs = program.ops, program.outputs
        self.moving = self._that_depend_on_the_step()
        self.live = self._needed(self.outputs)
        self.uses = Counter(r for k in self.live for r in self._inputs(k) if isinstance(r, int))
        self.uses.update(r for r in self.outputs if isinstance(r, int))
        names = _names()
        self.names = {k: next(names) for k in range(program.arguments)}
        self.names |= {k: next(names) for k in sorted(self.live) if k >= program.arguments}
        self.arguments = range(1, program.arguments)
        self.texts: dict[int, tuple[str, bool]] = {}  # of what is written where it is used
        self.by_element = {k for k in self.live if self._formula(k) or self._head_of(k) is not None}
        self.readers = {
            r: k for k in sorted(self.live) for r in self._inputs(k) if isinstance(r, int)
        }

    def written(self) -> str:
        # What is computed once is read by functions of the step any number of times.
        once = [k for k in sorted(self.live) if k not in self.moving]
        fixed = self._statements(once, {r for k in self.moving for r in self._inputs(k)})
        results = ",".join(self._result(r) for r in self.outputs)
        arguments = ",".join(self.names[k] for k in self.arguments)
        return f"({arguments})=>{{{fixed}return[{results}]}}"

    def _result(self, ref: Ref) -> str:
        if not isinstance(ref, int) or ref not in self.moving:
            return self._text(ref)
        body = self._statements([k for k in sorted(self._needed([ref])) if k in self.moving])
        return f"{self.names[0]}=>{{{body}return {self._text(ref)}}}"

    def _statements(self, places: list[int], shared: Any = ()) -> str:
        """Assignments of those places that are not written where they are used."""
        said = []
        for k in places:
            if self.ops[k].primitive == "input":
                continue
            text, atomic = self._expression(k)
            if k not in shared and self._fits_in_its_reader(k) and len(text) < _LONGEST:
                self.texts[k] = text, atomic
            elif self.ops[k].size > 1 and k in self.by_element:
                said.append(f"{self.names[k]}=MAP({self.ops[k].size},i=>{text})")
            else:
                said.append(f"{self.names[k]}={text}")
        return f"const {','.join(said)};" if said else ""

    def _fits_in_its_reader(self, k: int) -> bool:
        """Whether one other operation reads it, and once: each number of an array for the same."""
        if self.uses[k] > 1:
            return False
        reader = self.readers.get(k)
        if reader is None:
            return self.ops[k].size == 1
        if self.ops[k].size > 1:
            return {k, reader} <= self.by_element
        return self.ops[reader].size == 1 and all(self._size(r) == 1 for r in self._inputs(reader))

    def _expression(self, k: int) -> tuple[str, bool]:
        """The JavaScript of one operation, and whether it needs no brackets around it."""
        op = self.ops[k]
        if op.primitive == "const":
            return str(op.params["value"]).replace(" ", "").replace("True", "true"), True
        inputs = self._inputs(k)
        found = self._formula(k)
        if found is None:
            text = move(op, [self._text(r) for r in inputs])
            if text is None:
                raise NotImplementedError(f"{op.primitive}: no JavaScript for {op}.")
            return text, bool(re.fullmatch(r"\w+(\[\d+\])?", text))
        bits = op.primitive in ("and", "or")
        return found.format(*(self._element(r, bits) for r in inputs)), _is_call(found)

    def _formula(self, k: int) -> str | None:
        """The formula of each number of the result."""
        if self._head_of(k) is not None:
            return "HEAD({0})"
        return formula(self.ops[k], [kind(self._dtype(r)) for r in self.ops[k].inputs])

    def _element(self, ref: Ref, bits: bool) -> str:
        """A number, or that of an array at the place `i`."""
        inside = isinstance(ref, int) and ref in self.texts
        return self._text(ref, bits) + ("[i]" if self._size(ref) > 1 and not inside else "")

    def _head_of(self, k: int) -> Ref | None:
        masked = self._input(k, "bitcast_convert_type")
        bits = self._input(masked, "and")
        if bits is None or self.ops[masked].inputs[1] != _HEAD:  # type: ignore[index]
            return None
        return self._input(bits, "bitcast_convert_type")

    def _input(self, k: Any, primitive: str) -> Any:
        """The first input of the operation at `k`, if it is one of `primitive`."""
        known = isinstance(k, int) and self.ops[k].primitive == primitive
        return self.ops[k].inputs[0] if known else None

    def _inputs(self, k: int) -> tuple[Ref, ...]:
        back = self._head_of(k)
        return self.ops[k].inputs if back is None else (back,)

    def _text(self, ref: Ref, bits: bool = False) -> str:
        if not isinstance(ref, int):
            return _number(ref, bits)
        text, atomic = self.texts.get(ref, (self.names[ref], True))
        return text if atomic else f"({text})"

    def _size(self, ref: Ref) -> int:
        return self.ops[ref].size if isinstance(ref, int) else 1

    def _dtype(self, ref: Ref) -> Any:
        return self.ops[ref].dtype if isinstance(ref, int) else ref.dtype

    def _that_depend_on_the_step(self) -> set[int]:
        found = {0}
        for k, op in enumerate(self.ops):
            if any(isinstance(r, int) and r in found for r in op.inputs):
                found.add(k)
        return found

    def _needed(self, refs: Any) -> set[int]:
        found: set[int] = set()
        left = [r for r in refs if isinstance(r, int)]
        while left:
            k = left.pop()
            if k not in found:
                found.add(k)
                left += [r for r in self._inputs(k) if isinstance(r, int)]
        return found


def _is_call(text: str) -> bool:
    return bool(re.fullmatch(r"[\w.]+\([^()]*\)", text))


def _number(x: Any, bits: bool) -> str:
    """A known number; a BigInt where it is a pattern of bits that no number can be."""
    if kind(x.dtype) == "b1":
        return str(bool(x)).lower()
    plain = x.item()
    if isinstance(plain, int) and abs(plain) > 2**53:
        return f"({plain}n)" if bits else repr(float(plain))
    if plain in (np.inf, -np.inf):
        return "(-1/0)" if plain < 0 else "(1/0)"
    text = repr(plain).removesuffix(".0").replace("e+", "e")
    text = re.sub(r"^(-?)0\.", r"\1.", text)
    return f"({text})" if text.startswith("-") else text


def _names() -> Iterator[str]:
    first, more = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"
    for length in itertools.count():
        for start in first:
            for rest in itertools.product(more, repeat=length):
                name = start + "".join(rest)
                if name not in _RESERVED and name != "i":
                    yield name
