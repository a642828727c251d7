# SPDX-License-Identifier: BSD-3-Clause
"""Whole networks as their papers' code builds them, from the blocks that are defined here."""

import dataclasses
import json
import struct

import torch
from torch.nn import functional as F

from . import repghost, repvgg  # noqa: F401, which define the blocks
from .case import BLOCKS, Params
from .seeded import SeededLayers, tensor

SEED = 11


def block(layers, path, name, x, **params):
    definition, defaults = BLOCKS[name]
    p = Params(**{**defaults, **params})
    p.input = "x".join(str(size) for size in x.shape)
    at = layers.at(path)
    at.epsilon = p.bn_epsilon
    return definition(at, p, x)


def linear(layers, x, name, out):
    """A fully connected layer over channels, with biases: N x out x 1 x 1."""
    flat = torch.flatten(x, 1)
    weight = layers.keep(name + ".weight", torch.empty(out, flat.shape[1]))
    bias = layers.keep(name + ".bias", torch.empty(out))
    return F.linear(flat, weight, bias)[:, :, None, None]


def repvgg_a0(layers, x):
    """num_blocks [2, 4, 14, 1], width multipliers 0.75, 0.75, 0.75, 2.5 of 64, 128, 256, 512."""
    widths = [int(64 * 2**i * scale) for i, scale in enumerate((0.75, 0.75, 0.75, 2.5))]
    x = block(layers, "stage0.", "repvgg", x, out_channels=min(64, widths[0]), stride=2)
    for stage, (count, width) in enumerate(zip((2, 4, 14, 1), widths), 1):
        for i in range(count):
            x = block(layers, f"stage{stage}.{i}.", "repvgg", x, out_channels=width,
                      stride=2 if i == 0 else 1)
    return linear(layers, x.mean((2, 3)), "linear", 1000)


def divisible(value, by=4):
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


# Of each bottleneck: kernel, hidden and output channels at width 1, whether it has a
# squeeze-and-excitation, stride.
REPGHOST = (
    ((3, 8, 16, 0, 1),),
    ((3, 24, 24, 0, 2),),
    ((3, 36, 24, 0, 1),),
    ((5, 36, 40, 1, 2),),
    ((5, 60, 40, 1, 1),),
    ((3, 120, 80, 0, 2),),
    ((3, 100, 80, 0, 1), (3, 120, 80, 0, 1), (3, 120, 80, 0, 1), (3, 240, 112, 1, 1),
     (3, 336, 112, 1, 1)),
    ((5, 336, 160, 1, 2),),
    ((5, 480, 160, 0, 1), (5, 480, 160, 1, 1), (5, 480, 160, 0, 1), (5, 480, 160, 1, 1)),
)


def repghostnet(layers, x, width):
    x = layers.conv_bn(x, "conv_stem", "bn1", divisible(16 * width), 3, stride=2, padding=1)
    x = F.relu(x)
    for stage, rows in enumerate(REPGHOST):
        for i, (kernel, hidden, out, excites, stride) in enumerate(rows):
            hidden = divisible(hidden * width)
            x = block(layers, f"blocks.{stage}.{i}.", "repghost_bottleneck", x, kernel=kernel,
                      mid_channels=hidden, out_channels=divisible(out * width), stride=stride,
                      se_hidden=divisible(hidden * 0.25) if excites else 0)
    x = layers.conv_bn(x, "blocks.9.0.conv", "blocks.9.0.bn1", divisible(960 * width), 1)
    x = F.relu(x).mean((2, 3), keepdim=True)
    x = F.relu(layers.conv(x, "conv_head", 1280, 1, bias=True))
    return linear(layers, x, "classifier", 1000)


def mobileone_s0(layers, x):
    """num_blocks [2, 8, 10, 1], width multipliers 0.75, 1, 1, 2; four branches."""
    widths = [int(64 * 2**i * scale) for i, scale in enumerate((0.75, 1, 1, 2))]
    x = block(layers, "stage0.", "mobileone", x, out_channels=min(64, widths[0]), stride=2)
    for stage, (count, width) in enumerate(zip((2, 8, 10, 1), widths), 1):
        for i in range(count):
            channels = x.shape[1]
            x = block(layers, f"stage{stage}.{2 * i}.", "mobileone", x, out_channels=channels,
                      groups=channels, stride=2 if i == 0 else 1, repeats=4)
            x = block(layers, f"stage{stage}.{2 * i + 1}.", "mobileone", x, out_channels=width,
                      kernel=1, repeats=4)
    return linear(layers, x.mean((2, 3)), "linear", 1000)


