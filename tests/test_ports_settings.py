"""Settings files of training programs: read as they are meant, or refused in a sentence."""

import ast
import functools
import json
import math
import random
import traceback
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from anneal_jax.ports import _terms, keras, timm, torch, transformers
from anneal_jax.ports.torch import _reader
from tests import port_settings
from tests.peers import assert_parity, parity, value_at

DATA = Path(__file__).parent / "data"


def loaded(name: str) -> Any:
    """A settings file, read as its program does."""
    text = (DATA / f"config_{name}").read_text(encoding="utf-8")
    if name.endswith("yaml"):
        return pytest.importorskip("yaml").safe_load(text)
    return json.loads(text) if name.endswith("json") else ast.literal_eval(text)


def cosine(peak: float, floor: float, progress: float) -> float:
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2


# --- Files as programs write them ---------------------------------------------------------------


def test_axolotl_has_a_floor_in_a_spelling_of_its_own():
    """The cosine of its utils/schedulers.py; the warmup is rounded down, the rate a text."""
    args = loaded("axolotl.yaml")
    wanted = [2e-4 * t / 10 for t in range(10)]
    wanted += [cosine(2e-4, 2e-5, (t - 10) / 95) for t in range(10, 120)]
    assert_parity(transformers.from_training_arguments(args, 105), wanted)
    ignored = transformers.ignored_keys(args)
    assert {"loraplus_lr_ratio", "weight_decay", "num_epochs"} <= set(ignored)
    assert "cosine_min_lr_ratio" not in ignored


def test_the_phases_that_llama_factory_leaves_open():
    """A third of what follows the warmup is constant."""
    wanted = [1e-4 * t / 10 for t in range(10)] + [1e-4] * 30
    wanted += [cosine(1e-4, 0.0, t / 60) for t in range(61)]
    assert_parity(transformers.from_training_arguments(loaded("llama_factory.yaml"), 100), wanted)


def test_arguments_of_trainer_as_json():
    wanted = [5e-5 * t / 5 for t in range(5)]
    wanted += [cosine(5e-5, 5e-6, (t - 5) / 95) for t in range(5, 101)]
    assert_parity(transformers.from_training_arguments(loaded("trainer.json"), 100), wanted)


def test_timm_holds_its_own_rate():
    """`lr` of the file is the rate, unless it is given; two that differ are an error."""
    args = loaded("timm_args.yaml")
    wanted = [1e-6 + (5e-4 - 1e-6) * t / 50 for t in range(50)]
    wanted += [cosine(5e-4, 1e-5, t / 200) for t in range(50, 192)]
    schedule = timm.from_args(args, steps_per_epoch=10)
    assert_parity(schedule, wanted)
    assert timm.from_args(args, 5e-4, 10) == schedule
    assert timm.from_args(args | {"lr": "5e-4"}, steps_per_epoch=10) == schedule
    assert timm.from_args(args | {"lr": None}, 5e-4, 10) == schedule
    with pytest.raises(ValueError, match=r"base_lr must be the lr of args, 0\.0005, got 0\.1"):
        timm.from_args(args, 0.1, 10)
    assert {"weight_decay", "lr_base", "model"} <= set(timm.ignored_keys(args))


def test_keras_reads_the_rate_of_an_optimizer():
    config = loaded("keras_optimizer.json")
    wanted = [1e-3 * t / 20 for t in range(20)]
    wanted += [cosine(1e-3, 1e-4, t / 80) for t in range(81)] + [1e-4]
    for form in (config, config["config"], {"compile_config": {"optimizer": config}}):
        assert_parity(keras.from_config(form), wanted)
    assert "weight_decay" in keras.ignored_keys(config)


