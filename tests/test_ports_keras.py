"""anneal_jax.ports.keras against Keras on its NumPy backend, made to compute in double.

That takes `floatx` "float64" and an entry of Keras's promotion table, which is "float64" on
TensorFlow only: elsewhere `ops.cos` and `ops.floor` round to float32. On NumPy nothing is fused
nor rewritten, as XLA does with `x / d`.
"""

import inspect
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.ports import keras as ours
from anneal_jax.ports.keras import _restarts
from tests.peers import COUNT, assert_parity, parity, peer, values as values_of

os.environ["KERAS_BACKEND"] = "numpy"  # read at its first import
keras = peer("keras")
theirs = keras.optimizers.schedules
if keras.backend.backend() != "numpy":
    pytest.skip("Keras is imported with another backend already", allow_module_level=True)

PROMOTION = peer("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE
ON_ITS_OWN = PROMOTION["float64"]

values = st.sampled_from([1.0, 0.3, 0.0, -2.0])
steps = st.integers(1, 50) | st.sampled_from([0.5, 7.25, 33.3])
whole = st.integers(1, 50)
rates = st.sampled_from([0, 0.5, 0.96, 1.0, 1.1])
CLASSES = [name for name in dir(theirs) if name[0].isupper() and name != "LearningRateSchedule"]


@pytest.fixture(autouse=True, scope="module")
def in_double():
    """Keras computes in double here."""
    before = keras.config.floatx()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROMOTION, "float64", "float64")
        keras.config.set_floatx("float64")
        yield
    keras.config.set_floatx(before)


def wanted(name, arguments, steps=COUNT):
    """Keras's values."""
    schedule = getattr(theirs, name)(**arguments)
    if name in ("PiecewiseConstantDecay", "CosineDecay"):  # these take one step at a time
        found = np.array([schedule(step) for step in range(steps)])
    else:
        found = np.asarray(schedule(np.arange(steps)))
    assert found.dtype == np.float64
    return found


def same(name, exact=None, **arguments):
    """Our schedule of that name and arguments has Keras's values."""
    mode = {} if exact is None else {"exact": exact}
    trajectory = wanted(name, arguments)
    given = (abs(x) for x in arguments.values() if isinstance(x, float))
    peak = max(np.abs(trajectory).max(), 1e-3, *(x for x in given if x <= 2))
    schedule = getattr(ours, name)(**arguments, **mode)
    assert_parity(schedule, trajectory, peak)
    return values_of(schedule, COUNT, x64=False)


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_are_the_same(name):
    """Names, order and defaults; `exact` comes after them, by keyword only."""

    def arguments(f):
        shown = inspect.signature(f).parameters.values()
        return [(p.name, p.default) for p in shown if p.kind is not p.KEYWORD_ONLY]

    assert len(CLASSES) == 6
    assert arguments(getattr(ours, name)) == arguments(getattr(theirs, name))


# --- Parity ---------------------------------------------------------------------------------


@parity
@given(values, steps, rates, st.booleans())
def test_exponential(initial, decay_steps, rate, staircase):
    staircase = staircase and isinstance(decay_steps, int)
    kwargs = {"initial_learning_rate": initial, "decay_steps": decay_steps, "decay_rate": rate}
    same("ExponentialDecay", **kwargs, staircase=staircase)


@parity
@given(values, steps, rates, st.booleans())
def test_inverse_time(initial, decay_steps, rate, staircase):
    staircase = staircase and isinstance(decay_steps, int)
    kwargs = {"initial_learning_rate": initial, "decay_steps": decay_steps, "decay_rate": rate}
    same("InverseTimeDecay", **kwargs, staircase=staircase)


bounds = st.lists(st.sampled_from([-2, -0.5, 0, 1, 5, 5.0, 7.5, 7.75, 90]), min_size=1, max_size=3)


@parity
@given(bounds, st.lists(values, min_size=4, max_size=4))
@example([3, 3], [1.0, 2.0, 3.0, 0.0])
@example([7.5, 7.75], [1.0, -2.0, 3.0, 0.0])
@example([-2, 4], [1.0, -2.0, 3.0, 0.0])
def test_piecewise_constant(boundaries, given_values):
    """Boundaries of any kind: repeated, below 0, not whole."""
    boundaries = sorted(boundaries)
    kwargs = {"boundaries": boundaries, "values": given_values[: len(boundaries) + 1]}
    same("PiecewiseConstantDecay", **kwargs)


