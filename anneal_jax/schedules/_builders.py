"""What a configuration can name, and what each of its arguments is: a duration, a number, a class.

That is decided by what is declared: the metadata and the type of a class's field, the annotation
of a recipe's parameter.
"""

import inspect
import types
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

from .. import _checks
from .._types import IN_STEPS
from . import _join, _repeat, recipes
from ._constant import Function
from ._schedule import Schedule
from ._segment import Segment, Shape
from ._time_scale import kind_of

Kind: TypeAlias = Literal["duration", "number", "shape", "class", "schedule", "other"]
Builder: TypeAlias = Callable[..., Schedule]

_OURS = __name__.partition(".")[0]
_OF_CLASSES: dict[str, Builder] = {"Join": _join.join, "Repeat": _repeat.repeat}


class Argument(NamedTuple):
    """What a builder wants to be given."""

    kind: Kind
    required: bool


def builders() -> dict[str, Builder]:
    """Everything a configuration can name: all schedule classes, users' own too, and all recipes.

    No class of one's own takes over a name of this package; of several, the last one counts.
    """
    named = {n: x for n, x in vars(recipes).items() if isinstance(x, types.FunctionType)}
    found = classes(Schedule) | named | _OF_CLASSES
    del found[Function.__name__]  # code, not data
    return found


def classes(base: type) -> dict[str, Any]:
    """The public concrete subclasses of `base` by name."""
    every = [c for c in _below(base) if not inspect.isabstract(c) and c.__name__[0] != "_"]
    return {c.__name__: c for c in sorted(every, key=_is_ours)}


def name_of(schedule: Schedule) -> str:
    """The name by which a configuration finds the class of `schedule`."""
    cls = type(schedule)
    found = builders().get(cls.__name__)
    if found is None or _is_ours(found) != _is_ours(cls):
        rule = "of a public class whose name is not one of anneal_jax"
        _checks.fail("to_config", "schedule", rule, cls, "rename the class")
    return cls.__name__


def arguments(builder: Builder) -> dict[str, Argument]:
    """The arguments of a class or recipe, in order."""
    fields = getattr(builder, "__dataclass_fields__", {})
    found = {}
    for name, parameter in inspect.signature(builder).parameters.items():
        field: Any = fields.get(name)
        kind = _kind(parameter.annotation if field is None else field.type)
        if field is not None and kind_of(field):
            kind = "duration"
        found[name] = Argument(kind, parameter.default is parameter.empty)
    return found


def class_named(owner: str, name: str, value: Any, kind: Kind) -> Any:
    """The class that an argument of kind "shape" or "class" names."""
    known = classes(Segment if kind == "shape" else Schedule)
    _checks.nearest(owner, name, value, known)
    return known[value]


def _below(cls: type) -> list[type]:
    return [c for sub in cls.__subclasses__() for c in (sub, *_below(sub))]


def _is_ours(builder: Any) -> bool:
    return builder.__module__.partition(".")[0] == _OURS


def _kind(annotation: Any) -> Kind:
    """What an argument of this type is; a duration if any of its alternatives is one."""
    parts = list(_parts(annotation))
    if IN_STEPS in parts:
        return "duration"
    if any(inspect.isclass(x) and issubclass(x, Schedule) for x in parts):
        return "schedule"
    if Shape in parts:
        return "shape"
    if type in parts:
        return "class"
    return "number" if float in parts or int in parts else "other"


def _parts(annotation: Any) -> Any:
    """The types that an annotation is made of; `type[...]` stands as `type`."""
    if annotation == Shape or annotation is type or get_origin(annotation) is type:
        yield Shape if annotation == Shape else type
        return
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _parts(part)
