// SPDX-License-Identifier: Apache-2.0
// repeat.mjs < LOG: does in this engine what the modules of a log did (log.h), and compares bit for bit: results, globals,
// tables, calls of host functions, memory, and why it trapped. One line for each difference; exit status 1 if there is any.
import { readSync } from 'node:fs';

// ---- reading ----
let buffer = Buffer.alloc(0), at = 0;
const chunk = Buffer.alloc(1 << 20);
function need(n) { // false: the end, before the first byte
  while (buffer.length - at < n) {
    let got = 0;
    try { got = readSync(0, chunk); } catch (e) { if (e.code === 'EAGAIN') continue; if (e.code !== 'EOF') throw e; }
    if (got === 0) {
      if (buffer.length !== at) throw new Error('the log ends in the middle of a record');
      return false;
    }
    buffer = Buffer.concat([buffer.subarray(at), chunk.subarray(0, got)]);
    at = 0;
  }
  return true;
}
const take = n => { if (!need(n)) throw new Error('the log ends in the middle of a record'); at += n; return buffer.subarray(at - n, at); };
const u8 = () => take(1)[0], u32 = () => take(4).readUInt32LE(), u64 = () => take(8).readBigUInt64LE();
const text = () => take(u8()).toString();
const many = (n, read) => Array.from({ length: n }, read);

// ---- values ----
const view = new DataView(new ArrayBuffer(8));
function argument(type, bits) {
  view.setBigUint64(0, bits, true);
  switch (type) {
    case 0: return view.getInt32(0, true);
    case 1: return view.getBigInt64(0, true);
    case 2: return view.getFloat32(0, true);
    default: return view.getFloat64(0, true);
  }
}
function plain(type, v) { // the bits, as the log has them
  view.setBigUint64(0, 0n, true);
  switch (type) {
    case 'i32': view.setInt32(0, v, true); break;
    case 'i64': view.setBigInt64(0, v, true); break;
    case 'f32': if (v !== v) return 0x7fc00000n; view.setFloat32(0, v, true); break;
    case 'f64': if (v !== v) return 0x7ff8000000000000n; view.setFloat64(0, v, true); break;
    case 'externref': return v === null ? 0n : BigInt(v) + 1n;
    default: return v === null ? 0n : BigInt(v.name) + 1n; // an exported function is named by its index
  }
  return view.getBigUint64(0, true);
}
function digest(h, words) {
  for (let i = 0; i < words.length; i++) {
    h = Math.imul(h ^ words[i], 0x01000193);
    h ^= h >>> 15;
  }
  return h >>> 0;
}
const mixed = new BigUint64Array(1), halves = new Uint32Array(mixed.buffer);
const mix = (h, v) => { mixed[0] = v; return digest(h, halves); };

// ---- host functions, as in run.c ----
let hostCalls = 0, hostDigest = 0;
const told = (which, v) => { hostCalls++; hostDigest = mix(hostDigest ^ which, v); };
class HostTrap extends Error {}
const host = {
  h0: x => { told(0, plain('i32', x)); return (Math.imul(x, 31) + 7) | 0; },
  h1: x => { told(1, plain('i64', x)); return x ^ BigInt(hostCalls); },
  h2: x => { told(2, plain('f64', x)); return x * 0.5; },
  h3: x => { told(3, plain('i32', x)); if ((x & 63) === 13) throw new HostTrap('host'); },
  h5: x => { told(5, plain('i32', x)); return (x & 7) === 7 ? null : x & 0xff; },
  h6: (v, y) => {
    const x = plain('externref', v);
    told(6, x ^ plain('i32', y));
    return (y + Number(x & 0xffffn) * 3) | 0;
  },
  h7: f => { told(7, plain('funcref', f)); return f; },
  h4: (x, y) => { told(4, plain('i32', x) ^ plain('i64', y)); return [y + BigInt(x >>> 0), x ^ 0xffff]; },
};

// ---- traps: what this engine says, and the reasons it may stand for ----
const reasons = [
  [/^host$/, ['host']],
  [/^unreachable/, ['unreachable executed']],
  [/divide by zero|remainder by zero/, ['integer divide by zero']],
  [/divide result unrepresentable/, ['integer overflow']],
  [/float unrepresentable/, ['integer overflow', 'invalid conversion to integer']],
  [/memory access out of bounds|data segment/, ['out of bounds memory access']],
  [/table index is out of bounds|table access out of bounds|table or|element segment/,
    ['undefined element', 'out of bounds table access']],
  [/null function or function signature mismatch/, ['uninitialized element', 'indirect call type mismatch']],
  [/call stack/, ['call stack exhausted']],
];
function trapped(e, why) {
  const row = reasons.find(([pattern]) => pattern.test(e.message));
  if (row === undefined) throw new Error(`a trap of unknown reason: ${e.message}`);
  return row[1].includes(why.replace(/ by (data|elem).*/, '')) ? null : `trapped: ${e.message}; expected ${why === '' ? 'none' : why}`;
}

// ---- one module ----
function call(f, types, expected, budget) {
  let got;
  if (budget !== undefined) budget.value = 200;
  try {
    got = f(...expected.args.map((v, i) => argument(i, v)));
  } catch (e) {
    return trapped(e, expected.why);
  }
  if (expected.why !== '') return `did not trap: expected ${expected.why}`;
  const values = types.length === 1 ? [got] : types.length === 0 ? [] : [...got];
  for (let i = 0; i < types.length; i++) {
    const bits = plain(types[i], values[i]);
    if (bits !== expected.values[i]) return `result ${i}: 0x${bits.toString(16)}; expected 0x${expected.values[i].toString(16)}`;
  }
  return null;
}