@parity
@given(values, steps, values, st.sampled_from([0, 0.5, 1.0, 2, 2.7]), st.booleans())
def test_polynomial(initial, decay_steps, end, power, cycle):
    kwargs = {"initial_learning_rate": initial, "decay_steps": decay_steps, "power": power}
    cycle = cycle and isinstance(decay_steps, int)
    same("PolynomialDecay", **kwargs, end_learning_rate=end, cycle=cycle)


warmups = st.sampled_from([0, 1, 7, 30, 2.5, 8.0])


@parity
@given(values, steps, st.sampled_from([0.0, 0.1, 1, -0.5, 2.0]), st.none() | values, warmups)
def test_cosine(initial, decay_steps, alpha, target, warmup):
    kwargs = {"initial_learning_rate": initial, "decay_steps": decay_steps, "alpha": alpha}
    same("CosineDecay", **kwargs, warmup_target=target, warmup_steps=warmup)


alphas = st.sampled_from([0.0, 0.1, 0.5, -0.3])
shrinks = st.sampled_from([0, 0.5, 0.9, 1.0, 1.2])


@settings(max_examples=8)  # the number of cycles is a shape; others of 40: `test_equal_restarts`
@given(
    st.sampled_from([1.0, 0.3, -2.0]),
    st.sampled_from([0.3, 1, 2.5, 3, 10]),
    st.sampled_from([1.1, 1.5, 2, 3.0, 10.0, 1e6]),
    shrinks,
    alphas,
)
@example(1.0, 1, 1.1, 1.0, 0.1)
def test_growing_restarts(initial, first, t_mul, m_mul, alpha):
    """Lengths that are not whole, restarts that come late, all as in Keras."""
    kwargs = {"initial_learning_rate": initial, "first_decay_steps": first, "t_mul": t_mul}
    same("CosineDecayRestarts", **kwargs, m_mul=m_mul, alpha=alpha)


@settings(max_examples=300)
@given(
    whole | st.floats(0.3, 50.0),
    st.sampled_from([1.05, 1.1, 1.2, 1.25, 1.3, 1.5, 1.7, 2, 3, 5, 10, 100]) | st.floats(1.02, 20),
)
def test_every_restart_is_where_keras_finds_it(first, t_mul):
    """The first steps of the cycles, without compiling a schedule for each."""
    kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": first, "t_mul": t_mul}
    trajectory = wanted("CosineDecayRestarts", kwargs)
    moments, firsts = _restarts._geometric_cycles("test", first, t_mul, exact=True)
    at = np.arange(COUNT)
    cycle = np.searchsorted(firsts, at, side="right") - 1
    begin, end = np.array(moments)[cycle], np.array(moments)[cycle + 1]
    part = np.clip((at - begin) / (end - begin), 0, 1)
    np.testing.assert_allclose(0.5 + 0.5 * np.cos(np.pi * part), trajectory, atol=1e-11)


@settings(max_examples=32)
@given(values, whole, shrinks, alphas)
def test_equal_restarts(initial, first, m_mul, alpha):
    kwargs = {"initial_learning_rate": initial, "first_decay_steps": first, "t_mul": 1}
    same("CosineDecayRestarts", **kwargs, m_mul=m_mul, alpha=alpha)


# --- Far out --------------------------------------------------------------------------------


def test_restarts_reach_the_last_step():
    """Cycles go on up to step 2**31 - 1, and the last of them runs on beyond."""
    kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": 1000, "m_mul": 0.9}
    schedule = ours.CosineDecayRestarts(**kwargs)
    at = np.array([1000 * (2**20 - 1), 1000 * (2**20 - 1) - 1, 1_500_000_000, 2**31 - 1])
    far = theirs.CosineDecayRestarts(**kwargs)(at)
    np.testing.assert_allclose(schedule(at), far, atol=1e-7)
    long = {"initial_learning_rate": 1.0, "first_decay_steps": 10**6, "t_mul": 1e5}
    far = theirs.CosineDecayRestarts(**long)(at)
    np.testing.assert_allclose(ours.CosineDecayRestarts(**long)(at), far, atol=1e-6)
    assert schedule.is_restart(1000)
    assert not schedule.is_restart(1001)


