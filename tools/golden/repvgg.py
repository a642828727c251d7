# SPDX-License-Identifier: BSD-3-Clause
"""One convolution with a batch norm, and sums of parallel ones: RepVGG and what came of it."""

from torch.nn import functional as F

from .case import block, case
from .layers import activate


def repvgg_sum(layers, p, x):
    d = p.dilation
    y = layers.conv_bn(x, "rbr_dense.conv", "rbr_dense.bn", p.out_channels, 3, stride=p.stride,
                       padding=d, dilation=d, groups=p.groups)
    y = y + layers.conv_bn(x, "rbr_1x1.conv", "rbr_1x1.bn", p.out_channels, 1, stride=p.stride,
                           groups=p.groups)
    if p.has_identity():
        y = y + layers.bn(x, "rbr_identity")
    return y


@block("repvgg", activation="relu")
def repvgg(layers, p, x):
    """arXiv:2101.03697: y = act(se(bn(W3*x) + bn(W1*x) + bn(x)))."""
    return activate(layers.squeeze_excite(repvgg_sum(layers, p, x), p), p)


@block("repvggplus", activation="relu")
def repvggplus(layers, p, x):
    """The same authors' RepVGGplus: y = se(act(bn(W3*x) + bn(W1*x) + bn(x)))."""
    y = activate(repvgg_sum(layers, p, x), p)
    return layers.squeeze_excite(y, p, "post_se.down", "post_se.up")


case("repvgg", "identity", "input=1x5x7x6 out_channels=5", convs=1)
case("repvgg", "groups", "input=2x6x5x8 out_channels=6 groups=2 activation=none", convs=1)
case("repvgg", "depthwise",
     "input=1x17x6x7 out_channels=17 groups=17 activation=silu bn_epsilon=1e-3", convs=1)
case("repvgg", "stride", "input=1x4x9x8 out_channels=10 groups=2 stride=2", convs=1)
case("repvgg", "image", "input=1x3x8x9 out_channels=7 stride=2", convs=1)
case("repvgg", "dilation", "input=1x4x9x7 out_channels=4 dilation=2 activation=none", convs=1)
case("repvgg", "se", "input=2x8x6x4 out_channels=8 se_hidden=2", convs=1)
case("repvggplus", "identity", "input=2x8x6x4 out_channels=8 se_hidden=2", convs=1)
case("repvggplus", "stride", "input=1x4x9x7 out_channels=6 groups=2 stride=2 se_hidden=3",
     convs=1)


def conv_bn(layers, p, x, pad):
    y = layers.conv_bn(x, "conv", "bn", p.out_channels, p.kernel, stride=p.stride, padding=pad,
                       dilation=p.dilation, groups=p.groups)
    return activate(y, p)


@block("conv_bn")
def plain_conv_bn(layers, p, x):
    return conv_bn(layers, p, x, p.pad())


case("conv_bn", "pointwise", "input=1x5x7x6 out_channels=7 kernel=1", convs=1)
case("conv_bn", "wide", "input=1x4x7x9 out_channels=6 kernel=5 stride=2 groups=2", convs=1)


