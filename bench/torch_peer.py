#!/usr/bin/python3
"""The other side of bench/compare.py: PyTorch on the CPU, on the same workloads and the same layers.

usage: torch_peer.py train WORKLOAD [--threads N] [--ranks N] [--seconds S]
       torch_peer.py kernels [--threads N] [--seconds S] < what `lemnos bench kernels --json` printed

Prints one JSON object. `train` tells best and median seconds of a step, samples (or tokens) a second over all ranks, and
how large rank 0's process grew; with several ranks each holds a whole batch on a core of its own, and
DistributedDataParallel sums over gloo.
`kernels` tells best and median seconds of every part of every case, in the faster of PyTorch's two memory layouts.
Start it with OMP_NUM_THREADS and OPENBLAS_NUM_THREADS set to the number of threads.
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import distributed, nn

LEARNING_RATE, MOMENTUM = 1e-3, 0.9


class Workload:
    """Networks by name, optimisers, and a training step over them."""

    unit = "samples"

    def wrap(self):
        """Sums gradients over the ranks. Running statistics are left to each rank, as Lemnos leaves them to each shard."""
        for name, network in self.networks.items():
            self.networks[name] = nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)


class Supervised(Workload):
    """One network, one loss, SGD with momentum."""

    def __init__(self, network, items, loss, unit="samples"):
        self.networks, self.items, self.loss, self.unit = {"network": network}, items, loss, unit
        self.optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=MOMENTUM)

    def step(self):
        self.optimizer.zero_grad()
        self.loss(self.networks["network"]).backward()
        self.optimizer.step()


def classifier(network, batch, shape, classes=10):
    images, labels = torch.randn(batch, *shape), torch.randint(classes, (batch,))
    return Supervised(network, batch, lambda net: F.cross_entropy(net(images), labels))


def mlp():
    return classifier(nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)),
                      128, (784,))


def lenet():
    return classifier(nn.Sequential(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten(),
                                    nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)), 64, (1, 28, 28))


def resnet18():
    import torchvision
    network = torchvision.models.resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    network.maxpool = nn.Identity()
    return classifier(network, 32, (3, 32, 32))


class Block(nn.Module):
    """A transformer's layer with normalisation ahead of each half."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention_in, self.attention_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden, self.out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x):
        batch, length, width = x.shape
        query, key, value = (part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
                             for part in self.attention_in(x).split(width, 2))
        scores = query @ key.transpose(-2, -1) / (width // self.heads) ** 0.5
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, float("-inf")).softmax(-1)
        return self.attention_out((weights @ value).transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.out(F.gelu(self.hidden(self.norm2(x))))


class LanguageModel(nn.Module):
    def __init__(self, vocabulary, length, width, heads, layers):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1])))))


def language_model(batch, length, width, heads, layers, vocabulary=65):
    tokens, targets = torch.randint(vocabulary, (batch, length)), torch.randint(vocabulary, (batch, length))
    return Supervised(LanguageModel(vocabulary, length, width, heads, layers), batch * length,
                      lambda net: F.cross_entropy(net(tokens).view(-1, vocabulary), targets.view(-1)), "tokens")


def gpt_small():
    return language_model(12, 64, 128, 4, 4)


def gpt_medium():
    return language_model(8, 256, 384, 6, 6)


