// SPDX-License-Identifier: BSD-3-Clause
// ONNX Runtime's convolution for `onefold bench --peers ort`; the requests are those of child.h.
// Times are those of its own profiler for the nodes other than reorders at the model's edges, so
// that neither those nor the calls from JavaScript count. They are whole microseconds.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');

function send(kind, text, data) {
  const clean = String(text).replace(/\s+/g, ' ').slice(0, 400);
  let bytes = Buffer.concat([Buffer.from(`${kind} ${clean}\n`), data || Buffer.alloc(0)]);
  while (bytes.length > 0) bytes = bytes.subarray(fs.writeSync(3, bytes));
}

let pending = Buffer.alloc(0);
function take(bytes) {
  const chunks = [pending];
  let have = pending.length;
  while (have < bytes) {
    const chunk = Buffer.allocUnsafe(1 << 20);
    const got = fs.readSync(0, chunk, 0, chunk.length, null);
    if (got === 0) process.exit(0);
    chunks.push(chunk.subarray(0, got));
    have += got;
  }
  const all = Buffer.concat(chunks);
  pending = all.subarray(bytes);
  return all.subarray(0, bytes);
}
function takeLine() {
  for (let length = 1;; length++) {
    const end = pending.indexOf(10);
    if (end >= 0) return take(end + 1).toString().trim();
    const have = take(pending.length + 1);
    pending = Buffer.concat([have, pending]);
  }
}

// Protocol buffers: fields of a message, by number.
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
function number(field, value) {
  return Buffer.concat([varint(field << 3), varint(value)]);
}
function real(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}
function message(field, ...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
}

// The parts of ONNX that a convolution with its activation needs (onnx.proto, opset 17).
const FLOAT = 1, ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7;
const ints = (name, values) =>
  message(5, message(1, name), ...values.map((v) => number(8, v)), number(20, ATTRIBUTE_INTS));
const int = (name, value) => message(5, message(1, name), number(3, value), number(20, ATTRIBUTE_INT));
const float = (name, value) =>
  message(5, message(1, name), real(2, value), number(20, ATTRIBUTE_FLOAT));
const node = (type, inputs, output, ...attributes) =>
  message(1, ...inputs.map((name) => message(1, name)), message(2, output), message(3, output),
          message(4, type), ...attributes);
const tensor = (name, dims, bytes) =>
  message(5, ...dims.map((d) => number(1, d)), number(2, FLOAT), message(8, name), message(9, bytes));
const value = (field, name, dims) =>
  message(field, message(1, name),
          message(2, message(1, number(1, FLOAT),
                             message(2, ...dims.map((d) => message(1, number(1, d)))))));
const constant = (name, x) => tensor(name, [], Buffer.from(Float32Array.of(x).buffer));

// Nodes from z to y, and the constants that they read.
const ACTIVATIONS = {
  none: () => [],
  relu: () => [node('Relu', ['z'], 'y')],
  relu6: () => [node('Clip', ['z', 'low', 'high'], 'y'), constant('low', 0), constant('high', 6)],
  leaky_relu: (a) => [node('LeakyRelu', ['z'], 'y', float('alpha', a))],
  silu: () => [node('Sigmoid', ['z'], 's'), node('Mul', ['z', 's'], 'y')],
  hard_swish: () => [node('HardSwish', ['z'], 'y')],
  hard_sigmoid: () => [node('HardSigmoid', ['z'], 'y', float('alpha', 1 / 6), float('beta', 0.5))],
  sigmoid: () => [node('Sigmoid', ['z'], 'y')],
};

