"""The state of a member keeps its dtypes: a sweep of any of them is the plain loop of them."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.search import Training, lr_range_test, sweep, tune

STEPS = 24
X = np.random.default_rng(0).normal(size=(STEPS, 8, 4)).astype(np.float32)
PLANS = [anneal.Linear(0.1, 0.01, STEPS), anneal.Linear(0.5, 0.01, STEPS)]
RAMP = anneal.Linear(0.0, 0.5, STEPS)


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """A step may change types."""
    with jax.numpy_rank_promotion("raise"):
        yield


def loss(w: jax.Array, x: jax.Array) -> jax.Array:
    return jnp.mean((x.astype(w.dtype) @ w - 1) ** 2)


def all_types() -> tuple[Training, Any, Any]:
    """A loop's step, its state, and how a plan gets into that; some leaves no step touches."""
    kinds = {"byte": jnp.int8, "bits": jnp.uint8, "flag": bool, "half": jnp.float16}
    others = {name: jnp.ones(2, kind) for name, kind in kinds.items()}
    tx = anneal.inject_hyperparams(optax.sgd)(0.1, momentum=0.9)

    def step(state: Any, x: Any) -> Any:
        p, rest, opt_state = state
        each = {k: jax.value_and_grad(loss)(w, x) for k, w in p.items()}
        slopes = {k: slope for k, (_, slope) in each.items()}
        updates, opt_state = tx.update(slopes, opt_state, p)
        value = sum(v.astype(jnp.float32) for v, _ in each.values())
        return (optax.apply_updates(p, updates), rest, opt_state), value

    p = {dtype: jnp.zeros(4, dtype) for dtype in ("bfloat16", "float16", "float32")}
    state = (p, others, tx.init(p))
    planned = lambda plan: anneal.with_schedules(state, learning_rate=plan)  # noqa: E731
    return Training.from_step(step, state), step, planned


def looped(run: Any, state: Any) -> tuple[list[float], list[Any]]:
    """Losses, and what is left."""
    losses = []
    for x in X:
        state, value = run(state, x)
        losses.append(float(value))
    return losses, jax.tree.leaves(state)


@pytest.mark.filterwarnings("ignore:lr_range_test")  # the loss only rises, in few bits
def test_the_state_keeps_its_types() -> None:
    """What sweep and range test train is the plain loop, to the last bit where bits are few."""
    with jax.enable_x64(True):
        training, step, planned = all_types()
        result = sweep(training, PLANS, X, keep=2, progress=False)
        options: Any = {"low": 0.0, "high": 0.5, "steps": STEPS, "spacing": "linear"}
        tested = lr_range_test(training, X, diverged=None, progress=False, **options)
        run = jax.jit(step)
        for plan, curve in zip([*PLANS, RAMP], [*result.curves, tested.losses[0]], strict=True):
            losses, left = looped(run, planned(plan))
            np.testing.assert_allclose(curve, losses, rtol=1e-5)
        row = result.kept.tolist().index(1)
        _, left = looped(run, planned(PLANS[1]))
        for got, wanted in zip(jax.tree.leaves(result.states), left, strict=True):
            assert got.dtype == wanted.dtype
            exact = wanted.dtype.itemsize < 4
            np.testing.assert_allclose(
                *(np.asarray(x, float) for x in (got[row], wanted)), rtol=0 if exact else 1e-4
            )


def test_the_state_of_from_loss_does_too() -> None:
    """Without x64, and in `tune`."""
    training = Training.from_loss(loss, optax.sgd, jnp.zeros(4, jnp.bfloat16))
    losses, _ = looped(jax.jit(training.step), training.init(PLANS[1], jax.random.key(0)))
    found = tune(training, lambda k: PLANS[k], [{"k": 1}], X, window=1, progress=False)
    assert found.table["final_loss"][0] == losses[-1]


def changing(kind: Any) -> Training:
    """A step that returns parameters of the type that `kind` says of theirs."""

    def step(state: Any, x: Any) -> Any:
        plan, count, w, total = state
        value, slope = jax.value_and_grad(loss)(w, x)
        new = (w - plan(count) * slope).astype(kind(w.dtype))
        return (plan, count + 1, new, total + 0.5), value

    start = jnp.int32(0), jnp.zeros(4, jnp.bfloat16), 0
    return Training(lambda plan, key: (plan, *start), step)


def test_a_step_that_changes_types_has_those_of_a_loop() -> None:
    """bfloat16 parameters times a float32 rate, a whole number that becomes real."""
    training = changing(lambda dtype: jnp.float32)
    result = sweep(training, PLANS[:1], X, keep=1, progress=False)
    losses, left = looped(jax.jit(training.step), training.init(PLANS[0], jax.random.key(0)))
    np.testing.assert_allclose(result.curves[0], losses, rtol=1e-3)  # the first step rounds
    types = [x.dtype for x in jax.tree.leaves(result.states)]
    assert types == [x.dtype for x in left]
    assert types[-2:] == [jnp.float32, jnp.result_type(float)]


@pytest.mark.parametrize(
    "kind",
    [lambda dtype: jnp.int32, lambda dtype: "float16" if dtype == "bfloat16" else "bfloat16"],
    ids=["whole", "alternating"],
)
def test_a_step_whose_types_do_not_settle_is_refused(kind: Any) -> None:
    """Where numbers would lose what they are, and where types alternate."""
    with pytest.raises(ValueError, match="sweep: step must be a function to a state of the types"):
        sweep(changing(kind), PLANS, X, progress=False)
