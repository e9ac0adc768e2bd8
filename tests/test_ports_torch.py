"""Ports of torch's schedulers, against torch, step by step."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import torch as ours
from tests.peers import assert_parity, parity
from tests.torch_runs import (
    CHAINED,
    PARTS,
    chain,
    lr_scheduler,
    optimizer,
    part,
    run,
    swa_utils,
    trajectory,
)

RATES = st.sampled_from([0.1, 1.0, 3e-4])
COUNTS = st.integers(1, 40)
GAMMAS = st.sampled_from([0.1, 0.5, 0.97, 1.0, 1.05])


def both(name: str, rate: float, steps: int, **arguments) -> None:
    """Torch's class and ours of that name, from the same arguments, agree."""
    theirs = trajectory(lambda o: getattr(lr_scheduler, name)(o, **arguments), rate, steps)
    assert_parity(getattr(ours, name)(rate, **arguments), theirs)


# --- Each name ----------------------------------------------------------------------------------


@parity
@given(RATES, COUNTS, st.sampled_from([0.0, 0.1, 0.5, 0.97, 1.05]))
def test_step(rate, step_size, gamma):
    both("StepLR", rate, 100, step_size=step_size, gamma=gamma)


@parity
@given(RATES, st.lists(st.integers(0, 60), max_size=4), st.sampled_from([0.0, 0.1, 0.5, 1.2]))
def test_multi_step(rate, milestones, gamma):
    both("MultiStepLR", rate, 70, milestones=milestones, gamma=gamma)


@parity
@given(RATES, st.sampled_from([0.1, 1 / 3, 1.0]), st.integers(0, 30))
def test_constant(rate, factor, total_iters):
    both("ConstantLR", rate, 40, factor=factor, total_iters=total_iters)


@parity
@given(
    RATES, st.sampled_from([0.01, 1 / 3, 1.0]), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 30)
)
def test_linear(rate, start_factor, end_factor, total_iters):
    given_ = {"start_factor": start_factor, "end_factor": end_factor, "total_iters": total_iters}
    both("LinearLR", rate, 40, **given_)


@parity
@given(RATES, st.sampled_from([0.0, 1.0]) | st.floats(0.4, 1.02))
def test_exponential(rate, gamma):
    both("ExponentialLR", rate, 150, gamma=gamma)


@parity
@given(RATES, st.integers(0, 40), st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.7]))
def test_polynomial(rate, total_iters, power):
    both("PolynomialLR", rate, 60, total_iters=total_iters, power=power)


def test_a_power_that_vanishes():
    np.testing.assert_array_equal(ours.PolynomialLR(1.0, 5, 1e6)([0, 1, 4, 5]), [1, 0, 0, 0])


@parity
@given(RATES, COUNTS, st.sampled_from([0.0, 1e-5, 0.05, 2.0]))
def test_cosine(rate, T_max, eta_min):
    both("CosineAnnealingLR", rate, 120, T_max=T_max, eta_min=eta_min)


@parity
@given(RATES, st.integers(1, 30), st.integers(1, 10), st.sampled_from([0.0, 1e-5, 0.05]))
def test_warm_restarts(rate, T_0, T_mult, eta_min):
    both("CosineAnnealingWarmRestarts", rate, 190, T_0=T_0, T_mult=T_mult, eta_min=eta_min)


def test_lambda():
    def schedule(t):
        return 0.95**t if t < 20 else 0.1 + 1 / (1 + t)

    theirs = trajectory(lambda o: lr_scheduler.LambdaLR(o, schedule), 0.1, 60)
    assert_parity(ours.LambdaLR(0.1, schedule, total_steps=60), theirs)
    theirs = trajectory(lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)), 0.1, 60)
    with jnp_promotion():
        assert_parity(ours.LambdaLR(0.1, lambda t: 1 / (1 + t)), theirs)


def jnp_promotion():
    return jax.numpy_dtype_promotion("standard")


def test_a_lambda_of_either_sign():
    theirs = trajectory(lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 - t / 10), 0.1, 30)
    assert_parity(ours.LambdaLR(0.1, lambda t: 1 - t / 10, total_steps=30), theirs)


def test_multiplicative():
    def factor(t):
        return 0.9 if t % 3 else 1.05

    theirs = trajectory(lambda o: lr_scheduler.MultiplicativeLR(o, factor), 0.1, 60)
    assert_parity(ours.MultiplicativeLR(0.1, factor, total_steps=60), theirs)


