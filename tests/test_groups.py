"""Parameter groups: which parameter follows which rate, in every kind of tree."""

import copy
import functools
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.stateful import close, one_clear_sentence, problem

RATE = anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=10)
OWN = anneal.Linear(0.5, 0.0, steps=10)
PARAMS = {
    "embed": {"table": jnp.ones((4, 2))},
    "blocks": [{"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)} for _ in range(3)],
    "head": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)},
}


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam and Flax need JAX's own promotion rules."""
    return


def steps(tx, params, count):
    """The updates of `count` steps on gradients of 1, one tree each."""
    update = jax.jit(tx.update)
    state, found = tx.init(params), []
    for _ in range(count):
        updates, state = update(jax.tree.map(jnp.ones_like, params), state, params)
        found.append(updates)
    return found, state


@functools.cache
def linen():
    """Parameters of a Flax Linen model."""
    from flax import linen as nn

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x):
            return x + nn.Dense(2)(nn.LayerNorm()(x))

    class Model(nn.Module):
        @nn.compact
        def __call__(self, tokens):
            x = nn.Embed(5, 2)(tokens)
            for _ in range(3):
                x = Block()(x)
            return nn.Dense(4)(nn.LayerNorm()(x))

    return Model().init(jax.random.key(0), jnp.zeros(1, jnp.int32))


@functools.cache
def nnx_state():
    """Parameters of a Flax NNX model."""
    from flax import nnx

    class Block(nnx.Module):
        def __init__(self, rngs):
            self.dense = nnx.Linear(2, 2, rngs=rngs)

    class Model(nnx.Module):
        def __init__(self, rngs):
            self.embed = nnx.Embed(5, 2, rngs=rngs)
            self.blocks = nnx.List([Block(rngs) for _ in range(3)])
            self.head = nnx.Linear(2, 4, rngs=rngs)

    return nnx.state(Model(nnx.Rngs(0)), nnx.Param)


@functools.cache
def equinox():
    """Parameters of an Equinox model."""

    class Model(eqx.Module):
        embedding: eqx.nn.Embedding
        layers: list
        head: eqx.nn.Linear

    k = jax.random.key(0)
    layers = [eqx.nn.Linear(2, 2, key=k) for _ in range(3)]
    model = Model(eqx.nn.Embedding(5, 2, key=k), layers, eqx.nn.Linear(2, 4, key=k))
    return eqx.filter(model, eqx.is_array)


def depths(paths):
    """What `layerwise_decay` makes of parameters at these paths."""
    return anneal.layerwise_decay(1.0, 0.5).groups({path: jnp.ones(1) for path in paths.split()})


TREES = {"dict": lambda: PARAMS, "linen": linen, "nnx": nnx_state, "equinox": equinox}


