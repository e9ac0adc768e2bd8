"""A saved state in edited code: the saved plan goes on, or that of the code, as one call says."""

import copy
import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from anneal_jax.transforms import _flax
from tests.stateful import one_clear_sentence, same

SAVED = anneal.Cosine(1e-3, 0.0, steps=100)
EDITED = anneal.Cosine(1e-4, 0.0, steps=100)  # of the same structure
OTHER = anneal.warmup_stable_decay(1e-4, 2, 5, total_steps=20)  # of another
PARAMS = {"w": jnp.linspace(-1.0, 1.0, 4), "b": jnp.ones(2)}
CYCLES = anneal.cosine_restarts(1.0, 3, cycles=4)
ADAM = anneal.inject_hyperparams(optax.adam)


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam and Flax need JAX's own promotion rules."""
    return


def trained(tx, steps=3, state=None):
    """The state after some steps on gradients that differ."""
    tx = optax.with_extra_args_support(tx)
    state = tx.init(PARAMS) if state is None else state
    for k in range(steps):
        grads = jax.tree.map(lambda p, k=k: p * (k + 1.0), PARAMS)
        _, state = tx.update(grads, state, PARAMS, value=jnp.float32(1.0))
    return state


def orbax(state, path):
    """As Orbax reads it without a target: nested dictionaries and lists."""
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path / "state", state)
        checkpointer.wait_until_finished()
        return checkpointer.restore(path / "state")


def msgpack(state, path):
    """As Flax reads its bytes without a target: nested dictionaries."""
    from flax import serialization

    del path
    return serialization.msgpack_restore(serialization.to_bytes(state))


READ = {"typed": lambda state, path: state, "orbax": orbax, "msgpack": msgpack}


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("plan", [EDITED, OTHER], ids=["edited", "another"])
def test_the_plan_of_the_code_goes_on(read, plan, tmp_path):
    """From the saved step, with the saved moments, whatever the structure of either plan."""
    saved = trained(ADAM(SAVED, b1=0.9))
    tx = ADAM(plan, b1=0.8)
    state = anneal.resume(READ[read](saved, tmp_path), tx.init(PARAMS))
    same(state.inner_state, saved.inner_state)
    assert jax.tree.structure(state) == jax.tree.structure(tx.init(PARAMS))
    assert anneal.hyperparams(state) == {"learning_rate": SAVED(2), "b1": jnp.asarray(0.8)}
    state = trained(tx, 1, state)
    assert anneal.hyperparams(state)["learning_rate"] == plan(3)
    assert state.count == 4


@pytest.mark.parametrize("read", READ)
def test_the_saved_plan_goes_on(read, tmp_path):
    """Where it is asked for: every number is the saved one."""
    saved = trained(ADAM(SAVED, b1=0.9))
    built = ADAM(EDITED, b1=0.8).init(PARAMS)
    same(anneal.resume(READ[read](saved, tmp_path), built, plans="saved"), saved)


@pytest.mark.parametrize("read", READ)
def test_parts_that_are_called_value(read, tmp_path):
    """As a field of a constant, a parameter, and what Flax's variables are saved as."""
    params = {"value": jnp.ones(2)}
    saved = ADAM(anneal.Constant(0.5)).init(params)
    for plans, rate in (("built", 0.25), ("saved", 0.5)):
        built = ADAM(anneal.Constant(0.25)).init(params)
        state = anneal.resume(READ[read](saved, tmp_path / plans), built, plans=plans)
        assert jax.tree.structure(state) == jax.tree.structure(built)
        assert state.schedules[0].schedule.value == rate


def test_a_restored_state_follows_its_own_plan():
    """What the page says of a restore alone."""
    state = trained(ADAM(EDITED), 1, trained(ADAM(SAVED)))
    assert anneal.hyperparams(state)["learning_rate"] == SAVED(3)


