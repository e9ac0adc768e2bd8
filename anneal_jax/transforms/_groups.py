"""Parameter groups: which parameters follow which schedule, by regular expressions."""

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeAlias

import jax
import optax
from jaxtyping import PyTree

from .. import _checks
from .._deprecated import keywords
from .._types import Array
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._follow import ScheduleLike, as_rate, follow
from ._paths import (
    GroupedTransformation,
    Groups,
    groups_at,
    map_paths,
    paths,
    scale_by_rates,
    shown,
)
from ._peaks import rates_and_peaks
from ._updates import as_transformation

Rule: TypeAlias = ScheduleLike | optax.GradientTransformation | None
_OWNER = "partition_by_path"
_BASE = "learning_rate"
_SHARED = "shared"  # the label of all parameters whose updates `inner` makes


@keywords
def partition_by_path(
    rules: Mapping[str, Rule] | Iterable[tuple[str, Rule]],
    learning_rate: ScheduleLike | None = None,
    *,
    inner: optax.GradientTransformation | None = None,
    flip_sign: bool = True,
) -> GroupedTransformation:
    r"""Learning rates by parameter group: `update_i = -rate_group(i)(t) * direction_i`.

    Every parameter belongs to the first rule whose regular expression is found (`re.search`)
    in its path, such as `"encoder/blocks/0/kernel"`. The value of a rule says what becomes of
    its parameters:

    - a number: that factor times `learning_rate`;
    - a schedule: a learning rate of their own;
    - None: frozen; they get zero updates and no state in `inner`;
    - an Optax transformation: they are left to it altogether, rate and sign too.

    Each distinct schedule is evaluated once a step. Schedules and factors live in the state:
    `hyperparams` reads the rates of all groups as `rate/<rule>`; `with_schedules` replaces
    `learning_rate`, `learning_rate/<rule>` (not of a schedule equal to an earlier one: they
    are one) and `factor/<rule>`, also by a schedule (gradual unfreezing).

    Args:
      rules: regular expressions and their values, in the order in which they are tried.
      learning_rate: what factors are factors of: a schedule, a number, or any function of the
        step; for rules with a factor, and only for them.
      inner: transformation from gradients to directions, such as `optax.scale_by_adam()`, for
        all groups with a rate; None: this is the last link of a chain that has one.
      flip_sign: whether to multiply by minus the rate, to descend (True), or by the rate itself.

    Returns:
      A `GradientTransformationExtraArgs`; `print(tx.groups(params))` shows a table of group,
      rate, its peak and number of parameters.

    Raises:
      ValueError: for what is no rule, and for arguments that no rule makes use of; from `init`
        and `groups`, if a parameter matches no rule, or a rule gets no parameter.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.warmup_cosine(1e-3, warmup_steps=10, total_steps=100)
        >>> tx = anneal.partition_by_path(
        ...     {"embed": None, "head": 10.0, ".*": 1.0}, rate, inner=optax.scale_by_adam()
        ... )
        >>> params = {"embed": jnp.ones(8), "body": jnp.ones((4, 4)), "head": jnp.ones(4)}
        >>> print(tx.groups(params, step=10))
        group  rate at step 10   peak  parameters  tensors
        embed           frozen                  8        1
        head              0.01   0.01           4        1
        .*               0.001  0.001          16        1
        total                                  28        3
    """
    pairs = _pairs(rules)
    base = None if learning_rate is None else as_rate(_OWNER, learning_rate)
    kept: dict[str, Any] = {pattern: _rule(pattern, value, base) for pattern, value in pairs}
    if len(kept) < len(pairs) or not kept:
        wanted = "at least one rule" if not kept else "different expressions"
        _checks.fail(_OWNER, "rules", wanted, [p for p, _ in pairs], "correct them")
    values, names = _hyperparameters(kept, base)
    _checks.flag(_OWNER, "flip_sign", flip_sign)
    _check_used(names, learning_rate, inner, flip_sign)
    sign = -1.0 if flip_sign else 1.0

    def match(params: Any) -> dict[str, str]:
        return {path: str(_match(kept, path)) for path in paths(params)}

    def scaling(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
        rates = {pattern: _product(hyperparams, name) for pattern, name in names.items()}
        return scale_by_rates(rates, match, sign)

    # By label; plain ones, for they become names in checkpoints.
    others = {f"rule {i}": value for i, value in enumerate(kept.values()) if _is_other(value)}
    label = {p: f"rule {i}" if _is_other(x) else _SHARED for i, (p, x) in enumerate(kept.items())}

    def labels(params: Any) -> Any:
        assigned = _assigned(kept, params)
        return map_paths(lambda path, _: label[assigned[path]], params)

    def groups(params: PyTree, step: int = 0) -> Groups:
        def rates_at(steps: Any) -> dict[str, Array]:
            found = {name: as_schedule(x)(steps) for name, x in values.items()}
            return {pattern: _product(found, name) for pattern, name in names.items()}

        rates: dict[str, Any] = {p: None if x is None else float("nan") for p, x in kept.items()}
        found, peaks = rates_and_peaks(_OWNER, rates_at, values.values(), step)
        return groups_at(step, params, _assigned(kept, params), rates | found, peaks)

    first = [] if inner is None else [as_transformation(_OWNER, "inner", inner)]
    shared = optax.chain(*first, follow(_OWNER, values, scaling))
    parts: dict[Hashable, Any] = {_SHARED: shared}
    for name, value in others.items():
        parts[name] = optax.set_to_zero() if value is None else value
    tx = optax.partition(parts, labels)
    return GroupedTransformation(tx.init, tx.update, groups)


def _pairs(rules: Any) -> list[Any]:
    """Expressions and what belongs to them."""
    pairs = [*rules.items()] if isinstance(rules, Mapping) else rules
    pairs = _checks.items(_OWNER, "rules", pairs, "pairs of expression and value")
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            rule = "a pair of expression and value, as in ('bias$', 0.5)"
            _checks.fail(_OWNER, "every one of rules", rule, pair, "correct it")
    return pairs


def _rule(pattern: Any, value: Any, base: Schedule | None) -> Any:
    """The value of a rule: a schedule, a factor, None or a transformation."""
    try:
        if not isinstance(pattern, str):
            raise TypeError("not a string")
        re.compile(pattern)
    except (re.error, TypeError) as error:
        remedy = f"correct it ({error})"
        _checks.fail(_OWNER, "every rule", "a regular expression", pattern, remedy)
    name = f"the value of rule {pattern!r}"
    if _is_other(value):
        return value
    if callable(value):
        return as_schedule(value)
    if isinstance(value, str | bool):
        rule = "a factor, a schedule, None (frozen) or an Optax transformation"
        _checks.fail(_OWNER, name, rule, value, "pass one of them")
    _checks.number(_OWNER, name, value, least=0)
    if base is None:
        remedy = "pass learning_rate=, or a schedule in its place"
        _checks.fail(_OWNER, name, "a schedule where there is no learning_rate", value, remedy)
    return _checks.real(value)


def _is_other(value: Any) -> bool:
    """Whether a rule takes its parameters away from `inner` and the learning rate."""
    return value is None or isinstance(value, optax.GradientTransformation)


def _hyperparameters(
    rules: dict[str, Any], base: Schedule | None
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """What the state follows, by name; and for each rule the names whose product is its rate."""
    values: dict[str, Any] = {} if base is None else {_BASE: base}
    names: dict[str, tuple[str, ...]] = {}
    for pattern, value in rules.items():
        if isinstance(value, Schedule):
            name = next((n for n, x in values.items() if _same(x, value)), f"{_BASE}/{pattern}")
            values.setdefault(name, value)
            names[pattern] = (name,)
        elif not _is_other(value):
            values[f"factor/{pattern}"] = value
            names[pattern] = (_BASE, f"factor/{pattern}")
    return values, names


def _check_used(
    names: dict[str, tuple[str, ...]], learning_rate: Any, inner: Any, flip_sign: bool
) -> None:
    """Require that some rule makes use of each argument."""
    if learning_rate is not None and not any(_BASE in used for used in names.values()):
        rule = "left out where no rule is a factor of it"
        _checks.fail(_OWNER, _BASE, rule, learning_rate, "leave it out, or make a rule a number")
    for name, value, given in (
        ("inner", inner, inner is not None),
        ("flip_sign", flip_sign, not flip_sign),
    ):
        if given and not names:
            rule = "left out where no rule is a rate"
            _checks.fail(_OWNER, name, rule, value, "leave it out, or add a rule with a rate")


def _same(a: Any, b: Schedule) -> bool:
    if a is b or not isinstance(a, Schedule):
        return a is b
    known = _checks.known(*jax.tree.leaves((a, b)))
    return known and jax.tree.structure(a) == jax.tree.structure(b) and bool(a == b)


def _product(values: dict[str, Array], names: tuple[str, ...]) -> Array:
    first, *rest = (values[name] for name in names)
    return first * rest[0] if rest else first


def _match(rules: dict[str, Any], path: str) -> str | None:
    return next((pattern for pattern in rules if re.search(pattern, path)), None)


def _assigned(rules: dict[str, Any], params: Any) -> dict[str, str]:
    """The rule of every path."""
    found = {path: _match(rules, path) for path in paths(params)}
    lost = [path for path, pattern in found.items() if pattern is None]
    if lost:
        raise ValueError(
            f"{_OWNER}: every parameter must match a rule, but no rule matches {shown(lost)}; "
            "add a rule for them, last of all '.*'."
        )
    for pattern in rules:
        if pattern in found.values():
            continue
        rivals = {p: m for p, m in found.items() if re.search(pattern, p)}
        if rivals:
            why = f"earlier rules take all that {pattern!r} matches ({shown(rivals)})"
            remedy = "move it up, or remove it"
        else:
            why = f"{pattern!r} matches none of {shown(found)}"
            remedy = "correct it, or remove it"
        raise ValueError(f"{_OWNER}: every rule must get a parameter, but {why}; {remedy}.")
    return {path: str(pattern) for path, pattern in found.items()}