function model(p, weight, bias) {
  const activation = ACTIVATIONS[p.activation](p.parameter);
  const conv = node('Conv', ['x', 'w', 'b'], activation.length > 0 ? 'z' : 'y',
                    ints('kernel_shape', [p.kh, p.kw]), ints('strides', [p.sh, p.sw]),
                    ints('dilations', [p.dh, p.dw]), ints('pads', [p.pt, p.pl, p.pb, p.pr]),
                    int('group', p.g));
  const graph = message(7, conv, ...activation, message(2, 'conv'),
                        tensor('w', [p.oc, p.ic / p.g, p.kh, p.kw], weight),
                        tensor('b', [p.oc], bias), value(11, 'x', [p.mb, p.ic, p.ih, p.iw]),
                        value(12, 'y', [p.mb, p.oc, p.oh, p.ow]));
  return Buffer.concat([number(1, 8), graph, message(8, message(1, ''), number(2, 17))]);
}

const FIELDS = ['mb', 'ic', 'ih', 'iw', 'oc', 'oh', 'ow', 'kh', 'kw', 'sh', 'sw', 'dh', 'dw', 'pt',
                'pb', 'pl', 'pr', 'g'];
let ort, threads, bytes, feeds, fetches;

async function session(profile) {
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(profile ? {enableProfiling: true, profileFilePrefix: profile} : {}),
  };
  return ort.InferenceSession.create(bytes, options);
}

async function make(words) {
  const p = Object.fromEntries(FIELDS.map((name, i) => [name, Number(words[i])]));
  [p.activation, p.parameter] = [words[FIELDS.length], Number(words[FIELDS.length + 1])];
  const copy = (count) => new Float32Array(new Uint8Array(take(4 * count)).buffer);
  const input = copy(p.mb * p.ic * p.ih * p.iw);
  const weight = copy(p.oc * (p.ic / p.g) * p.kh * p.kw);
  const bias = copy(p.oc);
  if (Math.min(p.pt, p.pb, p.pl, p.pr) < 0) return send('refused', 'no negative padding');
  bytes = model(p, Buffer.from(weight.buffer), Buffer.from(bias.buffer));
  const dims = [p.mb, p.oc, p.oh, p.ow];
  feeds = {x: new ort.Tensor('float32', input, [p.mb, p.ic, p.ih, p.iw])};
  fetches = {y: new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims)};
  await (await session()).release();
  send('ok', '-');
}

const WARM = 2, MOST = 20000; // the profiler keeps a million events
async function run(asked) {
  const count = Math.min(asked, MOST);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'onefold-ort-'));
  try {
    const profiled = await session(path.join(directory, 'profile'));
    for (let i = 0; i < WARM + count; i++) await profiled.run(feeds, fetches);
    profiled.endProfiling();
    await profiled.release();
    const [file] = fs.readdirSync(directory);
    const events = JSON.parse(fs.readFileSync(path.join(directory, file)))
                     .filter((e) => e.cat === 'Node' && e.name.endsWith('_kernel_time'));
    const counted = events.slice(events.length / (WARM + count) * WARM)
                      .filter((e) => !/^Reorder(In|Out)put$/.test(e.args.op_name));
    if (counted.length === 0) return send('error', 'the profile names no node');
    send('ok', counted.reduce((sum, e) => sum + e.dur, 0) * 1e-6 * asked / count);
  } finally {
    fs.rmSync(directory, {recursive: true});
  }
}

async function output() {
  const one = await session();
  const {y} = await one.run(feeds, fetches);
  await one.release();
  send('ok', y.data.length, Buffer.from(y.data.buffer, y.data.byteOffset, y.data.byteLength));
}

function open(words) {
  try {
    ort = require('onnxruntime-node');
  } catch (error) {
    send('error', 'node finds no onnxruntime-node; NODE_PATH names the directory that holds it');
    process.exit(1);
  }
  threads = Number(words[0]);
  send('ok', `ONNX Runtime ${ort.env.versions.node || ort.env.versions.common}, ${threads} thread${threads > 1 ? 's' : ''}`);
}

(async () => {
  const requests = {open, make, run: (words) => run(Number(words[1])), output};
  for (;;) {
    const [name, ...words] = takeLine().split(' ');
    try {
      await requests[name](words);
    } catch (error) {
      send('error', error.message);
    }
  }
})();
