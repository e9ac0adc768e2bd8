"""Train it: `python -m examples.transformer_lm`, from the root of the repository.

Options, of which `--help` and config.py have all:
    --text FILE …              your own text instead of Python's help topics
    --schedule cosine          another learning-rate schedule by name (see schedules.py)
    --schedule-config FILE     any schedule at all, as JSON or TOML
    --optimizer muon           Muon for the matrices of the blocks, with plans of its own
    --mesh fsdp=8              how many devices share what (see sharding.py)
    --resume                   go on from the last checkpoint in --out (see README.md)
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import anneal_jax as anneal

from ..command_line import STOPPED, BadInput, given, leave, note
from . import data, history, resume, schedules, sharding
from .checkpoints import Checkpoints, NotWritten, check_room, going_on
from .config import parse
from .generate import generate
from .model import losses
from .preemption import Preempted, Preemption
from .preview import make_preview
from .report import NotFinite, Report
from .silent import Silent, open_report
from .state import (
    INTERVALS,
    Run,
    TrainState,
    begin,
    compute_dtype,
    facts,
    load_corpus,
    make_run,
    make_state,
    restore,
)


def make_train_steps(run: Run) -> Callable[[TrainState, jax.Array], tuple[TrainState, dict]]:
    """`train_steps(state, batches)`: one step for each batch; also what each step used and lost.

    `batches` are int32[steps, accumulate, rows, block_size + 1].
    """
    key, tx = jax.random.key(run.config.seed), run.tx

    def mean_loss(params, tokens, key):
        model = nnx.merge(run.graph, params)
        with sharding.on(run.mesh):
            logits = model(tokens[:, :-1], key if run.config.dropout else None)
        return losses(logits, tokens[:, 1:]).mean()

    def loss_and_gradient(params, batch, key):
        """Means over the parts of a batch."""
        keys = jax.random.split(key, len(batch))
        if len(batch) == 1:
            return jax.value_and_grad(mean_loss)(params, batch[0], keys[0])

        def add(total, part):
            new = jax.value_and_grad(mean_loss)(params, *part)
            return jax.tree.map(jnp.add, total, new), None

        zeros = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), params))
        total, _ = jax.lax.scan(add, zeros, (batch, keys))
        return jax.tree.map(lambda x: x / len(batch), total)

    def step(state, batch):
        draw = jax.random.fold_in(key, state.step)
        loss, grads = loss_and_gradient(state.params, batch, draw)
        updates, opt_state = tx.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        used = anneal.hyperparams(opt_state)  # by this very step
        row = {"loss": loss} | {name: used[name] for name in run.plans}
        return TrainState(state.step + 1, params, opt_state), row

    # The old state is donated: parameters and moments are updated where they are.
    return jax.jit(lambda state, batches: jax.lax.scan(step, state, batches), donate_argnums=0)


def make_batches(run: Run, first: int, steps: int) -> jax.Array:
    """What `steps` steps from number `first` on learn from: a function of the seed and the step."""
    config, corpus = run.config, run.corpus
    parts, rows = config.accumulate, config.batch_size // config.accumulate

    def make(wanted: range) -> np.ndarray:
        each = np.arange(config.batch_size).reshape(parts, rows)[:, wanted].ravel()
        found = data.batches(
            corpus.train, config.seed, first, steps, each, config.batch_size, config.block_size
        )
        return found.reshape(steps, parts, len(wanted), -1)

    return sharding.place(run.mesh, (steps, parts, rows, config.block_size + 1), 2, make)


def make_evaluate(run: Run) -> Callable[[Any], jax.Array]:
    """`evaluate(params)`: the mean loss over the held-out text, in windows that do not overlap."""
    windows = data.windows(run.corpus.validation, run.config.block_size)
    count, copies = len(windows), math.prod(run.mesh.devices.shape[:2])
    at_once = -(-min(64, count) // copies) * copies
    windows = np.resize(windows, (-(-count // at_once), at_once, windows.shape[1]))
    # Windows that fill the last batch are repeated ones, which do not count.
    batches = sharding.place(run.mesh, windows.shape, 1, lambda wanted: windows[:, wanted])

    @jax.jit
    def evaluate(params, batches):
        model = nnx.merge(run.graph, params)
        with sharding.on(run.mesh):
            each = jax.lax.map(lambda b: losses(model(b[:, :-1]), b[:, 1:]).mean(-1), batches)
        return each.reshape(-1)[:count].mean()

    return lambda params: evaluate(params, batches)


def train(
    run: Run, state: TrainState, report: Report | Silent, saved: Checkpoints | None = None
) -> tuple[TrainState, float]:
    """From `state` to the end of the run: the last state, and its loss on the held-out text."""
    config, evaluate, last = run.config, make_evaluate(run), run.course.last
    every, keep_every = (schedules.steps(config, n, least=1) for n in INTERVALS)
    ahead = list(dispatches(int(state.step), last, config.steps_per_dispatch))
    # Compiled before the clock runs: tokens per second is about training.
    jitted, steps = make_train_steps(run), {count for _, count in ahead}
    train_steps = {n: jitted.lower(state, make_batches(run, 0, n)).compile() for n in steps}
    preview = make_preview(run.config, run.course, jitted, partial(make_batches, run), evaluate)
    validation_loss = math.nan
    report.start()
    with Preemption() as preemption:
        for first, count in ahead:
            state, rows = train_steps[count](state, make_batches(run, first, count))
            report.steps(first, rows)
            step, loss = first + count, math.nan
            if due(first, step, every, last):
                validation_loss = loss = float(evaluate(state.params))
                report.validation(loss, preview(state) if preview else None)
            ending = step < last and preemption.asked()
            if saved and (ending or due(first, step, keep_every, last)):
                report.flush()
                saved.save(step, state, facts(run), loss)
            if ending:
                raise Preempted(step)
    return state, validation_loss if ahead else float(evaluate(state.params))


def dispatches(first: int, last: int, most: int) -> Iterator[tuple[int, int]]:
    """First step and number of steps of each dispatch.

    They end at multiples of `most`, wherever a run is resumed: the same programs compute its steps.
    """
    while first < last:
        end = min(last, (first // most + 1) * most)
        yield first, end - first
        first = end


def due(before: int, step: int, every: int, last: int) -> bool:
    """Whether what is done every so many steps, and at the last one, is due."""
    return before // every < step // every or step == last


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    out = None
    try:
        config = parse(arguments)
        sharding.start(config)
        start = resume.start(config, given(config, arguments))
        config, out = start.config, start.config.out
        corpus = load_corpus(config)
        run = make_run(config, corpus, start.course)
        rate = run.plans["learning_rate"]
        remarks = schedules.remarks(config, rate, given(config, arguments), run.course.last)
        state = make_state(run) if start.source is None else restore(run, start)
        check_room(out, state)
        if jax.process_index() == 0:
            history.prepare(config, start.source, start.step)
            introduce(run, [*start.notes, *remarks])
        with Checkpoints(out, config.keep) as saved:
            begin(run, start, state, saved)
            with open_report(start) as report:
                state, loss = train(run, state, report, saved)
                conclude(run, state, loss, report)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (NotFinite, NotWritten) as error:
        print(f"stopped: {error} What came before is in {out}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"stopped: {out}: {error.strerror}{going_on(out)}.", file=sys.stderr)
        return 1
    except Preempted as error:
        print(f"ended by SIGTERM; --resume goes on from step {error.args[0]:,}.")
    except KeyboardInterrupt:
        print(f"stopped by hand; what came before is in {out}{going_on(out)}.", file=sys.stderr)
        return STOPPED
    return 0


def introduce(run: Run, notes: Sequence[str]) -> None:
    """What is about to happen."""
    for text in notes:
        note(text)
    corpus, device = run.corpus, jax.devices()[0]
    mesh = ", ".join(f"{n} {name}" for name, n in run.mesh.shape.items() if n > 1) or "1 device"
    print(
        f"text    {corpus.source}\n"
        f"        {len(corpus.train):,} + {len(corpus.validation):,} tokens held out, "
        f"{corpus.tokenizer.size} different, hash {corpus.digest}\n"
        f"device  {device.device_kind}, {mesh}, {compute_dtype(run.config.dtype)} products"
    )


def conclude(run: Run, state: TrainState, loss: float, report: Report | Silent) -> None:
    """What came of it."""
    config, corpus = run.config, run.corpus
    said = print if jax.process_index() == 0 else lambda *_: None
    if config.sample_length:
        text = generate(config, corpus.tokenizer, nnx.merge(run.graph, state.params))
        report.sample(text)
        said(f"\n{text}\n")
    count = sum(p.size for p in jax.tree.leaves(state.params))
    sample = "sample.txt, " if config.sample_length else ""
    said(
        f"validation loss {loss:.4f} nats per token over the held-out text, "
        f"corpus {corpus.digest}, {run.course.last} steps, {count:,} parameters, "
        f"{jax.devices()[0].device_kind}\n"
        f"written to {report.folder}: log.csv, schedule_and_loss.png, {sample}checkpoints, "
        "events (tensorboard --logdir)"
    )


if __name__ == "__main__":
    leave(main())
