"""Writes the small ONNX files in exported/, which torch.onnx.export makes of ResNets and VGGs with a few channels.

    /usr/bin/python3 test/weights/onnx/generate.py    with PyTorch 1.13.1 and torchvision 0.14.1: the TorchScript exporter
    python3 test/weights/onnx/generate.py --dynamo    with PyTorch 2.13 and onnxscript 0.7.2: the newer exporter

Both must be run when this file or test/golden/hash_fill.py changes; exported.test.ts fails otherwise. Each value is a hash
of its name and place, so that the test knows all of them: uniform in [0.7, 1.3). exported/expected.json has the state
dicts' names and shapes, and which version wrote each file.
"""

import argparse
import hashlib
import json
import sys
import warnings
from pathlib import Path

import torch
from torch import nn
from torchvision.models import resnet, vgg

sys.dont_write_bytecode = True  # no __pycache__ among the tests
HERE = Path(__file__).resolve().parent
SOURCES = [HERE / 'generate.py', HERE.parents[1] / 'golden' / 'hash_fill.py']
FOLDER = HERE / 'exported'
sys.path.insert(0, str(SOURCES[1].parent))

from hash_fill import hash_fill  # noqa: E402

PLANES = [2, 3, 4, 5]  # of the stages, instead of 64 to 512


def small_resnet(block, layers):
    network = resnet.ResNet(block, layers)
    network.inplanes = PLANES[0]
    network.conv1 = nn.Conv2d(3, PLANES[0], 7, stride=2, padding=3, bias=False)
    network.bn1 = nn.BatchNorm2d(PLANES[0])
    for stage, planes in enumerate(PLANES):
        blocks = network._make_layer(block, planes, layers[stage], stride=1 if stage == 0 else 2)
        setattr(network, f'layer{stage + 1}', blocks)
    network.fc = nn.Linear(PLANES[3] * block.expansion, 3)
    return network


def small_vgg(batch_norm):
    network = vgg.VGG(vgg.make_layers([2, 'M', 3, 4, 'M'], batch_norm), init_weights=False)
    network.avgpool = nn.AdaptiveAvgPool2d(2)
    for place, (inputs, outputs) in {0: (16, 4), 3: (4, 5), 6: (5, 3)}.items():
        network.classifier[place] = nn.Linear(inputs, outputs)
    return network


NETWORKS = {
    'basic': lambda: small_resnet(resnet.BasicBlock, [1, 2, 1, 1]),
    'bottleneck': lambda: small_resnet(resnet.Bottleneck, [2, 1, 1, 1]),
    'vgg': lambda: small_vgg(batch_norm=False),
    'vgg_bn': lambda: small_vgg(batch_norm=True),
}

TORCHSCRIPT = {
    'plain': dict(do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE),
    'folded': dict(do_constant_folding=True, training=torch.onnx.TrainingMode.EVAL),
}
DYNAMO = {
    'dynamo-plain': dict(dynamo=True, optimize=False, external_data=False, verbose=False),
    'dynamo-folded': dict(dynamo=True, optimize=True, external_data=False, verbose=False),
}


def build(name):
    network = NETWORKS[name]().eval()
    for key, tensor in network.state_dict().items():
        if not key.endswith('num_batches_tracked'):
            tensor.copy_(torch.from_numpy(hash_fill(key, tuple(tensor.shape), 0.3, 1.0)))
    return network


def export(name, kind, options):
    path = FOLDER / f'{name}.{kind}.onnx'
    images = torch.zeros(1, 3, 8 if name.startswith('vgg') else 32, 8 if name.startswith('vgg') else 32)
    torch.onnx.export(build(name), (images,), str(path), **options)
    if kind in DYNAMO:
        strip(path)
    print(f'{path.name}: {path.stat().st_size:,} bytes')
    return path.name


def strip(path):
    """Removes what was noted of the Python code, which is most of the file."""
    import onnx

    model = onnx.load(path)
    for item in [*model.graph.node, *model.graph.value_info, *model.graph.initializer, *model.graph.input]:
        del item.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def digest():
    """sha256 over each source's name and content, each ended by a zero byte; exported.test.ts computes the same."""
    sha = hashlib.sha256()
    for source in SOURCES:
        sha.update(source.name.encode() + b'\0' + source.read_bytes() + b'\0')
    return sha.hexdigest()


def shapes(name):
    state = build(name).state_dict()
    return {
        key: 'x'.join(map(str, tensor.shape)) for key, tensor in state.items() if not key.endswith('num_batches_tracked')
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dynamo', action='store_true', help='the newer exporter')
    kinds = DYNAMO if parser.parse_args().dynamo else TORCHSCRIPT
    warnings.filterwarnings('ignore')
    FOLDER.mkdir(exist_ok=True)
    expected = FOLDER / 'expected.json'
    content = json.loads(expected.read_text()) if expected.exists() else {'files': {}}
    for name in NETWORKS:
        for kind, options in kinds.items():
            if (name, kind) == ('bottleneck', 'dynamo-plain'):
                continue  # the largest, and of the same kind as basic
            file = export(name, kind, options)
            content['files'][file] = {'generator': digest(), 'torch': torch.__version__.split('+')[0]}
    content['networks'] = {name: shapes(name) for name in NETWORKS}
    expected.write_text(json.dumps(content, indent=2) + '\n')


if __name__ == '__main__':
    main()