class TestPartitionByPath:
    """`partition_by_path`."""

    def test_rates_of_the_groups(self):
        """Factor, own schedule, frozen: minus that rate, at every step."""
        rules = {"embed": None, "head": OWN, "bias$": 2.0, ".*": 1.0}
        found, state = steps(anneal.partition_by_path(rules, RATE), PARAMS, 4)
        for t, updates in enumerate(found):
            assert np.all(updates["embed"]["table"] == 0)
            np.testing.assert_allclose(updates["head"]["bias"], -OWN(t), rtol=1e-6)
            np.testing.assert_allclose(updates["blocks"][1]["bias"], -2 * RATE(t), rtol=1e-6)
            np.testing.assert_allclose(updates["blocks"][2]["kernel"], -RATE(t), rtol=1e-6)
        assert anneal.hyperparams(state) == {
            "learning_rate": RATE(3),
            "learning_rate/head": OWN(3),
            "factor/bias$": 2.0,
            "factor/.*": 1.0,
            "rate/head": OWN(3),
            "rate/bias$": 2 * RATE(3),
            "rate/.*": RATE(3),
        }

    def test_like_optax_with_one_optimizer_per_group(self):
        """Adam with three rates equals `optax.partition` of three Adams."""
        params, loss = problem()
        labels = {"dense": {"kernel": "a", "bias": "b"}, "spare": "c"}
        parts = {"a": optax.adam(RATE), "b": optax.adam(0.5 * RATE), "c": optax.set_to_zero()}
        ours = anneal.partition_by_path(
            {"kernel": 1.0, "bias": 0.5, "spare": None}, RATE, inner=optax.scale_by_adam()
        )
        ends = []
        for tx in (ours, optax.partition(parts, labels)):
            p, state = params, tx.init(params)
            update = jax.jit(tx.update)
            for _ in range(6):
                updates, state = update(jax.grad(loss)(p), state, p)
                p = optax.apply_updates(p, updates)
            ends.append(p)
        close(*ends)

    def test_frozen_parameters_have_no_moments(self):
        """They take no memory in the inner optimizer."""
        tx = anneal.partition_by_path({"head": 1.0, ".": None}, RATE, inner=optax.scale_by_adam())
        moments = optax.tree.get(tx.init(PARAMS), "mu")
        assert sum(x.size for x in jax.tree.leaves(moments)) == 6 + 3

    def test_an_optimizer_of_its_own(self):
        """A rule may hand its parameters to another transformation altogether."""
        tx = anneal.partition_by_path({"embed": optax.sgd(0.25), ".": 1.0}, RATE)
        found, _ = steps(tx, PARAMS, 1)
        assert np.all(found[0]["embed"]["table"] == -0.25)

    def test_muon_lives_beside_adam(self):
        """Optax's, with plans for its rate and momentum, as if its matrices were alone."""
        muon_rate, momentum = anneal.Linear(0.1, 0.0, steps=3), anneal.Linear(0.85, 0.95, steps=3)
        own = anneal.inject_hyperparams(lambda r, beta: optax.contrib.muon(r, beta=beta))
        rules = {r"blocks/.*kernel": own(muon_rate, momentum), ".*": optax.adam(RATE)}
        found, _ = steps(anneal.partition_by_path(rules, inner=None), PARAMS, 4)
        kernels = [block["kernel"] for block in PARAMS["blocks"]]
        state, alone = optax.contrib.muon(0.1).init(kernels), []
        for t in range(4):  # built anew for the numbers of each step
            one = optax.contrib.muon(float(muon_rate(t)), beta=float(momentum(t)))
            updates, state = jax.jit(one.update)(kernels, state, kernels)
            alone.append(updates)
        close([[block["kernel"] for block in x["blocks"]] for x in found], alone)
        others, _ = steps(optax.adam(RATE), PARAMS, 4)
        close([x["blocks"][1]["bias"] for x in found], [x["blocks"][1]["bias"] for x in others])

    def test_first_match_wins(self):
        """In the order of the rules, not of the parameters."""
        tx = anneal.partition_by_path([("kernel", 3.0), ("head", 2.0), (".", 1.0)], 0.5)
        found, _ = steps(tx, PARAMS, 1)
        assert np.all(found[0]["head"]["kernel"] == -1.5)
        assert np.all(found[0]["head"]["bias"] == -1.0)

    def test_equal_schedules_are_evaluated_once(self):
        """One plan in the state for each distinct schedule, not for each rule or leaf."""
        twin = anneal.Linear(0.5, 0.0, steps=10)
        same_as_base = anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=10)
        tx = anneal.partition_by_path({"head": OWN, "bias": twin, ".": same_as_base}, RATE)
        state = tx.init(PARAMS)
        plans = jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, anneal.Schedule))
        assert sum(isinstance(x, anneal.Schedule) for x in plans) == 2

    def test_a_factor_can_become_a_schedule(self):
        """Gradual unfreezing, in the middle of a run."""
        tx = anneal.partition_by_path({"embed": 0.0, ".": 1.0}, anneal.Constant(1.0))
        state = tx.init(PARAMS)
        state = anneal.with_schedules(state, **{"factor/embed": anneal.Linear(0.0, 1.0, steps=2)})
        for factor in (0.0, 0.5, 1.0):
            updates, state = tx.update(PARAMS, state, PARAMS)
            assert np.all(updates["embed"]["table"] == -factor)

    @pytest.mark.parametrize("tree", TREES)
    def test_in_every_tree(self, tree):
        """Paths of dictionaries, Linen, NNX and Equinox read alike."""
        params = TREES[tree]()
        tx = anneal.partition_by_path({"(?i)embed": None, "bias": 2.0, ".*": 1.0}, 0.5)
        groups = {group.name: group for group in tx.groups(params)}
        assert {name: group.rate for name, group in groups.items()} == {
            "(?i)embed": None,
            "bias": 1.0,
            ".*": 0.5,
        }
        sizes = [x.size for x in jax.tree.leaves(params)]
        assert sum(group.parameters for group in groups.values()) == sum(sizes)
        assert not any(path.endswith("/value") for g in groups.values() for path in g.paths)
        found, _ = steps(tx, params, 1)
        assert {float(x.ravel()[0]) for x in jax.tree.leaves(found)} == {0.0, -1.0, -0.5}

    def test_ascends_without_the_flip(self):
        """`flip_sign=False` leaves the sign to whoever made the direction."""
        found, _ = steps(anneal.partition_by_path({".": 1.0}, 0.5, flip_sign=False), PARAMS, 1)
        assert np.all(found[0]["embed"]["table"] == 0.5)


