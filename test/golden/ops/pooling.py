"""maxPool2d, avgPool2d and adaptiveAvgPool2d on [N, H, W, C]."""

import numpy as np
from torch.nn import functional

from cases import GoldenFile, nchw, nhwc

MAX = {  # name: (input, what differs from a 2x2 window with stride 2)
    '2x2': ((2, 6, 8, 5), {}),
    '2x2, odd input': ((2, 7, 5, 3), {}),
    '2x2, odd input, ceil': ((2, 7, 5, 3), {'ceilMode': True}),
    '3x3 stride 2 padding 1': ((2, 9, 8, 17), {'kernelSize': [3, 3], 'padding': [1, 1]}),
    '3x3 stride 2 padding 1, ceil': ((2, 8, 6, 4), {'kernelSize': [3, 3], 'padding': [1, 1], 'ceilMode': True}),
    '3x3 stride 1 padding 1': ((1, 5, 6, 3), {'kernelSize': [3, 3], 'stride': [1, 1], 'padding': [1, 1]}),
    '5x5 stride 1, overlapping': ((1, 9, 8, 3), {'kernelSize': [5, 5], 'stride': [1, 1], 'padding': [2, 2]}),
    '2x3 stride 1x2': ((1, 6, 9, 3), {'kernelSize': [2, 3], 'stride': [1, 2], 'padding': [1, 0]}),
    'gaps: 2x2 stride 3': ((1, 8, 9, 3), {'stride': [3, 3]}),
    'gaps, ceil: last window would start outside': ((1, 7, 4, 2), {'stride': [3, 3], 'ceilMode': True}),
    'ceil and padding: last window would start in the padding': (
        (1, 5, 3, 2), {'kernelSize': [2, 2], 'stride': [2, 2], 'padding': [1, 1], 'ceilMode': True},
    ),
    'dilation 2': ((1, 8, 9, 3), {'kernelSize': [3, 2], 'stride': [1, 2], 'padding': [1, 1], 'dilation': [2, 2]}),
    'dilation 3, ceil': ((1, 10, 11, 2), {'kernelSize': [2, 2], 'dilation': [3, 3], 'ceilMode': True}),
    'whole image': ((3, 4, 3, 5), {'kernelSize': [4, 3], 'stride': [4, 3]}),
    '1x1 window': ((1, 3, 3, 2), {'kernelSize': [1, 1], 'stride': [1, 1]}),
    '1x1 window stride 2': ((1, 5, 4, 2), {'kernelSize': [1, 1]}),
    'single element': ((1, 1, 1, 1), {'kernelSize': [1, 1], 'stride': [1, 1]}),
    '65 channels': ((1, 4, 4, 65), {}),
    'batch 5': ((5, 5, 5, 1), {'kernelSize': [3, 3], 'stride': [2, 2]}),
}
AVERAGE = {
    '2x2': ((2, 6, 8, 5), {}),
    '2x2, odd input': ((2, 7, 5, 3), {}),
    '2x2, odd input, ceil': ((2, 7, 5, 3), {'ceilMode': True}),
    '3x3 padding 1': ((2, 7, 8, 17), {'kernelSize': [3, 3], 'padding': [1, 1]}),
    '3x3 padding 1, padding not counted': (
        (2, 7, 8, 17), {'kernelSize': [3, 3], 'padding': [1, 1], 'countIncludePad': False},
    ),
    '3x3 padding 1, ceil': ((1, 8, 6, 3), {'kernelSize': [3, 3], 'padding': [1, 1], 'ceilMode': True}),
    '3x3 padding 1, ceil, padding not counted': (
        (1, 8, 6, 3), {'kernelSize': [3, 3], 'padding': [1, 1], 'ceilMode': True, 'countIncludePad': False},
    ),
    'overlapping 3x3 stride 1': ((1, 6, 5, 3), {'kernelSize': [3, 3], 'stride': [1, 1]}),
    '2x3 stride 1x2': ((1, 6, 9, 3), {'kernelSize': [2, 3], 'stride': [1, 2], 'padding': [1, 0]}),
    'gaps: 2x2 stride 3': ((1, 8, 9, 3), {'stride': [3, 3]}),
    'gaps, ceil': ((1, 7, 4, 2), {'stride': [3, 3], 'ceilMode': True}),
    'whole image': ((3, 7, 7, 5), {'kernelSize': [7, 7], 'stride': [7, 7]}),
    'single element': ((1, 1, 1, 1), {'kernelSize': [1, 1], 'stride': [1, 1]}),
    '65 channels': ((1, 4, 4, 65), {}),
}
ADAPTIVE = {  # name: (input, output [H, W])
    '3 to 7': ((2, 3, 3, 5), (7, 7)),
    '1 to 7': ((2, 1, 1, 17), (7, 7)),
    '2 to 7': ((1, 2, 2, 3), (7, 7)),
    '7 to 7': ((1, 7, 7, 3), (7, 7)),
    '5 to 3': ((2, 5, 5, 3), (3, 3)),
    '14 to 7': ((1, 14, 14, 3), (7, 7)),
    '7 to 1': ((3, 7, 7, 33), (1, 1)),
    '4x5 to 1': ((2, 4, 5, 64), (1, 1)),
    '10 to 7': ((1, 10, 10, 2), (7, 7)),
    '6x3 to 2x5': ((2, 6, 3, 4), (2, 5)),
    '1 to 1': ((1, 1, 1, 1), (1, 1)),
    '11x2 to 4x1': ((1, 11, 2, 65), (4, 1)),
}