def test_the_program_does_not_grow_with_the_cycles():
    """30 cycles or 1,400."""

    def size(t_mul):
        schedule = ours.CosineDecayRestarts(1.0, 10, t_mul)
        return len(jax.make_jaxpr(lambda s, t: s.value_at(t))(schedule, 0).jaxpr.eqns)

    assert size(2.0) == size(1.01)


def test_cosine_of_more_steps_than_a_counter_holds():
    """A part of it is all that can be reached."""
    theirs_at = float(theirs.CosineDecay(1.0, 10**10)(10**9))
    np.testing.assert_allclose(ours.CosineDecay(1.0, 10**10)(10**9), theirs_at, rtol=1e-6)


def test_restarts_may_be_built_inside_jit():
    """What is known is computed at once there too."""
    kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": 3, "t_mul": 1.1}
    inside = jax.jit(lambda peak: ours.CosineDecayRestarts(peak, 3, 1.1)(np.arange(50)))(1.0)
    np.testing.assert_allclose(inside, ours.CosineDecayRestarts(**kwargs)(np.arange(50)), atol=1e-6)


# --- Quirks: exact, and as meant --------------------------------------------------------------


def test_a_warmup_without_a_target_is_ignored():
    kwargs = {"initial_learning_rate": 1.0, "decay_steps": 10, "warmup_steps": 4}
    assert same("CosineDecay", **kwargs)[0] == 1
    meant = ours.CosineDecay(**kwargs, exact=False)
    np.testing.assert_allclose(meant([0, 2, 4, 9, 14]), [0, 0.5, 1, 0.5, 0], atol=1e-6)


def test_decay_steps_exclude_the_warmup():
    """And alpha is a part of the target, not of the initial rate."""
    kwargs = {"initial_learning_rate": 0.1, "warmup_target": 1.0, "alpha": 0.1}
    found = same("CosineDecay", **kwargs, decay_steps=10, warmup_steps=4)
    assert found[13] > found[14]
    np.testing.assert_allclose(found[14:], 0.1, rtol=1e-6)


def test_piecewise_switches_after_its_boundary():
    kwargs = {"boundaries": [10], "values": [1.0, 0.1]}
    assert same("PiecewiseConstantDecay", **kwargs)[10] == 1
    meant = ours.PiecewiseConstantDecay(**kwargs, exact=False)
    np.testing.assert_allclose(meant([9, 10]), [1.0, 0.1])


def test_piecewise_boundaries_are_cut():
    """7.9 is as 7: step 8 is the first with the next value, as meant too."""
    kwargs = {"boundaries": [7.9], "values": [1.0, 0.5]}
    assert same("PiecewiseConstantDecay", **kwargs)[8] == 0.5
    assert ours.PiecewiseConstantDecay(**kwargs, exact=False)(8) == 0.5


def test_restarts_are_where_they_belong():
    """As meant: ten steps and then eleven end at 21, whatever the double of 1.1 is."""
    meant = ours.CosineDecayRestarts(1.0, 10, 1.1, exact=False)
    begins = np.ceil(10 * (1.1 ** np.arange(1, 11) - 1) / 0.1 - 1e-6).astype(int)
    _, firsts = _restarts._geometric_cycles("test", 10, 1.1, exact=False)
    assert firsts[1:11] == begins.tolist()
    np.testing.assert_array_equal(meant([10, 21]), [1, 1])


def test_a_late_restart_is_kept():
    """One of those, step by step."""
    kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": 1, "t_mul": 3, "alpha": 0.1}
    exact = same("CosineDecayRestarts", **kwargs)
    meant = np.asarray(ours.CosineDecayRestarts(**kwargs, exact=False)(np.arange(COUNT)))
    at = [1, 4, 13, 40, 121]
    np.testing.assert_allclose(meant[at], 1.0, rtol=1e-6)
    assert min(exact[at]) < 0.2