class TestLayerwiseDecay:
    """`layerwise_decay`."""

    @pytest.mark.parametrize("tree", TREES)
    def test_depths_of_the_usual_trees(self, tree):
        """Embedding lowest, blocks by number, final norm and head at the full rate."""
        params = TREES[tree]()
        groups = anneal.layerwise_decay(1.0, 0.5).groups(params)
        assert [group.rate for group in groups] == [0.0625, 0.125, 0.25, 0.5, 1.0]
        assert all("mbed" in path for path in groups[0].paths)
        for k, group in enumerate(groups[1:4]):
            assert all(str(k) in path for path in group.paths)
        assert all("mbed" not in path for path in groups[-1].paths)

    @pytest.mark.parametrize(
        ("paths", "depths"),
        [
            # ViT of big_vision
            (
                "cls embedding/kernel pos_embedding Transformer/encoderblock_0/k "
                "Transformer/encoderblock_1/k Transformer/encoder_norm/scale head/kernel",
                [0, 0, 0, 1, 2, 3, 3],
            ),
            # BERT of transformers
            (
                "bert/embeddings/word_embeddings/embedding bert/encoder/layer/0/attention/k "
                "bert/encoder/layer/1/output/k bert/pooler/kernel classifier/kernel",
                [0, 1, 2, 3, 3],
            ),
            # GPT-2, counted from 1, with an output head named after what it undoes
            ("wte wpe h_1/k h_2/k h_3/mlp_1/k h_3/mlp_2/k ln_f unembed", [0, 0, 1, 2, 3, 3, 4, 4]),
            # T5: encoder and decoder blocks of one number learn alike
            (
                "shared_embed enc/layers_0/k enc/layers_1/k dec/layers_0/k dec/layers_1/k",
                [0, 1, 2, 1, 2],
            ),
            # one network among several numbered parts; two layers of another kind around blocks
            ("net_0/embed net_0/layers_0/w net_0/layers_1/w net_0/out", [0, 1, 2, 3]),
            ("Dense_0/k Block_0/k Block_1/k Block_2/k Dense_1/k", [4, 1, 2, 3, 4]),
            # a plain stack: the last layer has the full rate
            ("layers_0/w layers_1/w layers_2/w", [1, 2, 3]),
            # tokens of DeiT and of ViTs with registers; the norm before the blocks (CLIP)
            (
                "cls_token dist_token reg_token register_tokens ln_pre/scale blocks/0/k "
                "blocks/1/k norm/scale head_dist/k",
                [0, 0, 0, 0, 0, 1, 2, 3, 3],
            ),
            # BEiT's shared bias of relative positions is no embedding, as in its own code
            ("pos_embed rel_pos_bias/table blocks/0/k blocks/1/k", [0, 3, 1, 2]),
            # BERT's head for masked words is called like a token of ViT
            ("embeddings/w layer/0/k layer/1/k cls/predictions/decoder/k", [0, 1, 2, 3]),
            # GPT-NeoX, and other heads that are called after what they undo
            (
                "embed_in/w layers/0/k layers/1/k final_layer_norm/w embed_out/w "
                "output_embedding/w lm_head/embedding unpatchify/k",
                [0, 1, 2, 3, 3, 3, 3, 3],
            ),
            # ResNet of torchvision and timm; of Flax's examples; of big_vision; by Linen's names
            (
                "conv1/w bn1/w layer1/0/conv1/w layer1/1/conv2/w layer2/0/bn1/w layer3/0/conv1/w "
                "layer4/0/downsample/0/w fc/w",
                [0, 0, 1, 1, 2, 3, 4, 5],
            ),
            ("conv_init/k bn_init/k ResNetBlock_0/k ResNetBlock_1/k Dense_0/k", [0, 0, 1, 2, 3]),
            ("root_block/conv_root/k block1/k block2/k norm-pre-head/k", [0, 1, 2, 3]),
            ("Conv_0/k BatchNorm_0/k Block_0/k Block_1/k LayerNorm_0/k", [0, 0, 1, 2, 3]),
            # EfficientNet: one batch norm before the blocks, one after
            (
                "conv_stem/w bn1/w blocks/0/0/bn1/w blocks/1/0/k blocks/2/k conv_head/w bn2/w",
                [0, 0, 1, 2, 3, 4, 4],
            ),
            # a wrapper whose name holds that of a kind ("system", "stem"; "ensemble", "emb")
            ("system/head/k system/layers/0/k system/layers/1/k system/norm/w", [3, 1, 2, 3]),
            ("ensemble/k dispatch/k layers/0/k layers/1/k posemb/k", [3, 3, 1, 2, 0]),
            # two towers that share a name: each ends below the top, and has its own embeddings
            (
                "vision/embed/k vision/layers/0/k vision/layers/1/k vision/layers/2/k "
                "vision/layers/3/k text/embed/k text/layers/0/k text/layers/1/k logit_scale",
                [0, 1, 2, 3, 4, 2, 3, 4, 5],
            ),
            (
                "enc/layers/0/k enc/layers/1/k enc/layers/2/k dec/layers/0/k shared_embed/k",
                [1, 2, 3, 3, 0],
            ),
            # a head that is itself a stack, of the blocks' name and of another
            ("layers/0/k layers/1/k layers/2/k head/layers/0/k head/layers/1/k", [1, 2, 3, 4, 4]),
            (
                "blocks/0/k blocks/1/k blocks/2/k projector/layers/0/k pooler/layers/1/k",
                [1, 2, 3, 4, 4],
            ),
            # numbers with gaps, or that are widths: their order counts
            ("conv64/k conv128/k conv256/k head/k", [1, 2, 3, 4]),
            (
                "features/0/k features/3/k features/7/k classifier/0/k classifier/3/k",
                [1, 2, 3, 4, 4],
            ),
        ],
    )
    def test_depths_of_other_models(self, paths, depths):
        """As written in the wild."""
        params = {path: jnp.ones(1) for path in paths.split()}
        tx = anneal.layerwise_decay(1.0, 0.5)
        updates, _ = tx.update(params, tx.init(params))
        top = max(depths)
        wanted = [0.5 ** (top - depth) for depth in depths]
        assert [-float(updates[path][0]) for path in params] == wanted

    def test_like_the_factors_of_timm(self):
        """Its `layer_decay` gives group `i` of `n + 2` the scale `decay ** (n + 1 - i)`."""
        found, state = steps(anneal.layerwise_decay(RATE, 0.75), PARAMS, 3)
        for t, updates in enumerate(found):
            for k in range(3):
                factor = float(RATE(t)) * 0.75 ** (4 - (k + 1))
                np.testing.assert_allclose(updates["blocks"][k]["bias"], -factor, rtol=1e-6)
            np.testing.assert_allclose(updates["head"]["bias"], -RATE(t), rtol=1e-6)
        rates = {f"rate/depth {d}": RATE(2) * 0.75 ** (4 - d) for d in range(5)}
        wanted = {"learning_rate": RATE(2), "layer_decay": 0.75} | rates
        found = anneal.hyperparams(state)
        assert {k: float(v) for k, v in found.items()} == pytest.approx(jax.tree.map(float, wanted))

    def test_stacked_layers(self):
        """A parameter of `nn.scan` holds all layers along its first axis: a rate for each."""
        params = {"embed": jnp.ones(2), "layers": jnp.ones((3, 2, 2)), "head": jnp.ones(2)}
        depth = {"embed": 0, "layers": range(1, 4), "head": None}.get
        tx = anneal.layerwise_decay(1.0, 0.5, depth_of=depth)
        found, _ = steps(tx, params, 1)
        np.testing.assert_array_equal(found[0]["layers"][:, 0, 0], [-0.125, -0.25, -0.5])
        assert [group.parameters for group in tx.groups(params)] == [2, 4, 4, 4, 2]

    def test_the_decay_may_follow_a_schedule(self):
        """From a strong one to none."""
        tx = anneal.layerwise_decay(1.0, anneal.Linear(0.5, 1.0, steps=2))
        found, _ = steps(tx, PARAMS, 3)
        got = [-float(updates["blocks"][2]["bias"][0]) for updates in found]
        np.testing.assert_allclose(got, [0.5, 0.75, 1.0])


