"""flatten, reshape, transpose, concat, pad and gather.

flatten takes [N, H, W, C] and gives [N, C * H * W] in PyTorch's order. The others know nothing of layouts.
"""

import numpy as np
import torch
from torch.nn import functional

from cases import GoldenFile, nchw
from hash_fill import hash_integers

FLATTEN = [(1, 1, 1, 1), (2, 3, 5, 7), (3, 1, 1, 17), (1, 7, 7, 5), (2, 4, 4, 1), (4, 2, 3, 65)]
RESHAPE = [
    ((1,), []), ([], [1, 1]), ((12,), [3, 4]), ((3, 4), [12]), ((2, 3, 4, 5), [6, 20]), ((2, 3, 4, 5), [2, 3, 4, 5]),
    ((2, 3, 35), [7, 1, 5, 6]), ((6, 5), [3, -1]), ((1037,), [17, 61]),
]
TRANSPOSE = [
    ((1, 1), 0, 1), ((3, 5), 0, 1), ((33, 65), 0, 1), ((33, 31), -1, -2), ((1, 70), 0, 1), ((3, 5), 1, 1),
    ((2, 5, 7), 0, 2), ((2, 5, 7), 1, 2), ((2, 5, 7), 0, 1), ((2, 3, 4, 5), 1, 3), ((2, 3, 4, 5), 0, 3),
    ((2, 3, 4, 5), -2, 0), ((2, 3, 4, 5), 2, 3),
]
CONCAT = {  # name: (shapes, dim)
    'two vectors': ([(3,), (5,)], 0),
    'one tensor': ([(3, 4)], 0),
    'rows': ([(2, 5), (1, 5), (4, 5)], 0),
    'columns': ([(3, 1), (3, 6), (3, 2)], 1),
    'columns, dim -1': ([(17, 7), (17, 64)], -1),
    'middle': ([(2, 3, 4), (2, 1, 4)], 1),
    'channels of images': ([(2, 3, 4, 5), (2, 3, 4, 1), (2, 3, 4, 17)], 3),
    'height of images': ([(2, 3, 4, 5), (2, 2, 4, 5)], -3),
    'five tensors': ([(1, n) for n in (1, 2, 3, 4, 5)], 1),
}
PAD = {  # name: (shape, [[before, after], ...], value)
    'vector': ((5,), [[2, 3]], 0.0),
    'vector, value': ((5,), [[0, 4]], -1.5),
    'nothing': ((3, 4), [[0, 0], [0, 0]], 7.0),
    'matrix': ((3, 4), [[1, 2], [3, 0]], 0.5),
    'images, height and width': ((2, 5, 4, 3), [[0, 0], [1, 1], [2, 2], [0, 0]], 0.0),
    'images, all': ((2, 3, 4, 5), [[1, 0], [0, 2], [3, 1], [1, 1]], -2.0),
    'rank 3': ((2, 1, 3), [[0, 1], [64, 0], [0, 0]], 1.0),
}
GATHER = {  # name: (input, number of indices)
    'one row': ((1, 1), 1),
    'every row again and again': ((3, 5), 17),
    'few of many': ((100, 3), 4),
    'vector': ((7,), 9),
    'images': ((5, 4, 3, 2), 3),
    'long rows': ((4, 257), 6),
    'same index': ((6, 10), 65),
}


def files():
    flatten = GoldenFile('flatten', 'ops/shapes.py')
    for shape in FLATTEN:
        flatten.add(label(shape), lambda input: nchw(input).flatten(1), {'input': shape})

    reshape = GoldenFile('reshape', 'ops/shapes.py')
    for shape, target in RESHAPE:
        name = f'{label(shape)} to {label(target)}'
        reshape.add(name, lambda input: input.reshape(target), {'input': tuple(shape)}, {'shape': target})

    transpose = GoldenFile('transpose', 'ops/shapes.py')
    for shape, dim0, dim1 in TRANSPOSE:
        name = f'{label(shape)}, {dim0} and {dim1}'
        transpose.add(
            name, lambda input: input.transpose(dim0, dim1), {'input': shape}, {'dim0': dim0, 'dim1': dim1}
        )

    concat = GoldenFile('concat', 'ops/shapes.py')
    for name, (shapes, dim) in CONCAT.items():
        inputs = {str(index): shape for index, shape in enumerate(shapes)}
        concat.add(name, lambda **inputs: torch.cat(list(inputs.values()), dim), inputs, {'dim': dim})

    pad = GoldenFile('pad', 'ops/shapes.py')
    for name, (shape, padding, value) in PAD.items():
        flat = [size for pair in reversed(padding) for size in pair]
        attributes = {'padding': padding, 'value': value}
        pad.add(name, lambda input: functional.pad(input, flat, 'constant', value), {'input': shape}, attributes)

    gather = GoldenFile('gather', 'ops/shapes.py')
    for name, (shape, count) in GATHER.items():
        index = (hash_integers(f'gather/{name}/index', count) % shape[0]).astype(np.int32)
        if name == 'same index':
            index[:] = 4
        gather.add(name, lambda input, index: torch.index_select(input, 0, index), {'input': shape, 'index': index})
    return [flatten, reshape, transpose, concat, pad, gather]


def label(shape):
    return '[' + ', '.join(map(str, shape)) + ']'
