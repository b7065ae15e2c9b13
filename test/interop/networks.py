"""Networks of torchvision with seeded random weights, and what the tests are told about them."""

import copy
import hashlib
import json

import torch
import torchvision

from safetensors_torch import save_file, tensor_bytes


def build(architecture):
    """A network in which nothing is trivial: biases are not 0, batch norms have weights and statistics of their own."""
    torch.manual_seed(0)
    network = getattr(torchvision.models, architecture)()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        if getattr(module, 'bias', None) is not None:
            torch.nn.init.normal_(module.bias, std=0.1)
    with torch.no_grad():
        for _ in range(3):  # running statistics are measured, as in training
            network.train()(torch.randn(8, 3, 64, 64))
    return network.eval()


def without_counters(network):
    """The same network as formats describe it that have no `num_batches_tracked`."""
    result = copy.deepcopy(network)
    for name, buffer in result.named_buffers():
        if name.endswith('num_batches_tracked'):
            buffer.zero_()
    return result


def digest(tensor):
    """sha256 of the elements in row-major order, little-endian."""
    return hashlib.sha256(tensor_bytes(tensor)).hexdigest()


def imagenet_normalized(images):
    return torchvision.transforms.functional.normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def write_expected(path, network, images, preprocess=imagenet_normalized, exact=lambda name: True):
    """Writes what Daybreak has to come to.

    network     as PyTorch has it after loading the same weights
    images      the input, RGB in 0..1, [N, C, H, W]
    preprocess  makes of it what the network wants to see
    exact       whether the bits of a tensor have to arrive, or it may be stored as something equivalent

    The file has the tensors `input` [N, H, W, C] and `logits` [N, classes]. Its metadata has `digests`, which is JSON:
    the name of each tensor of the state dict -> sha256, or null where it is not exact.
    """
    with torch.no_grad():
        logits = network(preprocess(images))
    if not (logits[0] - logits[1]).abs().max() > 0.01 * logits.abs().max():
        raise ValueError('the logits of different images are nearly the same: they would prove nothing')
    digests = {name: digest(tensor) if exact(name) else None for name, tensor in network.state_dict().items()}
    tensors = {'input': images.permute(0, 2, 3, 1), 'logits': logits}
    save_file(tensors, path, {'digests': json.dumps(digests)})
