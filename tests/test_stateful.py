"""What every stateful transformation promises, whatever it does.

Compiling is what these tests cost, so each transformation has one train step that most of them
share: it is compiled once, and a state of any plan can be put into it.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.transforms._cycles import Cycles
from anneal_jax.transforms._states import find
from tests.stateful import OTHER, RATE, STATEFUL, close, problem, same, stepper


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam and Flax need JAX's own promotion rules."""
    return


class Trained:
    """A transformation, its train step in single precision, and a run of 21 steps."""

    def __init__(self, name: str) -> None:
        self.build = STATEFUL[name]
        self.step, self.traces = stepper(self.build(RATE), problem()[1])
        self.params = []  # after each step
        params, state = self.start()
        for _ in range(21):
            params, state = self.step(params, state)
            self.params.append(jax.device_get(params))
        self.end = params, state

    def start(self, rate: Any = RATE) -> tuple[Any, Any]:
        """New parameters and a new state, of any plan."""
        params = problem()[0]
        return params, self.build(rate).init(params)

    def run(self, params: Any, state: Any, steps: int) -> tuple[Any, Any]:
        """Parameters and state after some more steps of the same program."""
        for _ in range(steps):
            params, state = self.step(params, state)
        return params, state


@pytest.fixture(params=STATEFUL, scope="module")
def trained(request: pytest.FixtureRequest) -> Trained:
    """Every transformation of the table in turn; the tests of one run together."""
    return Trained(request.param)


def test_one_compilation_and_a_loss_that_falls(trained):
    """Over cycles, drops and snapshots, with donated buffers."""
    params, state = trained.end
    _, loss = problem()
    assert trained.traces == [1]
    assert loss(params) < 0.9 * loss(problem()[0])
    first = trained.start()[1]
    assert jax.tree.structure(first) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(state), strict=True):
        assert (a.shape, a.dtype, a.weak_type) == (b.shape, b.dtype, b.weak_type)


def test_donation_leaves_the_schedule_alone(trained):
    """A state that is donated holds no buffer of the caller's, nor one twice."""
    rate = RATE.as_arrays()
    params, state = trained.start(rate)
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves(state) if x.size]
    assert len(set(pointers)) == len(pointers)
    trained.run(params, state, 3)
    np.testing.assert_array_equal(rate(np.arange(20)), RATE(np.arange(20)))
    assert trained.traces == [1]


def test_jitted_as_eager(trained):
    """Over the first restart."""
    params, loss = problem()
    tx = optax.with_extra_args_support(trained.build(RATE))
    state = tx.init(params)
    for _ in range(5):
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grads, state, params, value=value)
        params = optax.apply_updates(params, updates)
    close(trained.params[4], params, rtol=1e-4, atol=1e-5)


class Careful:
    """A run on bfloat16 parameters under `optax.apply_if_finite`, with one bad gradient in it."""

    def __init__(self, trained: Trained) -> None:
        self.params, loss = problem(jnp.bfloat16)
        tx = optax.apply_if_finite(trained.build(RATE), max_consecutive_errors=3)
        self.first = tx.init(self.params)
        self.traces: list[int] = []

        def step(params: Any, state: Any, factor: Any) -> tuple[Any, Any]:
            self.traces.append(1)
            value, grads = jax.value_and_grad(loss)(params)
            grads = jax.tree.map(lambda g: g * factor.astype(g.dtype), grads)
            updates, state = tx.update(grads, state, params, value=value)
            return optax.apply_updates(params, updates), state

        jitted = jax.jit(step)
        self.carries = [(self.params, self.first)]
        for factor in [1.0] * 6 + [np.nan] + [1.0] * 7:
            self.carries.append(jitted(*self.carries[-1], jnp.float32(factor)))


@pytest.fixture(scope="module")
def careful(trained: Trained) -> Careful:
    """That run, of the transformation in turn."""
    return Careful(trained)


def test_bfloat16_parameters_keep_their_type(trained, careful):
    """All finite, no dtype widened, the same way to the minimum but for rounding."""
    params, state = careful.carries[-1]
    assert careful.traces == [1]
    assert all(p.dtype == jnp.bfloat16 for p in jax.tree.leaves(params))
    assert all(np.isfinite(np.asarray(x, float)).all() for x in jax.tree.leaves(params))
    first = careful.first
    assert [x.dtype for x in jax.tree.leaves(first)] == [x.dtype for x in jax.tree.leaves(state)]
    close(params, trained.params[12], rtol=0.05, atol=0.05)


