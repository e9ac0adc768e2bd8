"""Train it: `python -m examples.transformer_lm`, from the root of the repository.

Options, of which `--help` and config.py have all:
    --text FILE …              your own text instead of Python's help topics
    --schedule cosine          another learning-rate schedule by name (see schedules.py)
    --schedule-config FILE     any schedule at all, as JSON or TOML
"""

import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import anneal_jax as anneal

from ..command_line import BadInput, given, note
from . import data, schedules
from .config import Config, parse
from .generate import generate
from .model import Transformer, compute_dtype, losses
from .report import Report


class TrainState(NamedTuple):
    """All that changes in training; enough to go on from, as batches depend on the step alone."""

    step: jax.Array  # int32[]: optimizer steps taken
    params: Any  # nnx.State of float32 parameters
    opt_state: Any  # with the schedule in it, and the rate that the last step used


def make_model(config: Config, vocabulary: int) -> tuple[Any, Any]:
    """The model as a static definition and its parameters."""

    @nnx.jit  # one program: drawing the parameters one by one compiles one for each shape
    def create():
        return Transformer(config, vocabulary, nnx.Rngs(config.seed))

    return nnx.split(create(), nnx.Param)


def make_optimizer(config: Config, schedule: anneal.Schedule) -> optax.GradientTransformation:
    """AdamW whose rate follows `schedule`, and can be read back from its state."""
    adamw = anneal.inject_hyperparams(optax.adamw, static_args="mask")(
        learning_rate=schedule,
        b1=config.b1,
        b2=config.b2,
        weight_decay=config.weight_decay,
        mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params),
    )
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), adamw)


def make_state(params: Any, tx: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    # Made inside jit, so that no two leaves share a buffer: donation needs that.
    return jax.jit(lambda p: TrainState(jnp.zeros((), jnp.int32), p, tx.init(p)))(params)


def make_train_steps(
    config: Config, graph: Any, tx: optax.GradientTransformation, text: jax.Array
) -> Callable[[TrainState, int], tuple[TrainState, tuple[jax.Array, jax.Array]]]:
    """`train_steps(state, count)`: that many steps in one dispatch; also each rate and loss."""
    key = jax.random.key(config.seed)

    def mean_loss(params, batch):
        return losses(nnx.merge(graph, params)(batch[:, :-1]), batch[:, 1:]).mean()

    def step(state, _):
        batch = data.batch(text, key, state.step, config.batch_size, config.block_size)
        loss, grads = jax.value_and_grad(mean_loss)(state.params, batch)
        updates, opt_state = tx.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        rate = anneal.hyperparams(opt_state)["learning_rate"]  # what this very step used
        return TrainState(state.step + 1, params, opt_state), (rate, loss)

    def train_steps(state, count):
        return jax.lax.scan(step, state, length=count)

    # The old state is donated: parameters and moments are updated where they are.
    return jax.jit(train_steps, static_argnums=1, donate_argnums=0)


def make_evaluate(config: Config, graph: Any, text: np.ndarray) -> Callable[[Any], jax.Array]:
    """`evaluate(params)`: the mean loss over all of `text`, in windows that do not overlap."""
    windows = data.windows(text, config.block_size)
    at_once = min(64, len(windows))
    fill = -len(windows) % at_once  # repeated windows, which do not count
    batches = jnp.asarray(np.concatenate([windows, windows[:fill]]))
    batches = batches.reshape(-1, at_once, config.block_size + 1)

    @jax.jit
    def evaluate(params):
        model = nnx.merge(graph, params)
        each = jax.lax.map(lambda b: losses(model(b[:, :-1]), b[:, 1:]).mean(-1), batches)
        return each.reshape(-1)[: len(windows)].mean()

    return evaluate


def train(config: Config, corpus: data.Corpus, schedule: anneal.Schedule, report: Report) -> Any:
    """Train from scratch; returns the model's definition, its parameters and the last loss."""
    graph, params = make_model(config, len(corpus.vocabulary))
    tx = make_optimizer(config, schedule)
    train_steps = make_train_steps(config, graph, tx, jnp.asarray(corpus.train))
    evaluate = make_evaluate(config, graph, corpus.validation)
    state = make_state(params, tx)

    lengths = dispatches(config.steps, config.steps_per_dispatch)
    # Compiled before the clock runs: tokens per second is about training.
    compiled = {n: train_steps.lower(state, n).compile() for n in set(lengths)}
    every = schedules.steps(config, "evaluate_every", least=1)
    step, validation_loss = 0, math.nan
    for length in lengths:
        start = time.perf_counter()
        state, (rates, values) = compiled[length](state)
        rates, values = np.asarray(rates), np.asarray(values)  # waits for them
        seconds = time.perf_counter() - start
        finite = np.isfinite(values).all()
        kept = length if finite else int(np.argmin(np.isfinite(values))) + 1  # up to the bad one
        report.steps(step, rates[:kept], values[:kept], seconds * kept / length)
        if not finite:
            raise NotFinite(step + kept - 1, rates[kept - 1], values[kept - 1], report.folder)
        before, step = step, step + length
        if before // every < step // every or step == config.steps:
            validation_loss = float(evaluate(state.params))
            report.validation(validation_loss)
    return graph, state.params, validation_loss


def dispatches(steps: int, most: int) -> list[int]:
    """Steps of each dispatch: as many as may be, then what remains."""
    return [most] * (steps // most) + ([steps % most] if steps % most else [])


class NotFinite(Exception):
    """Training has left the numbers."""

    def __init__(self, step: int, rate: float, loss: float, folder: Path):
        super().__init__(
            f"the loss must stay finite, got {loss} at step {step} with learning rate {rate:.3g}; "
            f"lower --peak or lengthen --warmup (what came before is in {folder})."
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        config = parse(arguments)
        corpus = data.load(config)
        schedule = schedules.build(config)
        schedules.steps(config, "evaluate_every", least=1)  # before anything is written
        remarks = schedules.remarks(config, schedule, given(config, arguments))
        with Report(config) as report:
            for remark in remarks:
                note(remark)
            run(config, corpus, schedule, report)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NotFinite as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped by hand; what came before is in {config.out}.", file=sys.stderr)
        return 130
    return 0


def run(config: Config, corpus: data.Corpus, schedule: anneal.Schedule, report: Report) -> None:
    """Train, then show what came of it."""
    device = jax.devices()[0]
    print(
        f"text    {corpus.source}\n"
        f"        {len(corpus.train):,} + {len(corpus.validation):,} characters held out, "
        f"{len(corpus.vocabulary)} different, hash {corpus.digest}\n"
        f"device  {device.device_kind}, {compute_dtype(config.dtype)} products"
    )
    graph, params, loss = train(config, corpus, schedule, report)
    if config.sample_length:
        indices = generate(config, graph, params, corpus.vocabulary)
        text = corpus.decode(indices)
        report.sample(text)
        print(f"\n{text}\n")
    count = sum(p.size for p in jax.tree.leaves(params))
    print(
        f"validation loss {loss:.4f} nats per character over all held-out windows, "
        f"corpus {corpus.digest}, {config.steps} steps, {count:,} parameters, "
        f"{device.device_kind}\n"
        f"written to {report.folder}: log.csv, schedule_and_loss.png, sample.txt, "
        "events (tensorboard --logdir)"
    )


if __name__ == "__main__":
    sys.exit(main())
