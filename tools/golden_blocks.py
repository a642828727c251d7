#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/vectors/<block>_<case>.safetensors: blocks in their training form, with inputs and
the output that PyTorch computes in double precision. Needs PyTorch alone.

    python3 tools/golden_blocks.py [directory]

The blocks are defined in tools/golden/, from the formulas of their papers and apart from the
library; the names of weights are those of checkpoints that their authors published, behind
"block.". The file's metadata says which block it is and how it is parameterised ("block",
"params"), what folding must report ("verdicts", in the order of onefold_fold_verdict) and how
many convolutions it must leave ("convs", where given).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from golden import dbb, orepa, repghost, repvgg, yolo  # noqa: E402, F401
from golden.case import CASES, write  # noqa: E402


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/vectors"
    directory.mkdir(parents=True, exist_ok=True)
    total = sum(write(directory, case) for case in CASES)
    print(f"{len(CASES)} files, {total} bytes")


if __name__ == "__main__":
    main()
