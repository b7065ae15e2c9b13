"""adam, adamW, sgd: a parameter and what it is after each of six given gradients. clipGradNorm."""

import numpy as np
import torch

from cases import GoldenFile, to_numpy, to_torch

STEPS = 6
ADAM = {  # name: (shape, what differs from PyTorch's defaults)
    'defaults': ((67,), {}),
    'one element': ((1,), {}),
    'large step': ((5, 13), {'lr': 0.1}),
    'other betas': ((33,), {'lr': 0.01, 'betas': [0.5, 0.9]}),
    'large eps': ((33,), {'lr': 0.01, 'eps': 0.1}),
    'weight decay': ((3, 3, 5, 7), {'lr': 0.01, 'weightDecay': 0.1}),
    'no momentum': ((17,), {'lr': 0.01, 'betas': [0.0, 0.99]}),
    'small gradients': ((64,), {'lr': 0.01}),
    'zero gradients': ((9,), {'lr': 0.01, 'weightDecay': 0.01}),
}
SGD = {
    'plain': ((67,), {}),
    'one element': ((1,), {}),
    'momentum': ((65,), {'momentum': 0.9}),
    'momentum, dampening': ((33,), {'momentum': 0.9, 'dampening': 0.5}),
    'nesterov': ((64,), {'momentum': 0.9, 'nesterov': True}),
    'weight decay': ((3, 3, 5, 7), {'weightDecay': 0.1}),
    'nesterov, weight decay': ((5, 13), {'lr': 0.01, 'momentum': 0.8, 'nesterov': True, 'weightDecay': 5e-2}),
    'momentum, dampening, weight decay': ((17,), {'momentum': 0.7, 'dampening': 0.1, 'weightDecay': 0.01}),
    'zero gradients': ((9,), {'momentum': 0.9, 'weightDecay': 0.01}),
}
CLIP = {  # name: (shapes, maxNorm, scale of the gradients)
    'clipped': ([(3, 3, 2, 5), (17,), (1,)], 1.0, 1.0),
    'below the limit': ([(4, 5), (3,)], 100.0, 1.0),
    'one tensor': ([(65,)], 0.5, 1.0),
    'many sizes': ([(1,), (64,), (65,), (5, 7), (1030,), ()], 2.5, 3.0),
    'tiny gradients, eps matters': ([(5,), (7,)], 1e-6, 1e-6),
    'zero gradients': ([(5,), (2, 3)], 1.0, 0.0),
}
PYTHON_NAMES = {'weightDecay': 'weight_decay'}


def optimizer_file(name, optimizer, defaults, cases):
    file = GoldenFile(name, 'ops/optimizers.py')
    for case, (shape, options) in cases.items():
        attributes = {**defaults, **options}
        scale = {'small gradients': 1e-6, 'zero gradients': 0.0}.get(case, 1.0)
        tensors = {'parameter': file.draw(case, 'parameter', shape)}
        for step in range(1, STEPS + 1):
            tensors[f'gradient{step}'] = file.draw(case, f'gradient{step}', shape, scale)
        parameter = to_torch(tensors['parameter']).requires_grad_()
        stepper = optimizer([parameter], **{PYTHON_NAMES.get(key, key): value for key, value in attributes.items()})
        inputs = list(tensors)
        for step in range(1, STEPS + 1):
            parameter.grad = to_torch(tensors[f'gradient{step}'])
            stepper.step()
            tensors[f'step{step}'] = to_numpy(parameter)
        outputs = [f'step{step}' for step in range(1, STEPS + 1)]
        file.record(case, tensors, attributes, inputs, outputs)
    return file


def clip_file():
    file = GoldenFile('clipGradNorm', 'ops/optimizers.py')
    for case, (shapes, limit, scale) in CLIP.items():
        tensors = {str(index): file.draw(case, str(index), shape, scale) for index, shape in enumerate(shapes)}
        parameters = []
        for array in tensors.values():
            parameters.append(torch.zeros(array.shape, dtype=torch.float64, requires_grad=True))
            parameters[-1].grad = to_torch(array)
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        inputs = list(tensors)
        tensors['totalNorm'] = to_numpy(norm)
        for index, parameter in enumerate(parameters):
            tensors[f'clipped.{index}'] = to_numpy(parameter.grad)
        outputs = [*tensors][len(inputs):]
        file.record(case, tensors, {'maxNorm': limit, 'normType': 2}, inputs, outputs)
    return file


def files():
    adam = {'lr': 1e-3, 'betas': [0.9, 0.999], 'eps': 1e-8, 'weightDecay': 0.0, 'amsgrad': False}
    sgd = {'lr': 0.1, 'momentum': 0.0, 'dampening': 0.0, 'nesterov': False, 'weightDecay': 0.0}
    return [
        optimizer_file('adam', torch.optim.Adam, adam, ADAM),
        optimizer_file('adamW', torch.optim.AdamW, {**adam, 'weightDecay': 0.01}, ADAM),
        optimizer_file('sgd', torch.optim.SGD, sgd, SGD),
        clip_file(),
    ]