def test_under_apply_if_finite(careful):
    """A gradient that is not finite is passed over: nothing moves, nothing is counted."""
    (params, state), (after_params, after) = careful.carries[6:8]
    assert int(after.total_notfinite) == 1
    same(after.inner_state, state.inner_state)
    same(after_params, params)


def test_under_multi_steps(trained):
    """Micro-batches of one gradient are one step: the same parameters, and the same state."""
    params, loss = problem()
    tx = optax.MultiSteps(trained.build(RATE), every_k_schedule=3)
    step, traces = stepper(optax.GradientTransformationExtraArgs(tx.init, tx.update), loss)
    state = tx.init(params)
    for _ in range(27):
        params, state = step(params, state)
    close(params, trained.params[8], rtol=1e-4, atol=1e-5)
    assert traces == [1]


def test_a_population_trains_in_one_program(trained):
    """In `lax.scan`, under `vmap` over the peak: each member is what it would be alone."""
    params, loss = problem()
    peaks = jnp.array([0.05, 0.1])

    def rate(peak: Any) -> anneal.Schedule:
        return anneal.cosine_restarts(peak, 4, cycles=5)

    def train(peak: Any) -> Any:
        tx = optax.with_extra_args_support(trained.build(rate(peak)))

        def step(carry: Any, _: Any) -> tuple[Any, None]:
            params, state = carry
            value, grads = jax.value_and_grad(loss)(params)
            updates, state = tx.update(grads, state, params, value=value)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), None, length=9)[0][0]

    together = jax.jit(jax.vmap(train))(peaks)
    alone = [trained.run(*trained.start(rate(float(peak))), 9)[0] for peak in peaks]
    close(together, jax.tree.map(lambda *x: jnp.stack(x), *alone), rtol=1e-4, atol=1e-5)
    assert trained.traces == [1]


def test_a_change_of_plan_recompiles_nothing(trained):
    """`with_schedules` in the middle of a run: other rates, other cycles, the same program."""
    params, state = trained.run(*trained.start(), 5)
    if list(find(state, lambda x: isinstance(x, Cycles))):
        state = anneal.with_schedules(state, cycles=OTHER)
    state = anneal.with_schedules(state, learning_rate=OTHER)
    params, state = trained.run(params, state, 4)
    assert trained.traces == [1]
    last = 8 if "accumulation_steps" not in anneal.hyperparams(state) else 4
    assert anneal.hyperparams(state)["learning_rate"] == OTHER(last)


def test_orbax_resumes_bit_for_bit(trained, tmp_path):
    """Saved, restored and run on: as if it had never stopped."""
    import orbax.checkpoint as ocp

    params, state = trained.run(*trained.start(), 6)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", {"params": params, "state": state})
        checkpointer.wait_until_finished()
        fresh = dict(zip(("params", "state"), trained.start(), strict=True))
        restored = checkpointer.restore(tmp_path / "state", fresh)
    same(restored, {"params": params, "state": state})
    again = trained.run(restored["params"], restored["state"], 6)
    same(again, trained.run(params, state, 6))


def test_in_flax(trained):
    """Inside an `nnx.Optimizer` as alone."""
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.dense = nnx.Dict({k: nnx.Param(v) for k, v in problem()[0]["dense"].items()})
            self.spare = nnx.Param(problem()[0]["spare"])

    _, loss = problem()

    def model_loss(model: Any) -> Any:
        return loss({"dense": {k: model.dense[k][...] for k in ("kernel", "bias")}})

    model = Model()
    optimizer = nnx.Optimizer(model, trained.build(RATE), wrt=nnx.Param)

    @nnx.jit
    def step(model: Any, optimizer: Any) -> None:
        value, grads = nnx.value_and_grad(model_loss)(model)
        optimizer.update(model, grads, value=value)

    for _ in range(9):
        step(model, optimizer)
    params, state = trained.run(*trained.start(), 9)
    np.testing.assert_allclose(model.dense["kernel"][...], params["dense"]["kernel"], rtol=1e-5)
    ours = {k: float(v) for k, v in anneal.hyperparams(optimizer).items()}
    assert ours == pytest.approx({k: float(v) for k, v in anneal.hyperparams(state).items()})


def test_on_a_mesh_as_on_one_device():
    """4 devices, sharded parameters: copies lie where they do, and the numbers are the same."""
    tests = Path(__file__).parent
    subprocess.run([sys.executable, "-m", "tests.mesh"], check=True, timeout=300, cwd=tests.parent)
