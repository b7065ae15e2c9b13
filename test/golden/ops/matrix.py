"""matmul and linear. Linear weights are [out, in], as in PyTorch."""

from torch.nn import functional

from cases import GoldenFile

# name: (batch of a, batch of b, M, K, N, transpositions); no batch: 2-D
ALL_FOUR = [(False, False), (True, False), (False, True), (True, True)]
CASES = {
    '1x1x1': ((), (), 1, 1, 1, ALL_FOUR[:1]),
    '3x5x7': ((), (), 3, 5, 7, ALL_FOUR),
    '33x65x17': ((), (), 33, 65, 17, ALL_FOUR),
    '65x67x63': ((), (), 65, 67, 63, ALL_FOUR[:1]),
    '130x67x129': ((), (), 130, 67, 129, ALL_FOUR[:1]),
    '16x64x32': ((), (), 16, 64, 32, ALL_FOUR[3:]),
    '1x37x10': ((), (), 1, 37, 10, ALL_FOUR),
    '19x37x1': ((), (), 19, 37, 1, ALL_FOUR),
    '13x1x11': ((), (), 13, 1, 11, ALL_FOUR),
    '1x300x1': ((), (), 1, 300, 1, ALL_FOUR[:1]),
    '2x1025x3': ((), (), 2, 1025, 3, ALL_FOUR[:1]),
    'batch 3, 5x7x4': ((3,), (3,), 5, 7, 4, ALL_FOUR),
    'batch 5, 1x1x1': ((5,), (5,), 1, 1, 1, ALL_FOUR[:1]),
    'batch 2, 33x17x34': ((2,), (2,), 33, 17, 34, ALL_FOUR[2:3]),
    'batch 1, 4x5x6': ((1,), (1,), 4, 5, 6, ALL_FOUR[:1]),
    'batch 1 with 3, 5x6x7': ((1,), (3,), 5, 6, 7, ALL_FOUR),
    'batch 4 with 1, 6x5x3': ((4,), (1,), 6, 5, 3, ALL_FOUR),
}
LINEAR = {  # name: (N, in, out, bias)
    '1 to 1': (1, 1, 1, True),
    '3 of 5 to 7': (3, 5, 7, True),
    'no bias': (4, 17, 9, False),
    'one row': (1, 130, 33, True),
    'one output': (33, 31, 1, True),
    'one input': (7, 1, 65, True),
    '16 of 64 to 32': (16, 64, 32, True),
    '33 of 67 to 33': (33, 67, 33, True),
    '2 of 1025 to 3': (2, 1025, 3, True),
    '129 of 9 to 10': (129, 9, 10, False),
}


def product(transposeA, transposeB):
    def function(a, b):
        return (a.transpose(-1, -2) if transposeA else a) @ (b.transpose(-1, -2) if transposeB else b)

    return function


def matmul_file():
    file = GoldenFile('matmul', 'ops/matrix.py')
    for name, (batch_a, batch_b, m, k, n, transpositions) in CASES.items():
        for transpose_a, transpose_b in transpositions:
            a = (*batch_a, k, m) if transpose_a else (*batch_a, m, k)
            b = (*batch_b, n, k) if transpose_b else (*batch_b, k, n)
            attributes = {'transposeA': transpose_a, 'transposeB': transpose_b}
            label = name + (', A transposed' if transpose_a else '') + (', B transposed' if transpose_b else '')
            file.add(label, product(**attributes), {'a': a, 'b': b}, attributes)
    return file


def linear_file():
    file = GoldenFile('linear', 'ops/matrix.py')
    for name, (rows, inputs, outputs, bias) in LINEAR.items():
        shapes = {'input': (rows, inputs), 'weight': (outputs, inputs), **({'bias': (outputs,)} if bias else {})}
        file.add(name, functional.linear, shapes)
    return file


def files():
    return [matmul_file(), linear_file()]
