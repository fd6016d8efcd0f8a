// SPDX-License-Identifier: Apache-2.0
// node node.mjs FILE N: the same as engine.c, by V8; node node.mjs FILE: the bytes of the module, and microseconds to compile it.
import { readFileSync } from "node:fs";
const spent = start => { const used = process.cpuUsage(start); return used.user + used.system; };
const bytes = readFileSync(process.argv[2]);
let start = process.cpuUsage();
const module = new WebAssembly.Module(bytes);
if (process.argv.length < 4) {
  console.log(`${bytes.length} ${spent(start)}`);
} else {
  const nothing = new Proxy({}, { get: () => () => 8 }); // as in engine.c
  const instance = new WebAssembly.Instance(module, new Proxy({}, { get: () => nothing }));
  instance.exports._initialize?.();
  start = process.cpuUsage();
  const sum = instance.exports.kernel(Number(process.argv[3])) >>> 0;
  console.log(`${sum} ${spent(start)}`);
}
