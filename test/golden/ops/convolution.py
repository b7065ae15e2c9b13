"""conv2d: activations [N, H, W, C], weights [KH, KW, Cin / groups, Cout]."""

from torch.nn import functional

from cases import GoldenFile, nchw, nhwc

# name: (input [N, H, W, Cin], kernel [KH, KW], Cout, and what differs from stride 1, no padding, dilation 1, one group)
CASES = {
    # kernel sizes
    '1x1': ((2, 5, 7, 16), (1, 1), 33, {}),
    '3x3': ((2, 7, 6, 3), (3, 3), 5, {}),
    '3x3 same': ((1, 8, 8, 16), (3, 3), 16, {'padding': [1, 1]}),
    '5x5 same': ((1, 9, 7, 3), (5, 5), 5, {'padding': [2, 2]}),
    '7x7 stem': ((2, 11, 13, 3), (7, 7), 9, {'stride': [2, 2], 'padding': [3, 3]}),
    '2x2': ((3, 5, 6, 5), (2, 2), 6, {}),
    '1x3': ((2, 5, 6, 3), (1, 3), 4, {'padding': [0, 1]}),
    '4x1': ((2, 7, 5, 3), (4, 1), 5, {'padding': [2, 0]}),
    # one of everything
    'single element': ((1, 1, 1, 1), (1, 1), 1, {}),
    'single channel': ((2, 6, 5, 1), (3, 3), 1, {'padding': [1, 1]}),
    'output 1x1': ((2, 3, 5, 17), (3, 5), 5, {}),
    'output 1x1 from padding': ((1, 1, 1, 3), (3, 3), 5, {'padding': [1, 1]}),
    'one row': ((1, 1, 33, 3), (1, 3), 5, {'padding': [0, 1]}),
    'one column': ((1, 17, 1, 3), (3, 1), 5, {'padding': [1, 0]}),
    # stride
    'stride 2': ((2, 9, 9, 3), (3, 3), 5, {'stride': [2, 2], 'padding': [1, 1]}),
    'stride 2, unused border': ((2, 8, 10, 3), (3, 3), 5, {'stride': [2, 2]}),
    'stride 3': ((1, 11, 10, 4), (3, 3), 4, {'stride': [3, 3], 'padding': [1, 1]}),
    'stride over kernel, unused border': ((2, 9, 8, 3), (2, 2), 5, {'stride': [3, 3]}),
    'stride 1x2': ((1, 6, 9, 3), (3, 3), 5, {'stride': [1, 2], 'padding': [1, 0]}),
    'stride 3x1': ((1, 10, 6, 3), (3, 2), 5, {'stride': [3, 1], 'padding': [0, 1]}),
    '1x1 stride 2': ((2, 7, 6, 17), (1, 1), 33, {'stride': [2, 2]}),
    # padding
    'padding kernel - 1': ((1, 4, 5, 3), (3, 3), 5, {'padding': [2, 2]}),
    'padding kernel - 1, 5x5': ((1, 3, 2, 2), (5, 5), 3, {'padding': [4, 4]}),
    'asymmetric padding': ((2, 5, 6, 3), (3, 5), 4, {'padding': [0, 3]}),
    '1x1 padded': ((1, 3, 4, 3), (1, 1), 5, {'padding': [1, 2]}),
    # dilation
    'dilation 2': ((2, 9, 8, 3), (3, 3), 5, {'padding': [2, 2], 'dilation': [2, 2]}),
    'dilation 3, stride 2': ((1, 13, 12, 3), (3, 3), 5, {'stride': [2, 2], 'padding': [3, 3], 'dilation': [3, 3]}),
    'dilation 1x3': ((1, 6, 11, 3), (2, 3), 4, {'padding': [1, 2], 'dilation': [1, 3]}),
    'dilation 2, unused border': ((1, 10, 8, 2), (2, 3), 3, {'stride': [3, 2], 'dilation': [2, 2]}),
    # groups
    'groups 2': ((2, 6, 5, 6), (3, 3), 10, {'padding': [1, 1], 'groups': 2}),
    'groups 4, stride 2': ((1, 7, 8, 16), (3, 3), 32, {'stride': [2, 2], 'padding': [1, 1], 'groups': 4}),
    'groups 32 of 4': ((1, 4, 4, 128), (3, 3), 32, {'padding': [1, 1], 'groups': 32}),
    'depthwise': ((2, 7, 6, 17), (3, 3), 17, {'padding': [1, 1], 'groups': 17}),
    'depthwise, multiplier 3': ((1, 5, 7, 5), (3, 3), 15, {'padding': [1, 1], 'groups': 5}),
    'depthwise 5x5, stride 2, dilation 2': (
        (1, 13, 12, 6), (5, 5), 6, {'stride': [2, 2], 'padding': [4, 3], 'dilation': [2, 2], 'groups': 6},
    ),
    'groups 3, 1x1': ((2, 4, 3, 9), (1, 1), 6, {'groups': 3}),
    # channel counts around tile sizes
    'channels 1 to 64': ((1, 6, 7, 1), (3, 3), 64, {'padding': [1, 1]}),
    'channels 17 to 33': ((1, 5, 5, 17), (3, 3), 33, {'padding': [1, 1]}),
    'channels 64 to 65, 1x1': ((1, 3, 2, 64), (1, 1), 65, {}),
    'channels 15 to 31': ((1, 5, 4, 15), (3, 3), 31, {'padding': [1, 1]}),
    'channels 33 to 1': ((1, 5, 5, 33), (3, 3), 1, {'padding': [1, 1]}),
    'batch 5': ((5, 4, 4, 4), (3, 3), 8, {'padding': [1, 1]}),
    # several tiles in every dimension
    'several tiles': ((2, 11, 9, 21), (3, 3), 70, {'padding': [1, 1]}),
    'several tiles, stride 2': ((2, 15, 13, 9), (3, 3), 66, {'stride': [2, 2], 'padding': [1, 1]}),
    'several tiles, 1x1': ((1, 9, 8, 67), (1, 1), 65, {}),
}
WITHOUT_BIAS = {'3x3 same', '7x7 stem', 'stride 2', 'dilation 2', 'depthwise', 'several tiles', 'several tiles, 1x1'}


def convolve(stride, padding, dilation, groups):
    def function(input, weight, bias=None):
        kernel = weight.permute(3, 2, 0, 1).contiguous()
        return nhwc(functional.conv2d(nchw(input), kernel, bias, stride, padding, dilation, groups))

    return function


def files():
    file = GoldenFile('conv2d', 'ops/convolution.py')
    for name, (shape, kernel, out, options) in CASES.items():
        attributes = {'stride': [1, 1], 'padding': [0, 0], 'dilation': [1, 1], 'groups': 1, **options}
        inputs = {'input': shape, 'weight': (*kernel, shape[3] // attributes['groups'], out), 'bias': (out,)}
        if name in WITHOUT_BIAS:
            del inputs['bias']
        file.add(name, convolve(**attributes), inputs, attributes)
    return [file]