def max_pool(kernelSize, stride, padding, ceilMode, dilation):
    return lambda input: nhwc(functional.max_pool2d(nchw(input), kernelSize, stride, padding, dilation, ceilMode))


def average_pool(kernelSize, stride, padding, ceilMode, countIncludePad):
    return lambda input: nhwc(
        functional.avg_pool2d(nchw(input), kernelSize, stride, padding, ceilMode, countIncludePad)
    )


def adaptive(outputSize):
    return lambda input: nhwc(functional.adaptive_avg_pool2d(nchw(input), outputSize))


def max_pool_file():
    file = GoldenFile('maxPool2d', 'ops/pooling.py')
    base = {'kernelSize': [2, 2], 'stride': [2, 2], 'padding': [0, 0], 'ceilMode': False, 'dilation': [1, 1]}

    def add(name, input, options, note=None):
        attributes = {**base, **options}
        file.add(name, max_pool(**attributes), {'input': input}, attributes, note=note)

    for name, (shape, options) in MAX.items():
        add(name, shape, options)
    name = 'negative input with padding'
    add(name, file.draw(name, 'input', (2, 7, 6, 3), 1.0, -3.0), {'kernelSize': [3, 3], 'padding': [1, 1]})
    name = 'very negative input with padding'
    add(name, file.draw(name, 'input', (1, 4, 4, 2), 1e37, -3e38), {'kernelSize': [3, 3], 'padding': [1, 1]})
    first = 'Equal values: the gradient goes to the first of them in row-major order.'
    add('ties: constant', np.full((1, 6, 5, 2), 0.5, np.float32), {'kernelSize': [3, 3], 'padding': [1, 1]}, first)
    name = 'ties: three values'
    steps = np.round(file.draw(name, 'input', (2, 8, 7, 3), 1.49)).astype(np.float32)
    add(name, steps, {'kernelSize': [3, 3], 'padding': [1, 1]}, first)
    name = 'ties: three values, overlapping'
    steps = np.round(file.draw(name, 'input', (1, 7, 7, 4), 1.49)).astype(np.float32)
    add(name, steps, {'kernelSize': [3, 3], 'stride': [1, 1]}, first)
    name = 'ties: after relu'
    rectified = np.maximum(file.draw(name, 'input', (2, 6, 6, 4)), 0)
    add(name, rectified, {}, first)
    return file


def average_pool_file():
    file = GoldenFile('avgPool2d', 'ops/pooling.py')
    base = {'kernelSize': [2, 2], 'stride': [2, 2], 'padding': [0, 0], 'ceilMode': False, 'countIncludePad': True}
    for name, (shape, options) in AVERAGE.items():
        attributes = {**base, **options}
        file.add(name, average_pool(**attributes), {'input': shape}, attributes)
    return file


def adaptive_file():
    file = GoldenFile('adaptiveAvgPool2d', 'ops/pooling.py')
    for name, (shape, size) in ADAPTIVE.items():
        attributes = {'outputSize': list(size)}
        file.add(name, adaptive(**attributes), {'input': shape}, attributes)
    return file


def files():
    return [max_pool_file(), average_pool_file(), adaptive_file()]
