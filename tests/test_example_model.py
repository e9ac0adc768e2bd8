"""The transformer example's model, its training step and its text, each beside a plain version."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from examples.transformer_lm import attention, generate, train as training
from examples.transformer_lm.attention import Shape
from examples.transformer_lm.config import Config
from examples.transformer_lm.data import Corpus, Tokens, windows
from examples.transformer_lm.model import Transformer, losses
from examples.transformer_lm.tokenizer import Characters

VOCABULARY = "abcdefghij"
SHAPE = Shape(len(VOCABULARY), blocks=2, heads=2, width=16, block_size=8)
TINY = Config(blocks=2, heads=2, width=16, block_size=8, batch_size=4, steps=3)


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Ranks only: Optax's AdamW raises a float to the power of an integer count."""
    with jax.numpy_rank_promotion("raise"):
        yield


def noisy(model: Transformer) -> Transformer:
    """Every parameter away from where it starts, so that each has an effect."""
    graph, params = nnx.split(model)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    leaves = [x + 0.2 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys, strict=True)]
    return nnx.merge(graph, jax.tree.unflatten(tree, leaves))


@pytest.fixture(scope="module")
def model(strict):
    return noisy(nnx.jit(lambda: Transformer(SHAPE, nnx.Rngs(0)))())


@pytest.fixture(scope="module")
def predict(model):
    """Logits of a batch of any length; compiled once for each."""
    return jax.jit(model)


@pytest.fixture(scope="module")
def corpus():
    ids = np.random.default_rng(0).integers(len(VOCABULARY), size=800).astype(np.int32)
    held_out = Tokens(ids[::2][: 8 * 70 + 4])
    return Corpus(Tokens(ids), held_out, Characters(VOCABULARY), "none", "chance", len(held_out))


@pytest.fixture(scope="module")
def batch():
    return jax.random.randint(jax.random.key(7), (4, 9), 0, len(VOCABULARY), jnp.int32)


def test_the_default_is_of_nanogpts_size():
    params = jax.eval_shape(lambda: nnx.state(Transformer(Shape(65), nnx.Rngs(0)), nnx.Param))
    assert sum(p.size for p in jax.tree.leaves(params)) == pytest.approx(0.80e6, rel=0.02)


def test_nothing_is_predicted_from_what_comes_later_or_is_out_of_reach(predict):
    tokens = np.arange(24, dtype=np.int32)[None] % len(VOCABULARY)
    before = predict(tokens)
    changed = np.abs(predict(np.where(np.arange(24) == 5, 9, tokens)) - before).max(-1)[0]
    assert (changed[:5] < 1e-6).all()
    assert changed[5] > 1e-4
    # Two blocks, each of which looks back 7 tokens.
    assert changed[5 : 5 + 15].max() > 1e-4
    assert (changed[5 + 15 :] < 1e-6).all()


def test_attention_knows_how_far_apart_tokens_are_and_not_where():
    vectors = jax.random.normal(jax.random.key(0), (2, 1, 1, 1, 8))

    def product(i, j):
        query, key = (
            attention.rotate(v, jnp.array([at])) for v, at in zip(vectors, (i, j), strict=True)
        )
        return float((query * key).sum())

    assert product(9, 4) == pytest.approx(product(105, 100), rel=1e-4)
    assert product(9, 4) != pytest.approx(product(9, 5), rel=1e-2)


def test_one_token_at_a_time_gives_the_logits_of_all_at_once(model, predict):
    """Also far beyond the block size, where the oldest keys are replaced."""
    tokens = jax.random.randint(jax.random.key(1), (2, 24), 0, len(VOCABULARY), jnp.int32)

    def step(caches, at):
        logits, caches = model.step(tokens[:, at], at, caches)
        return caches, logits

    _, logits = jax.jit(lambda: jax.lax.scan(step, model.caches(2), jnp.arange(24)))()
    np.testing.assert_allclose(logits.swapaxes(0, 1), predict(tokens), atol=2e-5)


@pytest.mark.parametrize("how", [{}, {"temperature": 0.5, "top_k": 4}, {"top_p": 0.7}], ids=str)
def test_sampling_with_a_cache_is_sampling_without_one(model, predict, how):
    prompt, length, key = [3, 1, 4], 21, jax.random.key(2)
    written = list(prompt)
    whole = np.zeros((1, len(prompt) + length), np.int32)  # what is to come has no effect
    for at in range(len(prompt) - 1, len(prompt) + length - 1):
        whole[0, : len(written)] = written
        logits = predict(whole)[0, at] / how.get("temperature", 1.0)
        logits = generate.likeliest(logits, how.get("top_k"), how.get("top_p"))
        written.append(int(jax.random.categorical(jax.random.fold_in(key, at), logits)))
    draw = jax.jit(partial(generate.sample, model, length=length, **how))
    np.testing.assert_array_equal(draw(jnp.array(prompt), key=key), written[len(prompt) :])


