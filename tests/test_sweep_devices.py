"""Sweeps over eight devices, and over two processes: the numbers of one device."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
# Prints final losses, curves and states of several sweeps; argv: axes of the mesh, or nothing;
# then number of this process and port, where there are two.
SCRIPT = """
import json, sys
import jax
shape = json.loads(sys.argv[1])
if len(sys.argv) > 2:
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[3]}", 2, int(sys.argv[2]))
import numpy as np, optax
import anneal_jax as anneal
from anneal_jax.search import Halving, Training, sweep
from sweeps import DATA, STEPS, batch, loss, params
mesh = jax.make_mesh(tuple(shape.values()), tuple(shape)) if shape else None
plans = [anneal.warmup_cosine(float(p), 2, STEPS) for p in np.geomspace(1e-3, 0.3, 16)]
training = Training.from_loss(loss, optax.adamw, params)
per_member = tuple(np.repeat(x[:, None], 32, 1) for x in DATA)
held_out = batch(0)
found = []
for data, options in [
    (DATA, {"keep": 3}),
    (DATA, {"halving": Halving(2), "seeds": 2, "keep": 3, "lanes": 1}),
    (per_member, {"seeds": 2, "per_member": True, "steps": list(range(9, 25)), "lanes": 2}),
    (DATA, {"evaluate": lambda state: loss(state.params, held_out), "keep": 2}),
    ([batch(t) for t in range(STEPS)], {"steps": STEPS, "memory_limit": 12_000}),
]:
    result = sweep(training, plans, data, mesh=mesh, progress=False, **options)
    states = jax.device_get(result.states.params["a"]) if result.states else np.zeros(1)
    found.append([
        result.table["final_loss"].tolist(), result.table["steps"].tolist(),
        np.nan_to_num(result.curves).tolist(), result.kept.tolist(), states.tolist(),
    ])
if len(sys.argv) > 4:  # search with a study of one's own in each process, other seeds
    import optuna
    from anneal_jax.search import LogUniform, tune
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=int(sys.argv[2])))
    best = tune(
        training, lambda peak: anneal.warmup_cosine(peak, 2, STEPS), {"peak": LogUniform(1e-3, 1)},
        DATA, trials=8, population=4, study=study, mesh=mesh, progress=False,
    )
    found = [best.table["peak"].tolist(), best.best_hyperparams, best.best_loss, len(study.trials)]
print("RESULT", json.dumps(found))
"""


def start(shape: dict[str, int], devices: int, *more: str) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(shape), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )


def result(run: subprocess.Popen[str]) -> Any:
    try:
        out, errors = run.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        run.kill()
        raise
    assert run.returncode == 0, errors
    return json.loads(next(x for x in out.splitlines() if x.startswith("RESULT"))[7:])


@pytest.fixture(scope="module")
def one_device() -> Any:
    return result(start({}, 1))


def same(found: Any, wanted: Any) -> None:
    for one, two in zip(found, wanted, strict=True):
        assert one[1] == two[1]  # steps
        assert one[3] == two[3]  # members kept
        for k in (0, 2):
            np.testing.assert_allclose(one[k], two[k], rtol=1e-5)
        np.testing.assert_allclose(one[4], two[4], rtol=1e-4, atol=1e-6)  # parameters, through Adam


@pytest.mark.parametrize("shape", [{"members": 8}, {"data": 2, "members": 4}])
def test_eight_devices_give_the_numbers_of_one(shape: dict[str, int], one_device: Any) -> None:
    """With halving, lengths, data per member, evaluation, kept states, parts."""
    same(result(start(shape, 8)), one_device)


def of_two_processes(*more: str) -> list[Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    runs = [start({"members": 4}, 2, str(k), port, *more) for k in range(2)]
    try:
        return [result(run) for run in runs]
    finally:
        for run in runs:
            run.kill()


def test_two_processes_give_the_numbers_of_one(one_device: Any) -> None:
    """Real processes; each one has the whole result."""
    for each in of_two_processes():
        same(each, one_device)


def test_two_processes_search_with_one_study() -> None:
    """That of process 0: both train its proposals, though each has a study of its own."""
    pytest.importorskip("optuna")
    one, two = of_two_processes("search")
    assert one[:3] == two[:3]
    assert len(set(one[0])) == 8
    assert (one[3], two[3]) == (8, 0)


def test_an_axis_must_divide_the_members() -> None:
    """One sentence, before anything is compiled."""
    script = SCRIPT.replace("0.3, 16)", "0.3, 12)")
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", script, '{"members": 8}'],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        timeout=240,
    )
    words = "sweep: the number of members must be a multiple of the 8 devices along 'members', got"
    assert words in run.stderr
