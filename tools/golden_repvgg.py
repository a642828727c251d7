#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/vectors/repvgg_*.safetensors: training-form RepVGG blocks with an input, the
output of the training form computed in double precision, and the block's parameters.

Needs PyTorch alone. The block is defined here from the paper (arXiv:2101.03697); the weight
names are those of the checkpoints that its authors published.

    python3 tools/golden_repvgg.py [directory]
"""

import json
import pathlib
import struct
import sys

import torch
from torch import nn


class ConvBN(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride, padding, dilation, groups, eps):
        super().__init__()
        self.conv = nn.Conv2d(
            c_in, c_out, kernel, stride, padding, dilation, groups, bias=False
        )
        self.bn = nn.BatchNorm2d(c_out, eps=eps)

    def forward(self, x):
        return self.bn(self.conv(x))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.down = nn.Conv2d(channels, hidden, 1)
        self.up = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        gate = x.mean((2, 3), keepdim=True)
        gate = torch.sigmoid(self.up(torch.relu(self.down(gate))))
        return x * gate


class RepVGGBlock(nn.Module):
    def __init__(self, c_in, c_out, stride, dilation, groups, hidden, eps, act):
        super().__init__()
        self.rbr_dense = ConvBN(c_in, c_out, 3, stride, dilation, dilation, groups, eps)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, 0, 1, groups, eps)
        has_identity = c_in == c_out and stride == 1
        self.rbr_identity = nn.BatchNorm2d(c_in, eps=eps) if has_identity else None
        self.se = SqueezeExcite(c_out, hidden) if hidden else nn.Identity()
        self.act = act

    def forward(self, x):
        y = self.rbr_dense(x) + self.rbr_1x1(x)
        if self.rbr_identity is not None:
            y = y + self.rbr_identity(x)
        return self.act(self.se(y))


# The numbers are those of onefold_activation.
ACTIVATIONS = {
    "none": (0, nn.Identity()),
    "relu": (1, nn.ReLU()),
    "silu": (4, nn.SiLU()),
}

# name: input (n, c, h, w), c_out, stride, dilation, groups, SE hidden, eps, activation
CASES = {
    "identity": ((1, 8, 7, 6), 8, 1, 1, 1, 0, 1e-5, "relu"),
    "groups": ((2, 12, 5, 8), 12, 1, 1, 2, 0, 1e-5, "none"),
    "depthwise": ((1, 17, 6, 7), 17, 1, 1, 17, 0, 1e-3, "silu"),
    "stride": ((1, 6, 9, 8), 20, 2, 1, 2, 0, 1e-5, "relu"),
    "image": ((1, 3, 11, 14), 17, 2, 1, 1, 0, 1e-5, "relu"),
    "dilation": ((1, 4, 9, 7), 4, 1, 2, 1, 0, 1e-5, "none"),
    "se": ((2, 16, 8, 4), 16, 1, 1, 1, 4, 1e-5, "relu"),
}


def randomise(module, generator):
    """Statistics that no mistake survives: gamma of both signs, mean and beta not zero."""

    def uniform(tensor, low, high):
        values = torch.rand(tensor.shape, generator=generator, dtype=torch.float32)
        tensor.copy_(low + (high - low) * values)

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                uniform(part.weight, 0.5, 1.5)
                signs = torch.rand(part.weight.shape, generator=generator) < 0.5
                part.weight[signs] *= -1
                uniform(part.bias, -0.5, 0.5)
                uniform(part.running_mean, -0.5, 0.5)
                uniform(part.running_var, 0.5, 1.5)
            if isinstance(part, nn.Conv2d):
                fan_in = part.weight[0].numel()
                bound = (3 / fan_in) ** 0.5
                uniform(part.weight, -bound, bound)
                if part.bias is not None:
                    uniform(part.bias, -0.5, 0.5)


DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(blob)],
        }
        data += blob
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/vectors"
    directory.mkdir(parents=True, exist_ok=True)
    for seed, (name, case) in enumerate(CASES.items()):
        shape, c_out, stride, dilation, groups, hidden, eps, activation = case
        generator = torch.Generator().manual_seed(1000 + seed)
        code, act = ACTIVATIONS[activation]
        block = RepVGGBlock(shape[1], c_out, stride, dilation, groups, hidden, eps, act)
        randomise(block, generator)
        x = torch.rand(shape, generator=generator) * 2 - 1
        tensors = {"block." + key: value.clone() for key, value in block.state_dict().items()}
        with torch.no_grad():
            y = block.double().eval()(x.double())
        # out_channels, stride, dilation, groups, SE hidden, epsilon, activation
        params = [c_out, stride, dilation, groups, hidden, eps, code]
        tensors["golden.params"] = torch.tensor(params, dtype=torch.float64)
        tensors["golden.input"] = x
        tensors["golden.output"] = y.float()
        write_safetensors(directory / f"repvgg_{name}.safetensors", tensors)


if __name__ == "__main__":
    main()
