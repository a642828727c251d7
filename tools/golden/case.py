# SPDX-License-Identifier: BSD-3-Clause
"""Cases of blocks: their parameters, the list of blocks, and the files that they become."""

import dataclasses
import json
import struct
import zlib

import torch

from .layers import Layers

# name: (definition, defaults of the family)
BLOCKS = {}
CASES = []


@dataclasses.dataclass
class Params:
    """The members of onefold_block_params that a definition may read, under their names."""

    input: str = ""
    out_channels: int = 0
    mid_channels: int = 0
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    padding: int = -1
    repeats: int = 1
    route_channels: int = 0
    expansion: float = 0.0
    identity: int = -1
    shortcut: int = -1
    batch_norm: int = 1
    reparam_bn: int = 1
    reparam_identity: int = 0
    activation: str = "none"
    activation_param: float = 0.0
    bn_epsilon: float = 1e-5
    se_hidden: int = 0
    se_style: str = "conv"
    orepa_row_order: str = "interleaved"
    orepa_prior: str = "general_k"
    orepa_inner_activation: int = 0
    largeconv_order: str = "correlate"

    def set(self, text):
        types = {field.name: field.type for field in dataclasses.fields(self)}
        for word in text.split():
            name, value = word.split("=")
            setattr(self, name, types[name](value))
        return self

    @property
    def shape(self):
        return tuple(int(size) for size in self.input.split("x"))

    def has_identity(self):
        """The rule of every family: same channels and the same grid."""
        same = self.shape[1] == self.out_channels and self.stride == 1
        return same and self.identity != 0

    def pad(self):
        return self.padding if self.padding >= 0 else self.dilation * (self.kernel - 1) // 2


@dataclasses.dataclass
class Case:
    block: str
    name: str
    params: str
    expect: dict  # what folding leaves, for the file's metadata
    leave_out: tuple  # endings of names of tensors that the file is to lack

    @property
    def file_name(self):
        return f"{self.block}_{self.name}.safetensors"


def block(name, **defaults):
    """Registers a definition f(layers, params, x) or, of two inputs, f(layers, params, x, x2)."""

    def register(definition):
        BLOCKS[name] = (definition, defaults)
        return definition

    return register


def case(block_name, name, params, convs, verdicts="exact", leave_out=()):
    """Adds a case. `convs` counts the convolutions of the folded form, `verdicts` are those that
    folding reports, each once, in the order of onefold_fold_verdict."""
    expect = {"convs": str(convs), "verdicts": verdicts}
    CASES.append(Case(block_name, name, params, expect, leave_out))


def compute(a_case):
    """The tensors of a case by name: weights, inputs, and the output in double precision."""
    definition, defaults = BLOCKS[a_case.block]
    params = Params(**defaults).set(a_case.params)
    layers = Layers(zlib.crc32(a_case.file_name.encode()), params.bn_epsilon)
    n, c, h, w = params.shape
    inputs = {"golden.input": layers.uniform((n, c, h, w), -1, 1)}
    if params.route_channels:
        route = (n, params.route_channels, h // 2, w // 2)
        inputs["golden.input2"] = layers.uniform(route, -1, 1)
    output = definition(layers, params, *(x.double() for x in inputs.values()))
    assert torch.isfinite(output).all() and output.abs().max() > 0.1
    weights = {
        "block." + name: values
        for name, values in layers.tensors.items()
        if not name.endswith(a_case.leave_out)
    }
    return {**weights, **inputs, "golden.output": output.float()}


def write(directory, a_case):
    """Writes a case as a safetensors file; returns its size in bytes."""
    metadata = {"block": a_case.block, "params": a_case.params, **a_case.expect}
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in compute(a_case).items():
        assert tensor.dtype == torch.float32
        blob = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(blob)],
        }
        data += blob
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return (directory / a_case.file_name).write_bytes(struct.pack("<Q", len(text)) + text + data)
