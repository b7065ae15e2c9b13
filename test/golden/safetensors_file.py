"""Writes the safetensors format by hand: https://github.com/huggingface/safetensors#format."""

import json
import struct

import numpy as np

DTYPES = {np.dtype(np.float32): 'F32', np.dtype(np.int32): 'I32'}


def write_safetensors(path, tensors, metadata):
    """tensors: name -> numpy array (float32 or int32); metadata: name -> string."""
    header = {'__metadata__': metadata}
    offset = 0
    for name, array in tensors.items():
        header[name] = {
            'dtype': DTYPES[array.dtype],
            'shape': list(array.shape),
            'data_offsets': [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(',', ':')).encode('utf-8')
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)))
        file.write(text)
        for array in tensors.values():
            file.write(array.astype(array.dtype.newbyteorder('<')).tobytes(order='C'))
