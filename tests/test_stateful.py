"""What every stateful transformation promises, whatever it does."""

import subprocess
import sys
import textwrap
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
from tests.stateful import FAST_TO_COMPILE, OTHER, RATE, STATEFUL, close, problem, same, stepper


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam and Flax need JAX's own promotion rules."""
    return


@pytest.fixture(params=STATEFUL)
def build(request):
    """Every transformation of the table in turn."""
    return STATEFUL[request.param]


def run(tx: Any, steps: int = 13, dtype: Any = jnp.float32) -> tuple[Any, Any, list[int]]:
    """Parameters, state and traces after some donated, jitted steps."""
    params, loss = problem(dtype)
    step, traces = stepper(tx, loss)
    state = tx.init(params)
    for _ in range(steps):
        params, state = step(params, state)
    return params, state, traces


def test_one_compilation_and_a_loss_that_falls(build):
    """Over cycles, drops and snapshots, with donated buffers."""
    params, state, traces = run(build(RATE), 21)
    _, loss = problem()
    assert traces == [1]
    assert loss(params) < 0.9 * loss(problem()[0])
    first = build(RATE).init(problem()[0])
    assert jax.tree.structure(first) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(state), strict=True):
        assert (a.shape, a.dtype, a.weak_type) == (b.shape, b.dtype, b.weak_type)


def test_donation_leaves_the_schedule_alone(build):
    """A state that is donated holds no buffer of the caller's, nor one twice."""
    rate = RATE.as_arrays()
    run(build(rate), 3)
    np.testing.assert_array_equal(rate(np.arange(20)), RATE(np.arange(20)))
    state = build(rate).init(problem()[0])
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves(state) if x.size]
    assert len(set(pointers)) == len(pointers)


def test_jitted_as_eager(build):
    """And in `lax.scan`."""
    params, loss = problem()
    tx = optax.with_extra_args_support(build(RATE))

    def step(carry: Any, _: Any) -> tuple[Any, None]:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grads, state, params, value=value)
        return (optax.apply_updates(params, updates), state), None

    carry = (params, tx.init(params))

    def scan(carry: Any) -> Any:
        return jax.lax.scan(step, carry, None, length=6)[0]

    scanned = jax.jit(scan, compiler_options=FAST_TO_COMPILE)(carry)
    for _ in range(6):
        carry, _ = step(carry, None)
    close(scanned, carry, rtol=1e-4, atol=1e-5)


def test_bfloat16_parameters_keep_their_type(build):
    """All finite, no dtype widened, the same way to the minimum but for rounding."""
    params, state, traces = run(build(RATE), 13, jnp.bfloat16)
    assert traces == [1]
    assert all(p.dtype == jnp.bfloat16 for p in jax.tree.leaves(params))
    assert all(np.isfinite(np.asarray(x, float)).all() for x in jax.tree.leaves(params))
    first = build(RATE).init(problem(jnp.bfloat16)[0])
    assert [x.dtype for x in jax.tree.leaves(first)] == [x.dtype for x in jax.tree.leaves(state)]
    wide, _, _ = run(build(RATE), 13)
    close(params, wide, rtol=0.05, atol=0.05)


def test_under_multi_steps(build):
    """Micro-batches of one gradient are one step: the same parameters, and the same state."""
    params, loss = problem()
    single, _, _ = run(build(RATE), 9)
    tx = optax.MultiSteps(build(RATE), every_k_schedule=3)
    step, traces = stepper(optax.GradientTransformationExtraArgs(tx.init, tx.update), loss)
    state = tx.init(params)
    for _ in range(27):
        params, state = step(params, state)
    close(params, single, rtol=1e-4, atol=1e-5)
    assert traces == [1]


def test_under_apply_if_finite(build):
    """A gradient that is not finite is passed over: nothing moves, nothing is counted."""
    params, loss = problem()
    tx = optax.apply_if_finite(build(RATE), max_consecutive_errors=3)
    state = tx.init(params)
    value, grads = jax.value_and_grad(loss)(params)
    update = jax.jit(lambda g, s: tx.update(g, s, params, value=value))
    _, state = update(grads, state)
    bad = jax.tree.map(lambda g: jnp.full_like(g, jnp.nan), grads)
    updates, after = update(bad, state)
    same(after.inner_state, state.inner_state)
    assert all(float(jnp.max(jnp.abs(u))) == 0 for u in jax.tree.leaves(updates))


