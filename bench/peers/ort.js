// SPDX-License-Identifier: BSD-3-Clause
// ONNX Runtime's convolutions and networks for `onefold bench --peers ort`; the requests are those
// of child.h. A convolution's time is that of its own profiler for the nodes other than reorders at
// the model's edges, so that neither those nor the calls from JavaScript count, in whole
// microseconds. A network's is that of calls less that of calls of a model of one node.
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

// The parts of ONNX that folded networks need (onnx.proto, opset 17).
const FLOAT = 1, ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_STRING = 3, ATTRIBUTE_INTS = 7;
const ints = (name, values) =>
  message(5, message(1, name), ...values.map((v) => number(8, v)), number(20, ATTRIBUTE_INTS));
const int = (name, value) => message(5, message(1, name), number(3, value), number(20, ATTRIBUTE_INT));
const text = (name, value) => message(5, message(1, name), message(4, value), number(20, ATTRIBUTE_STRING));
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
  relu: (a, z, y) => [node('Relu', [z], y)],
  relu6: (a, z, y) => [node('Clip', [z, y + '_low', y + '_high'], y), constant(y + '_low', 0),
                       constant(y + '_high', 6)],
  leaky_relu: (a, z, y) => [node('LeakyRelu', [z], y, float('alpha', a))],
  silu: (a, z, y) => [node('Sigmoid', [z], y + '_s'), node('Mul', [z, y + '_s'], y)],
  hard_swish: (a, z, y) => [node('HardSwish', [z], y)],
  hard_sigmoid: (a, z, y) => [node('HardSigmoid', [z], y, float('alpha', 1 / 6),
                                   float('beta', 0.5))],
  sigmoid: (a, z, y) => [node('Sigmoid', [z], y)],
};

const wrap = (graph) => Buffer.concat([number(1, 8), graph, message(8, message(1, ''), number(2, 17))]);

const window = (p) => [ints('kernel_shape', [p.kh, p.kw]), ints('strides', [p.sh, p.sw]),
                       ints('pads', [p.pt, p.pl, p.pb, p.pr])];
const convNode = (p, inputs, y) =>
  node('Conv', inputs, y, ...window(p), ints('dilations', [p.dh, p.dw]), int('group', p.g));

function model(p, weight, bias) {
  const activation = ACTIVATIONS[p.activation](p.parameter, 'z', 'y');
  const conv = convNode(p, ['x', 'w', 'b'], activation.length > 0 ? 'z' : 'y');
  const graph = message(7, conv, ...activation, message(2, 'conv'),
                        tensor('w', [p.oc, p.ic / p.g, p.kh, p.kw], weight),
                        tensor('b', [p.oc], bias), value(11, 'x', [p.mb, p.ic, p.ih, p.iw]),
                        value(12, 'y', [p.mb, p.oc, p.oh, p.ow]));
  return wrap(graph);
}

// A network from its nodes' lines: what a line's words after the shape are, and the parts of ONNX
// that a node becomes. v<i> is the result of node i; `n.in` are the numbers that it reads. Floats
// are taken in the order of the nodes.
const WINDOW = ['kh', 'kw', 'sh', 'sw'], PADS = ['pt', 'pb', 'pl', 'pr'];
const v = (i) => `v${i}`;
const floatsOf = (name, dims) => tensor(name, dims, take(4 * dims.reduce((a, b) => a * b, 1)));
const int64s = (name, values) =>
  message(5, number(1, values.length), number(2, 7), message(8, name),
          message(9, Buffer.from(BigInt64Array.from(values.map(BigInt)).buffer)));
