"""Writes what layers and optimisers must compute, as PyTorch computes it in double precision.

    /usr/bin/python3 tests/golden/generate.py        (needs torch, h5py and numpy; the files are committed)

One file a layer type, one group a case; layer_test.c and update_test.c say how a case is run. Inputs, parameters and
output gradients are not stored: both sides draw them from Philox (base/random.h) by case seed and array number. Of a
large expected array every stride-th element is stored, and its product with a drawn array, so that no element goes
unseen.
"""

import math
import pathlib

import h5py
import numpy
import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).parent
STORED = 1500  # elements of an expected array that are stored at most
# Array numbers of a case: what is drawn for what.
INPUT, PARAMETER, OUTPUT_GRADIENT, WITNESS = 0, 16, 32, 48
LABEL, SAMPLE_WEIGHTS = 64, 65
NETWORK_PARAMETER = 1000


def philox(key0, key1, c0, c1, c2, c3):
    """Philox4x32-10, vectorised over the counters: as base/random.c."""
    low = numpy.uint64(0xFFFFFFFF)
    counter = [numpy.asarray(c, dtype=numpy.uint64) for c in numpy.broadcast_arrays(c0, c1, c2, c3)]
    key = [key0, key1]
    for _ in range(10):
        product0 = counter[0] * numpy.uint64(0xD2511F53)
        product1 = counter[2] * numpy.uint64(0xCD9E8D57)
        shift = numpy.uint64(32)
        counter = [
            (product1 >> shift) ^ counter[1] ^ numpy.uint64(key[0]),
            product1 & low,
            (product0 >> shift) ^ counter[3] ^ numpy.uint64(key[1]),
            product0 & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def words(seed, array, count):
    blocks = numpy.arange((count + 3) // 4, dtype=numpy.uint64)
    return numpy.stack(philox(seed, 0, blocks, array, 0, 0), axis=1).reshape(-1)[:count]


def draw(seed, array, shape, low=-1.0, high=1.0):
    """Uniform in [low, high), rounded to single precision, in PyTorch's order of elements."""
    uniform = (words(seed, array, math.prod(shape)) >> numpy.uint64(8)).astype(numpy.float64) * 2.0**-24
    values = (low + (high - low) * uniform).astype(numpy.float32)
    return torch.tensor(values.astype(numpy.float64).reshape(shape))


class File:
    def __init__(self, name):
        # Without times the same numbers give the same file.
        self.file = h5py.File(FOLDER / f"{name}.h5", "w", libver="earliest")
        self.type = name
        self.count = 0

    def group(self, name, **attributes):
        self.count += 1
        group = self.file.create_group(name)
        seed = sum(ord(c) * 131**i for i, c in enumerate(self.type)) % 10**6 + self.count
        for key, value in dict(attributes, seed=seed).items():
            group.attrs[key] = numpy.bytes_(value) if isinstance(value, str) else numpy.asarray(value)
        return group, seed


def expect(group, seed, name, tensor):
    values = tensor.detach().numpy().astype(numpy.float64)
    flat = values.reshape(-1)
    stride = 1 if flat.size <= STORED else flat.size // STORED | 1
    data = group.create_dataset(name, data=flat[::stride].astype(numpy.float32), track_times=False)
    data.attrs["shape"] = numpy.asarray(values.shape or (0,), dtype=numpy.int64)
    data.attrs["stride"] = stride
    data.attrs["largest"] = float(numpy.abs(flat).max(initial=0.0))
    witness = draw(seed, WITNESS, (flat.size,)).numpy()
    data.attrs["product"] = float((flat * witness).sum())


def layer_case(file, name, options, samples, inputs, compute, parameters=(), *, mode="train", shards=(1, 2),
               buffers=(), spread=(-1.0, 1.0), tolerance=1e-5):
    """compute(inputs, parameters) -> output, or (output, new values of the buffers), in double precision.

    `parameters`: (name, shape[, low, high]) in the layer's order, buffers among them; `inputs`: shapes of a sample.
    """
    group, seed = file.group(
        name, options="".join(f"{k} = {v}\n" for k, v in options.items()), mode=mode, samples=samples,
        shards=numpy.asarray(shards, dtype=numpy.int64), low=spread[0], high=spread[1], input_count=len(inputs),
        tolerance=tolerance)
    xs = [draw(seed, INPUT + i, (samples, *shape), *spread).requires_grad_() for i, shape in enumerate(inputs)]
    for i, shape in enumerate(inputs):
        group.attrs[f"input{i}"] = numpy.asarray(shape, dtype=numpy.int64)
    ps = {}
    for i, (key, shape, *bounds) in enumerate(parameters):
        ps[key] = draw(seed, PARAMETER + i, shape, *bounds).requires_grad_(key not in buffers)
        parameter = group.create_group(f"parameter{i}", track_order=False)
        parameter.attrs["name"] = numpy.bytes_(key)
        parameter.attrs["shape"] = numpy.asarray(shape, dtype=numpy.int64)
        parameter.attrs["low"], parameter.attrs["high"] = bounds or (-1.0, 1.0)
    group.attrs["parameter_count"] = len(parameters)
    result = compute(xs, ps) if "seed" not in compute.__code__.co_varnames else compute(xs, ps, seed=seed)
    output, after = result if isinstance(result, tuple) else (result, {})
    expect(group, seed, "output", output)
    if mode == "train":
        output.backward(draw(seed, OUTPUT_GRADIENT, output.shape))
        for i, x in enumerate(xs):
            expect(group, seed, f"input_gradient{i}", x.grad)
        for i, (key, *_) in enumerate(parameters):
            if key in buffers:
                expect(group, seed, f"buffer{i}", after[key])
            else:
                expect(group, seed, f"parameter_gradient{i}", ps[key].grad)


# --- linear and convolution ---------------------------------------------------------------------------------------


def linear():
    file = File("linear")
    for name, samples, shape, features, bias, shards in [
        ("small", 6, (10,), 7, True, (1, 2, 3, 6)),
        ("one", 1, (1,), 1, True, (1,)),
        ("without bias", 8, (33,), 65, False, (1, 4, 8)),
        ("whole tiles", 64, (128,), 64, True, (1, 2, 4)),
        ("no whole tile", 20, (301,), 17, True, (1, 5)),
        ("many inputs", 4, (240000,), 3, True, (1, 2)),
        ("many outputs", 4, (2,), 70000, True, (1, 2)),
        ("many samples", 600000, (3,), 2, True, (1, 2)),
        ("sequence", 4, (5, 12), 9, True, (1, 2, 4)),
        ("packed operands", 520, (272,), 258, True, (1, 2, 4, 8)),
        ("many shards", 48, (10,), 6, True, (12, 24)),
    ]:
        bound = shape[-1] ** -0.5
        parameters = [("weight", (features, shape[-1]), -bound, bound)]
        if bias:
            parameters.append(("bias", (features,)))
        layer_case(file, name, {"features": features} | ({} if bias else {"bias": "no"}), samples, [shape],
                   lambda x, p: F.linear(x[0], p["weight"], p.get("bias")), parameters, shards=shards)


def pair(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value[0]}x{value[1]}" if isinstance(value, tuple) else str(value)


def conv2d():
    file = File("conv2d")
    for name, samples, (inputs, *size), outputs, kernel, extra, shards in [
        ("three channels", 4, (3, 8, 8), 8, 3, {"padding": 1}, (1, 2, 4)),
        ("one pixel", 5, (16, 1, 1), 4, 1, {}, (1, 5)),
        ("one of each", 1, (1, 1, 1), 1, 1, {}, (1,)),
        ("kernel 7x5 stride 3", 2, (3, 17, 19), 5, (7, 5), {"stride": 3, "padding": (3, 2)}, (1, 2)),
        ("same", 3, (6, 9, 11), 6, (3, 5), {"padding": "same"}, (1, 3)),
        ("dilated", 2, (4, 12, 10), 8, 3, {"padding": 2, "dilation": 2}, (1, 2)),
        ("same dilated", 2, (5, 13, 9), 7, 3, {"padding": "same", "dilation": (2, 3)}, (1, 2)),
        ("groups of six", 4, (12, 7, 7), 8, 3, {"padding": 1, "groups": 2}, (1, 4)),
        ("groups of three", 2, (9, 5, 5), 6, 3, {"groups": 3}, (1, 2)),
        ("groups of four", 2, (16, 6, 5), 32, 3, {"groups": 4, "stride": (2, 1), "padding": 1}, (1, 2)),
        ("groups with a wide kernel", 2, (4, 3, 21), 6, (2, 9), {"padding": (1, 4), "groups": 2}, (1, 2)),
        ("depthwise", 4, (8, 9, 9), 8, 3, {"padding": 1, "groups": 8}, (1, 2)),
        ("depthwise multiplied", 2, (6, 5, 6), 12, 3, {"padding": 1, "groups": 6}, (1, 2)),
        ("depthwise odd", 3, (5, 7, 8), 5, 3, {"stride": 2, "padding": 1, "groups": 5}, (1, 3)),
        ("depthwise in blocks", 2, (36, 9, 13), 36, 3, {"padding": 1, "groups": 36, "bias": "no"}, (1, 2)),
        ("depthwise 5x3 stride 1x2", 2, (6, 10, 11), 6, (5, 3), {"padding": (1, 2), "stride": (1, 2), "groups": 6}, (1, 2)),
        ("depthwise dilated", 2, (4, 11, 12), 4, 3, {"padding": (3, 1), "dilation": (2, 3), "groups": 4}, (1, 2)),
        ("depthwise 7x7", 2, (9, 8, 10), 9, 7, {"padding": 3, "groups": 9}, (1, 2)),
        ("depthwise stride 3", 2, (7, 13, 12), 7, 3, {"padding": 2, "stride": 3, "groups": 7}, (1, 2)),
        ("depthwise stride 4 above kernel", 2, (3, 9, 14), 3, 2, {"padding": 1, "stride": 4, "groups": 3}, (1, 2)),
        ("depthwise padding above kernel", 2, (5, 4, 5), 5, (2, 1), {"padding": (4, 2), "stride": 2, "groups": 5}, (1, 2)),
        ("depthwise far apart", 2, (4, 9, 31), 4, 3, {"padding": (1, 12), "dilation": (1, 12), "groups": 4}, (1, 2)),
        ("without bias", 2, (64, 8, 8), 64, 3, {"padding": 1, "bias": "no"}, (1, 2)),
        ("pointwise stride 2", 4, (16, 9, 9), 32, 1, {"stride": 2, "bias": "no"}, (1, 4)),
        ("kernel above image", 2, (4, 4, 4), 6, 7, {"padding": 3}, (1, 2)),
        ("kernel as image", 3, (7, 4, 5), 9, (4, 5), {}, (1, 3)),
        ("no whole tile", 3, (17, 5, 5), 19, 3, {"padding": 1}, (1, 3)),
        ("stride above kernel", 2, (3, 11, 10), 4, 2, {"stride": 3}, (1, 2)),
        ("many positions", 2, (1, 300, 260), 2, 3, {"padding": 1}, (1, 2)),
        ("one row", 2, (4, 1, 70), 8, (1, 9), {"padding": (0, 4)}, (1, 2)),
        ("many channels", 8, (128, 7, 7), 32, 1, {}, (1, 8)),
        ("winograd", 4, (33, 11, 14), 70, 3, {"padding": 1, "algorithm": "winograd"}, (1, 2, 4)),
        ("winograd without padding", 3, (5, 6, 7), 3, 3, {"algorithm": "winograd", "bias": "no"}, (1, 3)),
        ("winograd padding 2x0", 2, (8, 5, 9), 6, 3, {"padding": (2, 0), "algorithm": "winograd"}, (1, 2)),
        ("winograd one pixel", 2, (4, 1, 1), 4, 3, {"padding": 1, "algorithm": "winograd"}, (1, 2)),
        ("winograd in parts", 2, (64, 112, 112), 4, 3, {"padding": "same", "algorithm": "winograd"}, (1, 2)),
        ("one channel", 4, (1, 13, 11), 20, 5, {"padding": (2, 1), "stride": (1, 2)}, (1, 2, 4)),
        ("one channel to one", 2, (1, 9, 9), 1, 3, {"padding": 1}, (1, 2)),
        ("one output channel", 2, (6, 9, 8), 1, 3, {"padding": 1, "stride": 2}, (1, 2)),
        ("stride 2 dilation 2", 2, (5, 12, 13), 7, 3, {"stride": 2, "dilation": 2, "padding": 2}, (1, 2)),
        ("stride 4 dilation 6", 2, (3, 29, 31), 5, 3, {"stride": 4, "dilation": 6, "padding": 5}, (1, 2)),
        ("stride 3x2 kernel 4x5", 3, (20, 11, 14), 33, (4, 5), {"stride": (3, 2), "padding": (1, 4)}, (1, 3)),
        ("patches", 2, (3, 16, 16), 24, 8, {"stride": 8}, (1, 2)),
        ("kernel 7x5 stride 3 direct", 2, (3, 17, 19), 5, (7, 5), {"stride": 3, "padding": (3, 2), "algorithm": "direct"}, (1, 2)),
        ("stride 3x2 direct", 3, (20, 11, 14), 33, (4, 5), {"stride": (3, 2), "padding": (1, 4), "algorithm": "direct"}, (1, 3)),
        ("stride above kernel direct", 2, (3, 11, 10), 4, 2, {"stride": 3, "algorithm": "direct"}, (1, 2)),
        ("columns in parts", 5, (3, 61, 60), 2, 5, {"padding": 1}, (1, 5)),
        ("not winograd", 2, (64, 10, 10), 64, 3, {"padding": 1, "algorithm": "direct"}, (1, 2)),
        ("winograd few tiles", 6, (70, 4, 7), 66, 3, {"padding": 1, "algorithm": "winograd"}, (1, 2, 3, 6)),
        ("winograd one tile", 8, (66, 3, 4), 70, 3, {"padding": 1, "algorithm": "winograd", "bias": "no"}, (1, 8)),
    ]:
        groups = extra.get("groups", 1)
        kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        weight = (outputs, inputs // groups, *kernels)
        bound = (inputs // groups * kernels[0] * kernels[1]) ** -0.5
        parameters = [("weight", weight, -bound, bound)]
        if extra.get("bias") != "no":
            parameters.append(("bias", (outputs,)))
        options = {"channels": outputs, "kernel": pair(kernel)} | {k: pair(v) for k, v in extra.items()}
        layer_case(file, name, options, samples, [(inputs, *size)],
                   lambda x, p: F.conv2d(x[0], p["weight"], p.get("bias"), **{k: v for k, v in extra.items() if k not in ("bias", "algorithm")}),
                   parameters, shards=shards)


# --- pooling ------------------------------------------------------------------------------------------------------

POOLING = [
    ("halving", 4, (8, 6, 6), 2, {}, (1, 2, 4)),
    ("overlapping", 2, (5, 9, 9), 3, {"stride": 2, "padding": 1}, (1, 2)),
    ("not square", 3, (3, 7, 10), (3, 2), {"stride": (2, 1)}, (1, 3)),
    ("one pixel", 2, (4, 1, 1), 1, {}, (1, 2)),
    ("gaps", 2, (6, 11, 11), 2, {"stride": 3}, (1, 2)),
    ("remainder", 2, (4, 7, 5), 2, {}, (1, 2)),
    ("whole image", 2, (7, 5, 6), (5, 6), {}, (1, 2)),
    ("many positions", 2, (3, 270, 260), 3, {"stride": 1, "padding": 1}, (1, 2)),
]
AVG_ONLY = [("padding not counted", 2, (5, 8, 7), 3, {"stride": 2, "padding": 1, "count_include_pad": False}, (1, 2))]


def pooling(name, function, cases):
    file = File(name)
    for case, samples, shape, kernel, extra, shards in cases:
        options = {"kernel": pair(kernel)} | {k: pair(v) for k, v in extra.items()}
        layer_case(file, case, options, samples, [shape], lambda x, p: function(x[0], kernel, **extra), shards=shards)


def global_avg_pool2d():
    file = File("global_avg_pool2d")
    for name, samples, shape, shards in [
        ("small", 4, (8, 7, 7), (1, 2, 4)),
        ("odd", 3, (5, 3, 9), (1, 3)),
        ("one pixel", 2, (3, 1, 1), (1, 2)),
        ("many positions", 2, (2, 270, 260), (1, 2)),
        ("many channels", 2, (1030, 2, 2), (1, 2)),
    ]:
        layer_case(file, name, {}, samples, [shape], lambda x, p: x[0].mean(dim=(2, 3)), shards=shards)


# --- normalization ------------------------------------------------------------------------------------------------


def normalize(x, p, shards, momentum, epsilon):
    """Batch normalization by shard; the running statistics move along the mean over the shards."""
    outputs, means, variances = [], [], []
    for part in x[0].chunk(shards):
        mean, variance = p["running_mean"].clone(), p["running_var"].clone()
        outputs.append(F.batch_norm(part, mean, variance, p["weight"], p["bias"], True, momentum, epsilon))
        means.append(mean)
        variances.append(variance)
    return torch.cat(outputs), {"running_mean": sum(means) / shards, "running_var": sum(variances) / shards}


def batch_norm():
    file = File("batch_norm")
    for name, options, samples, shape, shards, mode in [
        ("one shard", {}, 6, (8, 5, 5), 1, "train"),
        ("three shards", {}, 6, (8, 5, 5), 3, "train"),
        ("odd channels", {"momentum": 0.3, "epsilon": 1e-3}, 8, (7, 3, 2), 4, "train"),
        ("vector", {}, 16, (10,), 2, "train"),
        ("many shards", {}, 48, (6, 3, 2), 24, "train"),
        ("many positions", {}, 2, (3, 270, 260), 2, "train"),
        ("many channels", {}, 4, (1030, 2, 2), 2, "train"),
        ("global", {"statistics": "global"}, 8, (6, 4, 5), 0, "train"),
        ("global vector", {"statistics": "global", "momentum": 0.25}, 12, (9,), 0, "train"),
        ("evaluate", {}, 4, (6, 4, 4), 0, "evaluate"),
        ("evaluate vector", {"epsilon": 0.1}, 6, (5,), 0, "evaluate"),
    ]:
        channels = (shape[0],)
        parameters = [("weight", channels, 0.5, 1.5), ("bias", channels), ("running_mean", channels),
                      ("running_var", channels, 0.5, 2.0)]
        momentum, epsilon = options.get("momentum", 0.1), options.get("epsilon", 1e-5)
        if mode == "train":
            # Statistics over all samples are the same for any number of shards.
            compute = lambda x, p: normalize(x, p, max(shards, 1), momentum, epsilon)
        else:
            compute = lambda x, p: F.batch_norm(x[0], p["running_mean"], p["running_var"], p["weight"], p["bias"], False,
                                                0.0, epsilon)
        layer_case(file, name, options, samples, [shape], compute, parameters, mode=mode, shards=(shards,) if shards else (1, 2),
                   buffers=("running_mean", "running_var"), spread=(-1.0, 2.0))


# --- element by element -------------------------------------------------------------------------------------------

SHAPES = [
    ("image", 4, (6, 5, 3), (1, 2, 4)),
    ("odd vector", 6, (13,), (1, 3)),
    ("one", 1, (1,), (1,)),
    ("many", 2, (3, 270, 260), (1, 2)),
]


def elementwise(name, function, options, spread):
    file = File(name)
    for i, (case, samples, shape, shards) in enumerate(SHAPES):
        chosen = options[i % len(options)]
        layer_case(file, case, chosen, samples, [shape], lambda x, p: function(x[0], **chosen), shards=shards, spread=spread)


def dropout():
    """The mask is part of the contract: counter (vector of four, 6 + 256 * layer, sample, step), key = run's seed."""
    file = File("dropout")
    step, layer = 3, 0
    for name, options, samples, shape, shards, mode in [
        ("image", {"p": 0.3}, 4, (6, 5, 3), (1, 2, 4), "train"),
        ("vector", {"p": 0.5}, 6, (130,), (1, 3), "train"),
        ("nothing dropped", {"p": 0.0}, 2, (7,), (1, 2), "train"),
        ("many", {"p": 0.1}, 2, (3, 270, 260), (1, 2), "train"),
        ("evaluate", {"p": 0.5}, 4, (9,), (1, 2), "evaluate"),
    ]:

        def compute(x, p, seed):
            if mode == "evaluate":
                return x[0] * 1.0
            channels, positions = shape[0], math.prod(shape[1:])
            fours = (channels + 3) // 4
            vectors = numpy.arange(positions * fours, dtype=numpy.uint64)[None, :]
            sample = numpy.arange(samples, dtype=numpy.uint64)[:, None]
            block = numpy.stack(philox(seed, 0, vectors, 6 + 256 * layer, sample, step), axis=-1)
            uniform = (block >> numpy.uint64(8)).astype(numpy.float64) * 2.0**-24
            keep = uniform.reshape(samples, positions, fours * 4)[:, :, :channels] >= options["p"]
            mask = torch.tensor(keep.transpose(0, 2, 1).reshape(samples, *shape).astype(numpy.float64))
            return x[0] * mask / (1.0 - options["p"])

        layer_case(file, name, options, samples, [shape], compute, shards=shards, mode=mode)


def flatten():
    file = File("flatten")
    for name, samples, shape, shards in [
        ("image", 4, (6, 5, 3), (1, 2, 4)),
        ("odd channels", 3, (3, 7, 5), (1, 3)),
        ("one pixel", 2, (9, 1, 1), (1, 2)),
        ("one channel", 2, (1, 5, 6), (1, 2)),
        ("many", 2, (3, 270, 260), (1, 2)),
    ]:
        layer_case(file, name, {}, samples, [shape], lambda x, p: x[0].flatten(1), shards=shards)


def add():
    file = File("add")
    for name, samples, shape, inputs, shards in [
        ("image", 4, (6, 5, 3), 2, (1, 2, 4)),
        ("vector", 3, (13,), 2, (1, 3)),
        ("three inputs", 2, (5, 4, 4), 3, (1, 2)),
        ("many", 2, (3, 270, 260), 2, (1, 2)),
    ]:
        layer_case(file, name, {}, samples, [shape] * inputs, lambda x, p: sum(x[1:], x[0]), shards=shards)


# --- losses -------------------------------------------------------------------------------------------------------


def loss_case(file, name, samples, shape, shards, spread, labels, compute):
    """compute(prediction, target) -> losses and third metric by sample and item. Some samples have weight 0."""
    group, seed = file.group(
        name, options="", mode="train", samples=samples, shards=numpy.asarray(shards, dtype=numpy.int64), low=spread[0],
        high=spread[1], input_count=2, parameter_count=0, tolerance=1e-5, input0=numpy.asarray(shape, dtype=numpy.int64))
    prediction = draw(seed, INPUT, (samples, *shape), *spread).requires_grad_()
    weights = (draw(seed, SAMPLE_WEIGHTS, (samples,)) > -0.7).double() if samples > 2 else torch.ones(samples).double()
    if labels:
        label_shape = shape[1:] if len(shape) != 2 else shape[:1]
        classes = shape[0] if len(shape) != 2 else shape[1]
        drawn = words(seed, LABEL, samples * math.prod(label_shape)) % numpy.uint64(classes)
        target = torch.tensor(drawn.astype(numpy.int64).reshape(samples, *label_shape))
        group.attrs["classes"] = classes
    else:
        label_shape = shape
        target = draw(seed, INPUT + 1, (samples, *shape), *spread)
    group.attrs["input1"] = numpy.asarray(label_shape or (0,), dtype=numpy.int64)
    losses, thirds = compute(prediction, target)
    items = losses.reshape(samples, -1).shape[1]
    by_item = weights[:, None].expand(samples, items)
    loss_scale = numpy.float32(1.0 / by_item.sum().item())
    group.attrs["loss_scale"] = loss_scale
    total = (losses.reshape(samples, -1) * by_item).sum()
    (total * float(loss_scale)).backward()
    third = (thirds.reshape(samples, -1) * by_item).sum()
    expect(group, seed, "metrics", torch.stack([total.detach(), by_item.sum(), third, torch.zeros(()).double()]))
    expect(group, seed, "input_gradient0", prediction.grad)


def softmax_cross_entropy():
    file = File("softmax_cross_entropy")

    def compute(prediction, label):
        axis = 2 if prediction.dim() == 3 else 1
        moved = prediction.movedim(axis, 1)
        return F.cross_entropy(moved, label, reduction="none"), (moved.argmax(1) == label).double()

    for name, samples, shape, shards, spread in [
        ("ten classes", 16, (10,), (1, 2, 4), (-3.0, 3.0)),
        ("two classes", 5, (2,), (1, 5), (-1.0, 1.0)),
        ("one class", 2, (1,), (1, 2), (-1.0, 1.0)),
        ("large logits", 8, (7,), (1, 2), (-300.0, 300.0)),
        ("far from zero", 8, (12,), (1, 2), (995.0, 1005.0)),
        ("odd classes", 4, (1001,), (1, 4), (-5.0, 5.0)),
        ("many classes", 4, (50000,), (1, 2), (-2.0, 2.0)),
        ("many samples", 3000, (3,), (1, 3), (-2.0, 2.0)),
        ("sequence", 4, (6, 11), (1, 2), (-4.0, 4.0)),
        ("image", 3, (5, 4, 3), (1, 3), (-4.0, 4.0)),
    ]:
        loss_case(file, name, samples, shape, shards, spread, True, compute)


def mse():
    file = File("mse")

    def compute(prediction, target):
        error = (prediction - target).flatten(1)
        return (error**2).mean(1), error.abs().mean(1)

    for name, samples, shape, shards in [
        ("vector", 6, (7,), (1, 2, 3)),
        ("one", 2, (1,), (1, 2)),
        ("image", 4, (3, 9, 8), (1, 4)),
        ("sequence", 4, (6, 5), (1, 2)),
        ("many positions", 3, (3, 270, 260), (1, 3)),
        ("many samples", 3000, (3,), (1, 4)),
    ]:
        loss_case(file, name, samples, shape, shards, (-2.0, 2.0), False, compute)


# --- optimisers ---------------------------------------------------------------------------------------------------


def update():
    """Five steps over two groups of 100 and 5,000 parameters; gradients drawn step by step."""
    file = File("update")
    steps, counts, rates = 5, (100, 5000), (1.0, 0.5)
    for name, rule, options, scale in [
        ("sgd", "sgd", {"lr": 0.1}, 1.0),
        ("sgd momentum", "sgd", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}, 1.0),
        ("sgd nesterov", "sgd", {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True}, 0.25),
        ("adam", "adam", {"lr": 0.01}, 1.0),
        ("adam decay", "adam", {"lr": 0.02, "betas": (0.8, 0.99), "weight_decay": 0.1, "eps": 1e-3}, 0.5),
        ("adamw", "adamw", {"lr": 0.01, "weight_decay": 0.3}, 1.0),
        ("adamw betas", "adamw", {"lr": 0.03, "betas": (0.7, 0.95), "weight_decay": 0.01, "eps": 1e-6}, 0.125),
    ]:
        group, seed = file.group(
            name, rule=rule, steps=steps, learning_rate=options["lr"], momentum=options.get("momentum", 0.0),
            weight_decay=options.get("weight_decay", 0.0), nesterov=int(options.get("nesterov", False)),
            beta1=options.get("betas", (0.9, 0.999))[0], beta2=options.get("betas", (0.9, 0.999))[1],
            epsilon=options.get("eps", 1e-8), clip_scale=scale)
        ps = [draw(seed, PARAMETER + i, (n,)).requires_grad_() for i, n in enumerate(counts)]
        optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[rule](
            # The second group learns at half the rate and decays not at all.
            [{"params": [ps[0]]}, {"params": [ps[1]], "lr": options["lr"] * rates[1], "weight_decay": 0.0}], **options)
        for step in range(steps):
            for i, p in enumerate(ps):
                p.grad = draw(seed, 100 + 2 * step + i, p.shape) * scale
            optimizer.step()
        slots = {"sgd": ["momentum_buffer"], "adam": ["exp_avg", "exp_avg_sq"], "adamw": ["exp_avg", "exp_avg_sq"]}[rule]
        for i, p in enumerate(ps):
            expect(group, seed, f"value{i}", p)
            for j, slot in enumerate(slots):
                state = optimizer.state[p].get(slot)
                if state is not None:  # SGD without momentum keeps none
                    expect(group, seed, f"slot{j}_{i}", state)


# --- networks -----------------------------------------------------------------------------------------------------


def summary(seed, tensor):
    """What stands for an array too large to store: its product with a drawn array, and its norm."""
    flat = tensor.detach().numpy().reshape(-1)
    return (flat * draw(seed, WITNESS, flat.shape).numpy()).sum(), numpy.sqrt((flat**2).sum())


def network_case(file, name, config, build, image, samples, shards, classes=10, tolerance=0.1):
    """A step of a torchvision network: the parameters in its own order, drawn within bounds that keep signals in size.

    Where the input of a ReLU is zero but for rounding, one side passes the gradient and the other does not. In the last
    layers of a small image one such element is a percent of all gradients above it, hence the tolerance.
    """
    model = build(num_classes=classes).double()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    trained = sum(p.numel() for p in model.parameters())
    bounds = {}
    for key, value in state.items():
        if value.dim() > 1:
            bound = math.sqrt(6.0 / value[0].numel())
            bounds[key] = (-bound, bound)
        elif key.endswith("running_var") or (key.endswith("weight") and "fc" not in key):
            bounds[key] = (0.5, 1.5)
        else:
            bounds[key] = (-0.5, 0.5)
    group, seed = file.group(
        name, config=config, image=numpy.asarray(image, dtype=numpy.int64), samples=samples, shards=shards,
        classes=classes, trained=trained, tolerance=tolerance,
        parameters="".join(f"{k} {'x'.join(map(str, v.shape))} {bounds[k][0]!r} {bounds[k][1]!r}\n" for k, v in state.items()))
    with torch.no_grad():
        for i, (key, value) in enumerate(state.items()):
            value.copy_(draw(seed, NETWORK_PARAMETER + i, tuple(value.shape), *bounds[key]))
    before = {k: v.clone() for k, v in state.items()}
    images = draw(seed, INPUT, (samples, *image))
    labels = torch.tensor((words(seed, LABEL, samples) % numpy.uint64(classes)).astype(numpy.int64))
    model.eval()
    expect(group, seed, "evaluated", model(images))
    model.train()
    moved = {k: torch.zeros_like(v) for k, v in state.items() if "running" in k}
    outputs, loss = [], 0.0
    # Batch normalization by shard; the running statistics move along the mean over the shards.
    for part, label in zip(images.chunk(shards), labels.chunk(shards)):
        for key in moved:
            state[key].copy_(before[key])
        outputs.append(model(part))
        part_loss = F.cross_entropy(outputs[-1], label, reduction="sum")
        (part_loss * float(numpy.float32(1.0 / samples))).backward()
        loss += part_loss.item()
        for key in moved:
            moved[key] += state[key] / shards
    expect(group, seed, "trained_output", torch.cat(outputs))
    group.attrs["loss"] = loss
    gradients = {k: p.grad for k, p in model.named_parameters()}
    summaries = [summary(seed, moved[k] if k in moved else gradients[k]) for k in state]
    group.attrs["products"] = numpy.asarray([s[0] for s in summaries])
    group.attrs["norms"] = numpy.asarray([s[1] for s in summaries])


def network():
    import torchvision.models

    def cifar(num_classes):
        model = torchvision.models.resnet18(num_classes=num_classes)
        model.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = torch.nn.Identity()
        return model

    file = File("network")
    network_case(file, "resnet18 for CIFAR", "architecture = resnet18\nstem = cifar\n", cifar, (3, 32, 32), 4, 1,
                 tolerance=0.01)
    network_case(file, "resnet18 in shards", "architecture = resnet18\n", torchvision.models.resnet18, (3, 64, 48), 8, 2, 7)
    network_case(file, "resnet34", "architecture = resnet34\n", torchvision.models.resnet34, (3, 64, 64), 4, 1)
    network_case(file, "resnet50", "architecture = resnet50\n", torchvision.models.resnet50, (3, 64, 64), 4, 1)


def main():
    linear()
    conv2d()
    pooling("max_pool2d", F.max_pool2d, POOLING)
    pooling("avg_pool2d", F.avg_pool2d, POOLING + AVG_ONLY)
    global_avg_pool2d()
    batch_norm()
    elementwise("relu", lambda x: F.relu(x), [{}], (-1.0, 1.0))
    elementwise("leaky_relu", lambda x, negative_slope=0.01: F.leaky_relu(x, negative_slope), [{}, {"negative_slope": 0.2}], (-1.0, 1.0))
    elementwise("sigmoid", lambda x: torch.sigmoid(x), [{}], (-8.0, 8.0))
    elementwise("tanh", lambda x: torch.tanh(x), [{}], (-4.0, 4.0))
    dropout()
    flatten()
    add()
    softmax_cross_entropy()
    mse()
    update()
    network()


main()
