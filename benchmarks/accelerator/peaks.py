"""The most floating-point operations per second of devices, as their vendors give them.

Dense, with bfloat16 operands (fp16 for the T4, which has no bfloat16): half of what NVIDIA's
datasheets say "with sparsity". From the datasheets of the H100 (SXM: 1,979 with sparsity, PCIe
1,513), the H200 (SXM: 1,979), the A100 (312 dense), the L4 (242 with sparsity), the L40S (733 with
sparsity) and the T4 (65); TPUs from cloud.google.com/tpu/docs/system-architecture-tpu-vm.
"""

# By how JAX names the kind; the first that is part of the name counts.
PEAKS = {
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
    "L40S": 366e12,
    "L4": 121e12,
    "T4": 65e12,
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5": 459e12,
    "TPU v6 lite": 918e12,
}


def peak(kind: str) -> float | None:
    """Operations per second, if it is known."""
    return next((flops for name, flops in PEAKS.items() if name in kind), None)


def share(flops: float, kind: str) -> tuple[float | None, str]:
    """Of the peak, and how to say it; why not, where the peak is not known."""
    most = peak(kind)
    if most is None:
        return None, f"{flops / 1e12:.3g} TFLOP/s (no peak known of {kind!r})"
    return flops / most, f"{flops / most:.1%} of {most / 1e12:.0f} TFLOP/s"