def test_half_precision_updates_are_rounded_once():
    """The product is formed in float32: the rate itself is not rounded to bfloat16."""
    update = jnp.linspace(-3, 3, 101).astype(jnp.bfloat16)
    wanted = (update.astype(jnp.float32) * jnp.float32(0.001)).astype(jnp.bfloat16)
    tx = anneal.partition_by_path({".": 1.0}, 0.001, flip_sign=False)
    got, _ = tx.update({"w": update}, tx.init({"w": update}))
    np.testing.assert_array_equal(got["w"].astype(jnp.float32), wanted.astype(jnp.float32))


def test_the_table_prints():
    """Group, rate, number of parameters, one line each, and a total."""
    text = str(anneal.layerwise_decay(RATE, 0.5).groups(PARAMS, step=2))
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["group", "rate", "at", "step", "2", "peak", "parameters", "tensors"]
    assert lines[1] == ["depth", "0", "0.0625", "0.0625", "8", "1"]
    assert lines[-1] == ["total", "35", "9"]
    rules = {"head": None, "embed": optax.sgd(1.0), ".": 1.0}
    lines = str(anneal.partition_by_path(rules, RATE).groups(PARAMS)).splitlines()
    assert lines[1].split() == ["head", "frozen", "9", "2"]
    assert lines[2].split() == ["embed", "its", "own", "8", "1"]


