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

import anneal_jax

PATHS = (Path(anneal_jax.__file__).parents[1], Path(__file__).parent)
# Prints, for each entry of argv[1] (how many of the sweeps below, on which mesh: axes and their
# sizes, or none for one device), final losses, curves and states; then argv has the number of
# this process and the port, where there are two.
SCRIPT = """
import json, sys
import jax
if len(sys.argv) > 2:
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[3]}", 2, int(sys.argv[2]))
import numpy as np, optax
import anneal_jax as anneal
from anneal_jax.search import Halving, LogUniform, Training, sweep, tune
from anneal_jax.search.engine import Trainer
from sweeps import DATA, batch, loss, params

STEPS = 12
plans = [anneal.Linear(float(p), 0.0, STEPS) for p in np.geomspace(1e-3, 0.3, 8)]
training = Training.from_loss(loss, lambda plan: optax.sgd(plan, momentum=0.9), params)
per_member = tuple(np.repeat(x[:, None], 16, 1) for x in DATA)
held_out = batch(0)
SWEEPS = [
    (DATA, {
        "halving": Halving(2, first=2), "seeds": 2, "keep": 3, "lanes": 1,
        "evaluate": lambda state: loss(state.params, held_out),
    }),
    (per_member, {"seeds": 2, "per_member": True, "lanes": 2, "steps": [*range(5, 13)]}),
    ([batch(t) for t in range(STEPS)], {"memory_limit": 5_000, "seeds": 4}),
]
shares, stop = [], Trainer.stop


def watched(trainer, step, members):
    # Of those that go on, how many are on each device.
    stop(trainer, step, members)
    on = (trainer._slots.end > step).reshape(trainer._settings.devices, -1).sum(1)
    shares.append(on.tolist())


Trainer.stop = watched


def swept(shape, data, options):
    mesh = jax.make_mesh(tuple(shape.values()), tuple(shape)) if shape else None
    result = sweep(training, plans, data, mesh=mesh, progress=False, **{"steps": STEPS} | options)
    states = jax.device_get(result.states.params["a"]) if result.states else np.zeros(1)
    return {
        "final": result.table["final_loss"].tolist(), "steps": result.table["steps"].tolist(),
        "curves": np.nan_to_num(result.curves).tolist(), "kept": result.kept.tolist(),
        "states": states.tolist(), "parts": "parts of" in result.note,
    }


found = [
    [swept(shape, *of) for of in SWEEPS[:count]] for count, shape in json.loads(sys.argv[1])
]
searched = None
if len(sys.argv) > 2:  # search with a study of one's own in each process, other seeds
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=int(sys.argv[2])))
    best = tune(
        training, lambda peak: anneal.Linear(peak, 0.0, STEPS), {"peak": LogUniform(1e-3, 1)},
        DATA, trials=8, population=4, study=study, progress=False,
        mesh=jax.make_mesh((4,), ("members",)),
    )
    searched = [
        best.table["peak"].tolist(), best.best_hyperparams, best.best_loss, len(study.trials)
    ]
print("RESULT", json.dumps([found, shares, searched]))
"""


Meshes = list[tuple[int, dict[str, int]]]


def start(meshes: Meshes, devices: int, *more: str) -> subprocess.Popen[str]:
    flags = os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={devices}"
    more_env = {
        "XLA_FLAGS": " ".join(flags),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(str(path) for path in PATHS),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(meshes), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | more_env,
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
def eight_devices() -> Any:
    """What one device finds, eight, and four of eight with another axis; and the shares."""
    return result(start([(3, {}), (3, {"members": 8}), (1, {"data": 2, "members": 4})], 8))


def same(found: Any, wanted: Any) -> None:
    for one, two in zip(found, wanted, strict=True):
        assert [one["steps"], one["kept"]] == [two["steps"], two["kept"]]
        for name in ("final", "curves"):
            np.testing.assert_allclose(one[name], two[name], rtol=1e-5)
        np.testing.assert_allclose(one["states"], two["states"], rtol=1e-4, atol=1e-6)


def test_eight_devices_give_the_numbers_of_one(eight_devices: Any) -> None:
    """With halving, lengths, data per member, evaluation, kept states, parts."""
    (one, eight, four), _, _ = eight_devices
    same(eight, one)
    same(four, one[:1])
    assert [x["parts"] for x in one] == [False, False, True]


def test_survivors_are_dealt_over_the_devices(eight_devices: Any) -> None:
    """At each rung every device goes on with its share, until there are fewer than devices."""
    _, shares, _ = eight_devices
    assert shares == [
        *([8], [4], [2]),
        *([1] * 8, [1] * 4 + [0] * 4, [1] * 2 + [0] * 6),
        *([2] * 4, [1] * 4, [1] * 2 + [0] * 2),
    ]


def test_two_processes_give_the_numbers_of_one(eight_devices: Any) -> None:
    """Real processes; each has the whole result, and trains what the study of the first asks."""
    pytest.importorskip("optuna")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    runs = [start([(2, {"members": 4})], 2, str(k), port) for k in range(2)]
    try:
        one, two = (result(run) for run in runs)
    finally:
        for run in runs:
            run.kill()
    for found, _, _ in (one, two):
        same(found[0], eight_devices[0][0][:2])
    assert one[2][:3] == two[2][:3]
    assert len(set(one[2][0])) == 8
    assert (one[2][3], two[2][3]) == (8, 0)
