"""What PyTorch needs for the same files; see measure.mjs. Each call prints milliseconds and the process's peak memory."""

import json
import resource
import sys
import time

import torch


def make(model, path, legacy):
    import torchvision

    torch.manual_seed(0)
    state = getattr(torchvision.models, model)().state_dict()
    torch.save(state, path)
    torch.save(state, legacy, _use_new_zipfile_serialization=False)


def nothing():
    return lambda: None


def load(path):
    return lambda: torch.load(path, map_location='cpu')


def map_safetensors(path):
    from safetensors.torch import load_file

    return lambda: load_file(path)


def copy_safetensors(path):
    """load_file maps the file, so that nothing is read before it is used."""
    from safetensors.torch import load_file

    return lambda: {name: tensor.clone() for name, tensor in load_file(path).items()}


def timed(run):
    start = time.perf_counter()
    kept = run()
    milliseconds = (time.perf_counter() - start) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    del kept
    print(json.dumps({'milliseconds': milliseconds, 'peak': peak}))


if __name__ == '__main__':
    command, *words = sys.argv[1:]
    if command == 'make':
        make(*words)
    else:
        timed({f.__name__: f for f in (nothing, load, map_safetensors, copy_safetensors)}[command](*words))
