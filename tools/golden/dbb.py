# SPDX-License-Identifier: BSD-3-Clause
"""The Diverse Branch Block (arXiv:2103.13425)."""

import torch
from torch.nn import functional as F

from .case import block, case
from .layers import activate


def identity_conv(layers, x, name, groups):
    """A 1x1 convolution to whose weight the identity is added."""
    channels = x.shape[1]
    width = channels // groups
    w = layers.kernel(name + ".weight", (channels, width, 1, 1)).clone()
    for o in range(channels):
        w[o, o % width] += 1
    return F.conv2d(x, w, groups=groups)


@block("dbb", activation="relu")
def dbb(layers, p, x):
    """bn(Wk*x) + bn(W1*x) + bn(mean(bn(1x1))) + bn(Wk*(bn(1x1))), where the last two pad what
    their first batch norm gives by what it makes of zero. Groups of one output channel have no
    1x1 branch, a plain mean, and a middle of twice the channels without the identity."""
    c_in, out, k, g, s = x.shape[1], p.out_channels, p.kernel, p.groups, p.stride
    pad = k // 2
    y = layers.conv_bn(x, "dbb_origin.conv", "dbb_origin.bn", out, k, stride=s, padding=pad,
                       groups=g)
    if g < out:
        y = y + layers.conv_bn(x, "dbb_1x1.conv", "dbb_1x1.bn", out, 1, stride=s, groups=g)
        mean = layers.conv(x, "dbb_avg.conv", out, 1, groups=g)
        mean = F.avg_pool2d(layers.bn_and_pad(mean, "dbb_avg.bn.bn", pad), k, s)
    else:
        mean = F.avg_pool2d(x, k, s, pad)
    y = y + layers.bn(mean, "dbb_avg.avgbn")
    mid = p.mid_channels or c_in * (1 if g < out else 2)
    if mid == c_in:
        z = identity_conv(layers, x, "dbb_1x1_kxk.idconv1", g)
    else:
        z = layers.conv(x, "dbb_1x1_kxk.conv1", mid, 1, groups=g)
    z = layers.bn_and_pad(z, "dbb_1x1_kxk.bn1.bn", pad)
    z = layers.conv_bn(z, "dbb_1x1_kxk.conv2", "dbb_1x1_kxk.bn2", out, k, stride=s, groups=g)
    return activate(y + z, p)


case("dbb", "plain", "input=1x4x7x6 out_channels=5", convs=1)
case("dbb", "groups", "input=1x4x7x8 out_channels=6 groups=2 stride=2 activation=none", convs=1)
case("dbb", "depthwise", "input=1x4x7x6 out_channels=4 groups=4", convs=1)
case("dbb", "depthwise_wide", "input=1x3x9x8 out_channels=3 groups=3 kernel=5 stride=2", convs=1)
case("dbb", "mid", "input=1x4x6x7 out_channels=4 kernel=5 mid_channels=6", convs=1)
