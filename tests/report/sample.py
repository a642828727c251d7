#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes results as a large run would have them, and those of a changed build: every kind of row,
long names, several rivals, ratios from 1 to 100. No machine made them: they are for looking at pages.

    sample.py SAMPLE.json CHANGED.json"""
import json
import random
import sys

PEAK, LEVELS = 250.0, {"l2": 240.0, "l3": 120.0, "dram": 40.0}
CONTEXT = {
    "date": "2026-01-01T00:00:00+00:00", "num_cpus": 8,
    "caches": [{"type": "Data", "level": 1, "size": 32768}, {"type": "Unified", "level": 2, "size": 1 << 20}],
    "onefold_cpu": "A processor with quite a long name, 32 cores, 2.60 GHz", "onefold_isa": "avx512",
    "onefold_threads": "1", "onefold_cold_cache": "none", "onefold_noisy": "false",
    "onefold_accuracy": "standard", "onefold_version": "sample", "onefold_fma_spread": "0.004",
    "onefold_core_gflops": str(PEAK), "onefold_peak_gflops": str(PEAK),
    **{f"onefold_{level}_read_gbs": str(gbs) for level, gbs in LEVELS.items()},
}
# The sixth reaches 1000 FLOPs a byte, where axes have their longest number at their end.
LAYERS = [("3x3", c, size)
          for c, size in ((48, 112), (48, 56), (96, 28), (192, 14), (384, 7), (384, 40))] + \
         [("1x1", c, size) for c, size in ((64, 56), (256, 28), (1280, 1))] + \
         [("dw", c, size) for c, size in ((32, 112), (144, 56), (384, 14), (960, 7))]


def fixed(name, low, high):
    """The same for that name in both files."""
    return random.Random(name).uniform(low, high)


def case(rows, name, seconds, label="", noise=0.01, repetitions=11, **counters):
    for _ in range(repetitions):
        rows.append({"name": name, "run_name": name, "run_type": "iteration", "label": label,
                     "real_time": 1e6 * seconds * random.lognormvariate(0, noise), "time_unit": "us",
                     **counters})


def layer(kind, channels, size):
    """(problem, flops, bytes, algorithm, seconds)"""
    side = 1 if kind == "1x1" else 3
    groups = channels if kind == "dw" else 1
    problem = (f"g{groups}" if groups > 1 else "") + \
        f"mb1ic{channels}ih{size}oc{channels}oh{size}kh{side}" + ("ph1" if side == 3 else "")
    flops = 2 * size * size * channels * channels // groups * side * side
    moved = 4 * (2 * channels * size * size + channels * channels // groups * side * side)
    algorithm = {"3x3": "winograd4", "1x1": "pointwise", "dw": "depthwise"}[kind]
    speed = min(PEAK * {"3x3": 2.6, "1x1": 0.95, "dw": 0.6}[kind], 0.8 * LEVELS["l3"] * flops / moved)
    return problem, flops, moved, algorithm, flops / speed * 1e-9


def convolutions(rows, slower):
    for kind, channels, size in LAYERS:
        problem, flops, moved, algorithm, seconds = layer(kind, channels, size)
        work = {"flops": flops, "bytes": moved, "percent_peak": flops / seconds * 1e-7 / PEAK,
                "max_error": 10 ** random.uniform(-7.5, -5)}
        name = f"conv/{problem}/act:relu6"
        case(rows, f"{name}/run/threads:1", seconds * slower(name), algorithm, **work)
        for rival in ("onednn_direct", "onednn_wino", "xnnpack", "ort", "torch_jit_nhwc"):
            case(rows, f"{name}/{rival}/threads:1", seconds * fixed(name + rival, 0.9, 2.2),
                 max_error=10 ** random.uniform(-7, -5))
        case(rows, f"conv/{problem}/default/threads:1", seconds * fixed(problem, 1, 1.3), algorithm)
        case(rows, f"conv/{problem}/tuned/threads:1", seconds, algorithm)


def pairs(rows, slower):
    for _, channels, size in LAYERS[-4:]:
        name = (f"pair/g{channels}mb1ic{channels}ih{size}oc{channels}oh{size}kh3ph1:relu6+"
                f"mb1ic{channels}ih{size}oc{channels // 4}oh{size}kh1")
        flops = 2 * size * size * channels * (9 + channels // 4)
        seconds = flops * 1e-11 * fixed(name, 0.9, 1.2)
        work = {"flops": flops, "bytes": 5 * channels * size * size, "max_error": 10 ** random.uniform(-7, -6)}
        case(rows, f"{name}/fused/threads:1", seconds * slower(name), chosen=int(size > 50), **work)
        case(rows, f"{name}/separate/threads:1", seconds * fixed(name + "two", 0.95, 1.4), **work)
        for rival in ("onednn_calls", "onednn_calls+reorder", "xnnpack"):
            case(rows, f"{name}/{rival}/threads:1", seconds * fixed(name + rival, 1, 2.5))


def forms(rows, name, seconds, ratios, slower, label=""):
    for form, ratio in zip(("eager", "branches", "folded"), ratios):
        case(rows, f"{name}/{form}/threads:1", seconds * ratio * slower(name), label,
             max_error=0 if form == "eager" else 10 ** random.uniform(-7, -5),
             flops=2e9 * seconds * ratio * 60, bytes=1e9 * seconds)


def blocks(rows, slower):
    for kind, ratios in (("repvgg", (1.4, 1.3, 1)), ("orepa", (4.7, 4.6, 1)),
                         ("orepa_largeconv", (121, 110, 1)), ("elan", (1.02, 1, 1))):
        for _, channels, size in LAYERS[:3]:
            problem, _, _, _, seconds = layer("3x3", channels, size)
            place = f"RepVGG-A0 stage{size}" if kind == "repvgg" else ""
            forms(rows, f"block/{kind}/{problem}", seconds, ratios, slower, place)
    forms(rows, "block/repghost_bottleneck/input=1x40x28x28,out_channels=80,mid_channels=120,kernel=5,"
                "stride=2,groups=1,activation=leaky_relu,se=1", 1e-4, (1.4, 1.2, 1), slower)


def networks(rows, slower):
    for network, seconds, count in (("repvgg-a0", 6e-3, 28), ("yolov7-tiny", 60e-3, 110)):
        name = f"net/{network}/mb1ih224"
        forms(rows, name, seconds, (1.9, 1.4, 1), slower)
        for rival in ("ort", "torch_nhwc"):
            case(rows, f"{name}/{rival}/threads:1", seconds * fixed(name + rival, 1.5, 3))
        for form, ratio in (("eager", 1.9), ("folded", 1)):
            for k in range(count):
                problem, flops, moved, algorithm, _ = layer(*LAYERS[k % len(LAYERS)])
                part = seconds * ratio / count * fixed(f"{name}{k}", 0.3, 1.7)
                operator = f"stage{k}.rbr_reparam; conv; {problem}; {algorithm}; kernel; default"
                case(rows, f"{name}/{form}/layer:{k:03}/threads:1", part,
                     operator if k % 9 else f"pool{k}; max_pool", flops=flops if k % 9 else 0,
                     bytes=moved, repetitions=5)


def errors(rows):
    for algorithm, base in (("direct", 1.5e-7), ("winograd2", 1.4e-7), ("winograd4", 3.7e-7),
                            ("winograd6", 1.5e-6), ("polyphase3", 2.3e-7), ("polyphase5", 7.2e-7)):
        for channels in (16, 32, 64, 128, 256, 512):
            error = base * (channels / 16) ** 0.4
            rows.append({"name": f"accuracy/conv3x3s1/{algorithm}/ic:{channels}",
                         "relative_error": error, "largest_error": 2 * error})


def results(slower):
    rows = []
    networks(rows, slower)
    blocks(rows, slower)
    convolutions(rows, slower)
    pairs(rows, slower)
    errors(rows)
    return {"context": CONTEXT, "benchmarks": rows}


def main():
    random.seed(1)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(results(lambda name: 1), out)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump(results(lambda name: 1.2 if "dw" in name or "g3" in name else
                          0.85 if "repvgg" in name else 1), out)


if __name__ == "__main__":
    main()
