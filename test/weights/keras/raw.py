"""Writes files.json: small HDF5 files in base64, as Keras 2 and 3 lay them out, for tests of damaged and hostile ones.

    /usr/bin/python3 test/weights/keras/raw.py
"""

import base64
import hashlib
import json
import struct
import tempfile
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent


def values(*shape):
    return (1 + np.arange(np.prod(shape, dtype=int)) / 8).reshape(shape).astype('f4')


def plain(file, **options):
    """A convolution, a batch norm without scale, and a dense layer, of a network that is not torchvision's."""
    root = file.create_group('model_weights')
    root.attrs['layer_names'] = np.array([b'conv', b'bn', b'out'])
    layers = {
        'conv': {'kernel:0': (3, 2, 2, 4), 'bias:0': (4,)},
        'bn': {'beta:0': (4,), 'moving_mean:0': (4,), 'moving_variance:0': (4,)},
        'out': {'kernel:0': (4, 3), 'bias:0': (3,)},
    }
    for layer, weights in layers.items():
        group = root.create_group(layer)
        group.attrs['weight_names'] = np.array([f'{layer}/{weight}'.encode() for weight in weights])
        for weight, shape in weights.items():
            group.create_dataset(f'{layer}/{weight}', data=values(*shape), **options)


def keras3(file):
    for index, (kind, shapes) in enumerate({'conv2d': [(1, 1, 2, 3), (3,)], 'dense': [(3, 2), (2,)]}.items()):
        group = file.create_group(f'layers/{kind}/vars')
        group.attrs['name'] = f'layer{index}'
        for number, shape in enumerate(shapes):
            group.create_dataset(str(number), data=values(*shape))
    file.create_dataset('optimizer/vars/0', data=values(2))


def keras3_without_names(file):
    file.create_dataset('layers/conv2d/vars/0', data=values(1, 1, 2, 3))


def external_link(file):
    file['stolen'] = h5py.ExternalLink('/etc/passwd', '/')


def soft_link(file):
    file.create_dataset('dense/dense/kernel:0', data=values(2, 2))
    file['dense/dense/bias:0'] = h5py.SoftLink('/dense/dense/kernel:0')


def circle(file):
    group = file.create_group('a')
    group['a'] = group


def external_storage(file):
    file.create_dataset('dense/dense/bias:0', shape=(4,), dtype='f4', external=[('/etc/passwd', 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype='f4')
    layout[:] = h5py.VirtualSource('/etc/passwd', 'data', shape=(4,))
    file.create_virtual_dataset('dense/dense/bias:0', layout)


def bomb(file):
    """A terabyte of zeros in a few kilobytes."""
    file.create_dataset('dense/dense/kernel:0', shape=(2**19, 2**19), dtype='f4', chunks=(2**11, 2**11), compression='gzip')


def wide_chunk(file):
    file.create_dataset('dense/dense/kernel:0', shape=(2**13, 2**13), dtype='f4', chunks=(2**13, 2**13), compression='gzip')


def other_filter(file):
    file.create_dataset('dense/dense/kernel:0', data=values(4, 4), compression='lzf')


def nothing(file):
    file.create_group('model_weights')


def integers(file):
    file.create_dataset('dense/dense/kernel:0', data=np.arange(4))


def half(file):
    file.create_dataset('dense/dense/kernel:0', data=values(2, 3).astype('f2'))
    file.create_dataset('dense/dense/bias:0', data=values(3).astype('f8'))


def endless_group(file):
    file.create_group('x' * 250).create_dataset('kernel:0', data=values(2, 2))


def with_endless_group(content):
    """33 million times the same link: a tree of 5 levels, in which every node has the one below as its 32 children."""
    root = content.index(b'TREE')
    first, links, last = struct.unpack_from('<QQQ', content, root + 24)
    size = 24 + 32 * 16 + 8
    begins = [len(content) + level * size for level in range(5)]
    nodes = b''
    for level, child in enumerate([links, *begins[:-1]]):
        nodes += struct.pack('<4sBBHQQ', b'TREE', 0, level, 32, 2**64 - 1, 2**64 - 1)
        nodes += struct.pack('<QQ', first, child) + struct.pack('<QQ', last, child) * 31 + struct.pack('<Q', last)
    for old, new in ((root, begins[-1]), (len(content), len(content) + len(nodes))):
        content = content.replace(struct.pack('<Q', old), struct.pack('<Q', new))
    return content + nodes


CASES = {
    'plain': plain,
    'compressed': lambda file: plain(file, chunks=True, compression='gzip', shuffle=True, fletcher32=True),
    'keras3': keras3, 'keras3-without-names': keras3_without_names,
    'external-link': external_link, 'soft-link': soft_link, 'circle': circle, 'external-storage': external_storage,
    'virtual': virtual, 'bomb': bomb, 'wide-chunk': wide_chunk, 'other-filter': other_filter, 'nothing': nothing,
    'integers': integers, 'half': half, 'endless-group': endless_group,
}

CHANGES = {'endless-group': with_endless_group}


def main():
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, write in CASES.items():
            path = Path(folder) / 'file.h5'
            with h5py.File(path, 'w') as file:
                write(file)
            content = CHANGES.get(name, bytes)(path.read_bytes())
            files[name] = base64.b64encode(content).decode()
    content = {'generator': hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), 'files': files}
    (HERE / 'files.json').write_text(json.dumps(content, indent=1) + '\n')


if __name__ == '__main__':
    main()
