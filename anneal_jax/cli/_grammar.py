"""The grammar of schedule expressions, such as `warmup_cosine(3e-4, 5%, 100%).repeat(3)`.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/") signed)*
    signed  = "-" signed | power
    power   = verbs ("**" signed)?
    verbs   = atom ("." name arguments)*
    atom    = number | duration | string | name arguments? | "[" items "]" | "(" sum ")"

It looks like Python and is none: a text is read into the nodes below and never evaluated. What
names mean is said by `_meaning.py`. A duration is a number with a unit right behind it.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

LONGEST = 10_000  # characters of a text
DEEPEST = 64  # nodes within one another
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<unit>%|[A-Za-z]+)?
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"[^"\n]*"|'[^'\n]*')
      | (?P<sign>\*\*|[()\[\],.=+*/-])
      | (?P<end>$)
    )""",
    re.VERBOSE,
)
_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None}


class SpecError(ValueError):
    """A text that names no schedule: one sentence, and the place that it is about."""

    def __init__(self, text: str, at: int, sentence: str):
        super().__init__(sentence)
        self.text, self.at = text, at

    def lines(self, width: int = 80) -> list[str]:
        """The part of the text around the place, and a caret under it."""
        flat = re.sub(r"\s", " ", self.text)
        room = max(width - 8, 16)
        begin = max(0, min(self.at - room // 2, len(flat) - room))
        shown = flat[begin : begin + room]
        return [f"  {shown}", "  " + " " * (self.at - begin) + "^"]


@dataclass(frozen=True)
class Node:
    """A part of an expression: where it begins, and the parts in it."""

    at: int
    kind: str  # "value", "name", "list", "call", "verb", or an operator
    value: Any = None  # the number, the text, the name
    parts: tuple["Node", ...] = ()  # of a verb, the schedule first
    named: dict[str, "Node"] = field(default_factory=dict)  # from the name in the text on
    depth: int = field(init=False)  # how many nodes are within one another

    def __post_init__(self) -> None:
        inside = [part.depth for part in (*self.parts, *self.named.values())]
        object.__setattr__(self, "depth", 1 + max(inside, default=0))


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
      SpecError: with the place where the grammar ends.
    """
    if len(text) > LONGEST:
        raise SpecError(text, LONGEST, f"an expression has at most {LONGEST} characters.")
    parser = _Parser(text)
    tree = parser.sum()
    if parser.kind != "end":
        parser.fail("an operator, a verb or the end")
    return tree


class _Parser:
    """Recursive descent; `kind` and `value` are those of the token to be read next."""

    def __init__(self, text: str):
        self.text, self.next, self.inside = text, 0, 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.next)
        if match is None:
            self.at = len(self.text) - len(self.text[self.next :].lstrip())
            rest = self.text[self.at]
            said = "a string that does not end" if rest in "\"'" else f"an unknown sign {rest!r}"
            raise SpecError(self.text, self.at, f"there is {said}.")
        self.kind = match.lastgroup if match.lastgroup != "unit" else "duration"
        self.kind = "duration" if match["unit"] else self.kind
        group = "number" if self.kind == "duration" else self.kind or "end"
        self.at, self.value, self.next = match.start(group), match[group], match.end()
        if self.kind == "duration":
            self.value = match["number"] + match["unit"]

    def fail(self, wanted: str) -> NoReturn:
        found = "the end" if self.kind == "end" else repr(self.value[:40])
        raise SpecError(self.text, self.at, f"{wanted} must stand here, got {found}.")

    def sign(self, *signs: str) -> str:
        """The next token, if it is one of these signs; it is read."""
        if self.kind != "sign" or self.value not in signs:
            return ""
        found = self.value
        self.advance()
        return found

    def wanted(self, sign: str, words: str = "") -> None:
        if not self.sign(sign):
            self.fail(words or repr(sign))

    def made(self, *args: Any, **more: Any) -> Node:
        node = Node(*args, **more)
        if node.depth > DEEPEST:
            self.too_deep(node.at)
        return node

    def too_deep(self, at: int) -> NoReturn:
        raise SpecError(self.text, at, f"an expression is at most {DEEPEST} levels deep.")

    def sum(self) -> Node:
        self.inside += 1
        if self.inside > DEEPEST:
            self.too_deep(self.at)
        left = self.chain(self.product, "+", "-")
        self.inside -= 1
        return left

    def product(self) -> Node:
        return self.chain(self.signed, "*", "/")

    def chain(self, part: Any, *signs: str) -> Node:
        left = part()
        at = self.at
        while sign := self.sign(*signs):
            left = self.made(at, sign, None, (left, part()))
            at = self.at
        return left

    def signed(self) -> Node:
        at, count = self.at, 0
        while self.sign("-"):
            count += 1
        inner = self.power()
        for _ in range(count % 2 if inner.kind == "value" else count):
            inner = self.made(at, "negative", None, (inner,))
        return inner

    def power(self) -> Node:
        base = self.verbs()
        at = self.at
        if not self.sign("**"):
            return base
        return self.made(at, "**", None, (base, self.exponent()))

    def exponent(self) -> Node:
        """What stands behind `**`, one level deeper."""
        self.inside += 1
        if self.inside > DEEPEST:
            self.too_deep(self.at)
        found = self.signed()
        self.inside -= 1
        return found

    def verbs(self) -> Node:
        target = self.atom()
        while self.sign("."):
            at, name = self.at, self.value
            if self.kind != "name":
                self.fail("a verb, such as then or repeat,")
            self.advance()
            self.wanted("(", f"'(' after {name[:40]!r}")
            parts, named = self.arguments()
            target = self.made(at, "verb", name, (target, *parts), named)
        return target

    def atom(self) -> Node:
        at, kind, value = self.at, self.kind, self.value
        if self.sign("("):
            inner = self.sum()
            self.wanted(")")
            return inner
        if self.sign("["):
            return self.made(at, "list", None, self.items())
        if kind not in ("number", "duration", "string", "name"):
            self.fail("a schedule or a number")
        self.advance()
        if kind == "number":
            return Node(at, "value", self.number(at, value))
        if kind == "name" and value not in _WORDS:
            if not self.sign("("):
                return Node(at, "name", value)
            parts, named = self.arguments()
            return self.made(at, "call", value, parts, named)
        plain = _WORDS[value] if kind == "name" else value
        return Node(at, "value", plain[1:-1] if kind == "string" else plain)

    def number(self, at: int, text: str) -> int | float:
        try:
            return int(text) if re.fullmatch("[0-9_]+", text) else float(text)
        except ValueError:
            raise SpecError(self.text, at, f"{text[:40]!r} is no number.") from None

    def items(self) -> tuple[Node, ...]:
        found = []
        while not self.sign("]"):
            found.append(self.sum())
            if not self.sign(","):
                self.wanted("]", "',' or ']'")
                break
        return tuple(found)

    def arguments(self) -> tuple[tuple[Node, ...], dict[str, Node]]:
        """What stands in parentheses, of which the first one has been read."""
        parts: list[Node] = []
        named: dict[str, Node] = {}
        while not self.sign(")"):
            argument = self.sum()
            if argument.kind == "name" and self.sign("="):
                if argument.value in named:
                    raise SpecError(self.text, argument.at, f"{argument.value!r} is given twice.")
                named[argument.value] = replace(self.sum(), at=argument.at)
            elif named:
                raise SpecError(self.text, argument.at, "an argument without a name comes first.")
            else:
                parts.append(argument)
            if not self.sign(","):
                self.wanted(")", "',' or ')'")
                break
        return tuple(parts), named
