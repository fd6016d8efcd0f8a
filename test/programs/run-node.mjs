// SPDX-License-Identifier: Apache-2.0
// run-node.mjs [--dir HOST::GUEST] [-e K=V] MODULE [args]: the module under node:wasi, as the reference to compare with.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { WASI } from 'node:wasi';

const rest = process.argv.slice(2), env = {}, preopens = {};
while (rest[0] === '--dir' || rest[0] === '-e') {
  const [option, value] = rest.splice(0, 2), separator = option === '-e' ? '=' : '::', cut = value.indexOf(separator);
  (option === '-e' ? env : preopens)[option === '-e' ? value.slice(0, cut) : value.slice(cut + 2)] =
    option === '-e' ? value.slice(cut + 1) : value.slice(0, cut);
}
const [path, ...args] = rest;
const wasi = new WASI({ version: 'preview1', args: [basename(path), ...args], env, preopens, returnOnExit: true });
const module = await WebAssembly.compile(readFileSync(path));
process.exit(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())) ?? 0);