def test_what_was_assigned_by_hand_is_a_plan_too():
    """The code's schedule sets in; with `plans="saved"` the assignment holds."""
    saved = trained(ADAM(SAVED))
    saved.hyperparams["learning_rate"] = jnp.float32(0.5)
    for plans, rate in (("built", EDITED(3)), ("saved", 0.5)):
        state = anneal.resume(copy.copy(saved), ADAM(EDITED).init(PARAMS), plans=plans)
        assert anneal.hyperparams(trained(ADAM(EDITED), 1, state))["learning_rate"] == rate


def test_the_step_is_that_of_schedules_where_counts_differ():
    """As Adam's does after a restart that began its moments anew."""

    def chain(last):
        return optax.chain(anneal.reset_on_restart(optax.scale_by_adam(), CYCLES), last)

    saved = trained(chain(optax.scale_by_schedule(SAVED)), steps=5)
    assert saved[0].inner_state.count < saved[0].count == saved[1].count
    tx = anneal.inject_hyperparams(lambda learning_rate: chain(optax.scale(-learning_rate)))
    state = anneal.resume(saved, tx(EDITED).init(PARAMS))
    assert state.count == 5


def test_from_one_chain_to_another():
    """Adam whole, and Adam in two links; the step is that of the whole state."""
    saved, tx = trained(ADAM(SAVED)), OURS["link"](EDITED)
    state = trained(tx, 1, anneal.resume(saved, tx.init(PARAMS)))
    assert anneal.hyperparams(state)["learning_rate"] == EDITED(3)
    back = anneal.resume(state, ADAM(OTHER).init(PARAMS))
    assert (back.count, back.inner_state[0].count) == (4, 4)
    constant = optax.chain(optax.scale_by_adam(), optax.scale(-0.1))
    assert anneal.resume(trained(constant), tx.init(PARAMS))[1].count == 3


PLANNED = {
    "cycles": lambda n: anneal.reset_on_restart(optax.sgd(0.1, momentum=0.9), CYCLES.stretch(n)),
    "cycles or none": lambda n: anneal.average_params(
        "uniform", schedule=CYCLES if n == 1 else None, every="cycle" if n == 1 else 2
    ),
    "metrics": lambda n: anneal.reduce_on_plateau(factor=0.5 / n, patience=n, accumulation_size=n),
    "groups": lambda n: anneal.partition_by_path(
        {"w": n * 0.5, "b": anneal.Linear(1.0, 0.0, 9 * n)}, SAVED, inner=optax.scale_by_adam()
    ),
    "layers": lambda n: anneal.layerwise_decay(SAVED, 0.5 / n, depth_of=lambda p: int(p == "w")),
    "batches": lambda n: anneal.accumulate(optax.adam(1e-3), n),
    "chain": lambda n: optax.chain(
        optax.clip_by_global_norm(1.0), optax.masked(ADAM(n * SAVED), {"w": True, "b": False})
    ),
}


@pytest.mark.parametrize("name", PLANNED)
def test_every_kind_of_plan(name):
    """The numbers that say what to do are the code's, those that say what was done the saved."""
    saved, built = trained(PLANNED[name](1)), PLANNED[name](2).init(PARAMS)
    state = anneal.resume(saved, built)
    assert jax.tree.structure(state) == jax.tree.structure(built)
    marked = jax.tree.map(lambda x: jnp.full_like(x, 77), saved)  # a number shows where it is from
    resumed = jax.tree.leaves_with_path(anneal.resume(marked, built))
    plans = ("schedule", "cycles", "rule", "hyperparams", "rates", "accumulation_size")
    for path, leaf in resumed:
        place = jax.tree_util.keystr(path)
        done = ".hyperparams" not in place and not any(f".{p}" in place for p in plans)
        if done:
            assert np.all(np.asarray(leaf) == 77), place
        elif ".value" not in place and "learning_rate" not in place and "steps" not in place:
            assert not np.any(np.asarray(leaf) == 77), place
    optax.with_extra_args_support(PLANNED[name](2)).update(
        PARAMS, state, PARAMS, value=jnp.float32(1.0)
    )


