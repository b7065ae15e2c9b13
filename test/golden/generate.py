"""Writes the golden values that the tests compare Daybreak with: see README.md.

    python3 test/golden/generate.py                 every file
    python3 test/golden/generate.py conv2d matmul   these files
    python3 test/golden/generate.py --ops           every file but the networks', which take minutes
"""

import argparse
import importlib
import sys
from pathlib import Path

import torch

sys.dont_write_bytecode = True  # no __pycache__ among the tests
HERE = Path(__file__).resolve().parent
OP_MODULES = [
    'convolution', 'matrix', 'normalization', 'pooling', 'elementwise', 'reductions', 'losses', 'shapes', 'optimizers',
    'hashes',
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', help='the files to write, without .safetensors')
    parser.add_argument('--ops', action='store_true', help='all but the networks')
    options = parser.parse_args()
    torch.manual_seed(0)
    values = HERE / 'values'
    values.mkdir(exist_ok=True)
    wanted = set(options.names)
    written = set()

    def write(file):
        path = file.write(values)
        written.add(file.name)
        print(f'{path.name}: {len(file.cases)} cases, {path.stat().st_size:,} bytes', flush=True)

    for module in OP_MODULES:
        for file in importlib.import_module(f'ops.{module}').files():
            if not wanted or file.name in wanted:
                write(file)
    if not options.ops:
        networks = importlib.import_module('networks')
        for name in networks.NETWORKS:
            if not wanted or name in wanted:
                write(networks.file(name))
    if wanted - written:
        sys.exit(f'no such golden file: {", ".join(sorted(wanted - written))}')


if __name__ == '__main__':
    main()