def test_keras_reads_the_cards_of_transformers():
    """WarmUp with a decay inside, inside a scaled optimizer; in the form of Keras 3, too."""
    card = loaded("keras_card.txt")
    wanted = [3e-6 * t for t in range(10)] + [3e-5 * (1 - t / 90) for t in range(91)] + [0.0]
    assert_parity(keras.from_config(card), wanted)
    warmup = card["inner_optimizer"]["config"]["learning_rate"]
    newer = warmup | {"module": "transformers.optimization_tf", "registered_name": "WarmUp"}
    assert_parity(keras.from_config({"name": "Adam", "learning_rate": newer}), wanted)
    warmup["config"]["decay_schedule_fn"]["config"]["decay_steps"] = -5  # of a shorter run
    assert_parity(keras.from_config(card), wanted[:10] + [0.0] * 5)


@parity
@given(
    st.sampled_from([0.5, 3e-5]), st.integers(0, 30), st.sampled_from([0.0, 1]) | st.floats(0.1, 4)
)
@example(0.5, 4, 2.0)
def test_a_warmup_of_keras_may_bend(peak, warmup, power):
    """Its formula: `peak * (step / warmup_steps) ** power`, then the decay from its own step 0."""
    wanted = [peak * (t / warmup) ** power for t in range(warmup)]
    wanted += [peak * (1 - t / 5) for t in range(6)]
    assert_parity(keras.WarmUp(peak, keras.PolynomialDecay(peak, 5, 0.0), warmup, power), wanted)


def test_the_decay_of_an_optimizer_of_keras_2():
    """It divides the rate by `1 + decay * t`, on top of a schedule."""
    steps = np.arange(20)
    config = {"name": "SGD", "learning_rate": 0.1, "decay": 0.01}
    assert_parity(keras.from_config(config), (0.1 / (1 + 0.01 * steps)).tolist())
    config["learning_rate"] = port_settings.DECAY
    wanted = 2e-5 * (1 - steps / 60) / (1 + 0.01 * steps)
    assert_parity(keras.from_config(config), wanted.tolist())


# --- What axolotl has besides -------------------------------------------------------------------


def axolotl(**more: Any) -> Any:
    given = {"lr_scheduler": "cosine", "learning_rate": 1.0, "warmup_steps": 10} | more
    return transformers.from_training_arguments(given, 100)


def test_axolotl_holds_its_floor():
    wanted = [t / 10 for t in range(10)]
    wanted += [cosine(1.0, 0.1, (min(t, 80) - 10) / 70) for t in range(10, 105)]
    assert_parity(axolotl(cosine_min_lr_ratio=0.1, cosine_constant_lr_ratio=0.8), wanted)


def test_axolotl_warms_up_in_a_square():
    wanted = [(t / 10) ** 2 for t in range(10)]
    wanted += [cosine(1.0, 0.0, (t - 10) / 90) for t in range(10, 110)]
    assert_parity(axolotl(lr_quadratic_warmup=True), wanted)


@pytest.mark.parametrize(("warmup", "floor"), [(10, 0.0), (0, 0.1), (100, 0.2)])
def test_axolotl_has_rex(warmup, floor):
    """Its RexLR is at step 1 when training begins."""

    def rate(step: int) -> float:
        if step <= warmup:
            return step / warmup
        left = max(100 - step, 0) / (100 - warmup or 1)
        return floor + (1 - floor) * left / (0.1 + 0.9 * left)

    schedule = axolotl(lr_scheduler="rex", warmup_steps=warmup, cosine_min_lr_ratio=floor)
    assert_parity(schedule, [rate(t + 1) for t in range(110)])


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({}, 3),
        ({"warmup_ratio": 0.058}, 5),
        ({"warmup_ratio": 0.01}, 2),
        ({"warmup_steps": 1}, 2),
        ({"warmup_steps": 0}, 0),
    ],
)
def test_axolotl_rounds_its_warmup_down(given, steps):
    """3% where nothing is said; and one step becomes two."""
    args = {"lr_scheduler": "linear", "learning_rate": 1.0} | given
    schedule = transformers.from_training_arguments(args, 100)
    assert int(np.argmax(schedule(range(20)))) == steps


# --- Keys that are nearly right -----------------------------------------------------------------

