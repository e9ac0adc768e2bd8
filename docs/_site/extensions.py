"""What griffe, which only reads the source, is told besides: signatures and formulas."""

import importlib
import inspect
import pathlib
import re
import sys
from typing import Any

from griffe import Extension, Function, Parameter, ParameterKind, Parameters

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
from docs._site.mathml import with_formulas

KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ParameterKind.positional_only,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ParameterKind.positional_or_keyword,
    inspect.Parameter.VAR_POSITIONAL: ParameterKind.var_positional,
    inspect.Parameter.KEYWORD_ONLY: ParameterKind.keyword_only,
    inspect.Parameter.VAR_KEYWORD: ParameterKind.var_keyword,
}
SECTIONS = r"^(?:Args|Attributes|Returns|Yields|Raises|Example|Reference)s?:"


class Signatures(Extension):
    """Gives a class of Equinox the `__init__` that is made of its fields at import."""

    def on_class(self, *, cls: Any, **rest: Any) -> None:
        """Called for each class that griffe has read."""
        del rest
        if not cls.module.path.startswith("anneal_jax") or "__init__" in cls.members:
            return
        try:
            real = getattr(importlib.import_module(cls.module.path), cls.name)
            found = list(inspect.signature(real).parameters.values())
        except (AttributeError, ImportError, ValueError, TypeError):
            return  # no such class at run time: a protocol under TYPE_CHECKING
        cls.set_member("__init__", Function("__init__", parameters=_parameters(found)))


def _parameters(found: list[inspect.Parameter]) -> Parameters:
    given = (
        Parameter(
            one.name,
            kind=KINDS[one.kind],
            default=None if one.default is one.empty else repr(one.default),
        )
        for one in found
    )
    return Parameters(Parameter("self", kind=ParameterKind.positional_or_keyword), *given)


class Formulas(Extension):
    """Shows the formulas before a docstring's first section as mathematics, examples as code."""

    def on_object(self, *, obj: Any, **rest: Any) -> None:
        """Called for each object that griffe has read."""
        del rest
        if obj.docstring is None or not obj.path.startswith("anneal_jax"):
            return
        text = inspect.cleandoc(obj.docstring.value)
        section = re.search(SECTIONS, text, flags=re.MULTILINE)
        end = section.start() if section else len(text)
        sections = re.sub(r"^Example:$", "Examples:", text[end:], flags=re.MULTILINE)
        obj.docstring.value = f"{with_formulas(text[:end].rstrip())}\n\n{sections}"
