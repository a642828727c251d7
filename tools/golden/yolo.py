# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of the YOLO family, of Convs: a convolution that keeps the image's size, a batch norm
and an activation."""

import torch
from torch.nn import functional as F

from .case import block, case
from .layers import activate

YOLO = {"activation": "silu", "bn_epsilon": 1e-3}


def conv(layers, p, x, name, out, kernel=1, stride=1, groups=1):
    y = layers.conv_bn(x, name + ".conv", name + ".bn", out, kernel, stride=stride,
                       padding=kernel // 2, groups=groups)
    return activate(y, p)


def join(*parts):
    return torch.cat(parts, 1)


def hidden_channels(p, channels, own):
    return p.mid_channels or int(channels * (p.expansion or own))


def narrow(layers, p, x, hidden, out, first, add):
    """Bottleneck: two Convs, and x where it is to be added and fits."""
    y = conv(layers, p, x, "cv1", hidden, first)
    y = conv(layers, p, y, "cv2", out, 3, groups=p.groups)
    return x + y if add and x.shape[1] == out else y


@block("bottleneck", **YOLO)
def bottleneck(layers, p, x):
    hidden = hidden_channels(p, p.out_channels, 0.5)
    return narrow(layers, p, x, hidden, p.out_channels, 1, p.shortcut != 0)


@block("bottleneck_v8", **YOLO)
def bottleneck_v8(layers, p, x):
    hidden = hidden_channels(p, p.out_channels, 0.5)
    return narrow(layers, p, x, hidden, p.out_channels, 3, p.shortcut != 0)


case("bottleneck", "shortcut", "input=1x6x7x6 out_channels=6", convs=2)
case("bottleneck", "groups", "input=1x6x7x6 out_channels=8 groups=2", convs=2)
case("bottleneck_v8", "shortcut", "input=1x6x7x6 out_channels=6", convs=2)
case("bottleneck_v8", "groups", "input=1x5x6x7 out_channels=8 groups=2", convs=2)


@block("c3", **YOLO)
def c3(layers, p, x):
    """YOLOv5: y = cv3([m(cv1 x), cv2 x])."""
    hidden = hidden_channels(p, p.out_channels, 0.5)
    deep = conv(layers, p, x, "cv1", hidden)
    for n in range(p.repeats):
        deep = narrow(layers.at(f"m.{n}."), p, deep, hidden, hidden, 1, p.shortcut != 0)
    return conv(layers, p, join(deep, conv(layers, p, x, "cv2", hidden)), "cv3", p.out_channels)


# A sum of activations is not folded into the convolution behind it.
case("c3", "shortcut", "input=1x5x7x6 out_channels=6 repeats=2", convs=7,
     verdicts="exact, nonlinear inside")
case("c3", "open", "input=1x4x6x5 out_channels=8 shortcut=0 activation=relu", convs=5)


@block("c2f", **YOLO)
def c2f(layers, p, x):
    """YOLOv8: [a, b] = cv1 x; y = cv2([a, b, m0(b), m1(m0(b)), ...])."""
    hidden = hidden_channels(p, p.out_channels, 0.5)
    parts = list(conv(layers, p, x, "cv1", 2 * hidden).split(hidden, 1))
    for n in range(p.repeats):
        inner = narrow(layers.at(f"m.{n}."), p, parts[-1], hidden, hidden, 3, p.shortcut == 1)
        parts.append(inner)
    return conv(layers, p, join(*parts), "cv2", p.out_channels)


case("c2f", "open", "input=1x5x7x6 out_channels=6 repeats=2", convs=6)
case("c2f", "shortcut", "input=1x4x6x5 out_channels=8 shortcut=1", convs=4,
     verdicts="exact, nonlinear inside")


def chain(layers, p, x, wide, hidden):
    """YOLOv7: a and b of x, r1 to r4 one after the other behind b."""
    a = conv(layers, p, x, "cv1", wide)
    rows = [conv(layers, p, x, "cv2", wide)]
    for name in ("cv3", "cv4", "cv5", "cv6"):
        rows.append(conv(layers, p, rows[-1], name, hidden, 3))
    return (a, *rows)


@block("elan", **YOLO)
def elan(layers, p, x):
    hidden = hidden_channels(p, p.out_channels, 0.25)
    a, b, _, r2, _, r4 = chain(layers, p, x, hidden, hidden)
    return conv(layers, p, join(r4, r2, b, a), "cv7", p.out_channels)


@block("elan_h", **YOLO)
def elan_h(layers, p, x):
    hidden = hidden_channels(p, p.out_channels, 0.5)
    a, b, r1, r2, r3, r4 = chain(layers, p, x, 2 * hidden, hidden)
    return conv(layers, p, join(r4, r3, r2, r1, b, a), "cv7", p.out_channels)


case("elan", "plain", "input=1x5x7x6 out_channels=12", convs=7)
case("elan_h", "plain", "input=1x5x6x5 out_channels=6", convs=7)


def halve(layers, p, x, out):
    """YOLOv7: the two halves of a downsampling, each of `out` channels."""
    top = conv(layers, p, F.max_pool2d(x, 2, 2), "cv1", out)
    bottom = conv(layers, p, conv(layers, p, x, "cv2", out), "cv3", out, 3, 2)
    return bottom, top


@block("mpc_b", **YOLO)
def mpc_b(layers, p, x):
    return join(*halve(layers, p, x, p.out_channels // 2))


@block("mpc_n", **YOLO)
def mpc_n(layers, p, x, route):
    return join(*halve(layers, p, x, (p.out_channels - p.route_channels) // 2), route)


case("mpc_b", "plain", "input=1x6x8x6 out_channels=6", convs=3)
case("mpc_n", "plain", "input=1x5x6x8 out_channels=13 route_channels=3", convs=3)


def pool(x, kernel):
    return F.max_pool2d(x, kernel, 1, kernel // 2)


def pyramid(x, k):
    return join(x, pool(x, k), pool(x, 2 * k - 1), pool(x, 3 * k - 2))


@block("spp", kernel=5, **YOLO)
def spp(layers, p, x):
    y = conv(layers, p, x, "cv1", hidden_channels(p, x.shape[1], 0.5))
    return conv(layers, p, pyramid(y, p.kernel), "cv2", p.out_channels)


@block("sppf", kernel=5, **YOLO)
def sppf(layers, p, x):
    parts = [conv(layers, p, x, "cv1", hidden_channels(p, x.shape[1], 0.5))]
    for _ in range(3):
        parts.append(pool(parts[-1], p.kernel))
    return conv(layers, p, join(*parts), "cv2", p.out_channels)


@block("spp3", **YOLO)
def spp3(layers, p, x):
    """Means that count their padding: of 3x3, then of 5x5 and of 7x7 of that one."""
    y = conv(layers, p, x, "cn1", hidden_channels(p, x.shape[1], 0.5))
    m1 = F.avg_pool2d(y, 3, 1, 1)
    m2, m3 = F.avg_pool2d(m1, 5, 1, 2), F.avg_pool2d(m1, 7, 1, 3)
    return conv(layers, p, join(y, m1, m2, m3), "cn2", p.out_channels)


@block("sppcspc", kernel=5, **YOLO)
def sppcspc(layers, p, x):
    """YOLOv7: y = cv7([cv6 cv5 pyramid(cv4 cv3 cv1 x), cv2 x])."""
    c = hidden_channels(p, p.out_channels, 1.0)
    y = conv(layers, p, conv(layers, p, x, "cv1", c), "cv3", c, 3)
    y = pyramid(conv(layers, p, y, "cv4", c), p.kernel)
    y = conv(layers, p, conv(layers, p, y, "cv5", c), "cv6", c, 3)
    return conv(layers, p, join(y, conv(layers, p, x, "cv2", c)), "cv7", p.out_channels)


case("spp", "plain", "input=1x6x9x8 out_channels=5", convs=2)
case("spp", "small", "input=1x5x6x7 out_channels=4 kernel=3 activation=relu", convs=2)
case("sppf", "plain", "input=1x6x9x8 out_channels=5", convs=2)
case("spp3", "plain", "input=1x6x9x8 out_channels=5", convs=2)
case("sppcspc", "plain", "input=1x5x8x7 out_channels=4", convs=7)