def yolov7_head(layers, *maps):
    """What YOLOv7 does to the three maps of its neck."""
    return [block(layers, f"model.{102 + i}.", "repconv", x, out_channels=2 * x.shape[1])
            for i, x in enumerate(maps)]


class Numbered:
    """YOLO's layers in the order of the original's list, whose numbers name the weights."""

    def __init__(self, layers, epsilon, slope):
        self.layers, self.slope, self.next = layers.at(""), slope, 0
        self.layers.epsilon = epsilon

    def number(self):
        self.next += 1
        return self.next - 1

    def conv(self, x, out, kernel=1, stride=1):
        at = f"model.{self.number()}"
        y = self.layers.conv_bn(x, at + ".conv", at + ".bn", out, kernel, stride=stride,
                                padding=kernel // 2)
        return F.leaky_relu(y, self.slope)

    def join(self, *parts):
        self.number()
        return torch.cat(parts, 1)

    def max_pool(self, x, kernel, stride, padding):
        self.number()
        return F.max_pool2d(x, kernel, stride, padding)

    def upsample(self, x):
        self.number()
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def elan(self, x, width, out):
        """Of tiny: two 1x1 convolutions side by side, two 3x3 after the second."""
        first, second = self.conv(x, width), self.conv(x, width)
        third = self.conv(second, width, 3)
        fourth = self.conv(third, width, 3)
        return self.conv(self.join(fourth, third, second, first), out)


def yolov7_tiny(layers, x):
    """Backbone, neck and the three convolutions that Detect reads."""
    net = Numbered(layers, 1e-3, 0.1)
    x = net.conv(net.conv(x, 32, 3, 2), 64, 3, 2)
    maps = [net.elan(x, 32, 64)]
    for width in (64, 128, 256):
        maps.append(net.elan(net.max_pool(maps[-1], 2, 2, 0), width, 2 * width))
    beside, x = net.conv(maps[3], 256), net.conv(maps[3], 256)
    pools = [net.max_pool(x, k, 1, k // 2) for k in (5, 9, 13)]
    x = net.conv(net.join(*reversed(pools), x), 256)
    down = [net.conv(net.join(x, beside), 256)]  # from the smallest map to the largest
    for width, lateral in ((128, maps[2]), (64, maps[1])):
        up = net.upsample(net.conv(down[-1], width))
        down.append(net.elan(net.join(net.conv(lateral, width), up), width // 2, width))
    results = [down[2]]
    for width, other in ((128, down[1]), (256, down[0])):
        x = net.join(net.conv(results[-1], width, 3, 2), other)
        results.append(net.elan(x, width // 2, width))
    return [net.conv(x, 2 * x.shape[1], 3) for x in results]


@dataclasses.dataclass
class Network:
    name: str
    inputs: tuple  # shapes
    run: object


NETWORKS = (
    Network("repvgg-a0", ((2, 3, 37, 45),), repvgg_a0),
    Network("repghostnet-0.5x", ((2, 3, 50, 70),), lambda layers, x: repghostnet(layers, x, 0.5)),
    Network("mobileone-s0", ((2, 3, 45, 39),), mobileone_s0),
    Network("yolov7-tiny", ((2, 3, 32, 64),), yolov7_tiny),
    Network("yolov7-head", ((1, 128, 8, 6), (1, 256, 4, 3), (1, 512, 2, 2)), yolov7_head),
)


def write(directory, network):
    """Writes the outputs in double precision as float32: the inputs and weights are the
    generator's. Returns the size in bytes."""
    layers = SeededLayers(0, 1e-5)
    layers.seed = SEED
    inputs = [tensor(SEED, f"golden.input{i}", shape) for i, shape in enumerate(network.inputs)]
    results = network.run(layers, *(x.double() for x in inputs))
    results = results if isinstance(results, list) else [results]
    header, data = {"__metadata__": {"network": network.name, "seed": str(SEED)}}, b""
    for i, result in enumerate(results):
        assert torch.isfinite(result).all() and 1e-3 < result.std() < 1e3
        blob = result.float().contiguous().numpy().tobytes()
        header[f"golden.output{i}"] = {
            "dtype": "F32",
            "shape": list(result.shape),
            "data_offsets": [len(data), len(data) + len(blob)],
        }
        data += blob
    for i, shape in enumerate(network.inputs):  # for its shape alone
        header["__metadata__"][f"input{i}"] = "x".join(str(size) for size in shape)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = directory / f"{network.name}.safetensors"
    return path.write_bytes(struct.pack("<Q", len(text)) + text + data)
