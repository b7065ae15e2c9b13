"""Reads and writes safetensors files by hand, with the functions of `safetensors.torch`, which Debian does not package.

The format: https://github.com/huggingface/safetensors#format
"""

import json
import struct

import numpy as np
import torch

DTYPES = {
    torch.float64: 'F64', torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16',
    torch.int64: 'I64', torch.int32: 'I32', torch.uint8: 'U8', torch.bool: 'BOOL',
}


def tensor_bytes(tensor):
    """The elements of a tensor in row-major order, as a numpy array of bytes."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()


def save_file(tensors, path, metadata=None):
    """tensors: name -> tensor; metadata: name -> string."""
    header = {'__metadata__': metadata} if metadata else {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {'dtype': DTYPES[tensor.dtype], 'shape': list(tensor.shape), 'data_offsets': [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor_bytes(tensor))


def load_file(path):
    """name -> tensor."""
    content = np.memmap(path, mode='r')
    (length,) = struct.unpack('<Q', content[:8])
    header = json.loads(bytes(content[8:8 + length]))
    header.pop('__metadata__', None)
    data = content[8 + length:]
    dtypes = {name: dtype for dtype, name in DTYPES.items()}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        elements = torch.from_numpy(np.array(data[begin:end])).view(dtypes[entry['dtype']])
        tensors[name] = elements.reshape(entry['shape'])
    return tensors
