"""Writes weights as keras.applications has them: the inverse of what src/weights/keras makes of such files.

The layout is that of Keras 2's `save_weights('x.h5')`: a group for each layer, in it the weights under `<layer>/<weight>:0`,
and attributes that name both. The layers' names are those of keras.applications since 2019.
"""

import re

import h5py
import numpy as np

# keras.applications' batch norms add this to variances, torchvision's 1e-5
EPSILON = 1.001e-5


def write_keras(path, state_dict, architecture):
    """state_dict: torchvision's, name -> tensor; architecture: 'resnet50', 'resnet101', 'vgg16' or 'vgg19'."""
    state = {name: tensor.detach().numpy() for name, tensor in state_dict.items() if tensor.is_floating_point()}
    layers = resnet_layers(state) if architecture.startswith('resnet') else vgg_layers(state)
    with h5py.File(path, 'w') as file:
        file.attrs['layer_names'] = [name.encode() for name in layers]
        file.attrs['backend'] = b'tensorflow'
        file.attrs['keras_version'] = b'2.13.1'
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs['weight_names'] = [f'{layer}/{weight}:0'.encode() for weight in weights]
            for weight, array in weights.items():
                group.create_dataset(f'{layer}/{weight}:0', data=np.ascontiguousarray(array, np.float32))


def resnet_layers(state):
    """Bottlenecks: layer1.0.conv2 is conv2_block1_2_conv; convolutions get a bias, of zero."""
    modules = dict.fromkeys(name.rpartition('.')[0] for name in state)
    layers = {}
    for module in modules:
        weights = {name.rpartition('.')[2]: array for name, array in state.items() if name.rpartition('.')[0] == module}
        layer = resnet_layer(module)
        if module == 'fc':
            layers[layer] = dense(weights)
        elif 'running_mean' in weights:
            layers[layer] = batch_norm(weights)
        else:
            kernel = convolution(weights['weight'], is_first=module == 'conv1')
            layers[layer] = {'kernel': kernel, 'bias': np.zeros(kernel.shape[-1])}
    return layers


def resnet_layer(module):
    if module in ('conv1', 'bn1'):
        return {'conv1': 'conv1_conv', 'bn1': 'conv1_bn'}[module]
    if module == 'fc':
        return 'predictions'
    stage, block, part = re.fullmatch(r'layer(\d)\.(\d+)\.(.+)', module).groups()
    parts = {'downsample.0': '0_conv', 'downsample.1': '0_bn'}
    parts.update({f'{kind}{i}': f'{i}_{kind}' for kind in ('conv', 'bn') for i in (1, 2, 3)})
    return f'conv{int(stage) + 1}_block{int(block) + 1}_{parts[part]}'


def vgg_layers(state):
    indices = sorted({int(name.split('.')[1]) for name in state if name.startswith('features.')})
    layers = {}
    block, convolution_of_block, previous = 1, 0, -2
    for index in indices:
        if index != previous + 2:  # a pooling layer takes an index too
            block, convolution_of_block = block + (previous >= 0), 0
        convolution_of_block += 1
        previous = index
        layers[f'block{block}_conv{convolution_of_block}'] = {
            'kernel': convolution(state[f'features.{index}.weight'], is_first=index == 0),
            'bias': state[f'features.{index}.bias'],
        }
    for layer, module in (('fc1', 'classifier.0'), ('fc2', 'classifier.3'), ('predictions', 'classifier.6')):
        weights = {key: state[f'{module}.{key}'] for key in ('weight', 'bias')}
        if layer == 'fc1':  # flattened as height, width, channels
            outputs = weights['weight'].shape[0]
            weights['weight'] = weights['weight'].reshape(outputs, 512, 7, 7).transpose(0, 2, 3, 1).reshape(outputs, -1)
        layers[layer] = dense(weights)
    return layers


def convolution(weight, is_first):
    """[out, in, height, width] -> [height, width, in, out]; the first one sees BGR images."""
    kernel = weight.transpose(2, 3, 1, 0)
    return kernel[:, :, ::-1] if is_first else kernel


def dense(weights):
    return {'kernel': weights['weight'].T, 'bias': weights['bias']}


def batch_norm(weights):
    return {
        'gamma': weights['weight'],
        'beta': weights['bias'],
        'moving_mean': weights['running_mean'],
        'moving_variance': weights['running_var'].astype(np.float64) - (EPSILON - 1e-5),
    }
