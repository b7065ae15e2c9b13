"""Writes the files of fixtures/ with torch.save, and expected.json with what is in them.

    python3 test/weights/pytorch/generate.py

Made with PyTorch 1.13.1, as Debian 12 packages it.
"""

import argparse
import collections
import hashlib
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import torch

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / 'fixtures'
TYPES = ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool']


def types():
    values = torch.tensor([[0.0, 1.0, 2.5], [3.0, 100.25, 7.0]])
    signed = torch.tensor([[0.0, -1.0, -2.5], [3.0, -100.25, 7.0]])
    return {name: (values if name in ('uint8', 'bool') else signed).to(getattr(torch, name)) for name in TYPES}


def views():
    """Tensors that share one storage, in every order and with every step."""
    base = torch.arange(120, dtype=torch.float32).reshape(4, 5, 6) / 8
    return {
        'whole': base,
        'transposed': base.transpose(0, 2),
        'rows': base[1:3],
        'columns': base[:, 1:4, 2:5],
        'steps': base[::2, ::3, ::2],
        'diagonal': torch.diagonal(base[0]),
        'expanded': base[0, 0].expand(3, 6),
        'channels last': base[None].contiguous(memory_format=torch.channels_last),
        'element': base[3, 4, 5],
        'nothing': base[:, :0],
    }


def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        collections.OrderedDict(conv=torch.nn.Conv2d(2, 3, 3), bn=torch.nn.BatchNorm2d(3), fc=torch.nn.Linear(4, 2)))


def checkpoint():
    """What training scripts save: the weights are a part of it."""
    network = module()
    optimizer = torch.optim.Adam(network.parameters())
    network.bn.weight.sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    best = torch.tensor(0.5)
    args = argparse.Namespace(lr=0.1, layers=[1, 2], name='net')
    history = collections.defaultdict(list, loss=[0.25, float('inf')])
    return {
        'epoch': 3, 'best': best, 'args': args, 'history': history, 'rng': torch.get_rng_state(),
        'optimizer': optimizer.state_dict(), 'scheduler': scheduler.state_dict(), 'state_dict': network.state_dict(),
        'device': torch.device('cpu'), 'dtype': torch.float16, 'size': torch.Size([2, 3]), 'large': 2 ** 100,
    }


def parameters():
    network = module()
    network.fc.weight.note = 'an attribute'
    return collections.OrderedDict(network.named_parameters(), extra=None, version=2)


CASES = {
    'types': types,
    'views': views,
    'module': lambda: module().state_dict(),
    'checkpoint': checkpoint,
    'parameters': parameters,
    'nested': lambda: {'model': {'module': {'state_dict': module().state_dict()}}, 'ema': {'fc.bias': torch.ones(2)}},
}


def tensors_of(saved):
    for key in ('state_dict', 'model', 'module'):
        if isinstance(saved.get(key), dict):
            return tensors_of(saved[key])
    return {name: value for name, value in saved.items() if isinstance(value, torch.Tensor)}


class Python2Pickler(pickle._Pickler):
    """Pickles as Python 2 did: texts are strings of bytes, and an OrderedDict gets its entries as its argument."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_text(self, text):
        encoded = text.encode()
        self.write(pickle.SHORT_BINSTRING + bytes([len(encoded)]) + encoded)
        self.memoize(text)

    dispatch[str] = save_text

    def reducer_override(self, value):
        if type(value) is not collections.OrderedDict:
            return NotImplemented
        attributes = (vars(value),) if vars(value) else ()
        return collections.OrderedDict, ([[key, item] for key, item in value.items()],), *attributes


def python2():
    """The module `cPickle` of Python 2, as far as torch.save needs it."""
    def dump(value, file, protocol):
        Python2Pickler(file, protocol).dump(value)
    return SimpleNamespace(__name__='cPickle', Pickler=Python2Pickler, dump=dump)


def describe(tensor):
    values = tensor.detach().to(torch.float64).reshape(-1).tolist()
    return {'shape': list(tensor.shape), 'type': str(tensor.dtype).replace('torch.', ''), 'values': values}


def main():
    FIXTURES.mkdir(exist_ok=True)
    expected = {'generator': hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), 'files': {}}
    for name, make in CASES.items():
        saved = make()
        expected['files'][name] = {key: describe(tensor) for key, tensor in tensors_of(saved).items()}
        for suffix, options in {
            'pth': {}, 'legacy.pth': {'_use_new_zipfile_serialization': False},
            'protocol4.pth': {'pickle_protocol': 4},
        }.items():
            torch.save(saved, FIXTURES / f'{name}.{suffix}', **options)
    old = {'_use_new_zipfile_serialization': False}
    torch.save(module().state_dict(), FIXTURES / 'module.python2.pth', pickle_module=python2(), **old)
    torch.save(module().state_dict(), FIXTURES / 'module.protocol1.pth', pickle_protocol=1, **old)
    for file in ('module.python2.pth', 'module.protocol1.pth'):
        module().load_state_dict(torch.load(FIXTURES / file))  # PyTorch takes it, too
    torch.save(module(), FIXTURES / 'whole-module.pth')
    torch.save({'epoch': 3, 'model': module()}, FIXTURES / 'whole-module-inside.pth')
    torch.save(module(), FIXTURES / 'whole-module.legacy.pth', _use_new_zipfile_serialization=False)
    torch.jit.script(module()).save(str(FIXTURES / 'torchscript.pt'))
    torch.save({'a': torch.eye(3).to_sparse()}, FIXTURES / 'sparse.pth')
    torch.save({'a': torch.ones(2, dtype=torch.complex64)}, FIXTURES / 'complex.pth')
    torch.save({'a': torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, FIXTURES / 'quantised.pth')
    (FIXTURES / 'expected.json').write_text(json.dumps(expected, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