OPTAX = {
    "adamw": lambda rate: optax.adamw(rate),
    "chain": lambda rate: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate)),
    "inject": lambda rate: optax.inject_hyperparams(optax.adamw)(rate),
    "link": lambda rate: optax.chain(optax.scale_by_adam(), optax.scale_by_learning_rate(rate)),
}
OURS = {
    "adamw": lambda rate: anneal.inject_hyperparams(optax.adamw)(rate),
    "chain": lambda rate: optax.chain(optax.clip_by_global_norm(1.0), OURS["adamw"](rate)),
    "inject": lambda rate: anneal.inject_hyperparams(optax.adamw)(rate),
    "link": lambda rate: optax.chain(optax.scale_by_adam(), anneal.scale_by_learning_rate(rate)),
}


@pytest.mark.parametrize("name", OPTAX)
@pytest.mark.parametrize("read", ["typed", "msgpack"])
def test_from_optax_and_back(name, read, tmp_path):
    """Each goes on as one that was never saved: the same updates, to rounding."""
    for here, there in ((OPTAX, OURS), (OURS, OPTAX)):
        old, new = here[name](SAVED), there[name](EDITED)
        state = anneal.resume(READ[read](trained(old), tmp_path), new.init(PARAMS))
        updates, state = new.update(PARAMS, state, PARAMS)
        reference = here[name](EDITED)
        wanted, _ = reference.update(PARAMS, trained(old), PARAMS)
        for a, b in zip(jax.tree.leaves(updates), jax.tree.leaves(wanted), strict=True):
            if name != "inject" or here is OURS:  # a state of ours follows its own plan: SAVED
                b = b if here is OPTAX else b / SAVED(3) * EDITED(3)
            np.testing.assert_allclose(a, b, rtol=2e-6)


def test_in_flax(tmp_path):
    """A `TrainState`, typed or not, and an `nnx.Optimizer`, changed in place."""
    from flax import nnx
    from flax.training import train_state

    def make(rate):
        return train_state.TrainState.create(apply_fn=None, params=PARAMS, tx=ADAM(rate))

    saved = make(SAVED).apply_gradients(grads=PARAMS)
    for read in READ.values():
        state = anneal.resume(read(saved, tmp_path / read.__name__.strip("<>")), make(OTHER))
        assert int(state.step) == 1
        same(state.params, saved.params)
        state = state.apply_gradients(grads=PARAMS)
        assert anneal.hyperparams(state)["learning_rate"] == OTHER(1)

    model = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
    old, new = (nnx.Optimizer(model, ADAM(r), wrt=nnx.Param) for r in (SAVED, OTHER))
    grads = jax.tree.map(jnp.ones_like, nnx.state(model, nnx.Param))
    old.update(model, grads)
    for kind in (old, orbax(nnx.state(old), tmp_path / "nnx"), nnx.to_pure_dict(nnx.state(old))):
        resumed = anneal.resume(kind, nnx.clone(new))
        assert int(resumed.step[...]) == 1
        resumed.update(model, grads)
        assert anneal.hyperparams(resumed)["learning_rate"] == OTHER(1)
        assert resumed.opt_state.inner_state[0].count[...] == 2
    plain = nnx.Optimizer(model, optax.adam(SAVED), wrt=nnx.Param)
    plain.update(model, grads)
    resumed = anneal.resume(orbax(nnx.state(plain), tmp_path / "optax"), nnx.clone(new))
    assert resumed.opt_state.count[...] == 1