@pytest.mark.parametrize(
    ("rate", "peak"),
    [
        (anneal.warmup_cosine(3.0, 12_345, 1_000_000), 3.0),
        (anneal.noam(512, warmup_steps=4000), anneal.noam(512, 4000)(3999)),  # without an end
        (anneal.cosine_restarts(2.0, 1000, warmup_steps=100, value_factor=0.9), 2.0),
        (anneal.one_cycle(0.5, 2**31 - 1), 0.5),
        (anneal.Linear(0.0, 1.5, 77), 1.5),
    ],
)
def test_the_table_shows_the_peak_beside_the_rate(rate, peak):
    """At step 0 of a warmup the rates of all groups are 0."""
    groups = anneal.partition_by_path({"bias": None, "head": 0.5, ".": 1.0}, rate).groups(PARAMS)
    assert groups[2].rate == rate(0)
    assert [groups[0].rate, groups[0].peak] == [None, None]
    assert [g.peak for g in groups[1:]] == pytest.approx([float(peak) / 2, float(peak)])
    peaks = [g.peak for g in anneal.layerwise_decay(rate, 0.5).groups(PARAMS)]
    assert peaks == pytest.approx([float(peak) * 0.5**d for d in (4, 3, 2, 1, 0)])


def test_it_can_be_copied():
    """Groups and all."""
    tx = copy.copy(anneal.layerwise_decay(RATE, 0.5))
    groups = tx.groups(PARAMS, step=2)
    assert len(groups) == 5
    assert str(copy.copy(groups)) == str(groups)


