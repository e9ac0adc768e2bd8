"""Where in a text each sequence of training begins: a function of the seed and its position.

Position p is sequence `p % batch_size` of step `p // batch_size`. Nothing is stored, so a resumed
run needs only its step, and every process can work out the part that it holds.
"""

import numpy as np

ROUNDS = 8  # of the Feistel cipher below; with 4, orders of a few blocks are not equally likely


def shuffled(seed: int, positions: np.ndarray, length: int, block: int) -> np.ndarray:
    """int64, like `positions`: each epoch visits blocks that do not overlap once, in random order.

    Every epoch lays its blocks from another random offset, so over epochs each place is a
    start as often as any other (nearly, at the ends), and every token is learnt from.
    """
    blocks = max(1, length // block - 1)
    epoch, place = np.divmod(positions, blocks)
    key = key_of(seed)
    offset = mix(key, epoch) % (length - blocks * block)
    return (offset + block * permute(mix(~key, epoch), place, blocks)).astype(np.int64)


def permute(key: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """uint64, like `places` and `key`: for each key, a random order of 0, …, size − 1.

    A cipher permutes all numbers of so many bits; one that falls outside is enciphered again.
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)

    def encipher(key, number):
        left, right = number >> half, number & (2**half - 1)
        for i in range(ROUNDS):
            left, right = right, left ^ (mix(key + i, right) & (2**half - 1))
        return (left << half) | right

    found = encipher(key, places.astype(np.uint64))
    while (outside := found >= size).any():
        found[outside] = encipher(key[outside], found[outside])
    return found


def key_of(seed: int) -> np.ndarray:
    """uint64[1]: keys of neighbouring seeds have nothing in common."""
    return mix(np.zeros(1, np.uint64), np.array([seed % 2**64], np.uint64))


def mix(key: np.ndarray, number: np.ndarray) -> np.ndarray:
    """uint64: random bits that depend on both alone (SplitMix64; arrays wrap around silently)."""
    z = key + (number.astype(np.uint64) + 1) * 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)
