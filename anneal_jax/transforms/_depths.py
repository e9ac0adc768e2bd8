"""How deep in a model each parameter lies, read from its path.

Numbered parts of one name in one place, as `"encoder/layer/0"` and `"encoder/layer/1"`, are a
stack; of each path the outermost stack counts. The largest stacks are the blocks, and so is
each stack of their name elsewhere (the text tower of a model whose vision tower is deeper). Every
stack of blocks counts by itself, and all end together, one below the top. What feeds the blocks,
and what they feed, is told by its name. What can be read in two ways is refused.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ._paths import shown

_OWNER = "layerwise_decay"
_NUMBERED = re.compile(r"^(.*?)(\d+)$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# Kinds of parts, by their words in small letters, joined by "_".
_HEAD = re.compile(
    r"(^|_)(heads?|out|outputs?|logits?|classifiers?|predict\w*|final|projectors?|pool\w*"
    r"|un_?emb\w*|un_?patch\w*)(_|$)"
)
_INPUT = re.compile(
    r"embed|embd?s?(_|$)|(^|_)patch|tokens?(_|$)"
    r"|(^|_)(wte|wpe|tokenizers?|registers?|(conv)?stem|in|inputs?|init)(_|$)"
    r"|(?<!rel_)(?<!relative_)(?<![a-z])pos(_|$|ition)|root_block|conv_root"
    r"|(ln|norm)_pre(_|$)|(^|_)pre_?(ln|norm|layer_?norm|layrnorm)(_|$)"
)
_CONVOLUTION = re.compile(r"conv(olution)?(_d)?$")
_BATCH_NORM = re.compile(r"(bn|gn|norm|batch_?norm|group_?norm)$")
_DENSE = re.compile(r"(dense|linear|fc)$")
_LAYER = re.compile(rf"{_CONVOLUTION.pattern}|{_BATCH_NORM.pattern}|{_DENSE.pattern}|(ln|\w*norm)$")


class _Stack(NamedTuple):
    """Where numbered parts stand, and their name without the number."""

    prefix: tuple[str, ...]
    stem: str

    @property
    def words(self) -> str:
        """What its kind is told by."""
        return _words(self.stem)


_Members: TypeAlias = dict[_Stack, set[int]]


def detected(names: Sequence[str]) -> dict[str, int | None]:
    """The depth of every path; None: the top."""
    members: _Members = {}
    for path in names:
        for stack, number in _numbers(path):
            members.setdefault(stack, set()).add(number)
    blocks = _blocks(names, members)
    most = max(len(members[stack]) for stack in blocks)

    def depth(path: str) -> int | None:
        for stack, number in _numbers(path):
            if stack in blocks:  # by rank: numbers may have gaps, or be widths
                below = sum(n < number for n in members[stack])
                return most - len(members[stack]) + below + 1
        if not (_kind(path) == "input" or _is_first(path, names, members, blocks)):
            return None
        shared = {stack: _shared(path, stack) for stack in blocks}
        nearest = [stack for stack in blocks if shared[stack] == max(shared.values())]
        return most - max(len(members[stack]) for stack in nearest)

    return {path: depth(path) for path in names}


def _blocks(names: Sequence[str], members: _Members) -> set[_Stack]:
    """The stacks that are blocks."""
    outer = (next((s for s, _ in _numbers(p) if len(members[s]) > 1), None) for p in names)
    found = {stack for stack in outer if stack}
    if not found:
        raise ValueError(
            f"{_OWNER}: the parameters must have numbered blocks (as in 'blocks/3/kernel'), got "
            f"{shown(names, 100)}; pass depth_of=."
        )
    most = max(len(members[stack]) for stack in found)
    largest = sorted(stack for stack in found if len(members[stack]) == most)
    layers = {stack.words: stack for stack in largest if _LAYER.match(stack.words)}
    of_kind = {k: [s for w, s in layers.items() if k.match(w)] for k in (_CONVOLUTION, _DENSE)}
    if all(of_kind.values()):
        _refuse(of_kind[_CONVOLUTION][0], of_kind[_DENSE][0], members)
    stems = {stack.stem for stack in largest}
    alike = {s for s in members if s.stem in stems and not _kind("/".join(s.prefix))}
    for stack in sorted(found - alike - {*largest}):
        before_dense = _CONVOLUTION.match(stack.words) and of_kind[_DENSE]
        if not _kind("/".join((*stack.prefix, stack.stem))) and (
            before_dense or not _LAYER.match(stack.words)
        ):
            _refuse(largest[0], stack, members)
    return alike.union(largest)


def _refuse(a: _Stack, b: _Stack, members: _Members) -> None:
    stacks = [f"{'/'.join((*s.prefix, s.stem))[-50:]!r} ({len(members[s])})" for s in (a, b)]
    raise ValueError(
        f"{_OWNER}: the numbered blocks must be of one kind, got {stacks[0]} and {stacks[1]}, of "
        "which either may come first; pass depth_of=, a function from a path to a depth."
    )


def _kind(path: str) -> str | None:
    """What the outermost part that is telling says: "head" or "input"."""
    *around, last = path.split("/")
    if last == "cls":  # the token; as the name of a module it is a head
        return "input"
    for words in map(_words, (*around, last)):
        if _HEAD.search(words):
            return "head"
        if _INPUT.search(words):
            return "input"
    return None


def _is_first(path: str, names: Sequence[str], members: _Members, blocks: set[_Stack]) -> bool:
    """Whether it is a numbered convolution beside blocks, or the batch norm that goes with it.

    As `conv1` and `bn1` of a ResNet do; `bn2` of an EfficientNet follows the blocks.
    """
    stack, number = next(iter(_numbers(path)), (None, 0))
    beside = {s.prefix for s in blocks if not _LAYER.match(s.words)}
    if stack is None or stack.prefix not in beside or _kind(path):
        return False
    if _CONVOLUTION.match(stack.words):
        return True
    if not _BATCH_NORM.match(stack.words):
        return False
    here = [s for s in members if s.prefix == stack.prefix and _CONVOLUTION.match(s.words)]
    numbers = set().union(*(members[s] for s in here))
    place = len(stack.prefix)
    parts = {p.split("/")[place] for p in names if tuple(p.split("/")[:place]) == stack.prefix}
    if any("conv" in _words(part) and _kind(part) == "input" for part in parts):
        numbers.add(min(members[stack]))
    return number in numbers


def _shared(path: str, stack: _Stack) -> int:
    """How many parts a path shares with that of a stack."""
    parts = path.split("/")
    return next(
        (i for i, part in enumerate(stack.prefix) if parts[i : i + 1] != [part]), len(stack.prefix)
    )


def _words(part: str) -> str:
    return "_".join(_WORD.findall(part)).lower()


def _numbers(path: str) -> list[tuple[_Stack, int]]:
    """The parts of a path that end in a number, as stack and number, outermost first."""
    found, parts = [], path.split("/")
    for i, part in enumerate(parts):
        match = _NUMBERED.match(part)
        if match:  # the stem of a bare number, as in "blocks/3", is the part before it
            start = i if match[1] or i == 0 else i - 1
            stem = match[1] or "".join(parts[start:i])
            found.append((_Stack(tuple(parts[:start]), stem), int(match[2])))
    return found
