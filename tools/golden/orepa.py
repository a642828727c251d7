# SPDX-License-Identifier: BSD-3-Clause
"""OREPA (arXiv:2204.00826): blocks that generate the weight of one convolution. Indices:
o = c*Og + a is an output channel of group c, j an input channel of a group, (h, w) a tap."""

import math

import torch
from torch.nn import functional as F

from .case import block, case
from .layers import activate
from .yolo import conv as yolo_conv
from .yolo import YOLO, hidden_channels, join

# Rows of `vector`, in order.
ALL = ("origin", "avg", "prior", "1x1_kxk", "1x1", "gconv")
WITHOUT_POINT = ("origin", "avg", "prior", "1x1_kxk", "gconv")
# Endings of the names of what is not trained.
CONSTANTS = ("avg_avg", "prior", "id_tensor")


def prior(out, k, period):
    """Cosines of one frequency a channel: the first half along h, the second along w. Half of an
    odd number is not whole. Only taps below `period` are filled."""
    half = out / 2
    values = torch.zeros(out, k, k)
    for o in range(out):
        for h in range(period):
            for w in range(period):
                at, frequency = (h, o + 1) if o < half else (w, o + 1 - half)
                values[o, h, w] = math.cos(math.pi * (at + 0.5) * frequency / period)
    return values


