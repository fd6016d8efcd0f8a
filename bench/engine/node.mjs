// SPDX-License-Identifier: Apache-2.0
// node node.mjs FILE N: the same as engine.c, by V8.
import { readFileSync } from "node:fs";
const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(process.argv[2])), {});
instance.exports._initialize?.();
const t = process.cpuUsage();
const sum = instance.exports.kernel(Number(process.argv[3])) >>> 0;
const used = process.cpuUsage(t);
console.log(`${sum} ${used.user + used.system}`);
