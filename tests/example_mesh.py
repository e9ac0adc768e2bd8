"""The transformer example on 8 devices as on one: a program, for devices are made at its start."""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest

from examples.command_line import BadInput
from examples.transformer_lm import data, sharding, train as training
from examples.transformer_lm.config import Config

CONFIG = Config(blocks=1, heads=4, width=32, block_size=16, batch_size=16, accumulate=2, steps=4)
MESHES = ("fsdp=8", "data=2,model=4", "data=2,fsdp=2,model=2")


def losses(config: Config, corpus: data.Corpus, devices: int) -> tuple[np.ndarray, int]:
    """Of some steps; and the bytes of the state on one device."""
    count, make_mesh = jax.device_count, jax.make_mesh
    sharding.jax.device_count = lambda: devices
    sharding.jax.make_mesh = lambda *shape, **kinds: make_mesh(
        *shape, devices=jax.devices()[:devices], **kinds
    )
    run = training.make_run(config, corpus)
    sharding.jax.device_count, sharding.jax.make_mesh = count, make_mesh
    state, batches = training.make_state(run), training.make_batches(run, 0, config.steps)
    steps = training.make_train_steps(run).lower(state, batches).compile()
    size = steps.memory_analysis().argument_size_in_bytes - batches.nbytes // devices
    assert devices == 1 or "all-to-all" not in steps.as_text()  # activations stay where they are
    _, rows = steps(state, batches)
    return np.asarray(rows["loss"]), size


def main() -> None:
    """Compare them, and refuse what does not fit."""
    corpus = data.load((), None, "characters", 0, CONFIG.block_size)
    alone, whole = losses(CONFIG, corpus, 1)
    for mesh in MESHES:
        found, size = losses(replace(CONFIG, mesh=mesh), corpus, 8)
        np.testing.assert_allclose(found, alone, rtol=1e-5, err_msg=mesh)
        if mesh == "fsdp=8":
            assert size < whole / 6, (size, whole)
    for options, said in (
        ({"mesh": "data=3"}, "--mesh must be of 8 devices altogether, got 'data=3'"),
        ({"mesh": "data=-1,fsdp=3"}, "--mesh must be of 8 devices altogether"),
        ({"mesh": "tensor=8"}, "the axes are data, fsdp and model"),
        ({"mesh": "model=8"}, "--heads must be divisible by the axis model"),
        ({"mesh": "data=8", "batch_size": 4}, "--batch-size must be divisible by"),
    ):
        with pytest.raises(BadInput, match=re.escape(said)):
            sharding.make_mesh(replace(CONFIG, **options))


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 8)
    jax.config.update("jax_disable_most_optimizations", True)  # which compiles in half the time
    main()