CYCLIC = {
    "step_size_up": st.integers(1, 30),
    "step_size_down": st.one_of(st.none(), st.integers(0, 30)),
    "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
    "gamma": st.sampled_from([0.9, 0.99, 1.0, 1.02]),
}


@parity
@given(st.fixed_dictionaries(CYCLIC), st.sampled_from([(0.01, 0.1), (0.0, 1.0), (0.5, 0.1)]))
def test_cyclic(options, ends):
    momenta = {"base_momentum": 0.75, "max_momentum": 0.92}
    given_ = dict(zip(("base_lr", "max_lr"), ends, strict=True)) | options | momenta

    def build(o):
        return lr_scheduler.CyclicLR(o, **given_)

    assert_parity(ours.CyclicLR(**given_), trajectory(build, 0.1, 130))
    momentum = trajectory(build, 0.1, 130, "momentum")
    assert_parity(ours.CyclicLRMomentum(**given_), momentum)


@pytest.mark.parametrize("scale_mode", ["cycle", "iterations"])
@pytest.mark.parametrize("down", [None, 3])
def test_cyclic_with_a_function(scale_mode, down):
    given_ = {"base_lr": 0.1, "max_lr": 0.9, "step_size_up": 5, "step_size_down": down}
    given_ |= {"scale_fn": lambda x: 1 / (1.0 + x), "scale_mode": scale_mode}
    theirs = trajectory(lambda o: lr_scheduler.CyclicLR(o, **given_), 0.1, 60)
    with jnp_promotion():
        assert_parity(ours.CyclicLR(**given_), theirs)


ONE_CYCLE = {
    "total_steps": st.integers(1, 50),
    "pct_start": st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.37, 0.5, 0.6, 0.9, 1.0]),
    "anneal_strategy": st.sampled_from(["cos", "linear"]),
    "div_factor": st.sampled_from([25.0, 4.0, 1.0, 0.5]),
    "final_div_factor": st.sampled_from([1e4, 3.0]),
    "three_phase": st.booleans(),
}


@parity
@given(st.fixed_dictionaries(ONE_CYCLE), RATES)
def test_one_cycle(options, peak):
    """Up to the last step that torch allows, one past its end; where torch fails, so do we."""
    momenta = {"base_momentum": 0.8, "max_momentum": 0.93}

    def build(o):
        return lr_scheduler.OneCycleLR(o, peak, **options, **momenta)

    total = options["total_steps"]
    found: dict[str, list[float]] = {"lr": [], "momentum": []}
    try:
        opt = optimizer(peak)
        scheduler = build(opt)
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="pct_start must be something else than 1"):
            ours.OneCycleLR(peak, **options)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(total + 1):
            for key, values in found.items():
                values.append(opt.param_groups[0][key])
            try:
                if step < total:
                    scheduler.step()
            except ZeroDivisionError:
                break
    assert len(found["lr"]) >= total
    assert_parity(ours.OneCycleLR(peak, **options), found["lr"], peak)
    twin = ours.OneCycleLRMomentum(peak, **options, **momenta)
    assert_parity(twin, found["momentum"])


@parity
@given(RATES, st.sampled_from([0.05, 0.5]), st.integers(0, 20), st.sampled_from(["cos", "linear"]))
def test_swa(rate, swa_lr, anneal_epochs, strategy):
    arguments = {"anneal_epochs": anneal_epochs, "anneal_strategy": strategy}
    theirs = trajectory(lambda o: swa_utils.SWALR(o, swa_lr, **arguments), rate, 40)
    assert_parity(ours.SWALR(rate, swa_lr, **arguments), theirs)


# --- Compositions -------------------------------------------------------------------------------


@parity
@given(
    st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 25), min_size=2, max_size=2, unique=True),
)
def test_sequential(names, milestones):
    milestones = sorted(milestones)[: len(names) - 1]

    def build(o):
        return lr_scheduler.SequentialLR(o, [part(o, name) for name in names], milestones)

    ported = [getattr(ours, name)(0.1, **PARTS[name]) for name in names]
    theirs = trajectory(build, 0.1, 50)
    assert_parity(ours.SequentialLR(ported, milestones), theirs)


