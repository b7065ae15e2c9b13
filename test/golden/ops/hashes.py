"""hashFill: what hash_fill.py gives, for the check of its TypeScript twin."""

import numpy as np

from cases import GoldenFile
from hash_fill import fnv1a, hash_fill, hash_integers

COUNT = 70


def files():
    file = GoldenFile('hashFill', 'ops/hashes.py')
    for name, scale, offset in [
        ('', 1.0, 0.0),
        ('input', 1.0, 0.0),
        ('layer1.0.conv1.weight', (6 / 64) ** 0.5, 0.0),
        ('probe:layer1.0.bn1.weight', 0.1, 1.0),
        ('größe', 1e4, -3.0),
    ]:
        tensors = {
            'seed': np.array(fnv1a(name), np.uint32).view(np.int32),
            'integers': hash_integers(name, COUNT).view(np.int32),
            'values': hash_fill(name, (COUNT,), scale, offset),
        }
        attributes = {'name': name, 'scale': scale, 'offset': offset}
        file.record(name or 'empty name', tensors, attributes, outputs=list(tensors))
    return [file]