def test_flax_writes_and_reads_states():
    """`to_bytes` and `from_bytes` on everything that a state may hold, bit for bit."""
    from flax import serialization

    everything = optax.chain(
        anneal.reset_on_restart(ADAM(OTHER + 0.5 * SAVED), CYCLES),
        anneal.greedy(window_size=2),
        anneal.reduce_on_plateau(),
        anneal.average_params("uniform", schedule=CYCLES, every="cycle"),
        anneal.snapshots(CYCLES, keep=2),
    )
    for target, tree in (
        (everything.init(PARAMS), trained(everything)),
        (CYCLES.as_arrays(), anneal.cosine_restarts(2.0, 5, cycles=7).as_arrays()),
    ):
        same(serialization.from_bytes(target, serialization.to_bytes(tree)), tree)
    data = serialization.to_bytes(trained(ADAM(SAVED)))
    one_clear_sentence(
        lambda: serialization.from_bytes(ADAM(OTHER).init(PARAMS), data),
        ["the saved Plan must", "msgpack_restore", "anneal_jax.resume"],
    )


def test_flax_may_be_imported_later(monkeypatch):
    """What it needs is entered when its module is imported, once."""
    import flax.serialization

    monkeypatch.setattr(flax, "serialization", flax.serialization)  # to be put back
    monkeypatch.delitem(sys.modules, "flax.serialization")
    finders = list(sys.meta_path)
    _flax.register_with_flax()
    assert len(sys.meta_path) == len(finders) + 1
    again = importlib.import_module("flax.serialization")
    assert sys.meta_path == finders
    assert again.is_serializable(SAVED)
    assert again.is_serializable(ADAM(SAVED).init(PARAMS).schedules[0])


def test_a_resumed_state_can_be_donated():
    """No buffer stands in it twice, and the code's schedule is not given away."""
    tx = ADAM(EDITED, b1=0.9)
    state = anneal.resume(trained(ADAM(SAVED, b1=0.9)), tx.init(PARAMS))
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves(state)]
    assert len(set(pointers)) == len(pointers)


def test_dtypes_are_those_of_the_built_state():
    """A checkpoint of float32 moments goes into bfloat16 ones."""
    built = anneal.inject_hyperparams(optax.adam)(SAVED, mu_dtype=jnp.bfloat16).init(PARAMS)
    state = anneal.resume(trained(ADAM(SAVED)), built)
    assert [x.dtype for x in jax.tree.leaves(state)] == [x.dtype for x in jax.tree.leaves(built)]


BAD = {
    "another optimizer": (
        lambda: anneal.resume(trained(ADAM(SAVED)), OURS["chain"](SAVED).init(PARAMS)),
        ["saved at '0/", "only plans may differ"],
    ),
    "other parameters": (
        lambda: anneal.resume(trained(ADAM(SAVED)), ADAM(SAVED).init({"w": jnp.ones(3)})),
        ["inner_state/0/mu"],
    ),
    "another shape": (
        lambda: anneal.resume(ADAM(SAVED).init({"w": jnp.ones(3)}), ADAM(SAVED).init({"w": 1.0})),
        ["'inner_state/0/mu/w' must be float", "[], got float", "[3]"],
    ),
    "a lost part": (
        lambda: anneal.resume({"count": 1}, ADAM(SAVED).init(PARAMS)),
        ["'inner_state/0/"],
    ),
    "no step": (
        lambda: anneal.resume(optax.sgd(0.1).init(PARAMS), OURS["adamw"](SAVED).init(PARAMS)),
        ["how many steps", "state._replace(count="],
    ),
    "a word": (
        lambda: anneal.resume(trained(ADAM(SAVED)), ADAM(SAVED).init(PARAMS), plans="build"),
        ["plans", "did you mean 'built'?"],
    ),
    "a saved plan of another structure": (
        lambda: anneal.resume(trained(ADAM(SAVED)), ADAM(OTHER).init(PARAMS), plans="saved"),
        ["schedules/0/schedule", "a Cosine of another", "leave plans at 'built'"],
    ),
    "a saved plan where there is none": (
        lambda: anneal.resume(trained(optax.adam(SAVED)), ADAM(SAVED).init(PARAMS), plans="saved"),
        ["plans is 'saved'", "leave plans at 'built'"],
    ),
    "no tree": (lambda: anneal.resume("state", ADAM(SAVED).init(PARAMS)), ["saved"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name):
    """Each error names the place and the remedy."""
    call, words = BAD[name]
    one_clear_sentence(call, words)
