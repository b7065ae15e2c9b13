"""Numbers from an integer hash of (name, index): the same in Python and in TypeScript (test/support/hash-weights.ts).

    seed = FNV-1a, 32 bits, of the name's UTF-8 bytes
    h    = avalanche(index * 0x9E3779B1 ^ seed)             all in uint32; the avalanche is xxHash32's
    u    = (h >> 8) / 2^23 - 1                              in [-1, 1), exact in float32
    value = float32(offset + scale * u)                     computed in float64, rounded once
"""

import numpy as np


def fnv1a(name):
    h = 0x811C9DC5
    for byte in name.encode('utf-8'):
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def hash_integers(name, count):
    """The first `count` hash values of a name, uint32."""
    h = np.arange(count, dtype=np.uint32)
    h *= np.uint32(0x9E3779B1)
    h ^= np.uint32(fnv1a(name))
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    return h


def hash_fill(name, shape, scale=1.0, offset=0.0):
    """float32 values, uniform in [offset - scale, offset + scale), in row-major order."""
    count = int(np.prod(shape, dtype=np.int64))
    uniform = (hash_integers(name, count) >> np.uint32(8)).astype(np.float64) / 8388608 - 1
    return np.asarray(offset + scale * uniform, np.float32).reshape(shape)
