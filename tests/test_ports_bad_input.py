"""Nonsense given to ports of any framework is one clear sentence; none of them is needed here."""

import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax import ports

NAN = float("nan")
HORIZON = anneal.Horizon(10)
BAD = {
    "from_args: args must be a dict": lambda: ports.timm.from_args(None, 1.0, 3),
    "CosineLRScheduler: warmup_prefix must be True or False": lambda: ports.timm.CosineLRScheduler(
        1.0, 10, warmup_prefix="False"
    ),
    "create_scheduler: step_on_epochs must be True or False": lambda: ports.timm.create_scheduler(
        "cosine", 1.0, step_on_epochs="no"
    ),
    "create_scheduler: .*cosine": lambda: ports.timm.create_scheduler(np.ones(2), 1.0),
    "t5x: factors must be a string": lambda: ports.jax_trainers.t5x(["constant"]),
    "join_schedules: schedules must be a list": lambda: ports.optax.join_schedules(None, [3]),
    "sgdr_schedule: cosine_kwargs must be a list": lambda: ports.optax.sgdr_schedule([1.0, 2.0]),
    "exponential_decay: staircase must be True or False": lambda: ports.optax.exponential_decay(
        1.0, 2, 0.5, staircase=np.ones(2)
    ),
    "PolynomialDecay: cycle must be True or False": lambda: ports.keras.PolynomialDecay(
        1.0, 10, cycle="x"
    ),
    "get_scheduler: scheduler_specific_kwargs must be a dict": lambda: (
        ports.transformers.get_scheduler("cosine", 1.0, 5, 20, 3)
    ),
    "from_training_arguments: num_training_steps must be": lambda: (
        ports.transformers.from_training_arguments({}, NAN)
    ),
    "get_wsd_schedule: num_training_steps must be": lambda: ports.transformers.get_wsd_schedule(
        1.0, 5, 5, "x", num_stable_steps=3
    ),
    r"get_wsd_schedule: num_cycles must be .* '²'": lambda: trainer(
        "warmup_stable_decay", '{"num_cycles": "²", "num_decay_steps": 3}'
    ),
    r"get_cosine_schedule_with_warmup: num_cycles must be .* '²'": lambda: trainer(
        "cosine", '{"num_cycles": "²"}'
    ),
    "from_training_arguments: lr_scheduler_kwargs must be a dict or JSON": lambda: trainer(
        "cosine", "[" * 100_000
    ),
    r"get_scheduler\('reduce_lr_on_plateau'\): eps must be": lambda: trainer(
        "reduce_lr_on_plateau", {"eps": "x"}
    ),
    r"get_scheduler\('greedy'\): min_lr must be": lambda: trainer("greedy", {"min_lr": [1]}),
    r"get_scheduler\('greedy'\): max_lr must be": lambda: trainer("greedy", {"max_lr": "x"}),
    r"get_scheduler\('greedy'\): smooth must be True": lambda: trainer("greedy", {"smooth": "x"}),
    "reduce_on_plateau: patience must be": lambda: trainer(
        "reduce_lr_on_plateau", {"patience": "x" * 1000}
    ),
    "from_args: eval_metric must be the name": lambda: timm(eval_metric=3),
    "create_scheduler: noise must be": lambda: timm(lr_noise="x"),
    "create_scheduler: noise must be a finite": lambda: timm(lr_noise=[0.1, "x"]),
    "create_scheduler: cycle_mul must be": lambda: timm(lr_cycle_mul="x"),
    "create_scheduler: cycle_limit must be a whole": lambda: timm(lr_cycle_limit=[2]),
    "create_scheduler: cycle_limit must be such that": lambda: timm(
        lr_cycle_mul=2.0, lr_cycle_limit=9_999
    ),
    "create_scheduler: decay_milestones must be": lambda: timm(
        sched="multistep", decay_milestones=["x"]
    ),
    "create_scheduler: stable_timescale must be": lambda: timm(
        sched="rsqrt", lr_stable_timescale="x"
    ),
    "create_scheduler: decay_rate must be": lambda: timm(sched="plateau", decay_rate="x"),
    "from_args: steps_per_epoch must be given": lambda: ports.timm.from_args(
        {"sched": "cosine", "lr": 0.1}
    ),
    "from_config: config must be a dict": lambda: ports.keras.from_config(3),
    "CosineDecay: config must be a dict": lambda: ports.keras.from_config(
        {"class_name": "CosineDecay", "config": 3}
    ),
    "from_config: module must be a name": lambda: ports.keras.from_config(
        {"class_name": "CosineDecay", "config": {}, "module": 3}
    ),
    "from_config: class_name must be one of": lambda: ports.keras.from_config(
        {"class_name": ["CosineDecay"], "config": {}}
    ),
    "from_config: config must be at most 8 deep": lambda: ports.keras.from_config(endless()),
    "WarmUp: decay_schedule_fn must be": lambda: ports.keras.WarmUp(1.0, lambda t: t, 3),
    "from_scheduler: kind must be the name": lambda: scheduler(3),
    "from_scheduler: kind must be the name .*, got \\[\\]": lambda: scheduler([]),
    "from_scheduler: param_groups must be": lambda: scheduler("StepLR", groups=[{}]),
    "from_scheduler: scheduler must be at most 16 deep": lambda: nested(),
    "from_scheduler: MultiStepLR.milestones must be at most": lambda: scheduler(
        "MultiStepLR", milestones={3: 10**9}, gamma=0.5
    ),
    "PiecewiseConstant: value": lambda: ports.torch.MultiStepLR(1.0, list(range(1, 400)), 10.0),
    "Cosine: init_value must be": lambda: ports.timm.CosineLRScheduler(
        1.0, 5, cycle_limit=20, cycle_decay=1e30
    ),
    "LinearWithWarmupScheduler: scale_warmup must be": lambda: (
        ports.composer.LinearWithWarmupScheduler(1.0, "2ba", scale_warmup=NAN, horizon=HORIZON)
    ),
    "ExponentialDecay: staircase must be True or False": lambda: anneal.ExponentialDecay(
        1.0, 10, 0.5, staircase="yes"
    ),
}


