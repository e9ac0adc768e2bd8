"""What a schedule expression means: each call a config, each verb a method, each sign an operator.

A call becomes a config of its own (`anneal_jax.from_config`), so that durations, names of classes
and whatever a schedule refuses are the library's; its sentences get the place they are about.
"""

import difflib
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..schedules import Schedule, from_config
from ..schedules._builders import Argument, arguments, builders
from ._grammar import Node, SpecError, parse

Horizon = Callable[[str], int]
_VERBS = ("then", "repeat", "clip", "shift", "every", "until", "noise", "reverse", "stretch")
_FUNCTIONS = {
    "join": "Join", "repeat": "Repeat", "minimum": "Minimum", "maximum": "Maximum",
}  # fmt: skip
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


def schedule_of(text: str, horizon: Horizon | None) -> Schedule:
    """The schedule that an expression says.

    Args:
      text: the expression.
      horizon: what turns durations into steps; None: they are refused.

    Raises:
      SpecError: with the place, for what is no expression, a name that nothing has, and whatever
        a schedule refuses.
    """
    tree = parse(text)
    found = _Reader(text, horizon).value(tree)
    if not isinstance(found, Schedule):
        sentence = f"an expression must be a schedule, got {found!r:.60}; write Constant(0.1)."
        raise SpecError(text, tree.at, sentence)
    return found


class _Reader:
    def __init__(self, text: str, horizon: Horizon | None):
        self.text, self.horizon, self.known = text, horizon, builders()

    def value(self, node: Node) -> Any:
        """The schedule, number, text or list that a node is."""
        match node.kind:
            case "value" | "name":
                return node.value
            case "list":
                return [self.value(part) for part in node.parts]
            case "call":
                return self.call(node)
            case "verb":
                return self.verb(node)
        values = [self.value(part) for part in node.parts]
        return self.operated(node, values)

    def call(self, node: Node) -> Schedule:
        name = str(_FUNCTIONS.get(node.value, node.value))
        self.nearest(node.at, node.value, {*self.known, *_FUNCTIONS}, "schedule")
        build = self.known[name]
        given = self.given(node, node.parts, arguments(build), build)
        config = {"kind": name} | {k: v for k, v in given.items() if v is not None}
        return self.placed(node.at, lambda: from_config(config, self.horizon))

    def verb(self, node: Node) -> Any:
        target = self.value(node.parts[0])
        self.nearest(node.at, node.value, _VERBS, "verb")
        if not isinstance(target, Schedule):
            raise SpecError(self.text, node.at, f"{node.value} must follow a schedule.")
        if node.value == "then":
            others = [self.value(part) for part in node.parts[1:]]
            if node.named or not all(isinstance(other, Schedule) for other in others):
                raise SpecError(self.text, node.at, "then must be given schedules alone.")
            return self.placed(node.at, lambda: target.then(*others))
        method = getattr(target, node.value)
        wanted = arguments(method)
        given = self.given(node, node.parts[1:], wanted, method)
        for name, argument in wanted.items():
            if argument.required and name not in given:
                sentence = f"{node.value}: {name} must be given; add it."
                raise SpecError(self.text, node.at, sentence)
        said = {k: self.in_steps(node, wanted[k], k, v) for k, v in given.items()}
        return self.placed(node.at, lambda: method(**said))

    def in_steps(self, node: Node, argument: Argument, name: str, value: Any) -> Any:
        """The argument of a verb, a duration as a number of steps."""
        if isinstance(value, list):
            return [self.in_steps(node, argument, name, v) for v in value]
        if not isinstance(value, str) or argument.kind == "other":
            return value
        if argument.kind != "duration" or self.horizon is None:
            rule = "a number" + " of steps" * (argument.kind == "duration")
            sentence = f"{node.value}: {name} must be {rule}, got {value!r:.60}."
            raise SpecError(self.text, node.at, sentence)
        horizon = self.horizon
        return self.placed(node.at, lambda: horizon(value))

    def given(
        self,
        node: Node,
        parts: tuple[Node, ...],
        wanted: Mapping[str, Argument],
        build: Callable[..., Any],
    ) -> dict[str, Any]:
        """The arguments by name."""
        order = [
            name
            for name, parameter in inspect.signature(build).parameters.items()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        if len(parts) > len(order):
            sentence = f"{node.value} must be given at most {len(order)} arguments without a name."
            raise SpecError(self.text, parts[len(order)].at, sentence)
        nodes = dict(zip(order, parts, strict=False))
        for name, part in node.named.items():
            self.nearest(part.at, name, wanted, f"argument of {node.value}")
            if name in nodes:
                raise SpecError(self.text, part.at, f"{name!r} is given twice.")
            nodes[name] = part
        return {name: self.value(part) for name, part in nodes.items()}

    def operated(self, node: Node, values: list[Any]) -> Any:
        numbers = (int, float, Schedule)
        if any(isinstance(v, bool) or not isinstance(v, numbers) for v in values):
            sentence = "a sign must stand between schedules and numbers."
            raise SpecError(self.text, node.at, sentence)
        if node.kind == "negative":
            return -values[0]
        if not any(isinstance(v, Schedule) for v in values):
            values = self.no_giants(node, values)
        return self.placed(node.at, lambda: _SIGNS[node.kind](*values))

    def no_giants(self, node: Node, values: list[Any]) -> list[Any]:
        """Numbers whose power takes no minutes to write out."""
        if max(map(abs, values)) > 1e308:
            raise SpecError(self.text, node.at, "a number must be at most 1e308.")
        return [float(v) for v in values] if node.kind == "**" else values

    def placed(self, at: int, build: Callable[[], Any]) -> Any:
        """What `build` gives; whatever it refuses, at the place `at`."""
        try:
            found = build()
        except ArithmeticError:  # of Python's numbers
            raise SpecError(self.text, at, "this must be a finite number.") from None
        except (ValueError, TypeError, NotImplementedError) as error:
            raise SpecError(self.text, at, str(error)) from error
        if isinstance(found, complex):
            raise SpecError(self.text, at, "a root must be one of a number that is not below 0.")
        return found

    def nearest(self, at: int, name: str, valid: Any, what: str) -> None:
        if name in valid:
            return
        close = difflib.get_close_matches(name[:100], sorted(valid), n=1, cutoff=0.5)
        few = ", ".join(sorted(valid)) if len(valid) < 12 else "Linear, warmup_cosine, ..."
        remedy = f"did you mean {close[0]!r}?" if close else f"there are {few}."
        sentence = f"{name[:60]!r} is the name of no {what}; {remedy}"
        raise SpecError(self.text, at, sentence)