TRAINER: dict[str, Any] = {"learning_rate": 0.1}
TIMM: dict[str, Any] = {"sched": "cosine", "lr": 0.1}
NEARLY = {
    "'lr_scheduler_typ'.*'lr_scheduler_type'": TRAINER | {"lr_scheduler_typ": "cosine"},
    "'lr' .*'learning_rate'": {"lr": 1e-4},
    "'learningRate'.*'learning_rate'": {"learningRate": 1e-4},
    "'lr-scheduler-type'.*'lr_scheduler_type'": TRAINER | {"lr-scheduler-type": "cosine"},
    "'num_warmup_steps'.*'warmup_steps'": TRAINER | {"num_warmup_steps": 3},
    "'warmup_fraction'.*'warmup_ratio'": TRAINER | {"warmup_fraction": 0.1},
    "'max_step'.*'max_steps'": TRAINER | {"max_step": 30},
    "'scheduler'.*'lr_scheduler'": TRAINER | {"scheduler": "cosine"},
    "'min_lr_rate'.*into lr_scheduler_kwargs": TRAINER | {"min_lr_rate": 0.1},
    "'num_cycles'.*into lr_scheduler_kwargs": TRAINER | {"num_cycles": 2},
    "cosine_min_lr_ratio must be given with 'cosine'": TRAINER
    | {"lr_scheduler_type": "linear", "cosine_min_lr_ratio": 0.1},
    "cosine_constant_lr_ratio must be given with": TRAINER | {"cosine_constant_lr_ratio": 0.5},
    "cosine_constant_lr_ratio must be beyond": TRAINER
    | {"cosine_constant_lr_ratio": 0.1, "cosine_min_lr_ratio": 0.1, "warmup_steps": 50},
    "lr_quadratic_warmup must be given without": TRAINER
    | {"lr_quadratic_warmup": True, "cosine_min_lr_ratio": 0.1},
    "lr_quadratic_warmup must be True or False": TRAINER | {"lr_quadratic_warmup": "no"},
    "jagged_restart_steps must be left out": TRAINER | {"jagged_restart_steps": 10},
    "lr_scheduler must be the same": TRAINER
    | {"lr_scheduler": "cosine", "lr_scheduler_type": "linear"},
    r"OneCycleLR\(0\.1, 100, pct_start=0\.03\)": TRAINER | {"lr_scheduler": "one_cycle"},
    "warmup_steps must be at most 100": TRAINER | {"lr_scheduler": "rex", "warmup_steps": 101},
    "lr_scheduler_kwargs must be given with": TRAINER
    | {"cosine_min_lr_ratio": 0.1, "lr_scheduler_kwargs": {"num_cycles": 2}},
    "'warmup_epoch' .*'warmup_epochs'": TIMM | {"warmup_epoch": 7},
    "'num_epochs'.*'epochs'": TIMM | {"num_epochs": 7},
    "'cycle_mul'.*'lr_cycle_mul'": TIMM | {"cycle_mul": 2.0},
    "'scheduler'.*'sched'": TIMM | {"scheduler": "step"},
    "'learning_rate' .*'lr'": {"sched": "cosine", "learning_rate": 0.1},
    "base_lr must be given": {"sched": "cosine", "lr_base": 0.1},
    "'lr' is not read": {"name": "adam", "lr": 0.1, "beta_1": 0.9},
    "config must be of an optimizer, with learning_rate": {"class_name": "SGD", "config": {}},
    "warmup_steps must be 0": {"name": "x", "learning_rate": 0.1, "warmup_steps": 3},
}


@pytest.mark.parametrize("message", NEARLY)
def test_a_key_that_is_nearly_right(message):
    """No other schedule without a word: an error that names the nearest key."""
    given = NEARLY[message]
    name = "timm" if "sched" in given else "trainer"
    name = "keras" if {"name", "class_name"} & given.keys() else name
    read, _ = port_settings.CASES[name]
    with pytest.raises(ValueError, match=message) as error:
        read(given)
    assert len(str(error.value)) < 300


