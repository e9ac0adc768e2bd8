"""Stateful transformations on 4 devices as on one: a program, for devices are made at its start."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import anneal_jax as anneal
from tests.stateful import OTHER, RATE, STATEFUL, Build, stepper

RUNS: dict[str, Build] = {
    "inject_hyperparams": lambda rate: anneal.inject_hyperparams(optax.adam)(rate),
    "everything": STATEFUL["everything"],
    "the others that make copies": lambda rate: optax.chain(
        anneal.hypergradient(STATEFUL["partition_by_path"](rate), 0.05),
        anneal.average_params("window", window=3, every=2),
    ),
}


def loss(params: Any) -> Any:
    """A bowl; `spare` has no part in it."""
    return sum(jnp.sum(x**2) for x in jax.tree.leaves(params["dense"]))


def assert_spread(leaves: Iterable[jax.Array]) -> None:
    """Where the largest parameter lies on all devices, so do its copies."""
    for x in leaves:
        if x.shape[-1:] == (8,):
            assert len(x.addressable_shards[0].data.ravel()) == x.size // 4, x.sharding


def run(build: Build, shardings: Any, place: Any = None) -> Any:
    """Parameters and state after 9 steps and a change of plan; at first placed by hand, or not."""
    params = {"dense": {"kernel": np.arange(8.0), "bias": np.ones(4)}, "spare": np.ones(2)}
    params = jax.tree.map(lambda x: np.asarray(x, np.float32), params)
    params = jax.tree.map(jnp.array, jax.device_put(params, shardings))
    tx = build(RATE)
    step, traces = stepper(tx, loss)
    state = tx.init(params)
    if len(params["dense"]["kernel"].sharding.device_set) > 1:
        assert_spread(x for x in jax.tree.leaves(state) if x.ndim == 2)  # the rings, from the start
    state = state if place is None else jax.tree.map(place, state)
    for _ in range(5):
        params, state = step(params, state)
    before = len(traces)
    state = anneal.with_schedules(state, learning_rate=OTHER)
    for _ in range(4):
        params, state = step(params, state)
    assert anneal.hyperparams(state)["learning_rate"] == OTHER(8)
    assert before == 1 if place else before <= 2, traces  # the second: of the placed state
    assert len(traces) == before, traces
    return params, state


def ask_about_spread_steps() -> None:
    """Steps in an array on explicit axes: the values and cycles of the same steps on one device."""
    explicit = jax.make_mesh((4,), ("d",), axis_types=(jax.sharding.AxisType.Explicit,))
    joined = anneal.join([anneal.Linear(0.0, 1.0, 3), anneal.Cosine(1.0, 0.5, 4)], restarts=True)
    growing = anneal.Linear(1.0, 0.0, 2).repeat(steps_factor=2)
    table = anneal.Interpolated([0, 5, 9], [0.1, 1.0, 0.5])
    schedule = joined + growing.clip(0.1) * table
    with jax.sharding.set_mesh(explicit):
        steps = jax.device_put(jnp.arange(16), NamedSharding(explicit, PartitionSpec("d")))
        for ask in (schedule, schedule.cycle):
            got, wanted = ask(steps), ask(np.arange(16))
            np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-6)
            assert got.sharding.spec == PartitionSpec("d")


def main() -> None:
    """Every run on one device, then on four."""
    ask_about_spread_steps()
    mesh = Mesh(np.array(jax.devices()), ("d",))
    whole = NamedSharding(mesh, PartitionSpec())
    parts = NamedSharding(mesh, PartitionSpec("d"))
    where = {"dense": {"kernel": parts, "bias": parts}, "spare": whole}

    def place(x: jax.Array) -> jax.Array:
        return jax.device_put(x, parts if x.shape in {(8,), (4,)} else whole)

    for name, build in RUNS.items():
        one = run(build, jax.tree.map(lambda _: jax.devices()[0], where))
        four = run(build, where, place if name == "inject_hyperparams" else None)
        for a, b in zip(*map(jax.tree.leaves, (one, four)), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6, err_msg=name)
        assert len(four[0]["dense"]["kernel"].sharding.device_set) == 4
        assert_spread(jax.tree.leaves(four))


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 4)
    main()
