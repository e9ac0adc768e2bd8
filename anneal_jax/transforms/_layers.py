"""Layer-wise learning-rate decay: the deeper from the head, the smaller the rate."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from .. import _checks
from .._deprecated import keywords, renamed
from .._numerics import as_float
from .._types import Array, RealScalarLike
from ..schedules._constant import as_schedule
from ..schedules._schedule import Schedule
from ._depths import detected
from ._follow import ScheduleLike, as_rate, follow
from ._paths import (
    GroupedTransformation,
    Groups,
    groups_at,
    map_paths,
    paths,
    scale_by_rates,
)
from ._peaks import rates_and_peaks
from ._updates import as_transformation

Depth: TypeAlias = int | Sequence[int] | None
_OWNER = "layerwise_decay"


@keywords
@renamed(schedule="learning_rate")
def layerwise_decay(
    learning_rate: ScheduleLike,
    decay: Schedule | RealScalarLike,
    *,
    depth_of: Callable[[str], Depth] | None = None,
    inner: optax.GradientTransformation | None = None,
    flip_sign: bool = True,
) -> GroupedTransformation:
    r"""Layer-wise decay: `rate_d(t) = learning_rate(t) * decay ** (top - d)` at depth `d`.

    As fine-tuning of ViT, BEiT, MAE, ELECTRA and BERT uses it (`layer_decay` of timm): the
    head learns at the full rate, each block below it at `decay` times the rate of the next,
    the embeddings slowest.

    Unless `depth_of` says otherwise, depths are read from the paths of the parameters. Those in
    the `i`-th of `n` numbered blocks (`"blocks/3/kernel"`, `"encoderblock_3/..."`, `"layer/3"`;
    in order, whatever the numbers) have depth `i + 1`, all others (final norm, pooler, head)
    `n + 1`, but for what comes first: embeddings, tokens, patches, the stem, with the first
    convolution of a ResNet, have depth 0. Blocks of one name in several places (two towers, an
    encoder and a decoder) all end at depth `n`, a shallower tower with its own embeddings begins
    higher. `print(tx.groups(params))` shows what was found. (Inside `optax.masked` or `partition`
    only the parameters that are left count.)

    Both live in the state, as `learning_rate` and `layer_decay`: `hyperparams` reads them, and
    the rates as `rate/depth <d>`; `with_schedules` replaces them. One evaluation serves all
    layers.

    Args:
      learning_rate: the rate at the top: a schedule, a number, or any function of the step.
      decay: factor per layer, above 0 and at most 1, or a schedule of it; .65 to .95 are usual.
      depth_of: function from a path such as `"encoder/blocks/0/kernel"` to a depth from 0 up,
        or to None for the top (one above the largest depth). For a parameter that stacks
        layers along its first axis (`nn.scan`) it returns the depths of all of them, as in
        `range(1, 13)`. None: depths are read from the paths.
      inner: transformation from gradients to directions, such as `optax.scale_by_adam()`;
        None: this is the last link of a chain that has one.
      flip_sign: whether to multiply by minus the rate, to descend (True), or by the rate itself.

    Returns:
      A `GradientTransformationExtraArgs` with `groups(params, step=0)`.

    Raises:
      ValueError: for a decay outside its range; and from `init` and `groups`, if there are no
        numbered blocks, more than one kind that may be them, or `depth_of` returns no depth.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> params = {
        ...     "embed": jnp.ones(8),
        ...     "blocks": [{"kernel": jnp.ones((4, 4))} for _ in range(2)],
        ...     "head": jnp.ones(4),
        ... }
        >>> groups = anneal.layerwise_decay(1e-3, decay=0.5)
        >>> print(groups.groups(params))
        group    rate at step 0      peak  parameters  tensors
        depth 0        0.000125  0.000125           8        1
        depth 1         0.00025   0.00025          16        1
        depth 2          0.0005    0.0005          16        1
        depth 3           0.001     0.001           4        1
        total                                      44        4
        >>> tx = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(0.05), groups)

    Reference: Clark et al., [ELECTRA](https://arxiv.org/abs/2003.10555), 2020; Bao et al.,
    [BEiT](https://arxiv.org/abs/2106.08254), 2021.
    """
    if not isinstance(decay, Schedule):
        _checks.number(_OWNER, "decay", decay, above=0, most=1)
    values = {"learning_rate": as_rate(_OWNER, learning_rate), "layer_decay": _checks.real(decay)}
    _checks.flag(_OWNER, "flip_sign", flip_sign)
    if not (depth_of is None or callable(depth_of)):
        _checks.fail(_OWNER, "depth_of", "a function from a path to a depth", depth_of, "pass one")
    sign = -1.0 if flip_sign else 1.0

    def names(params: Any) -> dict[str, Any]:
        depths = _depths(paths(params), depth_of)
        map_paths(lambda path, leaf: _check_layers(path, leaf, depths[path]), params)
        return {p: _name(d) if isinstance(d, int) else [*map(_name, d)] for p, d in depths.items()}

    def scaling(hyperparams: dict[str, Array]) -> optax.GradientTransformationExtraArgs:
        rate, factor = hyperparams["learning_rate"], hyperparams["layer_decay"]

        def scale(tree: Any) -> optax.GradientTransformationExtraArgs:
            rates = _rates(rate, factor, _depths(paths(tree), depth_of))
            return scale_by_rates(rates, names, sign)

        def init(params: PyTree) -> Any:
            return scale(params).init(params)

        def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
            return scale(updates).update(updates, state, params, **extra)

        return optax.GradientTransformationExtraArgs(init, update)

    def groups(params: PyTree, step: int = 0) -> Groups:
        depths = _depths(paths(params), depth_of)

        def rates_at(steps: Any) -> dict[str, Array]:
            rate, factor = (as_schedule(x)(steps) for x in values.values())
            return _rates(rate, factor, depths)

        rates, peaks = rates_and_peaks(_OWNER, rates_at, values.values(), step)
        return groups_at(step, params, names(params), rates, peaks)

    link = follow(_OWNER, values, scaling)
    tx = link if inner is None else optax.chain(as_transformation(_OWNER, "inner", inner), link)
    return GroupedTransformation(tx.init, tx.update, groups)


def _check_layers(path: str, leaf: Any, depth: Any) -> None:
    if not isinstance(depth, int) and np.shape(leaf)[:1] != (len(depth),):
        rule = f"as many depths as the parameter has layers, its shape being {np.shape(leaf)}"
        _checks.fail(_OWNER, f"depth_of({path!r})", rule, depth, "correct depth_of")


def _name(depth: int) -> str:
    return f"depth {depth}"


def _rates(rate: Array, decay: Array, depths: dict[str, Any]) -> dict[str, Array]:
    """`rate * decay ** (top - d)` for every depth `d` from 0 to the top, by its name."""
    top = max((int(np.max(d)) for d in depths.values()), default=0)
    powers = jnp.expand_dims(decay, -1) ** as_float(jnp.arange(top, -1, -1))
    rates = jnp.expand_dims(rate, -1) * powers
    return {_name(d): rates[..., d] for d in range(top + 1)}


def _depths(names: Sequence[str], depth_of: Callable[[str], Depth] | None) -> dict[str, Any]:
    """The depth of every path, or its depths if it stacks layers."""
    found = detected(names) if depth_of is None else {p: _checked(p, depth_of(p)) for p in names}
    known = [int(np.max(d)) for d in found.values() if d is not None]
    top = max(known, default=0) + 1 if None in found.values() else max(known, default=0)
    return {path: top if depth is None else depth for path, depth in found.items()}


def _checked(path: str, depth: Any) -> Depth:
    if depth is None:
        return None
    whole = np.asarray(depth)
    if whole.dtype.kind not in "iu" or whole.ndim > 1 or whole.size == 0 or whole.min() < 0:
        rule = "a depth from 0 up, several for stacked layers, or None for the top"
        _checks.fail(_OWNER, f"depth_of({path!r})", rule, depth, "correct depth_of")
    return int(whole) if whole.ndim == 0 else [int(d) for d in whole]
