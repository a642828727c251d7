# SPDX-License-Identifier: BSD-3-Clause
"""Layers by torch.nn.functional in double precision, on weights that are drawn by name."""

import torch
from torch.nn import functional as F

ACTIVATIONS = {
    "none": lambda x, _: x,
    "relu": lambda x, _: F.relu(x),
    "silu": lambda x, _: F.silu(x),
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
}


def activate(x, params):
    return ACTIVATIONS[params.activation](x, params.activation_param)


class Layers:
    """Draws the tensors of a block and keeps them as they are written. Every value is a float32;
    what is handed out is the same value as a double."""

    def __init__(self, seed, epsilon):
        self.generator = torch.Generator().manual_seed(seed)
        self.epsilon = epsilon
        self.tensors = {}
        self.path = ""

    def at(self, path):
        """The same source for the names behind `path`."""
        inner = type(self).__new__(type(self))
        inner.__dict__.update(self.__dict__, path=self.path + path)
        return inner

    # ---------------------------------------------------------------- values

    def uniform(self, shape, low, high):
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def keep(self, name, values):
        assert self.path + name not in self.tensors
        self.tensors[self.path + name] = values
        return values.double()

    def draw(self, name, shape, bound=1.0):
        return self.keep(name, self.uniform(shape, -bound, bound))

    def signed(self, name, channels, low, high):
        """Magnitudes in [low, high), of both signs from two channels on."""
        values = self.uniform((channels,), low, high)
        signs = torch.rand((channels,), generator=self.generator) < 0.5
        if signs.all() or not signs.any():
            signs[0] = ~signs[0]
        return self.keep(name, torch.where(signs, -values, values))

    def kernel(self, name, shape):
        """A kernel [O][I/g][h][w] that preserves the variance."""
        fan_in = shape[1] * shape[2] * shape[3]
        return self.draw(name, shape, (3 / fan_in) ** 0.5)

    # ---------------------------------------------------------------- layers

    def conv(self, x, name, out, kernel, stride=1, padding=0, dilation=1, groups=1, bias=False):
        """kernel, padding: one number, or (rows, columns)."""
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        weight = self.kernel(name + ".weight", (out, x.shape[1] // groups, high, wide))
        offset = self.draw(name + ".bias", (out,), 0.5) if bias else None
        return F.conv2d(x, weight, offset, stride, padding, dilation, groups)

    def statistics(self, name, channels):
        """(mean, variance, gamma, beta) of a batch norm: none has a value that hides a mistake."""
        gamma = self.signed(name + ".weight", channels, 0.5, 1.5)
        beta = self.signed(name + ".bias", channels, 0.1, 0.6)
        mean = self.signed(name + ".running_mean", channels, 0.1, 0.6)
        variance = self.keep(name + ".running_var", self.uniform((channels,), 0.5, 1.5))
        return mean, variance, gamma, beta

    def bn(self, x, name):
        return F.batch_norm(x, *self.statistics(name, x.shape[1]), False, 0.0, self.epsilon)

    def bn_and_pad(self, x, name, pad):
        """A batch norm, then `pad` rows and columns of what it makes of zero on each side."""
        mean, variance, gamma, beta = self.statistics(name, x.shape[1])
        wide = F.pad(x, [pad] * 4)
        return F.batch_norm(wide, mean, variance, gamma, beta, False, 0.0, self.epsilon)

    def conv_bn(self, x, conv, bn, out, kernel, **geometry):
        return self.bn(self.conv(x, conv, out, kernel, **geometry), bn)

    def squeeze_excite(self, x, params, reduce="se.down", expand="se.up", style=None):
        """x * gate(W2 relu(W1 mean(x) + b1) + b2) over channels; x where se_hidden is 0. The
        linear style has no biases and names of its own."""
        hidden, channels = params.se_hidden, x.shape[1]
        if not hidden:
            return x
        style = style or params.se_style
        mean = x.mean((2, 3))
        if style == "linear":
            down = F.linear(mean, self.draw("se.fc.0.weight", (hidden, channels), 1.0))
            up = F.linear(F.relu(down), self.draw("se.fc.2.weight", (channels, hidden), 1.0))
        else:
            mean = mean[:, :, None, None]
            down = self.conv(mean, reduce, hidden, 1, bias=True)
            up = self.conv(F.relu(down), expand, channels, 1, bias=True)
            up = up[:, :, 0, 0]
        gate = F.relu6(up + 3) / 6 if style == "hard_sigmoid" else torch.sigmoid(up)
        return x * gate[:, :, None, None]
