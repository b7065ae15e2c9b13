"""sum, mean, max (values) and argmax over one dimension, several, or all of them (dim null)."""

import numpy as np
import torch

from cases import GoldenFile

CASES = {  # name: (shape, dim, keepdim)
    'rank 1, one element': ((1,), 0, False),
    'rank 1': ((7,), 0, False),
    'rank 1, kept': ((7,), -1, True),
    'rank 1, 64': ((64,), 0, False),
    'rank 1, 65': ((65,), None, False),
    'rank 1, 1000': ((1000,), None, False),
    'rank 1, 4097': ((4097,), 0, False),
    'rank 2, rows': ((5, 9), 0, False),
    'rank 2, columns': ((5, 9), 1, False),
    'rank 2, columns kept': ((5, 9), -1, True),
    'rank 2, size 1 dimension': ((5, 1), 1, False),
    'rank 2, long columns': ((1030, 2), 0, False),
    'rank 2, long rows': ((2, 1030), 1, True),
    'rank 2, all': ((33, 31), None, False),
    'rank 3, middle': ((4, 17, 5), 1, False),
    'rank 3, middle kept': ((4, 17, 5), 1, True),
    'rank 3, first': ((4, 17, 5), -3, False),
    'rank 4, last': ((2, 3, 4, 5), -1, False),
    'rank 4, second': ((2, 3, 4, 5), 1, False),
    'rank 4, first kept': ((2, 3, 4, 5), 0, True),
    'rank 4, all': ((2, 3, 4, 5), None, False),
}
SEVERAL = {
    'rank 2, both listed': ((5, 9), [0, 1], False),
    'rank 3, outer': ((4, 17, 5), [0, 2], False),
    'rank 3, last two': ((4, 17, 5), [-1, 1], False),
    'rank 4, height and width': ((2, 3, 4, 5), [1, 2], False),
    'rank 4, height and width kept': ((2, 3, 4, 5), [1, 2], True),
    'rank 4, all but channels': ((3, 5, 7, 6), [0, 1, 2], False),
    'rank 4, first and third': ((2, 3, 4, 5), [0, 2], False),
    'rank 4, all listed and kept': ((2, 3, 4, 5), [0, 1, 2, 3], True),
}
TIES = 'Equal values: the first of them counts.'


def all_dims(input, dim):
    return list(range(input.dim())) if dim is None else dim


def total(dim, keepdim):
    return lambda input: torch.sum(input, all_dims(input, dim), keepdim)


def mean(dim, keepdim):
    return lambda input: torch.mean(input, all_dims(input, dim), keepdim)


def largest(dim, keepdim):
    def function(input):
        if isinstance(dim, int):
            return torch.max(input, dim, keepdim).values
        return torch.amax(input, all_dims(input, dim), keepdim)

    return function


def position(dim, keepdim):
    return lambda input: torch.argmax(input, dim, keepdim)


def build(op, function, cases, tied={}):
    file = GoldenFile(op, 'ops/reductions.py')

    def add(name, input, dim, keepdim, note=None):
        attributes = {'dim': dim, 'keepdim': keepdim}
        file.add(name, function(**attributes), {'input': input}, attributes, note=note)

    for name, (shape, dim, keepdim) in cases.items():
        add(name, distinct(file, name, shape) if op == 'max' else shape, dim, keepdim)
    for name, (shape, dim) in tied.items():
        values = np.round(file.draw(name, 'input', shape, 1.49)).astype(np.float32)
        add(name, values, dim, False, TIES)
    if op in ('max', 'argmax'):
        add('all negative', file.draw('all negative', 'input', (3, 65), 1.0, -5.0), 1, False)
        add('very negative', file.draw('very negative', 'input', (3, 5), 1e37, -3e38), 1, False)
    return file


def distinct(file, name, shape):
    """Random values without equal ones, so that the gradient of a maximum has one place to go."""
    values = file.draw(name, 'input', shape)
    if np.unique(values).size != values.size:
        values = np.argsort(np.argsort(values, axis=None, kind='stable')).reshape(shape) / values.size
    return values.astype(np.float32)


def files():
    one_dim = {'ties, last': ((6, 17), 1), 'ties, first': ((17, 6), 0), 'ties, middle': ((2, 70, 3), 1)}
    return [
        build('sum', total, {**CASES, **SEVERAL}),
        build('mean', mean, {**CASES, **SEVERAL}),
        build('max', largest, {**CASES, **SEVERAL}, one_dim),
        build('argmax', position, CASES, {**one_dim, 'ties, all': ((130, 9), None)}),
    ]
