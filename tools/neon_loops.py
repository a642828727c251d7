#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hot loops of the NEON kernels: their instructions, and their throughput by llvm-mca.

    cmake --preset aarch64 && cmake --build --preset aarch64 --target onefold_core
    tools/neon_loops.py [--build DIR] [--mca PROGRAM] [--cpu NAME]... [--show KERNEL]

Of each kernel the innermost loop with the most float arithmetic is taken from the object file, as the
compiler made it; where the loop has branches on its way (the image's border), its longest straight run.
The loops of the transforms are told by their number of operations. A loop's rate is that of its float
arithmetic in percent of the rate of a loop that has nothing but multiply-adds, on the same model of a
core. --show prints a kernel's loops in place of the table.
"""
import argparse
import re
import subprocess
import sys

# Kernel, its loop, and the float operations of one turn where it is not the loop with the most.
KERNELS = [
    ("pointwise_f32_7x3", "products", None),
    ("pointwise_f32_5x4", "products", None),
    ("pointwise_f32_8x2", "products", None),
    ("pointwise_f32_12x1", "products", None),
    ("conv_s1_f32_7x3", "taps", None),
    ("conv_s1_f32_8x2", "taps", None),
    ("conv_s2_f32_7x3", "taps", None),
    ("depthwise_s1_f32_7x2", "row", None),
    ("depthwise_s2_f32_7x2", "row", None),
    ("grouped_s1_f32_7x2", "row", None),
    ("winograd_in_f32_4x4", "down", 12),
    ("winograd_in_f32_4x4", "along", 72),
    ("winograd_in_f32_6x6", "down", 24),
    ("winograd_in_f32_6x6", "along", 24),
    ("winograd_out_f32_4x4", "whole", None),
    ("winograd_out_f32_6x6", "down", 20),
]
STRAIGHT = ("taps", "whole")  # with branches on the way
CPUS = ["neoverse-n1", "neoverse-v1", "cortex-a72"]
PURE = "\n".join(f"fmla v{i}.4s, v30.4s, v31.4s" for i in range(24))

KINDS = [  # what is counted, in this order, by the start of the mnemonic and of the operands
    ("multiply-adds", lambda m, o: m in ("fmla", "fmls", "fmadd", "fmsub")),
    ("other float", lambda m, o: m in ("fadd", "fsub", "fmul", "fmax", "fmin", "fneg")),
    ("loads", lambda m, o: m.startswith("ld") and "sp" not in o),
    ("stores", lambda m, o: m.startswith("st") and "sp" not in o),
    ("stack", lambda m, o: m.startswith(("ld", "st")) and "sp" in o),
    ("prefetches", lambda m, o: m.startswith("prfm")),
    ("vector moves", lambda m, o: m in ("mov", "dup", "orr", "movi", "fmov") and o[:1] in "vq"),
    ("rest", lambda m, o: True),
]


def disassemble(build, objdump, source):
    """{symbol: [(address, mnemonic, operands)]} of a file of kernels/neon/."""
    path = f"{build}/CMakeFiles/onefold_core.dir/kernels/neon/{source}.c.o"
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", path], check=True,
                          capture_output=True, text=True).stdout
    symbols, at = {}, None
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(\w+)>:", line)
        if head:
            at = symbols.setdefault(head[1], [])
            continue
        code = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)
        if code and at is not None:
            operands = re.sub(r"\s*//.*", "", code[3])
            at.append((int(code[1], 16), code[2], operands))
    return symbols


def target_of(mnemonic, operands):
    """Address that a branch goes to, or None."""
    if not re.match(r"b(\.\w+)?$|cbn?z$|tbn?z$", mnemonic):
        return None
    found = re.search(r"\b([0-9a-f]+) <", operands)
    return int(found[1], 16) if found else None


def loops_of(code):
    """Innermost loops: runs of instructions that end with the branch back."""
    index = {address: i for i, (address, _, _) in enumerate(code)}
    back = []
    for i, (address, mnemonic, operands) in enumerate(code):
        target = target_of(mnemonic, operands)
        if target is not None and target <= address and target in index:
            back.append((index[target], i))
    inner = [b for b in back if not any(o != b and o[0] >= b[0] and o[1] <= b[1] for o in back)]
    return [code[first:last + 1] for first, last in inner]


def straight_of(code):
    """Runs of instructions without a branch or a place that one goes to."""
    targets = {target_of(mnemonic, operands) for _, mnemonic, operands in code}
    runs, run = [], []
    for one in code:
        if one[0] in targets and run:
            runs.append(run)
            run = []
        run.append(one)
        if re.match(r"b$|b\.|cbn?z|tbn?z|ret|blr?$", one[1]):
            runs.append(run)
            run = []
    return runs


def count(loop):
    counts = dict.fromkeys((name for name, _ in KINDS), 0)
    for _, mnemonic, operands in loop:
        counts[next(name for name, is_one in KINDS if is_one(mnemonic, operands))] += 1
    return counts


def arithmetic(loop):
    counts = count(loop)
    return counts["multiply-adds"] + counts["other float"]


def hottest(code, what, operations):
    runs = straight_of(code) if what in STRAIGHT else loops_of(code)
    runs = [run for run in runs if not any(mnemonic in ("bl", "blr") for _, mnemonic, _ in run)]
    if what == "row":  # a run that stores has the ends of tiles
        runs = [run for run in runs if not count(run)["stores"]]
    if operations:
        runs = [run for run in runs if arithmetic(run) == operations]
        # Pixels are loaded on the way down and stored on the way along.
        return max(runs, key=lambda run: (1 if what == "along" else -1) * count(run)["stores"],
                   default=None)
    return max(runs, key=lambda run: (arithmetic(run), -len(run)))


def text_of(loop):
    """Assembly of one turn; branches go to the next instruction."""
    lines = []
    for _, mnemonic, operands in loop:
        if target_of(mnemonic, operands) is not None:
            operands = re.sub(r"[0-9a-f]+ <.*", "1f", operands)
            lines += [f"{mnemonic}\t{operands}", "1:"]
        elif mnemonic not in ("adrp", "ret"):
            lines.append(f"{mnemonic}\t" + re.sub(r"\s*<.*>", "", operands))
    return "\n".join(lines)


def cycles(mca, cpu, assembly):
    """Cycles of one turn, in the steady state."""
    turns = 200
    out = subprocess.run(
        [mca, "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={turns}", "-instruction-info=0",
         "-resource-pressure=0", "-noalias"],
        input=assembly + "\n", check=True, capture_output=True, text=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", out)[1]) / turns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/aarch64")
    parser.add_argument("--objdump", default="aarch64-linux-gnu-objdump")
    parser.add_argument("--mca", default="llvm-mca")
    parser.add_argument("--cpu", action="append")
    parser.add_argument("--show", metavar="KERNEL")
    options = parser.parse_args()
    cpus = options.cpu or CPUS
    symbols = {}
    for source in ("pointwise", "conv", "depthwise", "grouped", "winograd"):
        symbols.update(disassemble(options.build, options.objdump, source))
    pure = {cpu: 24 / cycles(options.mca, cpu, PURE) for cpu in cpus}
    names = [name for name, _ in KINDS]
    if not options.show:
        print("| kernel | loop | " + " | ".join(names) + " | " + " | ".join(cpus) + " |")
        print("|" + "---|" * (2 + len(names) + len(cpus)))
    for kernel, what, operations in KERNELS:
        if options.show and options.show != kernel:
            continue
        code = symbols.get(f"onefold_uk_{kernel}__neon")
        loop = code and hottest(code, what, operations)
        if not loop:
            sys.exit(f"{kernel}: no {what} loop in {options.build}")
        if options.show:
            print(text_of(loop))
            continue
        counts = count(loop)
        rates = [100 * arithmetic(loop) / cycles(options.mca, cpu, text_of(loop)) / pure[cpu]
                 for cpu in cpus]
        print(f"| {kernel} | {what} | " + " | ".join(str(counts[name]) for name in names) +
              " | " + " | ".join(f"{rate:.0f} %" for rate in rates) + " |")


main()