def test_the_likeliest_tokens_are_kept():
    chances = np.array([0.1, 0.4, 0.05, 0.3, 0.15], np.float32)

    def kept(**how):
        logits = generate.likeliest(jnp.log(chances), how.get("top_k"), how.get("top_p"))
        return np.flatnonzero(np.isfinite(logits)).tolist()

    assert kept() == [0, 1, 2, 3, 4]
    assert kept(top_k=2) == [1, 3]
    assert kept(top_k=9) == [0, 1, 2, 3, 4]
    assert kept(top_p=0.1) == [1]
    assert kept(top_p=0.69) == [1, 3]
    assert kept(top_p=0.71) == [1, 3, 4]
    assert kept(top_p=1.0) == [0, 1, 2, 3, 4]
    assert kept(top_k=3, top_p=0.8) == [1, 3]  # .4 and .3 of .85 are .82


def test_bfloat16_products_give_nearly_the_same_and_float32_gradients(model, batch):
    params = nnx.state(model)

    def gradients(dtype):
        other = nnx.eval_shape(lambda: Transformer(SHAPE._replace(dtype=dtype), nnx.Rngs(0)))
        graph = nnx.graphdef(other)
        loss = lambda p: losses(nnx.merge(graph, p)(batch[:, :-1]), batch[:, 1:]).mean()  # noqa: E731
        return jax.tree.leaves(jax.jit(jax.grad(loss))(params))

    for exact, rounded in zip(gradients("float32"), gradients("bfloat16"), strict=True):
        assert exact.dtype == rounded.dtype == jnp.float32
        error = jnp.linalg.norm(rounded - exact) / jnp.linalg.norm(exact)
        assert 0 < error < 0.1


def test_products_are_float32_on_cpu():
    on_cpu = jax.default_backend() == "cpu"
    assert training.compute_dtype("auto") == ("float32" if on_cpu else "bfloat16")


def test_attention_is_fused_where_a_gpu_can(monkeypatch):
    """As far as it can be known without one."""

    def chosen(platform, capability, dtype=jnp.bfloat16, width=64):
        client = SimpleNamespace(platform_version=platform)
        device = SimpleNamespace(client=client, compute_capability=capability)
        monkeypatch.setattr(jax, "devices", lambda: [device])
        return attention.fused(jax.ShapeDtypeStruct((1, 8, 2, width), dtype))

    assert chosen("cuda 13000", "9.0") == "cudnn"
    assert chosen("cuda 12080", "10.3") == "cudnn"
    assert chosen("cuda 12080", "7.5") is None
    assert chosen("cuda 12080", "9.0", jnp.float32) is None
    assert chosen("cuda 12080", "9.0", width=12) is None
    assert chosen("rocm 60000", "gfx90a") is None
    assert chosen("cpu", None) is None


def test_dropout_leaves_out_its_share_in_training_alone(model, batch):
    params = nnx.state(model)
    graph = nnx.graphdef(
        nnx.eval_shape(lambda: Transformer(SHAPE._replace(dropout=0.5), nnx.Rngs(0)))
    )
    forward = jax.jit(lambda key: nnx.merge(graph, params)(batch, key))
    plain = jax.jit(model)(batch)
    np.testing.assert_allclose(jax.jit(lambda: nnx.merge(graph, params)(batch))(), plain, atol=1e-5)
    one, other = forward(jax.random.key(0)), forward(jax.random.key(1))
    assert np.abs(one - other).min(-1).max() > 1e-3
    np.testing.assert_array_equal(one, forward(jax.random.key(0)))


def test_validation_is_the_mean_over_all_windows_also_where_they_fill_no_batch(corpus):
    run = training.make_run(TINY, corpus)
    params = training.make_state(run).params
    found = float(training.make_evaluate(run)(params))
    each = jnp.asarray(windows(corpus.validation, 8))
    logits = jax.jit(nnx.merge(run.graph, params))(each[:, :-1])
    logits = np.asarray(jax.nn.log_softmax(logits))
    expected = -np.take_along_axis(logits, np.asarray(each)[:, 1:, None], -1).mean()
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("options", [{"accumulate": 2}, {"remat": True}], ids=str)
def test_what_saves_memory_changes_nothing(corpus, options):
    def losses_of(config):
        run = training.make_run(config, corpus)
        state, rows = training.make_train_steps(run)(
            training.make_state(run), training.make_batches(run, 0, 3)
        )
        return np.array([*rows["loss"], *(jnp.abs(x).sum() for x in jax.tree.leaves(state.params))])

    np.testing.assert_allclose(losses_of(replace(TINY, **options)), losses_of(TINY), rtol=1e-5)


def test_any_mesh_gives_the_losses_of_one_device():
    """In a process of its own, for devices are made at its start."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "tests.example_mesh"]
    subprocess.run(command, check=True, timeout=300, cwd=root)
