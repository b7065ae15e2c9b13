"""relu, and add, sub, mul, div with broadcasting. Tensors of any rank, as they are."""

import numpy as np
import torch

from cases import GoldenFile

UNARY_SHAPES = [(1,), (3,), (64,), (65,), (2049,), (5, 7), (2, 3, 4, 5), ()]
PAIRS = [  # shapes of a and b
    ((1,), (1,)),
    ((65,), (65,)),
    ((1030,), (1030,)),
    ((5, 7), (5, 7)),
    ((2, 3, 4, 5), (2, 3, 4, 5)),
    ((2, 3, 4, 5), (5,)),
    ((2, 3, 4, 5), (1,)),
    ((2, 3, 4, 5), (2, 1, 4, 1)),
    ((2, 3, 4, 5), (3, 1, 5)),
    ((2, 3, 4, 5), (1, 1, 1, 5)),
    ((2, 3, 4, 5), ()),
    ((3, 1), (1, 4)),
    ((1, 1, 7), (5, 1)),
    ((2, 1, 4, 1), (1, 3, 1, 5)),
    ((5,), (2, 3, 4, 5)),
    ((), (3, 5)),
    ((), ()),
    ((17, 33), (33,)),
    ((17, 33), (17, 1)),
    ((1, 260), (3, 1)),
]
BINARY = {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'div': torch.div}


def label(shape):
    return '[' + ', '.join(map(str, shape)) + ']'


def relu_file():
    file = GoldenFile('relu', 'ops/elementwise.py')
    for shape in UNARY_SHAPES:
        file.add(label(shape), torch.relu, {'input': shape})
    tiny = np.float32(1e-30)
    zeros = np.array([0.0, -0.0, tiny, -tiny, 0.0], np.float32)
    file.add('zeros', torch.relu, {'input': zeros}, note='The gradient at 0 and at -0 is 0.')
    file.add('extremes', torch.relu, {'input': np.array([3e38, -3e38, 1, -1, -2e38], np.float32)})
    file.add('all negative', torch.relu, {'input': file.draw('all negative', 'input', (3, 17), 1.0, -2.0)})
    return file


def binary_file(op, function):
    file = GoldenFile(op, 'ops/elementwise.py')
    for a, b in PAIRS:
        name = f'{label(a)} {op} {label(b)}'
        second = file.draw(name, 'b', b)
        if op == 'div':  # a divisor of either sign, at least 0.5 from zero
            second = np.asarray(second + np.where(second < 0, -0.5, 0.5), np.float32)
        file.add(name, lambda a, b: function(a, b), {'a': a, 'b': second})
    return file


def files():
    return [relu_file(), *(binary_file(op, function) for op, function in BINARY.items())]
