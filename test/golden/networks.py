"""Whole torchvision networks: logits, loss and checksums of all gradients, with weights from a hash of their names.

Each network has the cases `training` (batch statistics, no dropout) and `evaluation`. README.md describes the tensors.
"""

import re

import numpy as np
import torch
import torchvision
from torch.nn import functional

from cases import GoldenFile
from hash_fill import hash_fill, hash_integers

NETWORKS = {'resnet18': 10, 'vgg11_bn': 10, 'resnet50': 1000, 'vgg16': 1000}  # and their number of classes
BATCH = 4
SIZE = 64
HEAD = 10  # how many first gradient values are kept of each parameter


def scale_and_offset(name, shape, names):
    """How hash_fill makes one entry of a state dict; the same as in test/support/hash-weights.ts."""
    block = re.fullmatch(r'(layer\d+\.\d+\.)bn([23])\.weight', name)
    if block and (block[2] == '3' or block[1] + 'bn3.weight' not in names):
        return 0.05, 0.25  # the last batch norm before the addition: keeps the sum of the branches small
    if name.endswith(('.bias', '.running_mean')):
        return 0.1, 0.0
    if name.endswith('.running_var'):
        return 0.3, 1.0
    if len(shape) == 4:
        return float(np.sqrt(6 / np.prod(shape[1:]))), 0.0
    if len(shape) == 2:
        return float(np.sqrt(3 / shape[1])), 0.0
    return 0.1, 1.0  # the weight of a batch norm


def build(name, dtype):
    network = getattr(torchvision.models, name)(num_classes=NETWORKS[name]).to(dtype)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    state = network.state_dict()
    for key, tensor in state.items():
        if not key.endswith('num_batches_tracked'):
            scale, offset = scale_and_offset(key, tensor.shape, state)
            tensor.copy_(torch.from_numpy(hash_fill(key, tuple(tensor.shape), scale, offset)))
    return network


def step(name, mode, dtype):
    """One forward and backward pass; everything as float64 numpy arrays, gradients in torchvision's layout."""
    network = build(name, dtype).train(mode == 'training')
    images = torch.from_numpy(hash_fill('input', (BATCH, SIZE, SIZE, 3))).permute(0, 3, 1, 2).contiguous()
    labels = hash_integers('labels', BATCH) % NETWORKS[name]
    logits = network(images.to(dtype))
    loss = functional.cross_entropy(logits, torch.from_numpy(labels.astype(np.int64)))
    loss.backward()
    running = {key: value for key, value in network.named_buffers() if not key.endswith('num_batches_tracked')}
    return {
        'logits': logits.detach().double().numpy(),
        'loss': loss.detach().double().numpy(),
        'gradients': {key: value.grad.numpy() for key, value in network.named_parameters()},
        'running': {key: value.numpy() for key, value in running.items()},
    }


def checksum(name, array):
    """L2 norm, sum, and dot product with the hash vector `probe:<name>`."""
    flat = array.reshape(-1).astype(np.float64)
    probe = hash_fill('probe:' + name, flat.shape).astype(np.float64)
    return np.array([np.sqrt(np.dot(flat, flat)), flat.sum(), np.dot(flat, probe)])


def checksums(arrays):
    return np.stack([checksum(name, array) for name, array in arrays.items()])


def heads(arrays):
    """The first values of each array, zero where it has fewer."""
    table = np.zeros((len(arrays), HEAD))
    for row, array in zip(table, arrays.values()):
        first = array.reshape(-1)[:HEAD]
        row[: first.size] = first
    return table


def checksum_error(sums, truth):
    """The largest difference of each column, relative to the norm; norms below 1e-4 of the largest count as that."""
    scale = np.maximum(truth[:, :1], 1e-4 * truth[:, :1].max())
    return np.abs((sums - truth) / scale).max(axis=0)


def relative(value, truth):
    return float(np.abs(value - truth).max() / np.abs(truth).max())


def float32_error(single, truth):
    """How far PyTorch's own float32 is from the float64 result: no float32 implementation can be asked to be nearer."""
    sums = checksums(truth['gradients'])
    floor = 1e-4 * sums[:, 0].max()
    whole = [
        np.linalg.norm((single['gradients'][name] - array).ravel()) / max(norm, floor)
        for (name, array), norm in zip(truth['gradients'].items(), sums[:, 0])
    ]
    worst = int(np.argmax(whole))
    norm, total, probe = checksum_error(checksums(single['gradients']), sums)
    errors = {
        'logits': relative(single['logits'], truth['logits']),
        'loss': relative(single['loss'], truth['loss']),
        'gradientNorm': norm,
        'gradientSum': total,
        'gradientProbe': probe,
        'gradient': whole[worst],
        'medianGradient': np.median(whole),
        'worstGradient': list(truth['gradients'])[worst],
    }
    if truth['running']:
        errors['running'] = checksum_error(checksums(single['running']), checksums(truth['running'])).max()
    return {key: value if isinstance(value, str) else float(f'{value:.2e}') for key, value in errors.items()}


def file(name):
    golden = GoldenFile(name, 'networks.py')
    for mode in ('training', 'evaluation'):
        truth = step(name, mode, torch.float64)
        attributes = {
            'mode': mode,
            'numClasses': NETWORKS[name],
            'batch': BATCH,
            'size': SIZE,
            'parameters': {key: list(value.shape) for key, value in truth['gradients'].items()},
            'buffers': {key: list(value.shape) for key, value in truth['running'].items()},
            'float32Error': float32_error(step(name, mode, torch.float32), truth),
        }
        tensors = {
            'logits': truth['logits'],
            'loss': truth['loss'],
            'gradientChecksums': checksums(truth['gradients']),
            'gradientHeads': heads(truth['gradients']),
        }
        if mode == 'training' and truth['running']:
            tensors['runningChecksums'] = checksums(truth['running'])
            tensors['runningHeads'] = heads(truth['running'])
        tensors = {key: np.asarray(value, np.float32) for key, value in tensors.items()}
        golden.record(mode, tensors, attributes, outputs=list(tensors))
    return golden
