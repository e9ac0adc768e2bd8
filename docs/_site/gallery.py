"""The gallery's page: every public schedule with its curve, formula, code, and names elsewhere."""

import inspect
import itertools
from functools import cache

import numpy as np

import anneal_jax as anneal
from docs._site.drawing import figure, thumbnail
from docs._site.elsewhere import FRAMEWORKS, NAMES
from docs._site.mathml import with_formulas
from docs._site.shapes import FAMILIES, SHAPES, Shape

HEAD = """---
title: Gallery
hide: [navigation]
---
# Gallery

{count} public schedules, recipes and combinators. Each curve is drawn from the line of code below
it; each formula is that of the docstring. `t` is the optimizer step about to be taken, from 0. The
names in other frameworks are those of [`anneal_jax.ports`](ports.md), whose pages tell every
difference.
[At the end](#what-the-tests-run-over) stand the cases that every contract test runs over.

"""


@cache
def page() -> str:
    """The whole page, as Markdown; made once, however often `mkdocs serve` builds."""
    count = sum(len(shape.names) for shape in SHAPES)
    parts = [HEAD.format(count=count), _index()]
    for family, (words, shapes) in FAMILIES.items():
        parts += [f"## {family}\n\n{words}\n", *map(_entry, shapes)]
    parts.append(_cases())
    return "\n".join(parts)


def _index() -> str:
    links = "".join(
        f'<a href="#{shape.names[0]}">{thumbnail(shape.schedule(), shape.shown)}'
        f"<span>{shape.names[0]}</span></a>"
        for shape in SHAPES
    )
    return f'<nav class="thumbnails" aria-label="All schedules" data-search-exclude>{links}</nav>\n'


def summary(name: str) -> str:
    """The first paragraph of a docstring."""
    return (inspect.getdoc(getattr(anneal, name)) or "").split("\n\n")[0]


def explained(name: str) -> str:
    """What a docstring says before its arguments, formulas as mathematics."""
    lines = (inspect.getdoc(getattr(anneal, name)) or "").splitlines()
    ends = ("Args:", "Returns:", "Raises:", "Example:", "Reference:")
    body = "\n".join(itertools.takewhile(lambda line: not line.startswith(ends), lines))
    return with_formulas(body.strip())


def _entry(shape: Shape) -> str:
    name = shape.names[0]
    words = _seen(name, shape)
    links = ", ".join(f"[`{one}`][anneal_jax.{one}]" for one in shape.names)
    drawn = figure({name: shape.schedule()}, shape.shown, words)
    return (
        f"### {name} {{ #{name} }}\n\n"
        f'<div class="entry" markdown>\n<figure>{drawn}</figure>\n\n'
        f"<div markdown>\n{explained(name)}\n\n</div>\n</div>\n\n"
        f"```python\nschedule = {shape.code}\n```\n\n"
        f"{names_elsewhere(name)} Reference: {links}.\n"
    )


def _seen(name: str, shape: Shape) -> str:
    """The curve in words, for those who do not see it."""
    steps = shape.shown
    at = np.unique(np.linspace(0, steps, 5).astype(np.int64))
    values = np.asarray(shape.schedule()(at))
    told = ", ".join(f"{v:.3g} at step {t:,}" for t, v in zip(at, values, strict=True))
    return f"Curve of {name} over {steps:,} steps: {told}."


def names_elsewhere(name: str) -> str:
    """A line: what each framework calls it, and which have no name for it."""
    known = NAMES.get(name, {})
    if not known:
        return "None of the eight other frameworks has a name for it."
    told = " · ".join(f"{FRAMEWORKS[one]} `{word}`" for one, word in known.items())
    without = [word for one, word in FRAMEWORKS.items() if one not in known]
    rest = f" No name for it: {', '.join(without)}." if without else ""
    return f"**Elsewhere**: {told}.{rest}"


def _cases() -> str:
    from tests.table import CASES

    drawn = []
    for case in CASES:
        schedule = case.schedule()
        edges = max(case.reference().edges(), default=0)
        steps = max(int(schedule.steps or 0), 2 * edges if schedule.steps is None else 0, 40)
        drawn.append(
            f"<figure>{thumbnail(schedule, min(steps, 2**20))}"
            f"<figcaption>{case.name}</figcaption></figure>"
        )
    return (
        f"## What the tests run over\n\nEach of these {len(CASES)} cases is compared with a "
        "reference of 40 digits, and goes through every contract: exact ends, `jit`, `vmap`, "
        "`scan`, finite gradients, configurations, pickling, Optax.\n\n"
        f'<div class="thumbnails cases" data-search-exclude>{"".join(drawn)}</div>\n'
    )
