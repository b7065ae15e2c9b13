"""batchNorm2d in its three modes, alone and, as batchNorm2dFused, with what may follow it: a residual, a ReLU.

training     statistics of the batch; running statistics move: `runningMeanAfter`, `runningVarAfter`
evaluation   running statistics; weight and bias still have gradients
frozen       running statistics; weight and bias are constants
"""

from torch.nn import functional

from cases import GoldenFile, nchw, nhwc

SHAPES = {  # name: [N, H, W, C]
    'two values, 1 channel': (2, 1, 1, 1),
    'two values, 3 channels': (1, 1, 2, 3),
    '3 channels': (3, 5, 3, 3),
    '64 channels': (2, 3, 2, 64),
    '257 channels': (1, 2, 2, 257),
    '1 channel, 1089 values': (1, 33, 33, 1),
    '17 channels, 65 values': (5, 13, 1, 17),
    '2 channels, 1040 values': (4, 20, 13, 2),
}
FUSED_SHAPES = {  # 1, 3 and 5 channels are computed one by one, 4 and 64 in fours
    '1 channel': (2, 3, 2, 1),
    '3 channels': (3, 5, 3, 3),
    '4 channels': (2, 3, 3, 4),
    '5 channels': (1, 4, 5, 5),
    '64 channels': (1, 3, 2, 64),
}
TRAINING_ONLY = {'17 channels, 65 values', '2 channels, 1040 values'}
OFFSET_NOTE = (
    'Mean 100, deviation 0.1: in float32 the mean of a channel is uncertain by up to 4e-6 (half a unit in the last '
    'place), that is 4e-5 deviations; E[x^2] - E[x]^2 would lose all digits. Allow 2e-4 of the largest value.'
)


def normalize(mode, momentum, eps, relu=False):
    def function(input, weight, bias, runningMean, runningVar, residual=None):
        mean, var = runningMean.clone(), runningVar.clone()
        output = nhwc(functional.batch_norm(nchw(input), mean, var, weight, bias, mode == 'training', momentum, eps))
        if residual is not None:
            output = output + residual
        if relu:
            output = functional.relu(output)
        return (output, {'runningMeanAfter': mean, 'runningVarAfter': var}) if mode == 'training' else output

    return function


def files():
    return [alone(), fused()]


def fused():
    file = GoldenFile('batchNorm2dFused', 'ops/normalization.py')
    for shape_name, shape in FUSED_SHAPES.items():
        for mode in ('training', 'evaluation', 'frozen'):
            for relu, residual in ((True, False), (False, True), (True, True)):
                parts = [shape_name, mode] + ['residual'] * residual + ['relu'] * relu
                name = ', '.join(parts)
                attributes = {'mode': mode, 'momentum': 0.1, 'eps': 1e-5, 'relu': relu}
                inputs = inputs_of(file, name, shape)
                if residual:
                    inputs['residual'] = shape
                file.add(name, normalize(**attributes), inputs, attributes, constants_in(mode))
    return file


def inputs_of(file, name, shape, scale=1.0, offset=0.0):
    channels = (shape[3],)
    return {
        'input': file.draw(name, 'input', shape, scale, offset),
        'weight': file.draw(name, 'weight', channels, 0.8, 0.2),
        'bias': channels,
        'runningMean': file.draw(name, 'runningMean', channels, 0.5, offset),
        'runningVar': file.draw(name, 'runningVar', channels, 0.9, 1.0),
    }


def constants_in(mode):
    return ['runningMean', 'runningVar'] + (['weight', 'bias'] if mode == 'frozen' else [])


def alone():
    file = GoldenFile('batchNorm2d', 'ops/normalization.py')

    def add(name, shape, mode, momentum=0.1, eps=1e-5, scale=1.0, offset=0.0, note=None):
        attributes = {'mode': mode, 'momentum': momentum, 'eps': eps}
        inputs = inputs_of(file, name, shape, scale, offset)
        file.add(name, normalize(**attributes), inputs, attributes, constants_in(mode), note)

    for name, shape in SHAPES.items():
        for mode in ('training',) if name in TRAINING_ONLY else ('training', 'evaluation', 'frozen'):
            add(f'{name}, {mode}', shape, mode)
    for mode in ('evaluation', 'frozen'):
        add(f'one value, {mode}', (1, 1, 1, 5), mode)
    add('momentum 0.3', (2, 3, 3, 5), 'training', momentum=0.3)
    add('momentum 1', (2, 3, 3, 5), 'training', momentum=1.0)
    add('momentum 0', (2, 3, 3, 5), 'training', momentum=0.0)
    add('eps 0.001', (2, 3, 3, 5), 'training', eps=1e-3)
    add('eps 0.1, evaluation', (2, 3, 3, 5), 'evaluation', eps=0.1)
    add('small values, eps matters', (2, 4, 3, 5), 'training', scale=3e-3)
    deviation = 0.1 * 3**0.5  # of a uniform distribution: half its width / sqrt(3)
    add('mean 100, deviation 0.1', (4, 9, 7, 5), 'training', scale=deviation, offset=100.0, note=OFFSET_NOTE)
    return file
