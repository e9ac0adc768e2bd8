"""Every argument of every stateful transformation does something, or is an error.

Whether it does is read off the program: what can be seen of two updates (the updates, averages,
snapshots) must come out differently. An option that is merely kept in the state has no part in
that, and what has no part is removed before programs are compared.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax import transforms
from anneal_jax.transforms._states import find
from tests.stateful import OTHER, RATE, one_clear_sentence

PARAMS = {"blocks": [jnp.ones(2), jnp.ones(2)], "head": jnp.ones(2)}


class Options(NamedTuple):
    """The arguments of one transformation."""

    required: dict[str, Any]  # those without a default
    changed: dict[str, Any]  # all others, each with a value that is not its default
    modes: dict[str, dict[str, Any]] = {"default": {}}  # noqa: RUF012  (a tuple's, never changed)
    idle: dict[str, set[str]] = {}  # noqa: RUF012  # by mode, what must be rejected there


METRIC = {
    "mode": "max",
    "factor": 0.7,
    "patience": 2,
    "threshold": 0.5,
    "threshold_mode": "factor",
    "cooldown": 3,
    "min_scale": 0.25,
    "eps": 0.125,
    "accumulation_size": 4,
    "observed": True,
}
WATCHED = {"default": {}, "observed": {"observed": True}}

OPTIONS: dict[Callable[..., Any], Options] = {
    anneal.accumulate: Options({"inner": optax.sgd(1.0), "every": 2}, {"use_grad_mean": False}),
    anneal.average_params: Options(
        {},
        {
            "kind": "uniform",
            "decay": 0.5,
            "window": 3,
            "start": 2,
            "every": 3,
            "schedule": OTHER,
        },
        {
            "ema": {},
            "uniform": {"kind": "uniform"},
            "window": {"kind": "window"},
            "cycles": {"kind": "uniform", "every": "cycle", "schedule": RATE},
        },
        {
            "ema": {"window"},
            "uniform": {"decay", "window"},
            "window": {"decay"},
            "cycles": {"decay", "window"},
        },
    ),
    anneal.greedy: Options(
        {},
        METRIC | {"warmup": 2, "max_scale": 3.0, "window_size": 2, "reset_start": 9},
        WATCHED,
    ),
    anneal.hypergradient: Options(
        {"inner": optax.sgd(1.0), "beta": 0.1},
        {"mode": "additive", "min_scale": 0.5, "max_scale": 2.0},
        {"multiplicative": {}, "additive": {"mode": "additive"}},
    ),
    anneal.inject_hyperparams: Options({"inner_factory": optax.sgd}, {"static_args": "momentum"}),
    anneal.layerwise_decay: Options(
        {"learning_rate": RATE, "decay": 0.5},
        {"depth_of": lambda path: 0, "inner": optax.trace(0.9), "flip_sign": False},
    ),
    anneal.partition_by_path: Options(
        {"rules": {".": 2.0}},
        {"learning_rate": 0.25, "inner": optax.trace(0.9), "flip_sign": False},
        {
            "factors": {"learning_rate": 0.5},
            "schedules": {"rules": {"head": None, ".": RATE}},
            "frozen": {"rules": {"head": optax.sgd(1.0), ".": None}},
        },
        {"schedules": {"learning_rate"}, "frozen": {"learning_rate", "inner", "flip_sign"}},
    ),
    anneal.reduce_on_plateau: Options({}, METRIC, WATCHED),
    anneal.reset_on_restart: Options(
        {"inner": optax.sgd(1.0, momentum=0.9), "schedule": RATE},
        {"keep": "trace"},
        {"default": {}, "without memory": {"inner": optax.sgd(RATE)}},
        {"without memory": {"keep"}},
    ),
    anneal.scale_by_learning_rate: Options({"learning_rate": RATE}, {"flip_sign": False}),
    anneal.snapshots: Options({"schedule": RATE, "keep": 2}, {"host": True}),
}
READERS = {  # of states; each argument has tests of its own
    anneal.averaged_params: ["opt_state", "index"],
    anneal.hyperparams: ["opt_state"],
    anneal.observe: ["opt_state", "value"],
    anneal.resume: ["saved", "built", "plans"],
    anneal.with_schedules: ["opt_state", "cycles", "schedules"],
}


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's own need JAX's promotion rules."""
    return