class Translator(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.source, self.target = nn.Embedding(vocabulary, width), nn.Embedding(vocabulary, width)
        self.transformer = nn.Transformer(width, 4, 3, 3, 4 * width, 0.0, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.head(self.transformer(self.source(source), self.target(target), tgt_mask=mask))


def seq2seq():
    vocabulary, batch, length = 8000, 32, 24
    source, target, wanted = (torch.randint(vocabulary, (batch, length)) for _ in range(3))
    return Supervised(Translator(vocabulary, 256), batch * length,
                      lambda net: F.cross_entropy(net(source, target).view(-1, vocabulary), wanted.view(-1)), "tokens")


def up(inputs, outputs, stride, padding):
    return [nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def down(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]


class Adversaries(Workload):
    """DCGAN: a step trains the discriminator, then the generator."""

    items = 32

    def __init__(self):
        self.networks = {
            "generator": nn.Sequential(*up(100, 256, 1, 0), *up(256, 128, 2, 1), *up(128, 64, 2, 1),
                                       nn.ConvTranspose2d(64, 3, 4, 2, 1), nn.Tanh()),
            "discriminator": nn.Sequential(nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2), *down(64, 128), *down(128, 256),
                                           nn.Conv2d(256, 1, 4))}
        self.optimizers = {name: torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
                           for name, network in self.networks.items()}
        self.images = torch.rand(self.items, 3, 32, 32) * 2 - 1

    def judge(self, images, answer):
        logits = self.networks["discriminator"](images).view(-1)
        return F.binary_cross_entropy_with_logits(logits, torch.full((self.items,), answer))

    def step(self):
        drawn = self.networks["generator"](torch.randn(self.items, 100, 1, 1))
        self.optimizers["discriminator"].zero_grad()
        (self.judge(self.images, 1.0) + self.judge(drawn.detach(), 0.0)).backward()
        self.optimizers["discriminator"].step()
        self.optimizers["generator"].zero_grad()
        self.judge(drawn, 1.0).backward()
        self.optimizers["generator"].step()


def dcgan():
    return Adversaries()


def maskrcnn():
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5)
    network = MaskRCNN(backbone, 2, min_size=256, max_size=256).train()
    boxes = [[30, 20, 90, 120], [120, 100, 240, 220]]
    masks = torch.zeros(2, 256, 256, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes):
        mask[top:bottom, left:right] = 1
    images = [torch.rand(3, 256, 256) for _ in range(2)]
    targets = [{"boxes": torch.tensor(boxes, dtype=torch.float), "labels": torch.ones(2, dtype=torch.long), "masks": masks}
               for _ in images]
    return Supervised(network, len(images), lambda net: sum(net(images, targets).values()))


WORKLOADS = {workload.__name__: workload for workload in (mlp, lenet, resnet18, gpt_small, gpt_medium, seq2seq, dcgan, maskrcnn)}


# --- training -------------------------------------------------------------------------------------------------------


def timed(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def repetitions(seconds, once, most):
    return max(3, min(most, int(seconds / max(once, 1e-9))))


def train(arguments, rank=0):
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(rank)
    workload = WORKLOADS[arguments.workload]()
    if arguments.ranks > 1:
        distributed.init_process_group("gloo", init_method="env://")
        workload.wrap()
    workload.step()
    workload.step()
    count = torch.tensor([repetitions(arguments.seconds, timed(workload.step), 1000)])
    if arguments.ranks > 1:
        distributed.broadcast(count, 0)
    seconds = [timed(workload.step) for _ in range(int(count))]
    best, median, items = min(seconds), statistics.median(seconds), workload.items * arguments.ranks
    if rank == 0:
        print(json.dumps({"peer": "PyTorch " + torch.__version__, "workload": arguments.workload, "ranks": arguments.ranks,
                          "threads": arguments.threads, "batch": items, "unit": workload.unit, "steps": len(seconds),
                          "step_seconds_best": best, "step_seconds_median": median,
                          "per_second_best": items / best, "per_second_median": items / median,
                          "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)


def train_rank(rank, arguments):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(arguments.ranks))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[rank % len(cores)]})
    train(arguments, rank)


def train_ranks(arguments):
    import torch.multiprocessing
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(20000 + os.getpid() % 20000), GLOO_SOCKET_IFNAME="lo")
    torch.multiprocessing.spawn(train_rank, (arguments,), nprocs=arguments.ranks)


# --- kernels --------------------------------------------------------------------------------------------------------


def pair(text):
    numbers = [int(number) for number in text.split("x")]
    return numbers * 2 if len(numbers) == 1 else numbers


def linear(case, inputs):
    features, bias = int(case["options"]["features"]), case["options"]["bias"] == "yes"
    x, weight = inputs[0], torch.randn(features, inputs[0].shape[1])
    offset, gradient = torch.randn(features) if bias else None, torch.randn(x.shape[0], features)

    def to_weights():
        return gradient.t() @ x, gradient.sum(0) if bias else None
    return {"forward": lambda: F.linear(x, weight, offset), "to data": lambda: gradient @ weight, "to weights": to_weights}


def conv2d(case, inputs):
    options, x = case["options"], inputs[0]
    channels, groups, bias = int(options["channels"]), int(options["groups"]), options["bias"] == "yes"
    kernel, stride, dilation = pair(options["kernel"]), pair(options["stride"]), pair(options["dilation"])
    padding = options["padding"]
    padding = [d * (k - 1) // 2 for d, k in zip(dilation, kernel)] if padding == "same" else pair(padding)
    layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    weight = torch.randn(channels, x.shape[1] // groups, *kernel).contiguous(memory_format=layout)
    offset = torch.randn(channels) if bias else None

    def forward():
        return F.conv2d(x, weight, offset, stride, padding, dilation, groups)
    gradient = torch.randn_like(forward(), memory_format=torch.preserve_format)

    def backward(mask):
        return torch.ops.aten.convolution_backward(gradient, x, weight, [channels], stride, padding, dilation, False, [0, 0],
                                                   groups, mask)
    return {"forward": forward, "to data": lambda: backward([True, False, False]),
            "to weights": lambda: backward([False, True, bias])}


def differentiated(function, tensors):
    """Forward, and all of backward together, for layers of which PyTorch has no two halves."""
    leaves = [tensor.requires_grad_() for tensor in tensors]
    result = function()
    gradient = torch.randn_like(result)
    return {"forward": function, "backward": lambda: torch.autograd.grad(result, leaves, gradient, retain_graph=True)}


def batch_norm(case, inputs):
    channels = inputs[0].shape[1]
    weight, bias, mean, variance = torch.ones(channels), torch.zeros(channels), torch.zeros(channels), torch.ones(channels)
    return differentiated(lambda: F.batch_norm(inputs[0], mean, variance, weight, bias, True), [inputs[0], weight, bias])


def max_pool2d(case, inputs):
    options = case["options"]
    kernel, stride, padding = pair(options["kernel"]), pair(options["stride"]), pair(options["padding"])
    stride = kernel if stride == [0, 0] else stride
    return differentiated(lambda: F.max_pool2d(inputs[0], kernel, stride, padding), inputs)


def optimizer(case, inputs):
    values = inputs[0].requires_grad_()
    values.grad = torch.randn_like(values)
    kind = {"sgd": lambda: torch.optim.SGD([values], 1e-3, momentum=0.9, weight_decay=1e-2),
            "adam": lambda: torch.optim.Adam([values], 1e-3, weight_decay=1e-2),
            "adamw": lambda: torch.optim.AdamW([values], 1e-3, weight_decay=1e-2)}[case["layer"]]()
    return {"update": kind.step}


LAYERS = {
    "linear": linear, "conv2d": conv2d, "batch_norm": batch_norm, "max_pool2d": max_pool2d,
    "softmax_cross_entropy": lambda case, inputs: differentiated(lambda: F.cross_entropy(*inputs), inputs[:1]),
    "relu": lambda case, inputs: differentiated(lambda: F.relu(inputs[0]), inputs),
    "add": lambda case, inputs: {"forward": lambda: inputs[0] + inputs[1]},
    "dropout": lambda case, inputs: differentiated(lambda: F.dropout(inputs[0], float(case["options"]["p"])), inputs),
    "global_avg_pool2d": lambda case, inputs: differentiated(lambda: F.adaptive_avg_pool2d(inputs[0], 1), inputs),
    "sgd": optimizer, "adam": optimizer, "adamw": optimizer,
}


def make_inputs(case, layout):
    inputs = []
    for shape in case["inputs"]:
        sample = [case["samples"]] if case["samples"] > 0 else []
        if shape:
            tensor = torch.randn(*sample, *shape)
            inputs.append(tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor)
        else:
            inputs.append(torch.randint(case["inputs"][0][0], sample))
    return inputs


def measure_layout(case, layout, seconds):
    measured = {}
    for part, function in LAYERS[case["layer"]](case, make_inputs(case, layout)).items():
        function()
        times = [timed(function) for _ in range(repetitions(seconds, timed(function), 200))]
        measured[part] = {"seconds_best": min(times), "seconds_median": statistics.median(times)}
    return measured


def measure_case(case, seconds):
    images = len(case["inputs"][0]) == 3
    layouts = [torch.contiguous_format, torch.channels_last] if images else [torch.contiguous_format]
    found = [measure_layout(case, layout, seconds / len(layouts)) for layout in layouts]
    parts = {part: min((one[part] for one in found), key=lambda times: times["seconds_median"]) for part in found[0]}
    return {"name": case["name"], "parts": parts}


def kernels(arguments):
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    cases = [case for case in json.load(sys.stdin)["cases"] if "parts" in case and case["layer"] in LAYERS]
    print(json.dumps({"peer": "PyTorch " + torch.__version__, "threads": arguments.threads,
                      "cases": [measure_case(case, arguments.seconds) for case in cases]}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "kernels"])
    parser.add_argument("workload", nargs="?", choices=sorted(WORKLOADS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=None, help="of measurement: 3 of training, 0.2 a kernel")
    arguments = parser.parse_args()
    if (arguments.what == "train") != (arguments.workload is not None):
        parser.error("train needs a workload, kernels none")
    if arguments.seconds is None:
        arguments.seconds = 3.0 if arguments.what == "train" else 0.2
    if arguments.what == "kernels":
        kernels(arguments)
    elif arguments.ranks == 1:
        train(arguments)
    else:
        train_ranks(arguments)


if __name__ == "__main__":
    main()
