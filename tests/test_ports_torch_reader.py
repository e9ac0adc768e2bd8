"""Reading torch's schedulers: what comes is what torch will do, from wherever it is."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from anneal_jax.ports import _terms, torch as ours
from anneal_jax.ports.torch import _reader
from tests.peers import TRANSFORMERS, assert_parity, parity, peer, value_at
from tests.torch_runs import (
    CHAINED,
    PARTS,
    chain,
    lr_scheduler,
    optimizer,
    part,
    run,
    swa_utils,
    torch,
)

structures = settings(parity, max_examples=15)  # each of another structure: a program of its own


@pytest.fixture(autouse=True, scope="module")
def without_compiling():
    """Reading asks a schedule for its value now, by a program of its own (as the doctest does)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_reader, "host_values", value_at)
        patch.setattr(_terms, "host_values", value_at)
        yield


def forward(opt: Any, scheduler: Any, past: int, ahead: int, **options: Any) -> None:
    """After some steps, what was read goes on as the scheduler does, in every group."""
    run(opt, scheduler, past)
    read = ours.from_scheduler(scheduler, **options)
    assert len(read) == len(opt.param_groups)
    for schedule, wanted in zip(read, run(opt, scheduler, ahead), strict=True):
        assert_parity(schedule, wanted)


SINGLE = PARTS | {
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5, "step_size_down": 8},
    "OneCycleLR": {"max_lr": [1.0, 0.5], "total_steps": 60, "three_phase": True},
    "LambdaLR": {"lr_lambda": [lambda t: 0.9**t, lambda t: 1 / (1 + t)]},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.9 if t % 2 else 1.02},
}


@pytest.mark.parametrize("past", [0, 1, 9, 23])
@pytest.mark.parametrize("name", sorted(SINGLE))
def test_read_a_live_scheduler(name, past):
    opt = optimizer(0.1, 0.03)
    forward(opt, getattr(lr_scheduler, name)(opt, **SINGLE[name]), past, 30, total_steps=40)


@pytest.mark.parametrize("past", [0, 1, 9, 23])
def test_read_swa(past):
    opt = optimizer(0.1, 0.03)
    forward(opt, swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=12), past, 20)


@structures
@given(
    st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 25), min_size=2, max_size=2, unique=True),
    st.integers(0, 30),
)
def test_read_a_sequence(names, milestones, past):
    opt = optimizer(0.1, 0.03)
    parts = [part(opt, name) for name in names]
    scheduler = lr_scheduler.SequentialLR(opt, parts, sorted(milestones)[: len(names) - 1])
    forward(opt, scheduler, past, 30)


@structures
@given(
    st.lists(st.sampled_from(sorted(CHAINED)), min_size=1, max_size=3, unique=True),
    st.integers(0, 30),
)
def test_read_a_chain(names, past):
    opt = optimizer(0.1, 0.03)
    forward(opt, chain(opt, names), past, 30)


@pytest.mark.parametrize("past", [0, 3, 12])
@pytest.mark.parametrize("first", ["LinearLR", "ExponentialLR", "CosineAnnealingLR"])
def test_quirk_a_nested_sequence_is_a_step_ahead(first, past):
    """torch#196243; what was read is what torch will do, whatever came before."""
    opt = optimizer(0.1)
    inner = lr_scheduler.SequentialLR(opt, [part(opt, first), part(opt, "StepLR")], [6])
    opt.step()  # or torch warns when the outer one steps
    outer = lr_scheduler.SequentialLR(opt, [inner, part(opt, "ExponentialLR")], [15])
    forward(opt, outer, past, 30)


def test_read_a_chain_with_a_sequence_in_it():
    opt = optimizer(0.1)
    inner = lr_scheduler.SequentialLR(opt, [part(opt, "LinearLR"), part(opt, "StepLR")], [6])
    forward(opt, lr_scheduler.ChainedScheduler([inner], opt), 3, 30)


def test_read_a_rate_that_was_changed_by_hand():
    for name in ("ExponentialLR", "CosineAnnealingLR"):
        opt = optimizer(0.1)
        scheduler = part(opt, name)
        run(opt, scheduler, 4)
        opt.param_groups[0]["lr"] *= 0.5
        forward(opt, scheduler, 0, 40)


@pytest.mark.parametrize("name", ["LambdaLR", "OneCycleLR", "CyclicLR"])
def test_read_a_rate_that_will_be_overwritten(name):
    """The optimizer takes one step with it, as in torch."""
    opt = optimizer(0.1, 0.03)
    scheduler = getattr(lr_scheduler, name)(opt, **SINGLE[name])
    run(opt, scheduler, 4)
    for group in opt.param_groups:
        group["lr"] *= 0.5
    forward(opt, scheduler, 0, 30, total_steps=40)


