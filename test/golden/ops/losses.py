"""logSoftmax over the last dimension, and crossEntropy of logits [N, C] against labels [N]."""

import numpy as np
from torch.nn import functional

from cases import GoldenFile
from hash_fill import hash_integers

SOFTMAX_SHAPES = [
    (1, 1), (4, 1), (1, 2), (3, 10), (129, 10), (2, 64), (2, 65), (2, 1000), (1, 1025), (2, 3, 4, 5), (1, 2, 2, 33),
]
ENTROPY = {  # name: (N, C, what differs from mean, no smoothing, ignored index -100)
    'N 1, C 1': (1, 1, {}),
    'N 5, C 1, smoothed': (5, 1, {'labelSmoothing': 0.1}),
    'N 1, C 2': (1, 2, {}),
    'N 7, C 2, sum': (7, 2, {'reduction': 'sum'}),
    'N 128, C 10': (128, 10, {}),
    'N 128, C 10, none': (128, 10, {'reduction': 'none'}),
    'N 257, C 10': (257, 10, {}),
    'N 257, C 10, smoothed': (257, 10, {'labelSmoothing': 0.1}),
    'N 1, C 10, smoothed by 1': (1, 10, {'labelSmoothing': 1.0}),
    'N 2, C 1000': (2, 1000, {}),
    'N 2, C 1000, smoothed': (2, 1000, {'labelSmoothing': 0.1}),
    'N 2, C 1025, sum, smoothed': (2, 1025, {'reduction': 'sum', 'labelSmoothing': 0.2}),
    'N 9, C 5, none, smoothed': (9, 5, {'reduction': 'none', 'labelSmoothing': 0.3}),
}
IGNORED = {  # name: (N, C, options, ignored label, every how many rows)
    'ignored -100, mean': (17, 10, {}, -100, 3),
    'ignored -100, sum': (17, 10, {'reduction': 'sum'}, -100, 3),
    'ignored -100, none': (17, 10, {'reduction': 'none'}, -100, 3),
    'ignored class 2, mean': (33, 5, {}, 2, 4),
    'ignored 255, mean, smoothed': (65, 21, {'labelSmoothing': 0.1}, 255, 2),
    'ignored 255, none, smoothed': (9, 21, {'labelSmoothing': 0.1, 'reduction': 'none'}, 255, 2),
    'ignored 255, sum, smoothed': (9, 21, {'labelSmoothing': 0.1, 'reduction': 'sum'}, 255, 2),
    'all ignored, sum': (4, 3, {'reduction': 'sum'}, -100, 1),
    'all ignored, none': (4, 3, {'reduction': 'none'}, -100, 1),
}


def log_softmax_file():
    file = GoldenFile('logSoftmax', 'ops/losses.py')

    def add(name, input):
        file.add(name, lambda input: functional.log_softmax(input, -1), {'input': input}, {'dim': -1})

    for shape in SOFTMAX_SHAPES:
        name = ' x '.join(map(str, shape))
        add(name, file.draw(name, 'input', shape, 3.0))
    for size in (1e2, 1e4):
        name = f'logits up to {size:.0f}'
        add(name, file.draw(name, 'input', (4, 17), size))
    shifted = 'all near 10000'
    add(shifted, file.draw(shifted, 'input', (3, 9), 1.0, 1e4))
    add('equal logits', np.full((2, 7), -1e4, np.float32))
    return file


def cross_entropy(labelSmoothing, ignoreIndex, reduction):
    return lambda input, target: functional.cross_entropy(
        input, target, ignore_index=ignoreIndex, reduction=reduction, label_smoothing=labelSmoothing
    )


def cross_entropy_file():
    file = GoldenFile('crossEntropy', 'ops/losses.py')

    def add(name, rows, classes, options, ignored_every=0, scale=3.0):
        attributes = {'labelSmoothing': 0.0, 'ignoreIndex': -100, 'reduction': 'mean', **options}
        target = (hash_integers(f'crossEntropy/{name}/target', rows) % classes).astype(np.int32)
        if ignored_every:
            target[::ignored_every] = attributes['ignoreIndex']
        inputs = {'input': file.draw(name, 'input', (rows, classes), scale), 'target': target}
        file.add(name, cross_entropy(**attributes), inputs, attributes)

    for name, (rows, classes, options) in ENTROPY.items():
        add(name, rows, classes, options)
    for name, (rows, classes, options, label, every) in IGNORED.items():
        add(name, rows, classes, {**options, 'ignoreIndex': label}, every)
    add('logits up to 10000', 6, 17, {}, scale=1e4)
    add('logits up to 10000, none, smoothed', 6, 17, {'reduction': 'none', 'labelSmoothing': 0.1}, scale=1e4)
    return file


def files():
    return [log_softmax_file(), cross_entropy_file()]
