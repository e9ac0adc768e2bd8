"""What the line of an entry says: its program, its parameters, its configuration.

One text serves all three, so the curve, the line to copy and the configuration cannot differ.
"""

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

import anneal_jax as anneal

from .parameters import Parameter, changed
from .program import Program, traced
from .registry import Entry

_KINDS = {  # of configurations, where a function builds a class
    "join": "Join",
    "repeat": "Repeat",
    "maximum": "Maximum",
    "minimum": "Minimum",
}


def variants(entry: Entry) -> Iterator[tuple[tuple[str, ...], str]]:
    """The lines of an entry, by the labels of what is chosen in each."""
    for labels in itertools.product(*entry.choices.values()):
        texts = {c: entry.choices[c][label] for c, label in zip(entry.choices, labels, strict=True)}
        yield labels, re.sub(r"\{(\w+)\}", lambda found, texts=texts: texts[found[1]], entry.line)


def names(line: str) -> list[str]:
    """The parameters of a line, in its order."""
    tree = ast.parse(line, mode="eval")
    known = {"anneal"} | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    in_order = sorted(named, key=lambda node: node.col_offset)
    return list(dict.fromkeys(node.id for node in in_order if node.id not in known))


def parameters(entry: Entry) -> dict[str, Parameter]:
    """All parameters of an entry, whatever is chosen."""
    found = dict.fromkeys(name for _, line in variants(entry) for name in names(line))
    return {name: changed(name, entry.changes.get(name, {})) for name in found}


def build(line: str, numbers: dict[str, Any]) -> anneal.Schedule:
    """The schedule of a line, with numbers or tracers for its parameters."""
    return eval(line, {"anneal": anneal, **numbers})  # a line of the registry, which is code


def program(line: str, kinds: dict[str, Parameter]) -> tuple[Program, list[str]]:
    """The traced program of a line, and the classes of its phases.

    Its results are the value, the cycle, the length (-1: without end) and the starts of the phases.
    """
    given, phases = names(line), []

    def results(step: Any, *numbers: Any) -> list[Any]:
        schedule = build(line, dict(zip(given, numbers, strict=True)))
        cycle = schedule.cycle_at(step) if schedule.has_restarts else jnp.zeros((), int)
        steps = jnp.asarray(-1 if schedule.steps is None else schedule.steps)
        found = phases_of(schedule)
        phases[:] = [name for name, _ in found]
        starts = jnp.stack([jnp.asarray(at) for _, at in found]) if found else jnp.zeros(0, int)
        return [schedule.value_at(step), cycle, steps, starts]

    dtypes = [np.int64 if kinds[name].whole else np.float64 for name in given]
    return traced(results, [np.int64, *dtypes]), phases


def phases_of(schedule: anneal.Schedule) -> list[tuple[str, Any]]:
    """The classes of what a schedule joins, and where each begins; of joins within it, too."""
    if not isinstance(schedule, anneal.Join):
        return []
    found, starts, segments = [], schedule.starts, schedule.segments
    for k, segment in enumerate(segments):
        if schedule.restarts:
            found.append((f"cycle {k + 1}", starts[k]))
            continue
        inner = phases_of(segment) or [(type(segment).__name__, 0)]
        for name, start in inner:
            at = starts[k] + start
            cut = at if k + 1 == len(segments) else jnp.minimum(at, starts[k + 1])
            found.append((name, cut))
    return found


def config(line: str) -> Any:
    """The configuration of a line, with "$name" for its parameters; None where it has none."""
    tree = ast.parse(line, mode="eval")
    if any(isinstance(node, ast.Lambda) for node in ast.walk(tree)):
        return None  # a function is code, not data
    return {"version": 1} | _data(tree.body)


def _data(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=args, keywords=keywords):
            signature = inspect.signature(getattr(anneal, name))
            named = {k.arg: k.value for k in keywords if k.arg}
            given = {k: _data(v) for k, v in signature.bind(*args, **named).arguments.items()}
            if name == "k_decay":
                segment = given["segment"]
                span = {"segment": segment, "begin": 0, "end": segment["steps"]}
                return {"kind": "Span"} | span | {"power": given["k"]}
            if name == "as_schedule":
                return {"kind": "Constant", "value": given["x"]}
            return {"kind": _KINDS.get(name, name)} | given
        case ast.Attribute(attr=name):
            return name
        case ast.Name(id=name):
            return f"${name}"
        case ast.List(elts=items):
            return [_data(item) for item in items]
    return ast.literal_eval(node)


def left_out(line: str) -> dict[str, float]:
    """The keywords that a line need not give while their parameters have these numbers."""
    found = {}
    for node in ast.walk(ast.parse(line, mode="eval")):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            signature = inspect.signature(getattr(anneal, node.func.attr)).parameters
            for keyword in node.keywords:
                default = signature[keyword.arg or ""].default
                if isinstance(keyword.value, ast.Name) and isinstance(default, int | float):
                    found[keyword.value.id] = default
    return found
