"""Loads weights that Daybreak wrote into a network of torchvision, as a user of PyTorch would.

    python3 test/interop/load.py resnet18 input.safetensors model.safetensors model.npz

writes `model.safetensors.expected` and so on: see `write_expected`. Nothing may be missing, nothing unexpected.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision

sys.dont_write_bytecode = True  # no __pycache__ among the tests

from networks import write_expected
from safetensors_torch import load_file


def load_npz(file):
    with np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


LOADERS = {'.safetensors': load_file, '.npz': load_npz}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('architecture')
    parser.add_argument('input', type=Path, help='safetensors with `input` [N, H, W, C]')
    parser.add_argument('weights', type=Path, nargs='+')
    options = parser.parse_args()
    images = load_file(options.input)['input'].permute(0, 3, 1, 2)
    for file in options.weights:
        state = LOADERS[file.suffix](file)
        head = 'fc.bias' if 'fc.bias' in state else 'classifier.6.bias'
        network = getattr(torchvision.models, options.architecture)(num_classes=len(state[head]))
        network.load_state_dict(state, strict=True)
        write_expected(f'{file}.expected', network.eval(), images)


if __name__ == '__main__':
    main()
