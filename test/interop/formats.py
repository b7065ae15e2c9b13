"""The files in which networks come from PyTorch. FORMATS names them, with a function that writes each."""

import argparse
import copy
import json
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.onnx import TrainingMode
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.vgg import VGG

from networks import imagenet_normalized, without_counters
from safetensors_torch import save_file

sys.path.append(str(Path(__file__).parents[1] / 'weights' / 'keras'))
try:
    from keras_file import write_keras
except ModuleNotFoundError:  # without h5py; the tests know
    write_keras = None


@dataclass
class Written:
    """A file, and what is in it: see `write_expected`."""

    file: Path
    network: torch.nn.Module
    preprocess: Callable = imagenet_normalized
    exact: Callable = field(default=lambda name: True)


def loaded(network, state):
    """A network with the weights of another state dict, rounded to float32."""
    result = copy.deepcopy(network)
    result.load_state_dict(state, strict=True)
    return result


def converted(state, dtype):
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


# safetensors

def safetensors(network, folder):
    save_file(network.state_dict(), folder / 'model.safetensors', {'format': 'pt'})
    return Written(folder / 'model.safetensors', network)


def safetensors_of(dtype):
    def write(network, folder):
        state = converted(network.state_dict(), dtype)
        save_file(state, folder / 'model.safetensors', {'format': 'pt'})
        return Written(folder / 'model.safetensors', loaded(network, state))
    return write


