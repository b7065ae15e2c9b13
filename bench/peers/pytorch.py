"""PyTorch on the CPU: pytorch.py REQUEST. protocol.ts says what a request is, and what is answered."""

import json
import os
import resource
import sys
import time
import traceback

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'test', 'golden'))
from hash_fill import hash_fill  # noqa: E402
from networks import scale_and_offset  # noqa: E402

MOST_EXECUTIONS = 1000
MOST_SLOW_SAMPLES = 3


def hashed(shape, seed):
    """The same numbers as hashedValues in ../support/values.ts."""
    h = np.arange(int(np.prod(shape)), dtype=np.uint32)
    h *= np.uint32(2654435761)
    h += np.uint32(seed * 0x9E3779B1 & 0xFFFFFFFF)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    values = (h >> np.uint32(8)).astype(np.float64) / 8388608 - 1
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def images(shape):
    """Images of a shape [N, H, W, C], as [N, C, H, W]."""
    return hashed(shape, 1).permute(0, 3, 1, 2).contiguous()


class MiniVGG(nn.Module):
    """As in src/models/mini-vgg.ts."""

    def __init__(self, num_classes):
        super().__init__()
        layers = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(64 * 7 * 7, num_classes)

    def forward(self, x):
        return self.classifier(functional.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


def build(architecture, num_classes):
    """A network with weights from the hash of their names."""
    if architecture == 'minivgg':
        network = MiniVGG(num_classes)
    else:
        import torchvision

        network = getattr(torchvision.models, architecture)(num_classes=num_classes)
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith('num_batches_tracked'):
            shape = tuple(tensor.shape)
            tensor.copy_(torch.from_numpy(hash_fill(name, shape, *scale_and_offset(name, shape, state))))
    return network


def forward(network, case):
    network.eval()
    inputs = images(case['input'])
    return lambda: network(inputs)


def training(network, case, adam):
    network.train()
    first = case.get('freezeUntil')
    if first is not None:
        children = dict(network.named_children())
        for name in list(children)[: list(children).index(first)]:
            children[name].requires_grad_(False).eval()
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], **adam)
    inputs = images(case['input'])
    labels = torch.arange(inputs.shape[0]) % case['classes']

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def operation(case):
    kind = case['kind']
    if kind == 'matmul':
        left, right = hashed((case['rows'], case['inner']), 1), hashed((case['inner'], case['columns']), 2)
        return lambda: left @ right
    if kind == 'conv2d':
        kernel, stride = case['kernel'], case['stride']
        inputs = images((case['batch'], case['side'], case['side'], case['inputs']))
        weight = hashed((kernel, kernel, case['inputs'], case['outputs']), 2).permute(3, 2, 0, 1).contiguous()
        return lambda: functional.conv2d(inputs, weight, None, stride, (kernel - 1) // 2)
    inputs = images((case['batch'], case['side'], case['side'], case['channels']))
    if kind == 'max-pool-2d':
        return lambda: functional.max_pool2d(inputs, 3, 2, 1)
    weight, bias, mean, variance = (hashed((case['channels'],), seed) for seed in (3, 4, 5, 6))
    variance = 1 + variance / 2
    return lambda: functional.relu(functional.batch_norm(inputs, mean, variance, weight, bias, False, 0.1, 1e-5))


def milliseconds_of(run, times=1):
    start = time.perf_counter()
    for _ in range(times):
        output = run()
    return (time.perf_counter() - start) * 1000, output


def samples_of(run, effort):
    """Milliseconds of one execution, sampled as in ../support/measure.ts."""
    times = 1
    while True:
        elapsed, _ = milliseconds_of(run, times)
        if elapsed >= effort['sampleMilliseconds'] or times >= MOST_EXECUTIONS:
            break
        wanted = int(np.ceil(times * effort['sampleMilliseconds'] / elapsed))
        times = min(MOST_EXECUTIONS, max(times + 1, wanted), times * 8)
    slow = times == 1 and elapsed >= 1000 * effort['maximumSeconds']
    samples = [elapsed] if slow else []
    enough = min(MOST_SLOW_SAMPLES, effort['minimumSamples']) if slow else effort['minimumSamples']
    end = time.perf_counter() + effort['maximumSeconds']
    while len(samples) < enough or time.perf_counter() < end:
        samples.append(milliseconds_of(run, times)[0] / times)
    return samples


def channels_last(output):
    return output.permute(0, 2, 3, 1).contiguous() if output.dim() == 4 else output


def measure(request):
    case = request['case']
    network = build(case['architecture'], case['classes']) if case['kind'] == 'network' else None
    is_training = case.get('training', False)
    if is_training:
        run = training(network, case, request['adam'])
    else:
        run = forward(network, case) if network else operation(case)
    with torch.set_grad_enabled(is_training):
        first, output = milliseconds_of(run)
        steps = [(first, output)]
        if is_training and not request['onlyFirst']:
            steps += [milliseconds_of(run) for _ in range(request['steps'] - 1)]
            output = torch.stack([loss for _, loss in steps])
        channels_last(output).numpy().astype('<f4').tofile(os.path.join(request['folder'], 'output.f32'))
        samples = [] if request['onlyFirst'] else samples_of(run, request['effort'])
    answer = {
        'version': torch.__version__,
        'adapter': f'CPU, {torch.get_num_threads()} threads, {blas()}',
        'firstMs': first,
        'peakMB': peak_bytes() / 1e6,
        'gpuErrors': 0,
    }
    if samples:
        answer.update(ms=float(np.median(samples)), fastestMs=min(samples), slowestMs=max(samples))
        answer['samples'] = len(samples)
    return answer


def blas():
    """Which library multiplies matrices: Debian's reference BLAS is 20 times slower than OpenBLAS."""
    if torch.backends.mkl.is_available():
        return 'MKL'
    try:
        with open('/proc/self/maps') as maps:
            return 'OpenBLAS' if 'openblas' in maps.read() else 'neither OpenBLAS nor MKL'
    except OSError:
        return 'unknown BLAS'


def peak_bytes():
    # on Linux, getrusage would count what the parent had when it started this process
    if sys.platform == 'linux':
        with open('/proc/self/status') as status:
            for line in status:
                if line.startswith('VmHWM:'):
                    return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())
    try:
        answer = measure(request)
    except Exception as error:
        traceback.print_exc()
        answer = {'error': f'{type(error).__name__}: {error}'[:600]}
    with open(os.path.join(request['folder'], 'answer.json'), 'w') as file:
        json.dump(answer, file)


with torch.no_grad():
    main()