@parity
@given(st.lists(st.sampled_from(sorted(CHAINED)), min_size=1, max_size=3, unique=True))
def test_chained(names):
    theirs = trajectory(lambda o: chain(o, names), 0.1, 61)
    ported = [getattr(ours, name)(0.1, **CHAINED[name]) for name in names]
    assert_parity(ours.ChainedScheduler(ported, 0.1), theirs)


# --- Quirks: what torch does, and what was meant ------------------------------------------------


def test_quirk_cosine_rises_again():
    meant = np.asarray(ours.CosineAnnealingLR(0.1, 10, 0.01, exact=False)(np.arange(40)))
    assert (np.diff(meant) <= 0).all()
    assert (meant[10:] == np.float32(0.01)).all()
    both("CosineAnnealingLR", 0.1, 40, T_max=10, eta_min=0.01)


def test_quirk_one_cycle_rebounds():
    theirs = trajectory(
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, anneal_strategy="linear"), 1.0, 10
    )
    opt = optimizer(1.0)
    scheduler = lr_scheduler.OneCycleLR(opt, 1.0, 10, anneal_strategy="linear")
    run(opt, scheduler, 10)
    rebound = opt.param_groups[0]["lr"]
    assert rebound < 0
    exact = ours.OneCycleLR(1.0, 10, anneal_strategy="linear")
    assert_parity(exact, [*theirs, rebound, theirs[-1], theirs[-1]])
    meant = np.asarray(ours.OneCycleLR(1.0, 10, anneal_strategy="linear", exact=False)(range(30)))
    assert (meant >= 0).all()
    assert (meant[10:] == meant[10]).all()


def test_quirk_one_cycle_misses_its_peak():
    steps = np.arange(26)
    arguments = {"total_steps": 25, "pct_start": 0.3}  # a peak at 6.5
    theirs = trajectory(lambda o: lr_scheduler.OneCycleLR(o, 1.0, **arguments), 1.0, 25)
    assert max(theirs) < 0.999
    assert_parity(ours.OneCycleLR(1.0, **arguments), theirs)
    assert ours.OneCycleLR(1.0, **arguments, exact=False)(steps).max() == 1.0


def test_quirk_three_phases_miss_their_end():
    arguments = {"total_steps": 20, "pct_start": 0.6, "three_phase": True}
    theirs = trajectory(lambda o: lr_scheduler.OneCycleLR(o, 1.0, **arguments), 1.0, 20)
    assert min(theirs[1:]) > 1e-3
    assert_parity(ours.OneCycleLR(1.0, **arguments), theirs)
    with pytest.raises(ValueError, match=r"warmup_fraction must be .* at most 0\.5"):
        ours.OneCycleLR(1.0, **arguments, exact=False)
    arguments["pct_start"] = 0.4
    assert ours.OneCycleLR(1.0, **arguments, exact=False)(20) == np.float32(1 / 25 / 1e4)


def test_quirk_one_cycle_divides_by_zero():
    arguments = {"total_steps": 10, "pct_start": 0.1}
    with pytest.raises(ZeroDivisionError):
        lr_scheduler.OneCycleLR(optimizer(1.0), 1.0, **arguments)
    with pytest.raises(ValueError, match="OneCycleLR: pct_start must be something else"):
        ours.OneCycleLR(1.0, **arguments)
    assert ours.OneCycleLR(1.0, **arguments, exact=False)(1) == 1.0


def test_quirk_linear_forbids_a_start_of_zero():
    with pytest.raises(ValueError, match="greater than 0"):
        lr_scheduler.LinearLR(optimizer(1.0), start_factor=0.0)
    with pytest.raises(ValueError, match=r"LinearLR: start_factor must be .* above 0"):
        ours.LinearLR(1.0, start_factor=0.0)
    assert ours.LinearLR(1.0, start_factor=0.0, exact=False)(0) == 0.0


@pytest.mark.parametrize("name", ["LinearLR", "ConstantLR"])
def test_quirk_no_steps_never_end(name):
    both(name, 1.0, 20, total_iters=0)
    assert getattr(ours, name)(1.0, total_iters=0)(10) == np.float32(1 / 3)
    assert getattr(ours, name)(1.0, total_iters=0, exact=False)(0) == 1.0


