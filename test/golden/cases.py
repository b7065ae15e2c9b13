"""A golden file: cases of one op, each with attributes, inputs, output, an upstream gradient and the input gradients.

Inputs are float32 numbers. PyTorch computes with them in float64, and the results are rounded once to float32: they are
the truth as far as float32 can hold it, not what float32 arithmetic gives.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from hash_fill import hash_fill
from safetensors_file import write_safetensors

HERE = Path(__file__).resolve().parent
SHARED_SOURCES = ['cases.py', 'hash_fill.py', 'safetensors_file.py']


class GoldenFile:
    """Collects the cases of one file. `source` is the Python file that defines them, relative to this folder."""

    def __init__(self, name, source):
        self.name = name
        self.source = source
        self.cases = []
        self.tensors = {}

    def draw(self, case, tensor, shape, scale=1.0, offset=0.0):
        """Random float32 values that depend on nothing but the file's, the case's and the tensor's name."""
        return hash_fill(f'{self.name}/{case}/{tensor}', shape, scale, offset)

    def add(self, case, function, inputs, attributes=None, constants=(), note=None):
        """Computes and keeps one case.

        function    takes the inputs by name (float64 or int64) and returns the output, or (output, extra outputs)
        inputs      name -> numpy array, or a shape to be filled with random values in [-1, 1)
        constants   names of the inputs that get no gradient; integers never do
        """
        arrays = {
            name: value if isinstance(value, np.ndarray) else self.draw(case, name, value)
            for name, value in inputs.items()
        }
        given = {name: to_torch(array) for name, array in arrays.items()}
        trained = [name for name, tensor in given.items() if tensor.is_floating_point() and name not in constants]
        for name in trained:
            given[name].requires_grad_()
        result = function(**given)
        output, extra = result if isinstance(result, tuple) else (result, {})
        stored = {**arrays, 'output': to_numpy(output)}
        if output.requires_grad:
            stored['gradOutput'] = self.draw(case, 'gradOutput', tuple(output.shape))
            gradients = torch.autograd.grad(output, [given[name] for name in trained], to_torch(stored['gradOutput']))
            stored.update({f'gradients.{name}': to_numpy(value) for name, value in zip(trained, gradients)})
        else:
            trained = []
        stored.update({name: to_numpy(value) for name, value in extra.items()})
        outputs = ['output', *extra]
        self.record(case, stored, attributes or {}, list(arrays), outputs, trained, note)

    def record(self, case, tensors, attributes, inputs=(), outputs=(), gradients=(), note=None):
        """Keeps one case that was computed elsewhere."""
        if any(known['name'] == case for known in self.cases):
            raise ValueError(f'{self.name}: two cases are called {case}')
        for name, array in tensors.items():
            if array.dtype == np.float32 and not np.isfinite(array).all():
                raise ValueError(f'{self.name}: {case}/{name} is not finite')
            self.tensors[f'{case}/{name}'] = array
        description = {'name': case, 'attributes': attributes}
        description.update(inputs=list(inputs), outputs=list(outputs), gradients=list(gradients))
        self.cases.append({**description, **({'note': note} if note else {})})

    def write(self, folder):
        sources = SHARED_SOURCES + [self.source]
        metadata = {
            'generator': digest(sources),
            'sources': json.dumps(sources),
            'torch': torch.__version__,
            'cases': json.dumps(self.cases, separators=(',', ':')),
        }
        path = folder / f'{self.name}.safetensors'
        write_safetensors(path, self.tensors, metadata)
        return path


def digest(sources):
    """sha256 over each source's name and content, each ended by a zero byte; golden.test.ts computes the same."""
    sha = hashlib.sha256()
    for name in sources:
        sha.update(name.encode() + b'\0' + (HERE / name).read_bytes() + b'\0')
    return sha.hexdigest()


def to_torch(array):
    tensor = torch.from_numpy(np.array(array))
    return tensor.double() if tensor.is_floating_point() else tensor.long()


def to_numpy(tensor):
    array = tensor.detach().numpy()
    return array.astype(np.float32 if tensor.is_floating_point() else np.int32)


def nchw(tensor):
    """From Daybreak's activations to PyTorch's."""
    return tensor.permute(0, 3, 1, 2).contiguous()


def nhwc(tensor):
    """From PyTorch's activations to Daybreak's."""
    return tensor.permute(0, 2, 3, 1).contiguous()
