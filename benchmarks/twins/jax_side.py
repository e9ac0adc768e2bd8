"""The example's own training, on a text of random tokens."""

import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from examples.transformer_lm import attention, data, train
from examples.transformer_lm.config import Config

from .model import Model

TOKENS = 1_000_000


def start(model: Model) -> tuple[Callable[[], dict[str, Any]], Callable[[], None]]:
    """What is known of the model, and a round of training steps."""
    if model.attention:
        attention.fused = lambda _: model.attention
    memory = jax.devices()[0].memory_stats() or {}
    model = model.fitting(memory.get("bytes_limit"))
    rounds = None
    while rounds is None:
        try:
            rounds = started(model)
        except Exception as error:
            full = "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
            if not full or model.batch == 1:
                raise
            model = model._replace(batch=model.batch // 2)
        gc.collect()  # what the frames of the error held
    return rounds.facts, rounds.train


def started(model: Model) -> "Rounds":
    """After one round, which shows whether the memory suffices."""
    rounds = Rounds(model)
    rounds.train()
    return rounds


class Rounds:
    """The state of a training run, and rounds that carry it on."""

    def __init__(self, model: Model) -> None:
        config = Config(
            blocks=model.blocks,
            heads=model.heads,
            width=model.width,
            block_size=model.block_size,
            batch_size=model.batch,
            dtype=model.dtype,  # pyright: ignore[reportArgumentType]
            steps=10_000,
            steps_per_dispatch=model.steps,
        )
        text = np.random.default_rng(0).integers(model.vocabulary, size=TOKENS, dtype=np.uint16)
        tokenizer: Any = SimpleNamespace(size=model.vocabulary)  # all that training asks of one
        tokens = data.Tokens(text)
        corpus = data.Corpus(tokens, tokens, tokenizer, "", "drawn at random", len(text))
        self.model = model
        self.run = train.make_run(config, corpus)
        self.train_steps = train.make_train_steps(self.run)
        self.state = train.make_state(self.run)
        self.count = sum(p.size for p in jax.tree.leaves(self.state.params))
        self.first = 0

    def train(self) -> None:
        """One dispatch, as the example makes them."""
        batches = train.make_batches(self.run, self.first, self.model.steps)
        self.state, rows = self.train_steps(self.state, batches)
        self.first += self.model.steps
        jax.block_until_ready(rows)

    def facts(self) -> dict[str, Any]:
        """What is known of it."""
        device = jax.devices()[0]
        memory = device.memory_stats() or {}
        return {
            "parameters": self.count,
            "batch": self.model.batch,
            "how": self.model.attention or "as it is",
            "device": device.device_kind,
            "platform": device.platform,
            "peak_bytes": memory.get("peak_bytes_in_use"),
        }