def test_quirk_a_constant_of_zero_divides_by_zero():
    with pytest.raises(ZeroDivisionError):
        trajectory(lambda o: lr_scheduler.ConstantLR(o, factor=0.0), 1.0, 10)
    with pytest.raises(ValueError, match="ConstantLR: factor must be above 0"):
        ours.ConstantLR(1.0, factor=0.0)
    meant = ours.ConstantLR(1.0, factor=0.0, total_iters=5, exact=False)
    np.testing.assert_array_equal(meant([4, 5]), [0.0, 1.0])


def test_quirk_restarts_by_step_of_epoch_are_missed():
    """`step(epoch)` takes a float logarithm; `step()`, which we follow, does not."""
    opt = optimizer(1.0)
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=3, T_mult=3)
    restarts = [3 * (3**n - 1) // 2 for n in range(1, 10)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = []
        for step in restarts:
            scheduler.step(step)
            seen.append(opt.param_groups[0]["lr"])
    assert min(seen) < 0.5
    port = ours.CosineAnnealingWarmRestarts(1.0, 3, T_mult=3)
    np.testing.assert_array_equal(port(np.array(restarts)), 1.0)


def test_quirk_a_chained_cosine_begins_anew_past_its_end():
    """Its recursion adds to what it finds at its trough, so the others' factors are lost."""

    def build(o):
        parts = lr_scheduler.CosineAnnealingLR(o, 10), lr_scheduler.ExponentialLR(o, 0.9)
        return lr_scheduler.ChainedScheduler(parts, o)

    theirs = trajectory(build, 0.1, 21)
    ported = ours.CosineAnnealingLR(0.1, 10), ours.ExponentialLR(0.1, 0.9)
    product = ours.ChainedScheduler(ported, 0.1)
    assert_parity(product, theirs[:11])
    assert theirs[20] > 2 * float(product(20))
    falling = ours.CosineAnnealingLR(0.1, 10, exact=False)
    assert ours.ChainedScheduler([falling, ported[1]], 0.1)(20) == 0.0


def test_quirk_a_plateau_below_zero():
    """A constant metric below 0 always counts as better, relative to itself."""
    for exact, drops in ((True, False), (False, True)):
        opt = optimizer(1.0)
        theirs = lr_scheduler.ReduceLROnPlateau(opt, patience=2)
        plateau = ours.ReduceLROnPlateau(1.0, patience=2, exact=exact)
        tx = optax.chain(optax.sgd(1.0), plateau)
        params = jnp.zeros(())
        state = tx.init(params)
        for _ in range(8):
            theirs.step(-1.0)
            updates, state = tx.update(jnp.ones(()), state, params, value=-1.0)
        assert opt.param_groups[0]["lr"] == 1.0
        assert (abs(float(updates)) < 1) == drops


@parity
@given(
    st.lists(st.sampled_from([3.0, 1.0, 0.5, 0.9999, -1.0, -2.0, 0.0]), min_size=1, max_size=40),
    st.sampled_from(["min", "max"]),
    st.sampled_from(["rel", "abs"]),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from([0.0, 0.02]),
)
def test_plateau(metrics, mode, threshold_mode, patience, cooldown, min_lr):
    options = {"mode": mode, "threshold_mode": threshold_mode, "patience": patience}
    options |= {"cooldown": cooldown, "min_lr": min_lr, "factor": 0.5}
    opt = optimizer(0.1)
    theirs = lr_scheduler.ReduceLROnPlateau(opt, **options)
    plateau = ours.ReduceLROnPlateau(0.1, **options, observed=True)
    state = plateau.init(jnp.zeros(()))
    for metric in metrics:
        theirs.step(metric)
        state = anneal.observe(state, metric)
        scale = float(anneal.hyperparams(state)["plateau_scale"])
        assert abs(0.1 * scale - opt.param_groups[0]["lr"]) < 1e-7


# --- Bad input ----------------------------------------------------------------------------------

BAD = {
    "StepLR: step_size": lambda: ours.StepLR(1.0, 0),
    "StepLR: gamma": lambda: ours.StepLR(1.0, 3, gamma=-0.5),
    "MultiStepLR: milestones": lambda: ours.MultiStepLR(1.0, [-1]),
    "MultiStepLR: milestones must be a list": lambda: ours.MultiStepLR(1.0, 5),
    "ConstantLR: factor": lambda: ours.ConstantLR(1.0, factor=1.5),
    "LinearLR: end_factor": lambda: ours.LinearLR(1.0, end_factor=1.5),
    "LinearLR: start_factor": lambda: ours.LinearLR(1.0, start_factor=float("nan")),
    "ExponentialLR: gamma": lambda: ours.ExponentialLR(1.0, float("nan")),
    "PolynomialLR: power": lambda: ours.PolynomialLR(1.0, 5, -1.0),
    "CosineAnnealingLR: T_max": lambda: ours.CosineAnnealingLR(1.0, 0),
    "CosineAnnealingWarmRestarts: T_0": lambda: ours.CosineAnnealingWarmRestarts(1.0, 0),
    "CosineAnnealingWarmRestarts: T_mult": lambda: ours.CosineAnnealingWarmRestarts(1.0, 3, 1.5),
    "CyclicLR: mode": lambda: ours.CyclicLR(0.0, 1.0, mode="triangle"),
    "CyclicLR: step_size_up": lambda: ours.CyclicLR(0.0, 1.0, 0),
    "CyclicLRMomentum: cycle_momentum": lambda: ours.CyclicLRMomentum(0, 1, cycle_momentum=False),
    "OneCycleLR: total_steps must be given": lambda: ours.OneCycleLR(1.0),
    "OneCycleLR: total_steps": lambda: ours.OneCycleLR(1.0, 0),
    "OneCycleLR: steps_per_epoch": lambda: ours.OneCycleLR(1.0, epochs=3, steps_per_epoch=0),
    "OneCycleLR: pct_start": lambda: ours.OneCycleLR(1.0, 10, pct_start=1),
    "OneCycleLR: anneal_strategy": lambda: ours.OneCycleLR(1.0, 10, anneal_strategy="cosine"),
    "SWALR: anneal_strategy": lambda: ours.SWALR(1.0, 0.1, anneal_strategy="cosine"),
    "SequentialLR: schedulers": lambda: ours.SequentialLR([], []),
    "join: boundaries": lambda: ours.SequentialLR([ours.StepLR(1.0, 2)], [5]),
    "ChainedScheduler: base_lr": lambda: ours.ChainedScheduler([ours.StepLR(1.0, 2)], 0.0),
    "reduce_on_plateau: factor": lambda: ours.ReduceLROnPlateau(1.0, factor=1.0),
    "LambdaLR: base_lr": lambda: ours.LambdaLR(np.ones(2), lambda t: 1.0, 5),
    "MultiplicativeLR: base_lr": lambda: ours.MultiplicativeLR(-1.0, lambda t: 1.0, 5),
    "MultiStepLR: base_lr": lambda: ours.MultiStepLR("x", [3]),
    "LinearLR: base_lr": lambda: ours.LinearLR(True),
    "LinearLR: total_iters": lambda: ours.LinearLR(1.0, total_iters=np.array([1.0, 2.0])),
    "ReduceLROnPlateau: eps": lambda: ours.ReduceLROnPlateau(0.1, eps="x"),
    "OneCycleLR: three_phase": lambda: ours.OneCycleLR(1.0, 10, three_phase="False"),
    "CyclicLR: mode .* got array": lambda: ours.CyclicLR(0.0, 1.0, mode=np.ones(2)),
    "LambdaLR: lr_lambda": lambda: ours.LambdaLR(1.0, lambda t: 1.0 if t < 3 else 0.5),
    "LambdaLR: lr_lambda must be a function": lambda: ours.LambdaLR(1.0, 0.5, 10),
    r"LambdaLR: lr_lambda\(3\) must be finite": lambda: ours.LambdaLR(
        1.0, lambda t: float("nan") if t == 3 else 1.0, total_steps=5
    ),
    "from_scheduler: the class .* did you mean 'CosineAnnealingLR'": lambda: ours.from_scheduler(
        {"_last_lr": [1.0]}, "CosineAnealingLR"
    ),
    "from_scheduler: kind": lambda: ours.from_scheduler({"_last_lr": [1.0]}),
    "from_scheduler: scheduler": lambda: ours.from_scheduler(3),
    "from_scheduler: ExponentialLR.gamma": lambda: ours.from_scheduler(
        {"_last_lr": [1.0], "base_lrs": [1.0], "last_epoch": 0}, "ExponentialLR"
    ),
}


@pytest.mark.parametrize("start", BAD)
def test_bad_input(start):
    with pytest.raises(ValueError, match=f"^{start}") as caught:
        BAD[start]()
    assert "\n" not in str(caught.value)
