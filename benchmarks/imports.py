"""What `import anneal_jax` and the first use of a name add to importing what it needs."""

import statistics
import subprocess
import sys

_SCRIPT = """
import time
import optax, equinox
begin = time.perf_counter()
import anneal_jax
_ = anneal_jax.Schedule
print(time.perf_counter() - begin)
"""


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    runs = [
        float(
            subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, check=True).stdout
        )
        for _ in range(7)
    ]
    figure = f"{statistics.median(runs):.3f} s"
    return [("import anneal_jax and a first use, beyond optax and equinox", figure, "0.10 s")]
