# SPDX-License-Identifier: BSD-3-Clause
"""RepGhost (arXiv:2211.06088): the module and the bottleneck."""

import dataclasses

from .case import block, case
from .layers import activate


@block("repghost", kernel=1, activation="relu")
def repghost(layers, p, x):
    """x1 = act(bn(W*x)), y = act(bn(D*x1) + bn(x1) + x1), D a depthwise 3x3."""
    c = p.out_channels
    x1 = layers.conv_bn(x, "primary_conv.0", "primary_conv.1", c, p.kernel, stride=p.stride,
                        padding=p.kernel // 2)
    x1 = activate(x1, p)
    y = layers.conv_bn(x1, "cheap_operation.0", "cheap_operation.1", c, 3, padding=1, groups=c)
    if p.reparam_bn:
        y = y + layers.bn(x1, "fusion_bn.0")
    if p.reparam_identity:
        y = y + x1
    return activate(y, p)


case("repghost", "bn", "input=1x4x7x6 out_channels=6", convs=2)
case("repghost", "identity",
     "input=1x4x7x6 out_channels=6 reparam_bn=0 reparam_identity=1 activation=silu", convs=2)
case("repghost", "both", "input=1x3x8x7 out_channels=5 kernel=3 stride=2 reparam_identity=1",
     convs=2)
case("repghost", "neither", "input=1x4x7x6 out_channels=5 reparam_bn=0", convs=2)


@block("repghost_bottleneck", activation="relu")
def bottleneck(layers, p, x):
    """y = ghost2(se(bn(dw(ghost1(x))))) + shortcut(x). dw is there for a stride; ghost2 has no
    activations; the shortcut is x, or bn(W1*bn(dw(x))) where channels or images differ."""
    c_in, mid, out = x.shape[1], p.mid_channels or p.out_channels, p.out_channels
    near = {"stride": p.stride, "padding": (p.kernel - 1) // 2}

    def ghost(y, path, channels, **changes):
        inner = dataclasses.replace(p, out_channels=channels, kernel=1, stride=1, **changes)
        return repghost(layers.at(path), inner, y)

    y = ghost(x, "ghost1.", mid)
    if p.stride > 1:
        y = layers.conv_bn(y, "conv_dw", "bn_dw", mid, p.kernel, groups=mid, **near)
    y = layers.squeeze_excite(y, p, "se.conv_reduce", "se.conv_expand", "hard_sigmoid")
    y = ghost(y, "ghost2.", out, activation="none")
    if c_in == out and p.stride == 1:
        return y + x if p.shortcut != 0 else y
    side = layers.conv_bn(x, "shortcut.0", "shortcut.1", c_in, p.kernel, groups=c_in, **near)
    return y + layers.conv_bn(side, "shortcut.2", "shortcut.3", out, 1)


# Neither ghost2's two convolutions nor the shortcut's pay as one.
KEPT = "exact, unprofitable"
case("repghost_bottleneck", "identity", "input=1x5x7x6 out_channels=5 mid_channels=8", convs=4,
     verdicts=KEPT)
case("repghost_bottleneck", "stride",
     "input=1x4x8x7 out_channels=6 mid_channels=8 kernel=5 stride=2 se_hidden=4", convs=7,
     verdicts=KEPT)
case("repghost_bottleneck", "widen",
     "input=1x4x7x6 out_channels=6 mid_channels=8 reparam_bn=0 reparam_identity=1", convs=6,
     verdicts=KEPT)
case("repghost_bottleneck", "open", "input=1x5x6x7 out_channels=5 mid_channels=4 shortcut=0",
     convs=4, verdicts=KEPT)