def safetensors_float64(network, folder):
    """Numbers that are not those of float32, to be rounded to the nearest."""
    state = converted(network.state_dict(), torch.float64)
    state = {name: tensor * (1 + 4e-8) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save_file(state, folder / 'model.safetensors', {'format': 'pt'})
    return Written(folder / 'model.safetensors', loaded(network, state))


def sharded(name, save, count=3):
    """Several files and an index, as `transformers` writes them: `model-00001-of-00003.safetensors`."""
    def write(network, folder):
        stem, extension = name.split('.')
        state = list(network.state_dict().items())
        weight_map = {}
        for shard in range(count):
            part = dict(state[shard * len(state) // count:(shard + 1) * len(state) // count])
            file = f'{stem}-{shard + 1:05}-of-{count:05}.{extension}'
            save(part, folder / file)
            weight_map.update(dict.fromkeys(part, file))
        total_size = sum(tensor.numel() * tensor.element_size() for _, tensor in state)
        index = folder / f'{name}.index.json'
        index.write_text(json.dumps({'metadata': {'total_size': total_size}, 'weight_map': weight_map}, indent=2))
        return Written(index, network)
    return write


# torch.save

def pth(contents=lambda network: network.state_dict(), **options):
    """What torch.save writes of `contents(network)`."""
    def write(network, folder):
        torch.save(contents(network), folder / 'model.pth', **options)
        return Written(folder / 'model.pth', network)
    return write


def prefixed(prefix):
    return lambda network: {prefix + name: tensor for name, tensor in network.state_dict().items()}


def imagenet_example(network):
    """As https://github.com/pytorch/examples/blob/main/imagenet/main.py saves it."""
    optimizer = trained_optimizer(network)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    return {
        'epoch': 3,
        'arch': 'resnet18',
        'state_dict': torch.nn.DataParallel(network).state_dict(),
        'best_acc1': torch.tensor(69.76),
        'optimizer': optimizer.state_dict(),
        'scheduler': scheduler.state_dict(),
    }


def torchvision_reference(network):
    """As https://github.com/pytorch/vision/blob/main/references/classification/train.py saves it."""
    optimizer = trained_optimizer(network)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    return {
        'model': network.state_dict(),
        'optimizer': optimizer.state_dict(),
        'lr_scheduler': scheduler.state_dict(),
        'epoch': 3,
        'args': argparse.Namespace(model='resnet18', lr=0.1, output_dir=None, label_smoothing=0.0),
    }


def trained_optimizer(network):
    """One step done, so that there is a momentum; at a learning rate that moves nothing."""
    parameters = [torch.nn.Parameter(parameter.detach().clone()) for parameter in network.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.0, momentum=0.9)
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 0.01)
    optimizer.step()
    return optimizer


def parameters(network):
    """`nn.Parameter`s instead of tensors, beside the buffers."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def channels_last(network):
    """Convolution weights that lie in memory in another order than their shape tells."""
    return copy.deepcopy(network).to(memory_format=torch.channels_last).state_dict()


def one_storage(network):
    """All tensors are parts of a single array, as some trainers keep them."""
    state = network.state_dict()
    floats = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    flat = torch.cat([tensor.reshape(-1) for tensor in floats.values()])
    parts = flat.split([tensor.numel() for tensor in floats.values()])
    return {**state, **{name: part.view(floats[name].shape) for name, part in zip(floats, parts)}}


def pth_float16(network, folder):
    state = converted(network.state_dict(), torch.float16)
    torch.save(state, folder / 'model.pth')
    return Written(folder / 'model.pth', loaded(network, state))


# NumPy

def npz(save):
    def write(network, folder):
        save(folder / 'model.npz', **{name: tensor.numpy() for name, tensor in network.state_dict().items()})
        return Written(folder / 'model.npz', network)
    return write


# Keras

KERAS_MEAN = torch.tensor([123.68, 116.779, 103.939]).view(3, 1, 1)


def keras(network, folder):
    """The architecture of keras.applications, which shows its networks images of 0..255 without their mean."""
    result = without_counters(network)
    for module in result.modules():
        if isinstance(module, Bottleneck) and module.conv2.stride != (1, 1):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, (1, 1)
    architecture = 'resnet50' if isinstance(network, ResNet) else 'vgg16'
    write_keras(folder / 'model.h5', result.state_dict(), architecture)
    # another epsilon is a part of the variances
    exact = lambda name: not name.endswith('running_var')
    return Written(folder / 'model.h5', result, lambda images: images * 255 - KERAS_MEAN, exact)


# ONNX

def onnx(prepare=without_counters, **options):
    """What torch.onnx.export writes of `prepare(network)`, for the images of ImageNet."""
    def write(network, folder):
        exported = prepare(network)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # tracing in training mode counts batches, which ONNX leaves out
            torch.onnx.export(exported, torch.randn(1, 3, 224, 224), folder / 'model.onnx', **options)
        return Written(folder / 'model.onnx', without_counters(exported.eval()))
    return write


def onnx_folded(network, folder):
    """The exporter's default: batch norms become part of the convolutions before them, and a VGG one without any."""
    written = onnx()(network, folder)
    if isinstance(network, VGG):
        written.network = without_batch_norms(written.network)
    has_batch_norms = any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    linear = [name for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)]
    written.exact = lambda name: not has_batch_norms or name.rpartition('.')[0] in linear
    return written


def without_batch_norms(network):
    """A VGG of the same depth whose convolutions do the work of the batch norms as well."""
    features = []
    for module in network.features:
        if isinstance(module, torch.nn.BatchNorm2d):
            features.append(fuse_conv_bn_eval(features.pop(), module))
        else:
            features.append(module)
    result = copy.copy(network)
    result._modules = {**network._modules, 'features': torch.nn.Sequential(*features)}
    return result.eval()


def untrained(network):
    """Batch norms as they begin, all alike: the exporter writes equal tensors once."""
    result = copy.deepcopy(network)
    for module in result.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_parameters()
    return result


FORMATS = {
    'safetensors': safetensors,
    'safetensors-float16': safetensors_of(torch.float16),
    'safetensors-bfloat16': safetensors_of(torch.bfloat16),
    'safetensors-float64': safetensors_float64,
    'safetensors-sharded': sharded('model.safetensors', save_file),
    'pth': pth(),
    'pth-legacy': pth(_use_new_zipfile_serialization=False),
    'pth-state_dict': pth(imagenet_example),
    'pth-legacy-state_dict': pth(imagenet_example, _use_new_zipfile_serialization=False),
    'pth-model': pth(torchvision_reference),
    'pth-module': pth(prefixed('module.')),
    'pth-_orig_mod': pth(prefixed('_orig_mod.')),
    'pth-parameters': pth(parameters),
    'pth-legacy-parameters': pth(parameters, _use_new_zipfile_serialization=False),
    'pth-channels-last': pth(channels_last),
    'pth-one-storage': pth(one_storage),
    'pth-float16': pth_float16,
    'pth-sharded': sharded('pytorch_model.bin', torch.save),
    'npz': npz(np.savez),
    'npz-compressed': npz(np.savez_compressed),
    'keras': keras,
    'onnx-folded': onnx_folded,
    'onnx-unfolded': onnx(training=TrainingMode.PRESERVE, do_constant_folding=False),
    'onnx-untrained': onnx(untrained, training=TrainingMode.PRESERVE, do_constant_folding=False),
    'onnx-training': onnx(training=TrainingMode.TRAINING, do_constant_folding=False),
}
