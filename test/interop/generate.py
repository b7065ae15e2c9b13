"""Writes a network of torchvision in several formats, and what PyTorch computes with it.

    python3 test/interop/generate.py resnet18 files safetensors pth npz

writes a folder for each format: the file that Daybreak is to load, whose name is printed, and `expected.safetensors`.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.dont_write_bytecode = True  # no __pycache__ among the tests

from formats import FORMATS
from networks import build, write_expected


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('architecture')
    parser.add_argument('folder', type=Path)
    parser.add_argument('formats', nargs='+', choices=FORMATS)
    options = parser.parse_args()
    network = build(options.architecture)
    images = torch.rand(2, 3, 64, 64)
    for name in options.formats:
        folder = options.folder / name
        folder.mkdir(parents=True)
        written = FORMATS[name](network, folder)
        write_expected(folder / 'expected.safetensors', written.network, images, written.preprocess, written.exact)
        print(written.file)


if __name__ == '__main__':
    main()