// Blocks that the log has are as they are there, all others are zero.
const BLOCK = 1024, zeros = Buffer.alloc(1 << 20);
function sameMemory(memory, blocks) {
  let from = 0;
  for (const { at, bytes } of blocks) {
    if (memory.compare(zeros, 0, at - from, from, at) !== 0) return false;
    if (memory.compare(bytes, 0, BLOCK, at, at + BLOCK) !== 0) return false;
    from = at + BLOCK;
  }
  return memory.compare(zeros, 0, memory.length - from, from, memory.length) === 0;
}

function compare(r) {
  hostCalls = hostDigest = 0;
  const module = new WebAssembly.Module(r.bytes);
  let instance;
  try {
    instance = new WebAssembly.Instance(module, { host });
  } catch (e) {
    return trapped(e, r.why);
  }
  if (r.why !== '') return `instantiated: expected ${r.why}`;
  const all = name => WebAssembly.Module.exports(module).filter(e => e.kind === name).map(e => instance.exports[e.name]);
  const functions = all('function'), globals = all('global'), tables = all('table'), memories = all('memory');
  for (const [k, c] of r.calls.entries()) {
    const wrong = call(functions[c.function], r.types[c.function], c, globals[0]);
    if (c.why === 'call stack exhausted') return null; // how deep that was, and what comes deeper or was done on the way, differs
    if (wrong !== null) return `call ${k}: ${wrong}`;
  }
  for (const [k, want] of r.globals.entries()) {
    const bits = plain(r.globalTypes[k], globals[k].value);
    if (bits !== want) return `global ${k}: 0x${bits.toString(16)}; expected 0x${want.toString(16)}`;
  }
  for (const [k, want] of r.tables.entries()) {
    let h = 1;
    for (let i = 0; i < tables[k].length; i++) {
      const v = tables[k].get(i);
      h = mix(h, plain(typeof v === 'function' ? 'funcref' : 'externref', v));
    }
    if (tables[k].length !== want.size || h !== want.digest) return `table ${k} differs, ${tables[k].length} entries`;
  }
  if (hostCalls !== r.hostCalls || hostDigest >>> 0 !== r.hostDigest) return `${hostCalls} calls of host functions; expected ${r.hostCalls}`;
  const size = memories.length === 0 ? 0 : memories[0].buffer.byteLength;
  if (size / 65536 !== r.pages) return `${size / 65536} pages; expected ${r.pages}`;
  return size === 0 || sameMemory(Buffer.from(memories[0].buffer), r.blocks) ? null : 'the memory differs';
}

// The types of results and globals, which the API of this engine does not tell: the sections 1, 3, 6 and 7 of the module.
const typeNames = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x70: 'funcref', 0x6f: 'externref' };
function exportedTypes(bytes) {
  let p = 8;
  const leb = () => { let v = 0, shift = 0, b; do { b = bytes[p++]; v |= (b & 0x7f) << shift; shift += 7; } while (b & 0x80); return v >>> 0; };
  const list = read => many(leb(), read);
  const name = () => { const n = leb(); p += n; };
  const limits = () => { const has = bytes[p++]; leb(); if (has) leb(); };
  let types = [], functions = [], globals = [];
  const results = [], globalTypes = [];
  while (p < bytes.length) {
    const id = bytes[p++], size = leb(), end = p + size;
    if (id === 1) types = list(() => { p++; list(() => p++); return list(() => typeNames[bytes[p++]]); });
    if (id === 2) list(() => { name(); name(); if (bytes[p++] !== 0) throw new Error('an import that is no function'); functions.push(leb()); });
    if (id === 3) functions.push(...list(leb));
    if (id === 6) list(() => {
      globals.push(typeNames[bytes[p]]);
      p += 2;
      const op = bytes[p++];
      if (op === 0x43) p += 4; else if (op === 0x44) p += 8; else if (op === 0xd0) p++; else if (op === 0xfd) p += 17; else leb64();
      if (bytes[p++] !== 0x0b) throw new Error('an initialiser that this does not read');
    });
    if (id === 7) list(() => {
      name();
      const kind = bytes[p++], index = leb();
      if (kind === 0) results.push(types[functions[index]]);
      if (kind === 3) globalTypes.push(globals[index]);
    });
    p = end;
  }
  function leb64() { while (bytes[p++] & 0x80); }
  return { types: results, globalTypes };
}

function blocks() {
  const all = [];
  for (let n = u32(); n !== 0xffffffff; n = u32()) all.push({ at: n * BLOCK, bytes: take(BLOCK) });
  return all;
}

function record() {
  const seed = u64(), bytes = Uint8Array.from(take(u32())), why = text();
  return {
    seed, bytes, why, ...exportedTypes(bytes),
    calls: many(u8(), () => ({ function: u8(), args: many(4, u64), why: text(), values: many(u8(), u64) })),
    globals: many(u8(), u64),
    tables: many(u8(), () => ({ size: u32(), digest: u32() })),
    hostCalls: u32(), hostDigest: u32(), pages: u32(), blocks: blocks(),
  };
}

let passed = 0, failed = 0;
while (need(1)) {
  const r = record();
  let wrong;
  try { wrong = compare(r); } catch (e) { wrong = `${e}`; }
  if (wrong === null) { passed++; continue; }
  failed++;
  console.log(`module ${r.seed}, this engine: ${wrong}`);
}
console.log(`repeat: ${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