@pytest.mark.parametrize("name", ["LinearLR", "StepLR", "ExponentialLR", "PolynomialLR"])
def test_read_a_group_that_was_added(name):
    opt = optimizer(0.1)
    scheduler = part(opt, name)
    run(opt, scheduler, 3)
    opt.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
    forward(opt, scheduler, 0, 20)


@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR", "OneCycleLR", "CyclicLR"])
def test_a_group_that_torch_cannot_step_is_told(name):
    opt = optimizer(0.1, 0.03)
    scheduler = getattr(lr_scheduler, name)(opt, **SINGLE[name])
    opt.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
    with pytest.raises(ValueError, match=f"{name} must be without groups added"):
        ours.from_scheduler(scheduler, total_steps=10)


def test_read_a_subclass():
    """By another name it is the same; with a get_lr of its own it is not."""

    class Same(lr_scheduler.CosineAnnealingLR):
        pass

    class Other(lr_scheduler.CosineAnnealingLR):
        def get_lr(self):
            return [0.5 for _ in self.base_lrs]

    opt = optimizer(0.1)
    forward(opt, Same(opt, T_max=10), 3, 30)
    with pytest.raises(ValueError, match="it has a get_lr of its own"):
        ours.from_scheduler(Other(opt, T_max=10))


def test_what_is_no_schedule_of_whole_steps_is_told():
    opt = optimizer(0.1)
    with pytest.raises(ValueError, match=r"build it with .*ReduceLROnPlateau"):
        ours.from_scheduler(lr_scheduler.ReduceLROnPlateau(opt))
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=4)
    scheduler.step(6.5)
    with pytest.raises(ValueError, match=r"from_scheduler: T_cur must be a whole number .* 2\.5"):
        ours.from_scheduler(scheduler)
    with pytest.raises(ValueError, match=r"the function of LambdaLR .* pass total_steps"):
        ours.from_scheduler(lr_scheduler.LambdaLR(opt, lambda t: 1.0 if t < 3 else 0.5))


@pytest.mark.parametrize("past", [0, 4, 30])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_read_the_schedulers_of_transformers(name, past):
    """Whose functions JAX cannot trace: every number is in a partial."""
    optimization = peer("transformers.optimization")
    opt = optimizer(0.1, 0.03)
    forward(opt, optimization.get_scheduler(name, opt, 5, 40, TRANSFORMERS[name]), past, 50)


def test_read_a_whole_checkpoint():
    """Of a training script, and of Lightning: the scheduler in it, and its optimizer's rates."""
    opt = optimizer(0.1, 0.03)
    scheduler = lr_scheduler.OneCycleLR(opt, max_lr=[1.0, 0.5], total_steps=60)
    run(opt, scheduler, 5)
    state, optimizer_state = scheduler.state_dict(), opt.state_dict()
    model = {"weight": torch.zeros(2)}
    for checkpoint in (
        {"model": model, "optimizer": optimizer_state, "lr_scheduler": state, "epoch": 5},
        {"state_dict": model, "optimizer_states": [optimizer_state], "lr_schedulers": [state]},
    ):
        assert ours.from_scheduler(checkpoint, "OneCycleLR") == ours.from_scheduler(scheduler)


@pytest.mark.parametrize("past", [0, 5])
@pytest.mark.parametrize("name", sorted(set(SINGLE) - {"LambdaLR", "MultiplicativeLR"}))
def test_read_a_state_dict(name, past):
    opt = optimizer(0.1, 0.03)
    scheduler = getattr(lr_scheduler, name)(opt, **SINGLE[name])
    run(opt, scheduler, past)
    groups = opt.state_dict()["param_groups"]
    read = ours.from_scheduler(scheduler.state_dict(), name, groups)
    for schedule, live in zip(read, ours.from_scheduler(scheduler), strict=True):
        assert schedule == live


def test_read_a_state_dict_of_a_sequence():
    opt = optimizer(0.1)
    names = ["LinearLR", "CosineAnnealingLR"]
    scheduler = lr_scheduler.SequentialLR(opt, [part(opt, name) for name in names], [5])
    run(opt, scheduler, 8)
    (read,) = ours.from_scheduler(scheduler.state_dict(), ["SequentialLR", *names])
    assert read == ours.from_scheduler(scheduler)[0]


def test_what_has_no_formula_is_told():
    opt = optimizer(0.1)
    parts = [part(opt, "CosineAnnealingWarmRestarts"), part(opt, "ExponentialLR")]
    with pytest.raises(ValueError, match="ChainedScheduler must be a product"):
        ours.from_scheduler(lr_scheduler.ChainedScheduler(parts, opt))
    with pytest.raises(ValueError, match="total_steps must be given"):
        ours.from_scheduler(lr_scheduler.MultiplicativeLR(opt, lambda t: 0.5))
    state = lr_scheduler.LambdaLR(opt, lambda t: 0.5).state_dict()
    with pytest.raises(ValueError, match="a state_dict holds no functions"):
        ours.from_scheduler(state, "LambdaLR")