def test_the_peaks_of_restarts_hold_a_part_of_the_floor():
    """(1 - alpha) * m_mul**i + alpha, not m_mul**i; the floor stays."""
    for t_mul in (1, 2):
        kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": 10, "t_mul": t_mul}
        kwargs |= {"m_mul": 0.5, "alpha": 0.2}
        exact = same("CosineDecayRestarts", **kwargs)
        np.testing.assert_allclose(exact[10], 0.8 * 0.5 + 0.2, rtol=1e-6)
        meant = np.asarray(ours.CosineDecayRestarts(**kwargs, exact=False)(np.arange(COUNT)))
        np.testing.assert_allclose(meant[10], 0.5, rtol=1e-6)
        assert meant.min() >= 0.2 - 1e-6
        later = meant[30:]  # 0.25, then below the floor: it does not rise to it
        assert later.max() <= 0.25 + 1e-6


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.parametrize(("patience", "cooldown"), [(1, 0), (2, 0), (3, 2), (2, 1), (0, 0)])
def test_a_plateau_waits_one_less(patience, cooldown):
    """Of the callback: the recipe on the page of docs/, epoch by epoch."""
    losses = [1.0, 0.9] + [0.9] * 12 + [0.5] + [0.6] * 12
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    callback = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=patience, cooldown=cooldown, mode="min"
    )
    callback.set_model(model)
    callback.on_train_begin()
    tx = anneal.reduce_on_plateau(
        factor=0.5,
        patience=max(patience, 1) - 1,
        cooldown=max(cooldown, 1) - 1,
        threshold=1e-4,
        threshold_mode="abs",
    )
    state = tx.init(jnp.zeros(1))
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"loss": loss})
        update, state = tx.update(jnp.ones(1), state, value=jnp.float32(loss))
        assert float(update[0]) == float(model.optimizer.learning_rate.numpy())


# --- Configs ----------------------------------------------------------------------------------

CONFIGS = [
    theirs.ExponentialDecay(0.1, 5, 0.5, staircase=True),
    theirs.PiecewiseConstantDecay([3, 6], [1.0, 0.5, 0.1]),
    theirs.PolynomialDecay(0.1, 9, power=0.5, cycle=True),
    theirs.InverseTimeDecay(0.1, 5, 0.5),
    theirs.CosineDecay(0.1, 9, 0.1, warmup_target=1.0, warmup_steps=3),
    theirs.CosineDecayRestarts(0.1, 5, 2.0, 0.9, 0.1),
]


@pytest.mark.parametrize("schedule", CONFIGS, ids=lambda s: type(s).__name__)
def test_a_config_loads(schedule):
    """What Keras writes, through JSON, and the bare form of older versions."""
    config = json.loads(json.dumps(theirs.serialize(schedule)))
    trajectory = [float(schedule(step)) for step in range(20)]
    for given_config in (config, {name: config[name] for name in ("class_name", "config")}):
        assert_parity(ours.from_config(given_config), trajectory)


def test_the_config_of_an_optimizer_holds_one():
    """Where to find it there; and the mode is passed on."""
    optimizer = keras.optimizers.Adam(theirs.PiecewiseConstantDecay([3], [1.0, 0.5]))
    config = keras.optimizers.serialize(optimizer)["config"]["learning_rate"]
    assert ours.from_config(config)(3) == 1
    assert ours.from_config(config, exact=False)(3) == 0.5


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Adafactor", "Ftrl", "Muon", "Lamb"])
def test_the_rate_of_an_optimizer(name):
    """Of a serialized one, and of its config; nothing else there is refused."""
    optimizer = getattr(keras.optimizers, name)(theirs.PiecewiseConstantDecay([3], [1.0, 0.5]))
    for config in (keras.optimizers.serialize(optimizer), optimizer.get_config()):
        assert ours.from_config(config) == ours.PiecewiseConstantDecay([3], [1.0, 0.5])
    number = optimizer.get_config() | {"learning_rate": 0.25}
    assert ours.from_config(number) == anneal.Constant(0.25)