BAD = {
    "a compiled expression": (
        lambda: anneal.partition_by_path({re.compile("w"): 1.0}, RATE),
        ["every rule", "regular expression"],
    ),
    "depths for other layers": (
        lambda: anneal.layerwise_decay(RATE, 0.5, depth_of=lambda path: range(2)).init(
            {"w": jnp.ones((1, 2))}
        ),
        ["depth_of('w')", "(1, 2)"],
    ),
    "a parameter without a rule": (
        lambda: anneal.partition_by_path({"head": 1.0}, RATE).init(PARAMS),
        ["'embed/table'", "'blocks/0/kernel'", "add a rule"],
    ),
    "a rule that matches nothing": (
        lambda: anneal.partition_by_path({"haed": 1.0, ".": 1.0}, RATE).init(PARAMS),
        ["'haed' matches none of", "'head/kernel'"],
    ),
    "a rule that comes too late": (
        lambda: anneal.partition_by_path({".": 1.0, "head": 2.0}, RATE).init(PARAMS),
        ["earlier rules take all", "'head/bias'", "move it up"],
    ),
    "a factor of nothing": (
        lambda: anneal.partition_by_path({".": 1.0}),
        ["rule '.'", "learning_rate="],
    ),
    "a rate that no rule is a factor of": (
        lambda: anneal.partition_by_path({"a": None, ".": OWN}, RATE),
        ["learning_rate", "left out", "make a rule a number"],
    ),
    "an optimizer for none": (
        lambda: anneal.partition_by_path({".": None}, inner=optax.scale_by_adam()),
        ["inner", "left out", "a rule with a rate"],
    ),
    "no expression": (lambda: anneal.partition_by_path({"(": None}), ["'('", "regular expression"]),
    "no rules": (lambda: anneal.partition_by_path({}), ["at least one rule"]),
    "a rule twice": (
        lambda: anneal.partition_by_path([("a", None), ("a", None)]),
        ["different expressions"],
    ),
    "a word": (lambda: anneal.partition_by_path({"a": "frozen"}, RATE), ["None (frozen)"]),
    "a negative factor": (
        lambda: anneal.partition_by_path({"a": -1.0}, RATE),
        ["rule 'a'", "-1.0"],
    ),
    "a rate of NaN": (
        lambda: anneal.partition_by_path({"a": None}, float("nan")),
        ["learning_rate"],
    ),
    "a negative rate": (lambda: anneal.layerwise_decay(-1.0, 0.5), ["learning_rate", "-1.0"]),
    "a decay above 1": (lambda: anneal.layerwise_decay(RATE, 1.5), ["decay", "at most 1", "1.5"]),
    "no blocks": (
        lambda: anneal.layerwise_decay(RATE, 0.5).init({"a": jnp.ones(1), "b": jnp.ones(1)}),
        ["numbered blocks", "'a', 'b'", "depth_of"],
    ),
    "a decoder that may follow the encoder, or be a head": (
        lambda: depths("blocks/0/k blocks/1/k blocks/2/k decoder_blocks/0/k decoder_blocks/1/k"),
        ["'blocks' (3)", "'decoder_blocks' (2)", "depth_of"],
    ),
    "towers of different names": (
        lambda: depths(
            "vision/blocks/0/k vision/blocks/1/k vision/blocks/2/k text/h/0/k text/h/1/k"
        ),
        ["'vision/blocks' (3)", "'text/h' (2)", "depth_of"],
    ),
    "transitions between blocks": (
        lambda: depths("denseblock1/k denseblock2/k denseblock3/k transition1/k transition2/k"),
        ["'denseblock' (3)", "'transition' (2)"],
    ),
    "convolutions and dense layers, as many": (
        lambda: depths("Conv_0/k Conv_1/k Dense_0/k Dense_1/k"),
        ["'Conv_' (2)", "'Dense_' (2)"],
    ),
    "convolutions before more dense layers": (
        lambda: depths("conv1/k conv2/k fc1/k fc2/k fc3/k"),
        ["'fc' (3)", "'conv' (2)"],
    ),
    "no depth": (
        lambda: anneal.layerwise_decay(RATE, 0.5, depth_of=lambda path: "top").init(PARAMS),
        ["depth_of('blocks/0/bias')", "'top'"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(name):
    """Each error names the argument, the rule, what came and what to do."""
    call, words = BAD[name]
    one_clear_sentence(call, words)


def test_with_ranks_that_must_match():
    """In a program that forbids implicit broadcasting, for scalar and stacked rates."""
    params = {"w": jnp.ones((3, 2, 2)), "b": jnp.ones(2)}
    depth = {"w": range(3), "b": None}.get
    with jax.numpy_rank_promotion("raise"):
        for tx in (
            anneal.partition_by_path({".": 1.0}, 0.5),
            anneal.layerwise_decay(1, 0.5, depth_of=depth),
        ):
            updates, _ = tx.update(params, tx.init(params))
            assert updates["w"].shape == (3, 2, 2)