def build(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """The transformation."""
    if function is anneal.inject_hyperparams:
        return function(**given)(0.5, momentum=0.75)
    return function(**given)


def program(function: Callable[..., Any], given: dict[str, Any]) -> str:
    """The program of what can be seen of two updates."""

    def seen() -> Any:
        tx = optax.with_extra_args_support(build(function, given))
        state, updates = tx.init(PARAMS), None
        for _ in range(2):
            if list(find(state, lambda x: isinstance(x, transforms.MetricScaleState))):
                state = anneal.observe(state, 0.5)
            updates, state = tx.update(PARAMS, state, PARAMS, value=jnp.float32(1.0))
        kept = find(state, lambda x: hasattr(x, "averaged") or hasattr(x, "ring"))
        return updates, [s.averaged() if hasattr(s, "averaged") else s.ring for _, s in kept]

    traced = jax.make_jaxpr(seen)()
    needed, used = {id(v) for v in traced.jaxpr.outvars}, []
    for equation in reversed(traced.jaxpr.eqns):
        if needed & {id(v) for v in equation.outvars}:
            needed |= {id(v) for v in equation.invars}
            used.insert(0, equation)
    constants = zip(traced.jaxpr.constvars, traced.consts, strict=True)
    constants = [np.asarray(x).tolist() for v, x in constants if id(v) in needed]
    text = f"{traced.jaxpr.replace(eqns=used)} {constants}"
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def public_functions() -> set[Callable[..., Any]]:
    """All functions that the room gives out."""
    every = (getattr(transforms, name) for name in dir(transforms) if name[0] != "_")
    return {x for x in every if inspect.isfunction(x)}


def test_every_argument_is_in_the_table():
    """A new one must be entered here, with the modes in which it does nothing."""
    assert public_functions() == OPTIONS.keys() | READERS.keys()
    for function, names in READERS.items():
        assert list(inspect.signature(function).parameters) == names, function
    for function, options in OPTIONS.items():
        parameters = inspect.signature(function).parameters
        defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        assert options.required.keys() == parameters.keys() - defaults.keys(), function
        assert options.changed.keys() == defaults.keys(), function


@pytest.mark.parametrize(
    ("function", "mode"),
    [
        pytest.param(function, mode, id=f"{function.__name__}, {mode}")
        for function, options in OPTIONS.items()
        for mode in options.modes
    ],
)
def test_an_argument_does_something_or_is_an_error(function, mode):
    """In each mode."""
    options = OPTIONS[function]
    given = options.required | options.modes[mode]
    plain = program(function, given)
    assert program(function, given) == plain  # so a difference has a reason
    for name, value in options.changed.items():
        if given.get(name) is value or given.get(name) == value:
            continue
        changed = given | {name: value}
        if name in options.idle.get(mode, ()):
            with pytest.raises(ValueError, match=f": {name} must be left out ") as error:
                program(function, changed)
            assert "\n" not in str(error.value)
        else:
            assert program(function, changed) != plain, name


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(function, name, id=f"{function.__name__}, {name}")
        for function, options in OPTIONS.items()
        for name, value in options.changed.items()
        if isinstance(value, bool)
    ],
)
def test_a_word_is_no_flag(function, name):
    """Not "False" for False, which would count as true."""
    options = OPTIONS[function]
    given = options.required | next(iter(options.modes.values())) | {name: "False"}
    with pytest.raises(ValueError, match=f"{name} must be True or False, got 'False'"):
        build(function, given)


@pytest.mark.parametrize("inner", [optax.adam, "adam", 1e-3])
@pytest.mark.parametrize(
    "function",
    [function for function, options in OPTIONS.items() if "inner" in options.required]
    + [anneal.layerwise_decay, anneal.partition_by_path],
)
def test_what_is_no_optimizer_is_said(function, inner):
    """Such as the function that makes one."""
    given = OPTIONS[function].required | next(iter(OPTIONS[function].modes.values()))
    one_clear_sentence(lambda: function(**given | {"inner": inner}), ["inner must be an Optax"])


