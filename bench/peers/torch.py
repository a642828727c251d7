# SPDX-License-Identifier: BSD-3-Clause
# PyTorch's convolution for `onefold bench --peers torch`; the requests are those of child.h.
import array
import sys
import time

requests = sys.stdin.buffer
answers = open(3, "wb")


def answer(kind, text="", data=b""):
    text = " ".join(str(text).split())[:400]
    answers.write(("%s %s\n" % (kind, text)).encode() + data)
    answers.flush()


try:
    import torch
    from torch.nn import functional as F
    from torch.utils import mkldnn as mkldnn_modules
except ImportError as error:
    answer("error", "%s has no torch: %s; ONEFOLD_PYTHON names another" % (sys.executable, error))
    sys.exit(1)

ACTIVATIONS = {
    "none": lambda a: torch.nn.Identity(),
    "relu": lambda a: torch.nn.ReLU(inplace=True),
    "relu6": lambda a: torch.nn.ReLU6(inplace=True),
    "leaky_relu": lambda a: torch.nn.LeakyReLU(a, inplace=True),
    "silu": lambda a: torch.nn.SiLU(inplace=True),
    "hard_swish": lambda a: torch.nn.Hardswish(inplace=True),
    "hard_sigmoid": lambda a: torch.nn.Hardsigmoid(inplace=True),
    "sigmoid": lambda a: torch.nn.Sigmoid(),
}


def floats(count):
    return torch.frombuffer(bytearray(requests.read(4 * count)), dtype=torch.float32)


def plain(module, x):
    return module, x


def channels_last(module, x):
    last = torch.channels_last
    return module.to(memory_format=last), x.contiguous(memory_format=last)


def frozen(module, x):
    traced = torch.jit.trace(module, x)
    return torch.jit.optimize_for_inference(torch.jit.freeze(traced)), x


def frozen_last(module, x):
    return frozen(*channels_last(module, x))


def blocked(module, x):
    """Weights and images in oneDNN's own layout, as between the layers of a network."""
    return mkldnn_modules.to_mkldnn(module), x.to_mkldnn()


VARIANTS = {"nchw": plain, "nhwc": channels_last, "jit": frozen, "jit_nhwc": frozen_last,
            "blocked": blocked}


def dense(y):
    return (y.to_dense() if y.is_mkldnn else y).contiguous()


def make(words):
    mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, dh, dw, pt, pb, pl, pr, g = map(int, words[:18])
    x = floats(mb * ic * ih * iw).view(mb, ic, ih, iw)
    weight = floats(oc * (ic // g) * kh * kw).view(oc, ic // g, kh, kw)
    bias = floats(oc)
    bottom = (oh - 1) * sh + dh * (kh - 1) + 1 - ih - pt  # what the last window needs
    right = (ow - 1) * sw + dw * (kw - 1) + 1 - iw - pl
    if not (pt - sh < bottom <= pt and pl - sw < right <= pl):
        return answer("refused", "padding that differs between the sides is a node of its own")
    made.clear()
    for name, variant in VARIANTS.items():
        conv = torch.nn.Conv2d(ic, oc, (kh, kw), (sh, sw), (pt, pl), (dh, dw), g)
        conv.weight.data, conv.bias.data = weight.clone(), bias.clone()
        module = torch.nn.Sequential(conv, ACTIVATIONS[words[18]](float(words[19]))).eval()
        try:
            module, image = variant(module, x)
            module(image)
            y = dense(module(image))
        except Exception:  # as where oneDNN lacks the activation
            continue
        if not made:
            expected = y.clone()
        # The compiled ways of 1.13 spoil some activations; those are no ways to run it.
        if y.shape == expected.shape and torch.allclose(y, expected, rtol=1e-3, atol=1e-3):
            made.append((name, module, image))
    if not made:
        return answer("refused", "no way to run it")
    answer("ok", " ".join(name for name, _, _ in made))


def run(variant, count):
    _, module, image = made[variant]
    module(image)
    start = time.perf_counter()
    for _ in range(count):
        module(image)
    answer("ok", repr(time.perf_counter() - start))


def output(variant):
    _, module, image = made[variant]
    y = dense(module(image)).flatten()
    answer("ok", y.numel(), array.array("f", y.tolist()).tobytes())


made = []
with torch.no_grad():
    for line in requests:
        words = line.decode().split()
        try:
            if words[0] == "open":
                torch.set_num_threads(int(words[1]))
                onednn = "with" if torch.backends.mkldnn.is_available() else "without"
                threads = torch.get_num_threads()
                about = "PyTorch %s %s oneDNN, %d thread%s"
                answer("ok", about % (torch.__version__, onednn, threads, "s"[: threads > 1]))
            elif words[0] == "make":
                make(words[1:])
            elif words[0] == "run":
                run(int(words[1]), int(words[2]))
            else:
                output(int(words[1]))
        except Exception as error:
            answer("error", error)
