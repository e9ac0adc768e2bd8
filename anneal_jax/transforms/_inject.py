"""Any hyperparameters of any optimizer, following schedules or changed by hand."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from .. import _checks
from .._types import Array
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._follow import InjectHyperparamsState, ScheduleLike, as_rate, follow, require_schedule
from ._injected import InjectedFactory, P
from ._metrics import MetricScaleState
from ._states import find

_OWNER = "inject_hyperparams"
_RESERVED = "cycles"


def inject_hyperparams(
    inner_factory: Callable[P, optax.GradientTransformation],
    static_args: str | Iterable[str] = (),
) -> InjectedFactory[P]:
    """Let any hyperparameters of an optimizer follow schedules that live in its state.

    Arguments given as schedules or as numbers move into the state. Everything else stays a
    constant of the program: booleans, dtypes, integers where the default is one, what
    `static_args` names, and every argument left at its default (so that `1 - b2` is formed in
    double).
    `state.hyperparams[name]` is what the last update used. Assigning to it holds that value
    from then on, also for a scheduled one, until `with_schedules` sets a new plan.

    Hyperparameters are float32 (float64 with x64 on) whatever the parameters are: b2 = 0.999
    is not 1.0 for bfloat16 parameters. Updates and inner state keep their own dtypes.

    Args:
      inner_factory: function that returns a transformation, such as `optax.adamw`.
      static_args: names of arguments to leave alone, such as a callable `mask`.

    Returns:
      A function with the arguments of `inner_factory`, which returns a
      `GradientTransformationExtraArgs`.

    Raises:
      ValueError: if `inner_factory` is no such function, the call does not fit it, `static_args`
        names no argument, a callable that is neither a schedule nor named there is passed,
        nothing is left to inject, or a hyperparameter is called `cycles`, which `with_schedules`
        reserves.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.Linear(1.0, 0.0, steps=10)
        >>> tx = anneal.inject_hyperparams(optax.adamw)(learning_rate=rate, weight_decay=0.1)
        >>> params = jnp.zeros(3)
        >>> state = tx.init(params)
        >>> for _ in range(3):
        ...     updates, state = tx.update(jnp.ones(3), state, params)
        >>> print({name: round(float(x), 6) for name, x in anneal.hyperparams(state).items()})
        {'learning_rate': 0.8, 'weight_decay': 0.1}
    """
    signature = _signature(inner_factory)
    given = (static_args,) if isinstance(static_args, str) else static_args
    static = _checks.items(_OWNER, "static_args", given, "names of arguments")
    for name in static:
        _checks.nearest(_OWNER, "static_args", name, signature.parameters)

    @functools.wraps(inner_factory)
    def wrapped(*args: Any, **kwargs: Any) -> optax.GradientTransformationExtraArgs:
        arguments = _bound(inner_factory, signature, args, kwargs)
        injected, constants = _sorted_out(arguments, static, signature)
        if _RESERVED in injected:
            rule = f"other than {_RESERVED!r}, with_schedules' word for what follows cycles"
            remedy = f"rename the argument, or pass static_args={_RESERVED!r}"
            name = "the name of a hyperparameter"
            _checks.fail(_OWNER, name, rule, _RESERVED, remedy)
        if not injected:
            remedy = "pass a schedule, a float or an array"
            _checks.fail(_OWNER, "some argument", "injectable", kwargs, remedy)

        def inner(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
            made = _called(inner_factory, signature, constants | hyperparams)
            return optax.with_extra_args_support(made)

        tx = follow(_OWNER, injected, inner)

        def init(params: PyTree) -> Any:
            state = tx.init(params)
            _check_passed_on(inner, state, params)
            return state

        return optax.GradientTransformationExtraArgs(init, tx.update)

    return wrapped


def scale_by_learning_rate(
    learning_rate: ScheduleLike, *, flip_sign: bool = True
) -> optax.GradientTransformationExtraArgs:
    """Multiply updates by minus the learning rate, with the schedule in the state.

    Args:
      learning_rate: a schedule, a number, or any function of the step.
      flip_sign: whether to multiply by minus the rate, to descend (True), or by the rate itself.

    Returns:
      A `GradientTransformationExtraArgs`, the last link of a chain; `hyperparams` reads its
      `learning_rate`, and `with_schedules` replaces it.

    Raises:
      ValueError: if `learning_rate` is a number below 0, or none.

    Example:
        >>> import anneal_jax as anneal, optax
        >>> rate = anneal.warmup_cosine(3e-4, warmup_steps=10, total_steps=100)
        >>> tx = optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(rate))
    """
    owner = "scale_by_learning_rate"
    _checks.flag(owner, "flip_sign", flip_sign)
    rate = as_rate(owner, learning_rate)
    return inject_hyperparams(optax.scale_by_learning_rate)(rate, flip_sign=flip_sign)


def _signature(factory: Any) -> inspect.Signature:
    """What the factory takes, if it is one."""
    rule = "a function that makes a transformation, such as optax.adamw"
    if isinstance(factory, optax.GradientTransformation) or not callable(factory):
        made = isinstance(factory, optax.GradientTransformation)
        remedy = "pass the function itself, and its arguments to what this returns"
        kind = "one that it made" if made else f"{type(factory).__name__} {factory!r:.60}"
        raise ValueError(f"{_OWNER}: inner_factory must be {rule}, got {kind}; {remedy}.")
    try:
        return inspect.signature(factory)
    except ValueError:
        _checks.fail(_OWNER, "inner_factory", rule, factory, "wrap it in a function of one's own")


def _extra(signature: inspect.Signature) -> str | None:
    """The name of `**kwargs`, if the factory has it."""
    kinds = {p.kind: name for name, p in signature.parameters.items()}
    return kinds.get(inspect.Parameter.VAR_KEYWORD)


def _bound(
    factory: Any, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of a call by name, those of `**kwargs` among them."""
    extra = _extra(signature)
    try:
        arguments = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        for name in () if extra else kwargs:
            _checks.nearest(_OWNER, "every argument", name, signature.parameters)
        what = f"one {'' if str(error).startswith('missing') else 'with '}{error}"
        name = getattr(factory, "__name__", "inner_factory")
        raise ValueError(
            f"{_OWNER}: the call must be one that {name} takes, got {what}; correct it."
        ) from None
    return arguments | (arguments.pop(extra, {}) if extra else {})