@block("conv", activation="silu", bn_epsilon=1e-3)
def yolo_conv(layers, p, x):
    """YOLOv5's Conv: pads by half the reach of the kernel, rounded down after adding one."""
    reach = p.dilation * (p.kernel - 1) + 1
    return conv_bn(layers, p, x, p.padding if p.padding >= 0 else reach // 2)


case("conv", "dilation", "input=1x4x8x9 out_channels=5 dilation=2", convs=1)
case("conv", "stem", "input=1x3x8x11 out_channels=5 kernel=6 stride=2 padding=2", convs=1)
case("conv", "leaky",
     "input=1x4x6x7 out_channels=6 activation=leaky_relu activation_param=0.1", convs=1)
case("conv", "even", "input=1x3x6x7 out_channels=4 kernel=2", convs=1)


@block("repconv", activation="silu", bn_epsilon=1e-3)
def repconv(layers, p, x):
    """arXiv:2207.02696: RepVGG's sum with other names and SiLU."""
    y = layers.conv_bn(x, "rbr_dense.0", "rbr_dense.1", p.out_channels, 3, stride=p.stride,
                       padding=1, groups=p.groups)
    y = y + layers.conv_bn(x, "rbr_1x1.0", "rbr_1x1.1", p.out_channels, 1, stride=p.stride,
                           groups=p.groups)
    if p.has_identity():
        y = y + layers.bn(x, "rbr_identity")
    return activate(y, p)


case("repconv", "head", "input=1x4x7x6 out_channels=8", convs=1)
case("repconv", "groups", "input=1x6x6x7 out_channels=6 groups=3", convs=1)
case("repconv", "stride", "input=1x4x7x8 out_channels=4 stride=2 activation=none", convs=1)


@block("repconvn", activation="silu", bn_epsilon=1e-3)
def repconvn(layers, p, x):
    """arXiv:2402.13616: RepConv that never has an identity."""
    y = layers.conv_bn(x, "conv1.conv", "conv1.bn", p.out_channels, 3, stride=p.stride, padding=1,
                       groups=p.groups)
    y = y + layers.conv_bn(x, "conv2.conv", "conv2.bn", p.out_channels, 1, stride=p.stride,
                           groups=p.groups)
    return activate(y, p)


case("repconvn", "same", "input=1x5x7x6 out_channels=5", convs=1)
case("repconvn", "groups", "input=1x4x7x6 out_channels=6 groups=2 stride=2", convs=1)


@block("acnet")
def acnet(layers, p, x):
    """arXiv:1908.03930: a square, a vertical and a horizontal kernel whose centres coincide. A
    kernel that is thinner by 2r than the square one pads by r less, or crops."""
    pad, k = p.pad(), p.kernel
    thin = pad - p.dilation * (k // 2)
    geometry = {"stride": p.stride, "dilation": p.dilation, "groups": p.groups}
    y = 0
    # F.pad: left, right, top, bottom; a negative number crops.
    for name, kernel, around in (
        ("square", (k, k), [pad, pad, pad, pad]),
        ("ver", (k, 1), [thin, thin, pad, pad]),
        ("hor", (1, k), [pad, pad, thin, thin]),
    ):
        y = y + layers.conv_bn(F.pad(x, around), name + "_conv", name + "_bn", p.out_channels,
                               kernel, **geometry)
    return activate(y, p)


case("acnet", "plain", "input=1x4x7x6 out_channels=5 activation=relu", convs=1)
case("acnet", "crop", "input=1x2x9x8 out_channels=3 kernel=5 padding=1", convs=1)
case("acnet", "pad", "input=1x2x6x5 out_channels=3 padding=2", convs=1)
case("acnet", "groups", "input=1x4x9x8 out_channels=6 kernel=5 groups=2 stride=2", convs=1)
case("acnet", "dilation", "input=1x3x8x7 out_channels=2 dilation=2", convs=1)


@block("mobileone", activation="relu")
def mobileone(layers, p, x):
    """arXiv:2206.04040: y = act(se(sum of bn(Wb*x) + bn(W1*x) + bn(x)))."""
    y = 0
    for b in range(p.repeats):
        at = f"rbr_conv.{b}."
        y = y + layers.conv_bn(x, at + "conv", at + "bn", p.out_channels, p.kernel,
                               stride=p.stride, padding=p.kernel // 2, groups=p.groups)
    if p.kernel > 1:
        y = y + layers.conv_bn(x, "rbr_scale.conv", "rbr_scale.bn", p.out_channels, 1,
                               stride=p.stride, groups=p.groups)
    if p.has_identity():
        y = y + layers.bn(x, "rbr_skip")
    y = layers.squeeze_excite(y, p, "se.reduce", "se.expand")
    return activate(y, p)


case("mobileone", "depthwise", "input=1x6x7x6 out_channels=6 groups=6 repeats=4", convs=1)
case("mobileone", "depthwise_stride",
     "input=1x5x8x7 out_channels=5 groups=5 repeats=2 stride=2", convs=1)
case("mobileone", "pointwise", "input=1x5x6x5 out_channels=5 kernel=1 repeats=3", convs=1)
case("mobileone", "pointwise_se", "input=1x4x5x6 out_channels=8 kernel=1 se_hidden=2", convs=1)
case("mobileone", "depthwise_wide", "input=1x4x7x6 out_channels=4 kernel=5 groups=4", convs=1)


def qarepvgg(layers, p, x, pooling):
    """arXiv:2212.01593: y = act(bn(bn(W3*x) + W1*x + x)), in a second version with a mean."""
    y = layers.conv_bn(x, "rbr_dense.conv", "rbr_dense.bn", p.out_channels, 3, stride=p.stride,
                       padding=1, groups=p.groups)
    y = y + layers.conv(x, "rbr_1x1", p.out_channels, 1, stride=p.stride, groups=p.groups)
    if p.has_identity():
        y = y + x
        if pooling:
            y = y + F.avg_pool2d(x, 3, 1, 1)
    return activate(layers.bn(y, "bn"), p)


@block("qarepvgg", activation="relu", bn_epsilon=1e-3)
def qarepvgg_v1(layers, p, x):
    return qarepvgg(layers, p, x, False)


@block("qarepvgg_v2", activation="relu", bn_epsilon=1e-3)
def qarepvgg_v2(layers, p, x):
    return qarepvgg(layers, p, x, True)


case("qarepvgg", "identity", "input=1x5x7x6 out_channels=5", convs=1)
case("qarepvgg", "groups", "input=1x4x7x6 out_channels=6 groups=2 stride=2", convs=1)
case("qarepvgg_v2", "identity", "input=1x6x7x6 out_channels=6 groups=2", convs=1)
case("qarepvgg_v2", "stride", "input=1x4x7x6 out_channels=4 stride=2", convs=1)


@block("linear_add", activation="relu", bn_epsilon=1e-3)
def linear_add(layers, p, x):
    """arXiv:2205.15242: y = act(bn(s3*(W3*x) + s1*(W1*x) + s0*x)), one scale a channel."""

    def scale(y, name):
        return y * layers.signed(name + ".weight", y.shape[1], 0.5, 1.5)[:, None, None]

    wide = layers.conv(x, "conv", p.out_channels, 3, stride=p.stride, padding=1, groups=p.groups)
    y = scale(wide, "scale_conv")
    point = layers.conv(x, "conv_1x1", p.out_channels, 1, stride=p.stride, groups=p.groups)
    y = y + scale(point, "scale_1x1")
    if p.has_identity():
        y = y + scale(x, "scale_identity")
    return activate(layers.bn(y, "bn"), p)


case("linear_add", "identity", "input=1x5x7x6 out_channels=5", convs=1)
case("linear_add", "groups", "input=1x4x7x6 out_channels=6 groups=2 stride=2", convs=1)
