"""All of a run: what stays the same in it, and the state that changes and is saved."""

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

import anneal_jax as anneal

from ..command_line import BadInput
from . import about, data, resume, schedules, sharding
from .about import Course
from .checkpoints import Checkpoints, NotWritten
from .config import Config
from .model import Shape, Transformer
from .optimizer import make_optimizer, plans

INTERVALS = ("evaluate_every", "checkpoint_every")


class TrainState(NamedTuple):
    """All that changes in training; enough to go on from, as batches depend on the step alone."""

    step: jax.Array  # int32[]: optimizer steps taken
    params: Any  # nnx.State of float32 parameters
    opt_state: Any  # moments, the plans, and what the last step used of them


class Run(NamedTuple):
    """All that stays the same in training."""

    config: Config
    corpus: data.Corpus
    mesh: jax.sharding.Mesh
    graph: Any  # nnx.GraphDef: with parameters, the model
    tx: optax.GradientTransformation
    course: Course

    @property
    def plans(self) -> dict[str, anneal.Schedule]:
        return self.course.plans


def load_corpus(config: Config) -> data.Corpus:
    """The text that the options ask for."""
    tokens = config.tokenizer, config.vocabulary, config.block_size
    return data.load(config.text, config.prepared, *tokens)


def make_run(config: Config, corpus: data.Corpus, course: Course | None = None) -> Run:
    """The model and the optimizer that the options ask for, on the devices that there are."""
    course = course or Course(plans(config), config.length)
    for name in INTERVALS:  # refused here, before anything is written
        schedules.steps(config, name, least=1)
    graph = nnx.graphdef(nnx.eval_shape(lambda: make_model(config, corpus)))
    mesh, tx = sharding.make_mesh(config), make_optimizer(config, course.plans)
    return Run(config, corpus, mesh, graph, tx, course)


def shape_of(config: Config, corpus: data.Corpus) -> Shape:
    options = {name: getattr(config, name) for name in Shape._fields if name != "vocabulary"}
    options["dtype"] = compute_dtype(config.dtype)
    return Shape(vocabulary=corpus.tokenizer.size, **options)


def make_model(config: Config, corpus: data.Corpus) -> Transformer:
    return Transformer(shape_of(config, corpus), nnx.Rngs(config.seed))


def compute_dtype(name: str) -> str:
    """Of matrix products; parameters, norms, residuals and logits stay float32."""
    if name == "auto":  # tensor cores and MXUs want bfloat16; a CPU gains nothing from it
        return "float32" if jax.default_backend() == "cpu" else "bfloat16"
    return name


def make_state(run: Run) -> TrainState:
    """The state before the first step, each array made where it belongs."""
    places = jax.tree.map(lambda x: x.sharding, abstract_state(run))
    return jax.jit(partial(_new_state, run), out_shardings=places)()


def abstract_state(run: Run) -> TrainState:
    """Shape, dtype and place of every array of the state."""
    state = jax.eval_shape(partial(_new_state, run))
    places = sharding.shardings(run.mesh, state)
    return jax.tree.map(
        lambda x, place: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place), state, places
    )


def _new_state(run: Run) -> TrainState:
    params = nnx.state(make_model(run.config, run.corpus), nnx.Param)
    return TrainState(jnp.zeros((), jnp.int32), params, run.tx.init(params))


def restore(run: Run, start: resume.Start) -> TrainState:
    """The state of the checkpoint, with the plans that hold from here on."""
    about.check(start.about, start.source, run.corpus.digest, shape_of(run.config, run.corpus))
    like = abstract_state(make_run(run.config, run.corpus, start.saved))
    with Checkpoints(start.source) as found:
        state = found.state(start.step, like)
    if not start.notes:
        return state
    places = jax.tree.map(lambda x: x.sharding, abstract_state(run).opt_state)
    exchange = partial(resume.exchanged, config=run.config, course=run.course)
    return state._replace(opt_state=jax.jit(exchange, out_shardings=places)(state.opt_state))


def facts(run: Run) -> dict[str, Any]:
    """What a checkpoint says beside the state."""
    shape = shape_of(run.config, run.corpus)
    return about.write(run.config, run.course, run.corpus.digest, shape)


def begin(run: Run, start: resume.Start, state: TrainState, saved: Checkpoints) -> None:
    """A first checkpoint, before any step: where none can be written, the run would be in vain."""
    saved.drop_after(start.step)
    if start.step in saved.steps():
        return
    try:
        saved.save(start.step, state, facts(run), math.nan)
        saved.wait()
    except NotWritten as error:
        raise BadInput(str(error)) from None