def test_a_population_trains_in_one_program(build):
    """Under `vmap` over the peak, each member is what it would be alone."""
    params, loss = problem()
    peaks = jnp.array([0.05, 0.1])

    def train(peak: Any) -> Any:
        tx = optax.with_extra_args_support(build(anneal.cosine_restarts(peak, 4, 5)))

        def step(carry: Any, _: Any) -> tuple[Any, None]:
            params, state = carry
            value, grads = jax.value_and_grad(loss)(params)
            updates, state = tx.update(grads, state, params, value=value)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), None, length=9)[0][0]

    together = jax.jit(jax.vmap(train), compiler_options=FAST_TO_COMPILE)(peaks)
    alone = jax.jit(train, compiler_options=FAST_TO_COMPILE)
    alone = jax.tree.map(lambda *x: jnp.stack(x), *[alone(peak) for peak in peaks])
    close(together, alone, rtol=1e-4, atol=1e-5)


def test_a_change_of_plan_recompiles_nothing(build):
    """`with_schedules` in the middle of a run: other rates, other cycles, the same program."""
    tx = build(RATE)
    params, loss = problem()
    step, traces = stepper(tx, loss)
    state = tx.init(params)
    for _ in range(5):
        params, state = step(params, state)
    if list(find(state, lambda x: isinstance(x, Cycles))):
        state = anneal.with_schedules(state, cycles=OTHER)
    state = anneal.with_schedules(state, learning_rate=OTHER)
    for _ in range(4):
        params, state = step(params, state)
    assert traces == [1]
    last = 8 if "accumulation_steps" not in anneal.hyperparams(state) else 4
    assert anneal.hyperparams(state)["learning_rate"] == OTHER(last)


def test_orbax_resumes_bit_for_bit(build, tmp_path):
    """Saved, restored and run on: as if it had never stopped."""
    import orbax.checkpoint as ocp

    tx = build(RATE)
    params, loss = problem()
    step, _ = stepper(tx, loss)
    state = tx.init(params)
    for _ in range(6):
        params, state = step(params, state)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", {"params": params, "state": state})
        checkpointer.wait_until_finished()
        fresh = {"params": problem()[0], "state": tx.init(problem()[0])}
        restored = checkpointer.restore(tmp_path / "state", fresh)
    same(restored, {"params": params, "state": state})
    again = restored["params"], restored["state"]
    for _ in range(6):
        params, state = step(params, state)
        again = step(*again)
    same(again, (params, state))


def test_in_flax(build):
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
    optimizer = nnx.Optimizer(model, build(RATE), wrt=nnx.Param)

    @nnx.jit
    def step(model: Any, optimizer: Any) -> None:
        value, grads = nnx.value_and_grad(model_loss)(model)
        optimizer.update(model, grads, value=value)

    for _ in range(9):
        step(model, optimizer)
    alone, state, _ = run(build(RATE), 9)
    np.testing.assert_allclose(model.dense["kernel"][...], alone["dense"]["kernel"], rtol=1e-5)
    ours = {k: float(v) for k, v in anneal.hyperparams(optimizer).items()}
    assert ours == pytest.approx({k: float(v) for k, v in anneal.hyperparams(state).items()})


def test_on_a_mesh_as_on_one_device():
    """4 devices, sharded parameters: copies lie where they do, and the numbers are the same."""
    script = """
        import jax
        jax.config.update("jax_num_cpu_devices", 4)
        import jax.numpy as jnp, numpy as np, optax, anneal_jax as anneal
        from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
        from stateful import RATE, STATEFUL, stepper
        mesh = Mesh(np.array(jax.devices()), ("d",))
        whole, parts = NamedSharding(mesh, P()), NamedSharding(mesh, P("d"))
        params = {"dense": {"kernel": jnp.arange(8.0), "bias": jnp.ones(4)}, "spare": jnp.ones(2)}
        where = {"dense": {"kernel": parts, "bias": parts}, "spare": whole}
        loss = lambda p: sum(jnp.sum(x**2) for x in jax.tree.leaves(p["dense"]))
        for name in ("partition_by_path", "hypergradient", "average_params, window", "everything"):
            build = STATEFUL[name]
            ends = []
            for shardings in (jax.tree.map(lambda _: jax.devices()[0], where), where):
                p = jax.tree.map(lambda x: jnp.array(x), jax.device_put(params, shardings))
                tx = build(RATE)
                step, traces = stepper(tx, loss)
                state = tx.init(p)
                for _ in range(9):
                    p, state = step(p, state)
                ends.append((p, state))
            for a, b in zip(*map(jax.tree.leaves, ends), strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6, err_msg=name)
            big = [x for x in jax.tree.leaves(ends[1]) if x.shape[-1:] == (8,)]
            for x in big:
                assert len(x.addressable_shards[0].data.ravel()) == x.size // 4, (name, x.sharding)
            assert len(traces) <= 2, (name, traces)  # the second: of the placed state
    """
    here = Path(__file__).parent  # where `stateful` can be imported from
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=300, cwd=here
    )
