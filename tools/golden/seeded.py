# SPDX-License-Identifier: BSD-3-Clause
"""The library's generator of weights: every value is a hash of the seed, the tensor's name and its
index, so that both sides have the weights of a whole network and no file needs to hold them."""

import math

import numpy
import torch

from .layers import Layers

MASK = (1 << 64) - 1

# last part of the name ("*" at its end: anything), part of the whole name, least rank, low, high,
# both signs, gain: the variance of a sum of as many products as a result has.
RECIPES = (
    ("running_mean", "", 0, -0.5, 0.5, False, 0),
    ("running_var", "", 0, 0.5, 1.5, False, 0),
    ("bias", "", 0, -0.5, 0.5, False, 0),
    ("weight*", "rbr_conv.", 2, 0, 0, False, 0.25),
    ("weight*", "rbr_", 2, 0, 0, False, 0.4),
    ("weight*", "conv.weight", 2, 0, 0, False, 2),
    ("weight*", "", 2, 0, 0, False, 1),
    ("weight", "", 0, 0.5, 1.5, True, 0),
    ("*", "", 0, -0.5, 0.5, False, 0),
)


def mix(x):
    """splitmix64's finaliser, of an array."""
    with numpy.errstate(over="ignore"):
        x = x + numpy.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return x ^ (x >> numpy.uint64(31))


def hash_name(seed, name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return mix(numpy.array([value], numpy.uint64) ^ mix(numpy.array([seed], numpy.uint64)))


def find_recipe(name, rank):
    last = name.rsplit(".", 1)[-1]
    for pattern, part, least, *values in RECIPES:
        prefix = pattern.endswith("*")
        fits = last.startswith(pattern[:-1]) if prefix else last == pattern
        if fits and part in name and rank >= least:
            return values
    raise AssertionError(name)


def tensor(seed, name, shape):
    """The float32 values of a tensor."""
    low, high, both_signs, gain = find_recipe(name, len(shape))
    count = math.prod(shape)
    low, width = numpy.float32(low), numpy.float32(high) - numpy.float32(low)
    if gain:
        low = -numpy.float32(math.sqrt(3.0 * float(numpy.float32(gain)) * shape[0] / count))
        width = numpy.float32(-2) * low
    with numpy.errstate(over="ignore"):
        bits = mix(hash_name(seed, name) + numpy.arange(count, dtype=numpy.uint64))
    unit = (bits >> numpy.uint64(40)).astype(numpy.float32) * numpy.float32(2**-24)
    values = low + width * unit
    if both_signs:
        values = numpy.where(bits & numpy.uint64(1), -values, values)
    return torch.from_numpy(values.astype(numpy.float32)).view(shape)


class SeededLayers(Layers):
    """Layers whose tensors are those of the generator, whatever values were drawn."""

    def keep(self, name, values):
        return tensor(self.seed, self.path + name, tuple(values.shape)).double()
