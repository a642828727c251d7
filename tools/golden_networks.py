#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/vectors/networks/<network>.safetensors: what whole networks in their training form
give, computed by PyTorch in double precision. Needs PyTorch and NumPy.

    python3 tools/golden_networks.py [directory]

Only outputs are written. Inputs and weights are those of the library's generator
(onefold_weights_seeded; tools/golden/seeded.py), with the names of the original code.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from golden.networks import NETWORKS, write  # noqa: E402


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "tests/vectors/networks")
    directory.mkdir(parents=True, exist_ok=True)
    total = sum(write(directory, network) for network in NETWORKS)
    print(f"{len(NETWORKS)} files, {total} bytes")


if __name__ == "__main__":
    main()
