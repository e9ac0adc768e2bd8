"""The example's model in plain PyTorch, with PyTorch's own layers, and the same training step.

Written as PyTorch recommends: fused attention, fused AdamW, gradients set to None, autocast for
bfloat16, and `torch.compile` where that is asked for.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .model import Model

TOKENS = 1_000_000
TOTAL = 10_000  # steps of the plan


ROTARY_BASE, SHARPNESS = 1e3, 1.44  # the example's
Turn = tuple[torch.Tensor, torch.Tensor]  # sines and cosines of the rotary positions


class Attention(nn.Module):
    """Causal, with rotary positions and normalised queries and keys."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.heads, self.size = model.heads, model.width // model.heads
        self.query, self.key, self.value, self.out = (
            linear(model.width, model.width) for _ in range(4)
        )
        self.query_norm, self.key_norm = norm(self.size), norm(self.size)

    def forward(self, x: torch.Tensor, turn: Turn) -> torch.Tensor:
        query, key, value = (
            layer(x).view(*x.shape[:2], self.heads, self.size).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query = rotate(self.query_norm(query.float()), turn).to(value.dtype)
        key = rotate(self.key_norm(key.float()), turn).to(value.dtype)
        scale = SHARPNESS / math.sqrt(self.size)
        y = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)
        return self.out(y.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """Attention, then an MLP; each reads the normalised stream and adds to it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(model.width), norm(model.width)
        self.attention = Attention(model)
        self.up = linear(model.width, 4 * model.width)
        self.down = linear(4 * model.width, model.width)

    def forward(self, x: torch.Tensor, turn: Turn) -> torch.Tensor:
        """`x` [batch, time, width]."""
        x = x + self.attention(self.norm1(x), turn)
        return x + self.down(functional.relu(self.up(self.norm2(x))).square())


class Transformer(nn.Module):
    """Tokens and those after them in, the mean loss out."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        half = model.width // model.heads // 2
        speeds = ROTARY_BASE ** (-torch.arange(half) / half)
        angles = torch.arange(model.block_size)[:, None] * speeds
        self.register_buffer("sin", angles.sin())
        self.register_buffer("cos", angles.cos())
        self.embed = nn.Embedding(model.vocabulary, model.width)
        self.blocks = nn.ModuleList(Block(model) for _ in range(model.blocks))
        self.norm = norm(model.width)
        self.head = linear(model.width, model.vocabulary)

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, (self.sin, self.cos))
        logits = self.head(self.norm(x))
        return functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


def norm(width: int) -> nn.RMSNorm:
    return nn.RMSNorm(width, eps=1e-6)


def rotate(x: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Rotary positions of `x` [batch, heads, time, n]."""
    sin, cos = turn
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def start(model: Model) -> tuple[Callable[[], dict[str, Any]], Callable[[], None]]:
    """What is known of the model, and a round of training steps."""
    device = "cpu" if model.device == "cpu" else "cuda"
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    module = Transformer(model).to(device)
    step = make_step(model, module, device)
    how = "eager"
    if model.compile:
        compiled = make_step(model, torch.compile(module), device)
        try:
            compiled()
            step, how = compiled, "torch.compile"
        except Exception as error:
            how = f"eager, as torch.compile raised {type(error).__name__}"

    def train() -> None:
        for _ in range(model.steps):
            step()
        if device == "cuda":
            torch.cuda.synchronize()

    def facts() -> dict[str, Any]:
        memory = torch.cuda.max_memory_allocated() if device == "cuda" else None
        parameters = sum(p.numel() for p in module.parameters())
        return {"parameters": parameters, "batch": model.batch, "how": how, "peak_bytes": memory}

    return facts, train


def make_step(model: Model, module: Any, device: str) -> Callable[[], None]:
    """A training step: batch, rate, gradient, clipping and AdamW."""
    matrices = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)
    text = torch.randint(model.vocabulary, (TOKENS,), device=device)
    within = torch.arange(model.block_size + 1, device=device)
    low = torch.autocast(device, torch.bfloat16, enabled=model.dtype == "bfloat16")
    number = 0

    def step() -> None:
        nonlocal number
        rate = 4e-3 * min(1.0, number / (0.05 * TOTAL), (TOTAL - number) / (0.5 * TOTAL))
        number += 1
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(text) - model.block_size, (model.batch, 1), device=device)
        sequences = text[starts + within]
        with low:
            loss = module(sequences[:, :-1], sequences[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step