def _called(factory: Any, signature: inspect.Signature, arguments: dict[str, Any]) -> Any:
    """What the factory makes of arguments by name."""
    given, extra = signature.bind_partial(), _extra(signature)
    given.arguments |= {k: v for k, v in arguments.items() if k in signature.parameters}
    if extra:
        given.arguments[extra] = {k: v for k, v in arguments.items() if k not in given.arguments}
    made = factory(*given.args, **given.kwargs)
    if not (hasattr(made, "init") and hasattr(made, "update")):
        rule = "a function that returns a transformation"
        remedy = "return one, as optax.adamw does"
        kind = f"{getattr(factory, '__name__', 'one')} that returns {type(made).__name__}"
        raise ValueError(f"{_OWNER}: inner_factory must be {rule}, got {kind}; {remedy}.")
    return made


def _sorted_out(
    arguments: dict[str, Any], static: Collection[str], signature: inspect.Signature
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments by what becomes of them: put into the state, or left as constants."""
    injected, constants = {}, {}
    for name, value in arguments.items():
        if name in static or _is_dtype(value):
            constants[name] = value
        elif isinstance(value, Schedule) or callable(value):
            injected[name] = _checked(name, value)
        elif _is_number(value, getattr(signature.parameters.get(name), "default", None)):
            _checks.number(_OWNER, name, value)
            injected[name] = value
        else:
            constants[name] = value
    return injected, constants


def _check_passed_on(inner: Callable[[Any], Any], state: Any, params: Any) -> None:
    """Require that no hyperparameter becomes that of a link which keeps its own in the state.

    It would take the first value and never look again. What depends on what is a derivative.
    """

    def kept(hyperparams: dict[str, Array]) -> list[Array]:
        links = find(inner(hyperparams).init(params), _keeps_its_own)
        leaves = jax.tree.leaves([link for _, link in links])
        return [x for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]

    if next(find(state.inner_state, _keeps_its_own), None) is None:
        return
    ones = jax.tree.map(jnp.ones_like, state.hyperparams)
    tangents = jax.jvp(kept, (state.hyperparams,), (ones,))[1]
    if _checks.known(*tangents) and any(bool(jnp.any(t)) for t in tangents):
        raise ValueError(
            "inject_hyperparams: hyperparameters must not be passed on to transformations of "
            "anneal_jax, which keep their own in the state and would stay at the first value; "
            "give schedules to those directly."
        )


def _keeps_its_own(x: Any) -> bool:
    return isinstance(x, InjectHyperparamsState | MetricScaleState)


def _is_dtype(value: Any) -> bool:
    """Whether `value` is a dtype (all kinds of which are callable, or classes): no schedule."""
    if not isinstance(value, type):
        return isinstance(value, np.dtype)
    try:
        return np.dtype(value) != object  # what NumPy takes any other class for
    except TypeError:
        return False


def _is_number(value: Any, default: Any) -> bool:
    if isinstance(value, jax.Array | np.ndarray):
        return value.ndim == 0 and jnp.issubdtype(value.dtype, jnp.floating)
    counts = isinstance(default, int) and not isinstance(default, bool)
    return isinstance(_checks.real(value), float) and not (counts and isinstance(value, int))


def _checked(name: str, value: Any) -> Schedule:
    if not isinstance(value, Schedule):
        require_schedule(_OWNER, name, value, f"if it is none, pass static_args={name!r}")
    return as_schedule(value)