def trainer(name, more):
    args = {"lr_scheduler_type": name, "lr_scheduler_kwargs": more}
    return ports.transformers.from_training_arguments(args, 9)


def timm(**more):
    return ports.timm.from_args({"sched": "cosine", "lr": 0.1, **more}, steps_per_epoch=3)


def scheduler(kind, groups=None, **more):
    state = {"base_lrs": [1.0], "_last_lr": [1.0], "last_epoch": 3, **more}
    return ports.torch.from_scheduler(state, kind, groups)


def endless():
    warmup = {"initial_learning_rate": 1.0, "warmup_steps": 3}
    config = {"class_name": "WarmUp", "config": warmup}
    warmup["decay_schedule_fn"] = config
    return config


def nested():
    state, kind = {"base_lrs": [1.0], "last_epoch": 3}, "StepLR"
    for _ in range(200):
        state = {"_schedulers": [state], "_last_lr": [1.0], "last_epoch": 3, "_milestones": []}
        kind = ["SequentialLR", kind]
    return ports.torch.from_scheduler(state, kind)


@pytest.mark.parametrize("start", BAD)
def test_bad_input(start):
    with pytest.raises(ValueError, match=f"^{start}") as caught:
        BAD[start]()
    assert "\n" not in str(caught.value)


def test_what_grows_too_large_stays_finite():
    """Held at the largest number there is, as promised."""
    schedule = ports.keras.ExponentialDecay(1.0, 10, 1e12)
    assert np.isfinite(schedule(np.arange(0, 200, 5))).all()


def test_powers_that_vanish_are_no_nan():
    steps = np.arange(12)
    for schedule in (
        ports.keras.PolynomialDecay(1.0, 10, 0.0, 1e12),
        ports.timm.PolyLRScheduler(1.0, 10, 1e6),
        ports.optax.polynomial_schedule(1.0, 0.0, 1e6, 10),
    ):
        np.testing.assert_array_equal(schedule(steps), steps == 0)