def test_a_class_of_the_user():
    """Says what to do instead."""

    class Mine(theirs.LearningRateSchedule):
        def __call__(self, step):
            return 0.1

        def get_config(self):
            return {}

    with pytest.raises(ValueError, match=r"Mine is a class of your own.*as_schedule"):
        ours.from_config(theirs.serialize(Mine()))


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"class_name": "CosineDekay", "config": {}}, "did you mean 'CosineDecay'"),
        ({"class_name": "CosineDecay", "config": {"decay_step": 3}}, "did you mean 'decay_steps'"),
        ({"class_name": "CosineDecay", "config": {"decay_steps": 3}}, "initial_learning_rate"),
        ({"config": {}}, "class_name"),
        ("CosineDecay", "class_name"),
    ],
)
def test_a_config_that_does_not_fit(config, match):
    with pytest.raises(ValueError, match=match):
        ours.from_config(config)


# --- What is rejected -------------------------------------------------------------------------

NAN = float("nan")
BOTH = [
    ("ExponentialDecay", (1.0, 0, 0.5), "decay_steps"),
    ("InverseTimeDecay", (1.0, -1, 0.5), "decay_steps"),
    ("PolynomialDecay", (1.0, 0), "decay_steps"),
    ("CosineDecay", (1.0, 0), "decay_steps"),
    ("CosineDecayRestarts", (1.0, 0), "first_decay_steps"),
    ("PiecewiseConstantDecay", ([3], [1.0]), "the number of values"),
]
OURS = [
    ("ExponentialDecay", (NAN, 5, 0.5), "initial_learning_rate"),
    ("ExponentialDecay", (1.0, NAN, 0.5), "decay_steps"),
    ("ExponentialDecay", (1.0, 5, -0.5), "decay_rate"),
    ("ExponentialDecay", (1.0, 2.5, 0.5, True), "ExponentialDecay: decay_steps"),
    ("InverseTimeDecay", (1.0, 5, -0.5), "decay_rate"),
    ("InverseTimeDecay", (1.0, 2.5, 0.5, True), "decay_steps"),
    ("PolynomialDecay", (1.0, 5, 0.0, -1.0), "power"),
    ("PolynomialDecay", (1.0, 2.5, 0.0, 1.0, True), "decay_steps"),
    ("CosineDecay", (1.0, 5, NAN), "alpha"),
    ("CosineDecay", (1.0, 5, 0.0, None, 1.0, -3), "warmup_steps"),
    ("CosineDecay", (1.0, 5, 0.0, None, NAN, 3), "warmup_target"),
    ("CosineDecayRestarts", (1.0, 5, 0.5), "cosine_restarts"),
    ("CosineDecayRestarts", (1.0, 5, 1.000001), "t_mul"),
    ("CosineDecayRestarts", (1.0, 2.5, 1.0), "first_decay_steps"),
    ("CosineDecayRestarts", (1.0, 5, 2.0, -1.0), "m_mul"),
    ("CosineDecayRestarts", (1.0, 5, 2.0, 1.0, NAN), "alpha"),
    ("PiecewiseConstantDecay", ([], [1.0]), "the number of values"),
    ("PiecewiseConstantDecay", ([5, 3], [1.0, 2.0, 3.0]), "boundaries"),
    ("PiecewiseConstantDecay", ([3], [1.0, NAN]), "values"),
]


@pytest.mark.parametrize(("name", "args", "match"), BOTH + OURS)
def test_bad_input_is_named(name, args, match):
    with pytest.raises(ValueError, match=match):
        getattr(ours, name)(*args)


@pytest.mark.parametrize(("name", "args", "match"), BOTH)
def test_keras_rejects_it_too(name, args, match):
    with pytest.raises(ValueError):
        getattr(theirs, name)(*args)


def test_keras_shrinks_to_nan():
    """Why a t_mul below 1 is rejected."""
    kwargs = {"initial_learning_rate": 1.0, "first_decay_steps": 5, "t_mul": 0.5}
    with np.errstate(all="ignore"):
        assert np.isnan(wanted("CosineDecayRestarts", kwargs)[11:]).all()


def test_keras_rounds_cosines_and_stairs(monkeypatch):
    """Why the table has to be changed, or a comparison would be one with float32."""
    schedule = theirs.CosineDecay(1.0, 7)
    in_double = float(schedule(3))
    monkeypatch.setitem(PROMOTION, "float64", ON_ITS_OWN)
    assert keras.ops.cos(np.float64(0.7)).dtype == np.float32
    assert keras.ops.floor(np.float64(0.7)).dtype == np.float32
    assert 1e-9 < abs(float(schedule(3)) - in_double) < 1e-6
