"""The transformer example against the same model in plain PyTorch, on one core.

    python benchmarks/torch_twin.py                          both in this environment
    python benchmarks/torch_twin.py --torch-python PATH      torch in another one

Child processes alternate (JAX, torch, JAX, …), so that a change in the machine's speed meets
both, each pinned to one core with one thread. A step is timed in process CPU time, so that
other processes do not count. The twin is written as PyTorch recommends: fused attention and
fused AdamW (the fastest of its three on CPU), gradients set to None, in-place data indexing.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

VOCABULARY, BLOCK, BATCH, BLOCKS, HEADS, WIDTH = 65, 64, 12, 4, 4, 128
CHARACTERS = 1_000_000
DISPATCH = 50  # steps per measurement; the example's default of steps per dispatch
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of one JAX and one torch process")
    parser.add_argument("--dispatches", type=int, default=5, help=f"of {DISPATCH} steps each")
    parser.add_argument("--core", type=int, default=0, help="to pin to, where the system can")
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter with torch")
    parser.add_argument("--child", choices=("jax", "torch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child](options.dispatches)))
        return 0
    if not has_torch(options.torch_python):
        print(
            "torch_twin needs PyTorch, and this interpreter has none: pip install torch==2.13.0 "
            "(into another environment, if you like, named by --torch-python).",
            file=sys.stderr,
        )
        return 2
    results: dict[str, list[dict]] = {"jax": [], "torch": []}
    for number in range(options.rounds):
        for name in ("jax", "torch") if number % 2 == 0 else ("torch", "jax"):
            results[name].append(measured(name, options))
        jax, torch = (statistics.median(results[name][-1]["ms"]) for name in ("jax", "torch"))
        both = f"jax {jax:.1f} ms, torch {torch:.1f} ms"
        print(f"round {number + 1}: {both}, ratio {jax / torch:.3f}", flush=True)
    table(results)
    return 0


def table(results: dict[str, list[dict]]) -> None:
    """Medians over rounds, their spread, and the ratio."""
    print(f"\n{'':6} {'ms/step':>8} {'spread':>13} {'parameters':>11}")
    medians = {}
    for name, runs in results.items():
        each = [statistics.median(run["ms"]) for run in runs]
        medians[name] = statistics.median(each)
        spread = f"{min(each):.1f}-{max(each):.1f}"
        print(f"{name:6} {medians[name]:8.1f} {spread:>13} {runs[0]['parameters']:11,}")
    print(f"ratio  {medians['jax'] / medians['torch']:8.3f}   (process CPU time, one core)")


def measured(name: str, options: argparse.Namespace) -> dict:
    """What one child process reports."""
    python = options.torch_python if name == "torch" else sys.executable
    command = [python, __file__, "--child", name, "--dispatches", str(options.dispatches)]
    alone = {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def pin() -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {options.core})

    done = subprocess.run(
        command,
        env=os.environ | alone,
        preexec_fn=pin,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def has_torch(python: str) -> bool:
    """Whether that interpreter can import torch."""
    return subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def time_jax(dispatches: int) -> dict:
    """The example's own training step."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from examples.transformer_lm import schedules, train
    from examples.transformer_lm.config import Config

    shape = {"blocks": BLOCKS, "heads": HEADS, "width": WIDTH, "block_size": BLOCK}
    config = Config(**shape, batch_size=BATCH, steps_per_dispatch=DISPATCH)
    text = jnp.asarray(np.random.default_rng(0).integers(VOCABULARY, size=CHARACTERS), jnp.int32)
    graph, params = train.make_model(config, VOCABULARY)
    tx = train.make_optimizer(config, schedules.build(config))
    state = train.make_state(params, tx)
    train_steps = train.make_train_steps(config, graph, tx, text)
    ms = []
    for _ in range(1 + dispatches):
        start = time.process_time()
        state, (_, loss) = train_steps(state, DISPATCH)
        loss.block_until_ready()
        ms.append((time.process_time() - start) / DISPATCH * 1e3)
    return {"ms": ms[1:], "parameters": sum(p.size for p in jax.tree.leaves(params))}


def time_torch(dispatches: int) -> dict:
    """The twin: a training step of the same work."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = twin()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)
    text = torch.randint(VOCABULARY, (CHARACTERS,))
    within = torch.arange(BLOCK + 1)
    total = (1 + dispatches) * DISPATCH

    def step(number: int) -> None:
        rate = 4e-3 * min(1.0, number / (0.05 * total), (total - number) / (0.5 * total))
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(text) - BLOCK, (BATCH, 1))
        sequences = text[starts + within]
        loss = model(sequences[:, :-1], sequences[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    ms = []
    for first in range(0, total, DISPATCH):
        start = time.process_time()
        for number in range(first, first + DISPATCH):
            step(number)
        ms.append((time.process_time() - start) / DISPATCH * 1e3)
    return {"ms": ms[1:], "parameters": sum(p.numel() for p in model.parameters())}


def twin():
    """The example's transformer as a `torch.nn.Module` that returns the mean loss."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1 = nn.LayerNorm(WIDTH, bias=False)
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
            self.out = nn.Linear(WIDTH, WIDTH, bias=False)
            self.norm2 = nn.LayerNorm(WIDTH, bias=False)
            self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
            self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x):
            batch, time_, _ = x.shape
            heads = self.qkv(self.norm1(x)).view(batch, time_, 3, HEADS, WIDTH // HEADS)
            q, k, v = heads.permute(2, 0, 3, 1, 4)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(batch, time_, WIDTH))
            return x + self.down(functional.gelu(self.up(self.norm2(x))))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, WIDTH)
            self.positions = nn.Parameter(torch.zeros(BLOCK, WIDTH))
            self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
            self.norm = nn.LayerNorm(WIDTH, bias=False)
            for parameter in self.parameters():
                if parameter.ndim > 1:
                    nn.init.normal_(parameter, std=0.7 / math.sqrt(parameter.shape[1]))

        def forward(self, tokens, targets):
            x = self.blocks(self.tokens(tokens) + self.positions)
            logits = functional.linear(self.norm(x), self.tokens.weight)
            return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    return Transformer()


CHILDREN = {"jax": time_jax, "torch": time_torch}

if __name__ == "__main__":
    sys.exit(main())
