"""Schedules of other frameworks, in one line each, under their own names.

A port is a thin translation: it takes the framework's arguments (without the optimizer, with
the rate that the framework takes from it) and builds core schedules. It holds no formula that
the core lacks, and imports none of the frameworks.

Two modes, the same everywhere: `exact=True`, the default, gives what the framework gives at
every step it defines, quirks included, and then goes on as its docstring says. `exact=False`
gives what the author of the recipe meant: no rise after the end, restarts where they belong,
the peak reached. Where a framework has no quirks the two are one. Tables of the quirks are in
`docs/coming_from_*.md`.
"""

from anneal_jax.ports import (
    composer as composer,
    fastai as fastai,
    jax_trainers as jax_trainers,
    keras as keras,
    optax as optax,
    timm as timm,
    torch as torch,
    transformers as transformers,
)