def weight(layers, p, c_in, out, k, groups, family, branches, rows, mid):
    """The generated weight [O][I/g][k][k]. Constants are float32, as the original keeps them."""
    width, per_group = c_in // groups, out // groups

    def draw(name, *shape):
        return layers.kernel(family + name, shape)

    w0 = draw("origin", out, width, k, k)
    a = draw("avg_conv", out, width, 1, 1)
    f = draw("pfir_conv", out, width, 1, 1)
    mean = layers.keep(family + "avg_avg", torch.full((k, k), 1 / k / k))
    three = p.orepa_prior == "seed_3x3_zero"
    phi = layers.keep(family + "prior", prior(out, k, 3 if three else k))
    point = F.pad(draw("1x1", out, width, 1, 1), [k // 2] * 4) if "1x1" in branches else None

    # U + E, then V: per group a product over the q channels between them.
    u = draw("1x1_kxk_idconv1", mid, width, 1, 1)
    e = torch.zeros(mid, width, 1, 1)
    for r in range(mid):
        e[r, r % width] = 1
    u = (u + layers.keep("id_tensor", e)).view(groups, mid // groups, width)
    v = draw("1x1_kxk_conv2", out, mid // groups, k, k)
    v = v.view(groups, per_group, mid // groups, k, k)
    kxk = torch.einsum("cqj,caqhw->cajhw", u, v).reshape(out, width, k, k)

    # D: eight kernels a channel. P: channel o reads row a*g + c, as the original does, or row o.
    d = draw("gconv_dw", 8 * c_in, 1, k, k).view(groups, width, 8, k, k)
    rho = [o % per_group * groups + o // per_group for o in range(out)]
    pw = draw("gconv_pw", out, 8 * width, 1, 1)
    pw = (pw[rho] if p.orepa_row_order == "interleaved" else pw).view(groups, per_group, width, 8)
    gconv = torch.einsum("cajq,cjqhw->cajhw", pw, d).reshape(out, width, k, k)

    parts = {"origin": w0, "avg": a * mean, "prior": f * phi[:, None], "1x1_kxk": kxk,
             "1x1": point, "gconv": gconv}
    vector = layers.draw("vector", (rows, out))
    return sum(vector[n][:, None, None, None] * parts[name] for n, name in enumerate(branches))


def orepa_layer(layers, p, c_in, out, k, groups, mid):
    return weight(layers, p, c_in, out, k, groups, "weight_orepa_", ALL, len(ALL), mid)


def middle(p):
    """Channels between the two kernels of 1x1_kxk."""
    return p.mid_channels or p.shape[1] * (1 if p.groups <= 4 else 2)


@block("orepa", activation="relu")
def orepa(layers, p, x):
    w = orepa_layer(layers, p, x.shape[1], p.out_channels, p.kernel, p.groups, middle(p))
    y = F.conv2d(x, w, None, p.stride, p.pad(), p.dilation, p.groups)
    return activate(layers.bn(y, "bn") if p.batch_norm else y, p)


case("orepa", "plain", "input=1x4x7x6 out_channels=6", convs=1)
case("orepa", "groups", "input=1x6x7x6 out_channels=9 groups=3 stride=2 activation=none", convs=1)
case("orepa", "grouped_rows", "input=1x4x6x5 out_channels=4 groups=2 orepa_row_order=grouped",
     convs=1)
case("orepa", "depthwise", "input=1x6x7x6 out_channels=6 groups=6 activation=silu", convs=1)
case("orepa", "odd", "input=1x3x6x7 out_channels=5", convs=1)
case("orepa", "wide", "input=1x3x9x8 out_channels=4 kernel=5", convs=1)
case("orepa", "dilation", "input=1x3x9x8 out_channels=4 dilation=2", convs=1)
case("orepa", "mid", "input=1x3x6x7 out_channels=7 mid_channels=5", convs=1)
# Files without the constants, which are then computed.
case("orepa", "computed", "input=1x6x6x5 out_channels=9 groups=3", convs=1, leave_out=CONSTANTS)
case("orepa", "prior_3x3", "input=1x3x9x8 out_channels=4 kernel=5 orepa_prior=seed_3x3_zero",
     convs=1, leave_out=CONSTANTS)
case("orepa", "depthwise_computed", "input=1x6x5x6 out_channels=6 groups=6", convs=1,
     leave_out=CONSTANTS)
case("orepa", "weight_only", "input=1x3x6x7 out_channels=4 batch_norm=0 activation=none", convs=1)


@block("orepa_1x1", kernel=1, activation="relu")
def orepa_1x1(layers, p, x):
    """v0*W0 + v1*(W2 W1), W1 to as many channels as the smaller end has."""
    c_in, out = x.shape[1], p.out_channels
    w0 = layers.kernel("weight_or1x1_origin", (out, c_in, 1, 1))
    between = min(c_in, out)
    w1 = layers.kernel("weight_or1x1_l2i_conv1", (between, c_in, 1, 1))
    w2 = layers.kernel("weight_or1x1_l2i_conv2", (out, between, 1, 1))
    v = layers.draw("vector", (2, out))[:, :, None, None, None]
    w = v[0] * w0 + v[1] * torch.einsum("otyx,tihw->oihw", w2, w1)
    return activate(layers.bn(F.conv2d(x, w, None, p.stride), "bn"), p)


case("orepa_1x1", "wider", "input=1x4x7x6 out_channels=7", convs=1)
case("orepa_1x1", "narrower", "input=1x7x7x6 out_channels=5 stride=2", convs=1)


def dense(layers, p, x, out, stride):
    """OREPA_3x3_RepVGG: no 1x1 branch; a row of `vector` more than is used for an identity."""
    rows = 5 + (x.shape[1] == out and stride == 1)
    w = weight(layers, p, x.shape[1], out, 3, 1, "weight_rbr_", WITHOUT_POINT, rows,
               p.mid_channels or x.shape[1])
    return layers.bn(F.conv2d(x, w, None, stride, 1), "bn")


@block("orepa_3x3")
def orepa_3x3(layers, p, x):
    return activate(dense(layers, p, x, p.out_channels, p.stride), p)


case("orepa_3x3", "same", "input=1x4x7x6 out_channels=4", convs=1)
case("orepa_3x3", "stride", "input=1x3x7x6 out_channels=5 stride=2", convs=1)


def compose(first, then, order):
    """Kernels [t][i] of size s and [o][t] of 3x3 into [o][i] of size s + 2. A stack of layers
    adds offsets: tap m + a. The original's correlation subtracts them: tap m + 2 - a."""
    out, size = then.shape[0], first.shape[2]
    whole = first.new_zeros(out, first.shape[1], size + 2, size + 2)
    for a in range(3):
        for b in range(3):
            y, x = (2 - a, 2 - b) if order == "correlate" else (a, b)
            part = torch.einsum("ot,tihw->oihw", then[:, :, a, b], first)
            whole[:, :, y : y + size, x : x + size] += part
    return whole


def compose_groups(first, then, groups, order):
    pairs = zip(first.chunk(groups), then.chunk(groups))
    return torch.cat([compose(c, w, order) for c, w in pairs])


def largeconv(layers, p, x, kernels):
    w = kernels[0]
    for then in kernels[1:]:
        w = compose_groups(w, then, p.groups, p.largeconv_order)
    y = F.conv2d(x, w, None, p.stride, p.pad(), p.dilation, p.groups)
    return activate(layers.bn(y, "bn"), p)


def widths(p):
    """Channels that go into each layer."""
    return [p.shape[1]] + [p.out_channels] * ((p.kernel - 1) // 2 - 1)


@block("orepa_largeconv", kernel=7, activation="relu")
def orepa_largeconv(layers, p, x):
    kernels = [orepa_layer(layers.at(f"weight{n}."), p, c, p.out_channels, 3, 1, c)
               for n, c in enumerate(widths(p))]
    return largeconv(layers, p, x, kernels)


@block("orepa_largeconv_base", kernel=7, activation="relu")
def orepa_largeconv_base(layers, p, x):
    kernels = [layers.kernel(f"weight{n}", (p.out_channels, c // p.groups, 3, 3))
               for n, c in enumerate(widths(p))]
    return largeconv(layers, p, x, kernels)


case("orepa_largeconv", "five", "input=1x2x8x7 out_channels=3 kernel=5", convs=1)
case("orepa_largeconv", "seven", "input=1x2x9x8 out_channels=3 stride=2", convs=1)
case("orepa_largeconv_base", "five", "input=1x1x8x7 out_channels=6 kernel=5", convs=1)
case("orepa_largeconv_base", "seven", "input=1x3x9x8 out_channels=8 stride=2", convs=1)
case("orepa_largeconv_base", "groups", "input=1x4x8x9 out_channels=6 kernel=5 groups=2 dilation=2",
     convs=1)
case("orepa_largeconv_base", "sequential",
     "input=1x2x9x8 out_channels=3 kernel=5 largeconv_order=sequential", convs=1)
case("orepa_largeconv_base", "unprofitable", "input=1x5x11x14 out_channels=5 kernel=5", convs=2,
     verdicts="unprofitable")


@block("repvgg_orepa", **YOLO)
def repvgg_orepa(layers, p, x):
    return repvgg_orepa_of(layers, p, x, p.out_channels, p.stride, p.identity != 0)


def repvgg_orepa_of(layers, p, x, out, stride=1, identity=True):
    """RepVGG whose 3x3 is generated; one published listing has a SiLU behind that branch."""
    y = dense(layers.at("rbr_dense."), p, x, out, stride)
    if p.orepa_inner_activation:
        y = F.silu(y)
    y = y + layers.conv_bn(x, "rbr_1x1.conv", "rbr_1x1.bn", out, 1, stride=stride)
    if identity and x.shape[1] == out and stride == 1:
        y = y + layers.bn(x, "rbr_identity")
    return activate(layers.squeeze_excite(y, p), p)


case("repvgg_orepa", "identity", "input=1x4x7x6 out_channels=4", convs=1)
case("repvgg_orepa", "stride", "input=1x3x7x6 out_channels=5 stride=2", convs=1)
case("repvgg_orepa", "se", "input=1x4x6x7 out_channels=6 se_hidden=2 se_style=linear", convs=1)
case("repvgg_orepa", "inner", "input=1x4x7x6 out_channels=4 orepa_inner_activation=1",
     verdicts="exact, nonlinear inside", convs=2)


def narrow(layers, p, x, hidden, out, add):
    """Bottleneck_REPVGGOREPA: its first kernel is 1 for a Conv, or 3 for another such block."""
    if p.kernel == 1:
        y = yolo_conv(layers, p, x, "cv1", hidden)
    else:
        y = repvgg_orepa_of(layers.at("cv1."), p, x, hidden)
    y = repvgg_orepa_of(layers.at("cv2."), p, y, out)
    return x + y if add and x.shape[1] == out else y


@block("bottleneck_orepa", **YOLO)
def bottleneck_orepa(layers, p, x):
    hidden = hidden_channels(p, p.out_channels, 0.5)
    return narrow(layers, p, x, hidden, p.out_channels, p.shortcut != 0)


@block("c3_orepa", **YOLO)
def c3_orepa(layers, p, x):
    """C3_REPVGGOREPA; its bottlenecks add nothing unless they are asked to."""
    hidden = hidden_channels(p, p.out_channels, 0.5)
    deep = yolo_conv(layers, p, x, "cv1", hidden)
    for n in range(p.repeats):
        deep = narrow(layers.at(f"m.{n}."), p, deep, hidden, hidden, p.shortcut == 1)
    side = yolo_conv(layers, p, x, "cv2", hidden)
    return yolo_conv(layers, p, join(deep, side), "cv3", p.out_channels)


case("bottleneck_orepa", "shortcut", "input=1x4x7x6 out_channels=4", convs=2)
case("bottleneck_orepa", "point", "input=1x3x7x6 out_channels=4 kernel=1", convs=2)
case("c3_orepa", "plain", "input=1x4x7x6 out_channels=6", convs=5)