@pytest.mark.parametrize(
    "value",
    [anneal.Cosine, jnp.bfloat16, lambda a, b: a, lambda t: "x", lambda t: jnp.ones(2)],
    ids=["class", "dtype", "two arguments", "text", "vector"],
)
@pytest.mark.parametrize(
    "take",
    [
        anneal.scale_by_learning_rate,
        lambda x: anneal.partition_by_path({".": x}),
        lambda x: anneal.partition_by_path({".": 0.5}, x),
        lambda x: anneal.layerwise_decay(x, 0.5),
        lambda x: anneal.average_params(decay=x),
        lambda x: anneal.with_schedules(
            anneal.scale_by_learning_rate(RATE).init(PARAMS), learning_rate=x
        ),
    ],
)
def test_what_is_no_schedule_is_said(take, value):
    """A class, a dtype, another kind of function."""
    with pytest.raises(ValueError, match=r"must be a schedule \(step to scalar\)"):
        take(value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: anneal.inject_hyperparams(optax.sgd, 3), ["static_args", "list of names"]),
        (lambda: anneal.partition_by_path(3), ["rules", "list of pairs"]),
        (lambda: anneal.partition_by_path(["bias", "."]), ["every one of rules", "a pair"]),
        (lambda: anneal.layerwise_decay(0.1, 0.5, depth_of="blocks"), ["depth_of", "a function"]),
        (
            lambda: anneal.layerwise_decay(0.1, 0.5).groups(PARAMS, step=-1),
            ["layerwise_decay: step", "from 0"],
        ),
    ],
)
def test_arguments_of_another_type_are_said(call, words):
    """Each in one sentence."""
    one_clear_sentence(call, words)


def test_an_idle_option_would_be_found():
    """One that is kept in the state, as a hyperparameter even, and never used."""

    def idle(option: float) -> optax.GradientTransformation:
        def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
            del params
            return updates, state * option

        return optax.GradientTransformation(lambda _: jnp.float32(option), update)

    assert program(idle, {"option": 1.0}) == program(idle, {"option": 2.0})


SGD = optax.sgd(1.0, momentum=0.9)
FORMER = {
    "average_params, decay": (
        lambda: anneal.average_params("ema", 0.5),
        lambda: anneal.average_params("ema", decay=0.5),
        "decay by position",
    ),
    "average_params, window": (
        lambda: anneal.average_params("window", None, 3),
        lambda: anneal.average_params("window", window=3),
        "decay, window by position",
    ),
    "greedy": (
        lambda: anneal.greedy("max", 0.5, 2),
        lambda: anneal.greedy("max", factor=0.5, patience=2),
        "factor, patience by position",
    ),
    "hypergradient": (
        lambda: anneal.hypergradient(SGD, 0.1, "additive"),
        lambda: anneal.hypergradient(SGD, 0.1, mode="additive"),
        "mode by position",
    ),
    "layerwise_decay, schedule": (
        lambda: anneal.layerwise_decay(schedule=RATE, decay=0.5),
        lambda: anneal.layerwise_decay(RATE, 0.5),
        r"layerwise_decay\(schedule=...\) .* write learning_rate=...",
    ),
    "layerwise_decay, depth_of": (
        lambda: anneal.layerwise_decay(RATE, 0.5, len, optax.trace(0.9)),
        lambda: anneal.layerwise_decay(RATE, 0.5, depth_of=len, inner=optax.trace(0.9)),
        "depth_of, inner by position",
    ),
    "partition_by_path": (
        lambda: anneal.partition_by_path({".": 2.0}, RATE, optax.trace(0.9)),
        lambda: anneal.partition_by_path({".": 2.0}, RATE, inner=optax.trace(0.9)),
        "inner by position",
    ),
    "reduce_on_plateau": (
        lambda: anneal.reduce_on_plateau("max", 0.5, 3, 0.1, "abs", 2, 0.25, 0.125),
        lambda: anneal.reduce_on_plateau(
            "max",
            factor=0.5,
            patience=3,
            threshold=0.1,
            threshold_mode="abs",
            cooldown=2,
            min_scale=0.25,
            eps=0.125,
        ),
        "factor, patience, threshold, threshold_mode, cooldown, min_scale, eps by position",
    ),
    "reset_on_restart": (
        lambda: anneal.reset_on_restart(SGD, RATE, "trace"),
        lambda: anneal.reset_on_restart(SGD, RATE, keep="trace"),
        "keep by position",
    ),
}


@pytest.mark.parametrize("name", FORMER)
def test_a_former_call_gives_the_same_and_warns(name):
    """The same program; arguments that are named now, and `schedule` of `layerwise_decay`."""
    former, current, words = FORMER[name]
    with pytest.warns(DeprecationWarning, match=words) as warnings:
        tx = former()
    assert warnings[0].filename == __file__
    assert program(lambda: tx, {}) == program(current, {})