const KINDS = {
  input: {words: [], parts: () => []},
  conv: {
    words: [...WINDOW, 'dh', 'dw', ...PADS, 'g', 'bias'],
    parts: (n, y, all, isOutput) => {
      const [, channels, height, width] = all[n.in[0]].shape, out = n.shape[1];
      const dims = [out, channels / n.g, n.kh, n.kw];
      const names = [y + '_w', y + '_b'].slice(0, 1 + n.bias);
      const whole = isOutput && n.kh === height && n.kw === width && n.shape[2] * n.shape[3] === 1;
      const arrays = [floatsOf(names[0], whole ? [out, channels * height * width] : dims)];
      if (n.bias) arrays.push(floatsOf(names[1], [out]));
      if (!whole) return [convNode(n, [v(n.in[0]), ...names], y), ...arrays];
      return [node('Flatten', [v(n.in[0])], y + '_f'),
              node('Gemm', [y + '_f', ...names], y, int('transB', 1)), ...arrays];
    },
  },
  activation: {words: ['function', 'parameter'],
               parts: (n, y) => ACTIVATIONS[n.function](n.parameter, v(n.in[0]), y)},
  sum: {
    words: [],
    parts: (n, y) => n.in.slice(1).map((other, i) => {
      const last = i === n.in.length - 2;
      return node('Add', [i ? `${y}_${i - 1}` : v(n.in[0]), v(other)], last ? y : `${y}_${i}`);
    }),
  },
  concat: {words: [], parts: (n, y) => [node('Concat', n.in.map(v), y, int('axis', 1))]},
  slice: {
    words: ['begin'],
    parts: (n, y) => [node('Slice', [v(n.in[0]), y + '_0', y + '_1', y + '_2'], y),
                      int64s(y + '_0', [n.begin]), int64s(y + '_1', [n.begin + n.shape[1]]),
                      int64s(y + '_2', [1])],
  },
  max_pool: {words: [...WINDOW, ...PADS],
             parts: (n, y) => [node('MaxPool', [v(n.in[0])], y, ...window(n))]},
  global_pool: {words: [], parts: (n, y) => [node('GlobalAveragePool', [v(n.in[0])], y)]},
  upsample: {
    words: ['factor'],
    parts: (n, y) => [node('Resize', [v(n.in[0]), '', y + '_s'], y, text('mode', 'nearest'),
                           text('coordinate_transformation_mode', 'asymmetric'),
                           text('nearest_mode', 'floor')),
                      tensor(y + '_s', [4], Buffer.from(Float32Array.of(1, 1, n.factor, n.factor).buffer))],
  },
  squeeze_excite: {
    words: ['hidden', 'gate'],
    parts: (n, y) => {
      const c = n.shape[1], x = v(n.in[0]), step = (i) => `${y}_${i}`;
      const arrays = [floatsOf(step('w1'), [n.hidden, c, 1, 1]), floatsOf(step('b1'), [n.hidden]),
                      floatsOf(step('w2'), [c, n.hidden, 1, 1]), floatsOf(step('b2'), [c])];
      return [node('GlobalAveragePool', [x], step(0)),
              node('Conv', [step(0), step('w1'), step('b1')], step(1)),
              node('Relu', [step(1)], step(2)),
              node('Conv', [step(2), step('w2'), step('b2')], step(3)),
              ...ACTIVATIONS[n.gate](0, step(3), step(4)), node('Mul', [x, step(4)], y), ...arrays];
    },
  },
};

function parseNode(line) {
  const words = line.split(' '), kind = words[0], inputs = Number(words[1]);
  const n = {kind, in: words.slice(2, 2 + inputs).map(Number),
             shape: words.slice(2 + inputs, 6 + inputs).map(Number)};
  KINDS[kind].words.forEach((name, i) => {
    const word = words[6 + inputs + i];
    n[name] = name === 'function' || name === 'gate' ? word : Number(word);
  });
  return n;
}

const copyFloats = (count) => new Float32Array(new Uint8Array(take(4 * count)).buffer);

let network, empty; // sessions of a network, and of one node
async function net(words) {
  const all = [];
  for (let i = 0; i < Number(words[0]); i++) all.push(parseNode(takeLine()));
  const outputs = takeLine().split(' ').map(Number);
  const image = all.findIndex((n) => n.kind === 'input'), shape = all[image].shape;
  feeds = {[v(image)]: new ort.Tensor('float32', copyFloats(shape.reduce((a, b) => a * b)), shape)};
  const parts = all.flatMap((n, i) => KINDS[n.kind].parts(n, v(i), all, outputs.includes(i)));
  const graph = message(7, ...parts, message(2, 'net'), value(11, v(image), shape),
                        ...outputs.map((i) => message(12, message(1, v(i)))));
  bytes = wrap(graph);
  fetches = outputs.map(v);
  if (network) await network.release();
  network = await session();
  bytes = null;
  await network.run(feeds, fetches);
  send('ok', '-');
}

// Seconds of one call of an empty model, which is what JavaScript and its binding take.
async function overhead() {
  if (!empty) {
    const graph = message(7, node('Relu', ['x'], 'y'), message(2, 'empty'), value(11, 'x', [1]),
                          value(12, 'y', [1]));
    empty = await ort.InferenceSession.create(wrap(graph), {executionProviders: ['cpu'], intraOpNumThreads: 1});
  }
  const one = {x: new ort.Tensor('float32', Float32Array.of(1), [1])}, taken = [];
  for (let i = 0; i < 20; i++) taken.push(await timed(() => empty.run(one, ['y'])));
  return taken.sort((a, b) => a - b)[10];
}

async function timed(call) {
  const start = process.hrtime.bigint();
  await call();
  return Number(process.hrtime.bigint() - start) * 1e-9;
}

async function runNet(count) {
  const call = () => network.run(feeds, fetches), less = await overhead();
  let seconds = 0;
  await call();
  for (let i = 0; i < count; i++) seconds += await timed(call);
  send('ok', Math.max(seconds - count * less, 1e-9));
}

async function outputNet() {
  const results = await network.run(feeds, fetches);
  const all = fetches.map((name) => results[name].data);
  send('ok', all.reduce((sum, data) => sum + data.length, 0),
       Buffer.concat(all.map((data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))));
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
  const input = copyFloats(p.mb * p.ic * p.ih * p.iw);
  const weight = copyFloats(p.oc * (p.ic / p.g) * p.kh * p.kw);
  const bias = copyFloats(p.oc);
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
  const requests = {
    open,
    make: (words) => { network = null; return make(words); },
    net,
    run: (words) => (network ? runNet : run)(Number(words[1])),
    output: () => (network ? outputNet : output)(),
  };
  for (;;) {
    const [name, ...words] = takeLine().split(' ');
    try {
      await requests[name](words);
    } catch (error) {
      send('error', error.message);
    }
  }
})();