def test_a_key_that_says_nothing_is_left_alone():
    """Null, too, however it is spelt."""
    given = TRAINER | {"embedding_lr": 1e-5, "bf16": True, "lr_scheduler_typ": None, 3: 4}
    plain = transformers.from_training_arguments(TRAINER, 100)
    assert transformers.from_training_arguments(given, 100) == plain
    names = ["embedding_lr", "bf16", "lr_scheduler_typ"]
    assert transformers.ignored_keys(given) == names


# --- Whole checkpoints, and changed ones --------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def without_compiling():
    """As in test_ports_torch_reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_reader, "host_values", value_at)
        patch.setattr(_terms, "host_values", value_at)
        yield


def test_a_whole_checkpoint_of_torch():
    """The one scheduler in it is read, with the optimizer's rates."""
    read, checkpoint = port_settings.CASES["checkpoint"]
    state = checkpoint["lr_schedulers"][0]
    names = ["SequentialLR", "LinearLR", "CosineAnnealingLR"]
    assert read(checkpoint) == torch.from_scheduler(state, names)
    with pytest.raises(ValueError, match=r"pass the one that is meant") as error:
        read({"a": state, "b": state})
    assert "['a']" in str(error.value)
    with pytest.raises(ValueError, match=r"got \['epoch', 'model'\]; pass scheduler"):
        read({"epoch": 3, "model": {"weight": np.ones(3)}})


def test_functions_of_transformers_are_known_by_their_numbers():
    """A partial of one is its schedule, if it computes that; a copy that does not is tabulated."""

    def _get_linear_schedule_with_warmup_lr_lambda(step, *, num_warmup_steps, num_training_steps):
        if step < num_warmup_steps:
            return step / num_warmup_steps
        left = (num_training_steps - step) / (num_training_steps - num_warmup_steps)
        return max(drop, left)

    class LambdaLR:
        pass

    numbers = {"num_warmup_steps": 5, "num_training_steps": 25}
    scheduler = LambdaLR()
    function = functools.partial(_get_linear_schedule_with_warmup_lr_lambda, **numbers)
    scheduler.__dict__ |= {"base_lrs": [2.0], "last_epoch": 7, "lr_lambdas": [function]}
    scheduler.optimizer = types.SimpleNamespace(param_groups=[{"lr": 1.8}])
    drop = 0.0
    (read,) = torch.from_scheduler(scheduler)
    assert read == transformers.get_scheduler("linear", 2.0, 5, 25).shift(-7)
    drop = 0.1
    with pytest.raises(ValueError, match=r"the function of LambdaLR .* pass total_steps"):
        torch.from_scheduler(scheduler)
    (read,) = torch.from_scheduler(scheduler, total_steps=30)
    assert_parity(read, [2.0 * function(7 + t) for t in range(31)])


NEEDED = [
    (kind, name)
    for kind, own in port_settings.TORCH.items()
    for name in own
    if name not in ("T_0", "total_steps", "scale_mode")  # not read to go on
]


@pytest.mark.parametrize(("kind", "name"), NEEDED)
def test_a_state_of_torch_without_a_field(kind, name):
    """It is named, be it missing or of a wrong type."""
    read, saved = port_settings.CASES[kind]
    state = dict(saved["scheduler"])
    for broken in ({k: v for k, v in state.items() if k != name}, state | {name: object()}):
        with pytest.raises(ValueError, match=r"^\w+: .*must be") as error:
            read(saved | {"scheduler": broken})
        assert name.strip("_").split("_")[0].lower() in str(error.value).lower()


@pytest.mark.parametrize("name", port_settings.CASES)
def test_changed_settings_are_read_or_refused(name):
    """Never another library's error, nor a message of many lines."""
    read, config = port_settings.CASES[name]
    draw = random.Random(name)
    for _ in range(40):
        changed = port_settings.mutated(config, draw)
        error = refusal(read, changed)
        if error is not None:
            *_, (last, _) = traceback.walk_tb(error.__traceback__)
            assert "anneal_jax" in last.f_code.co_filename, changed
            assert "\n" not in str(error), changed


def refusal(read: Any, config: Any) -> ValueError | None:
    """The error that reading gives, if it is one of ours."""
    try:
        read(config)
    except ValueError as error:
        return error
    return None
