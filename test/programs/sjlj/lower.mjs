// SPDX-License-Identifier: Apache-2.0
// lower.mjs < WITH-EXCEPTIONS.wat > PLAIN.wat
//
// setjmp and longjmp exist for wasm32-wasi only through the exception handling proposal, which WebAssembly 2.0 has not.
// This rewrites clang's output (one tag with one i32, try ... catch ... end, throw) into plain code: throw sets a global
// and leaves the function; after every call that may throw the global is looked at, and the catch of the innermost try,
// or the caller, goes on from there. Reads the text of wasm2wat, one instruction a line.
import { readFileSync } from 'node:fs';

const lines = readFileSync(0, 'utf8').split('\n');
const fail = (what, line) => { console.error(`lower.mjs: line ${line + 1}: ${what}`); process.exit(1); };
const isFunction = l => /^  \(func \(;\d+;\)/.test(l);

// ---- which functions may throw: those that do, call through a table, or call one that may ----
const calls = new Map(), mayThrow = new Set();
for (let i = 0, f = -1; i < lines.length; i++) {
  const l = lines[i].trim();
  if (isFunction(lines[i])) calls.set(f = +/\d+/.exec(l)[0], new Set());
  else if (/^  \(/.test(lines[i])) f = -1;
  if (f < 0) continue;
  const call = /^call (\d+)/.exec(l);
  if (call) calls.get(f).add(+call[1]);
  if (/^(throw|call_indirect)\b/.test(l)) mayThrow.add(f);
}
for (let grew = true; grew;) {
  grew = false;
  for (const [f, to] of calls)
    if (!mayThrow.has(f) && [...to].some(t => mayThrow.has(t))) { mayThrow.add(f); grew = true; }
}

// ---- which tries end in delegate (what they throw goes to an outer try, not to the innermost) ----
const delegates = new Map(), open = [];
for (let i = 0; i < lines.length; i++) {
  const l = lines[i].trim();
  if (isFunction(lines[i])) open.length = 0;
  if (/^(block|loop|if|try)\b/.test(l)) open.push(i);
  else if (/^end\b/.test(l)) open.pop();
  else if (/^delegate\b/.test(l)) delegates.set(open.pop(), parseInt(l.split(/\s+/)[1]));
}

// ---- rewriting ----
const out = [];
let labels = [], handlers = [], results = [], next = 0;
const leave = () => handlers.at(-1) ? [`br ${handlers.at(-1)}`] : [...results.map(t => `${t}.const 0`), 'return'];
const target = n => n < labels.length ? labels[labels.length - 1 - n].name : null;
const check = () => handlers.at(-1) ? ['global.get $thrown', `br_if ${handlers.at(-1)}`]
  : ['global.get $thrown', 'if', ...leave(), 'end'];

function rewrite(op, rest, i) {
  switch (op) {
  case 'block': case 'loop': case 'if': {
    const name = `$L${next++}`;
    labels.push({ op, name });
    return [`${op} ${name} ${rest.replace(/;;.*/, '')}`];
  }
  case 'try': {
    const name = `$L${next++}`, to = `$C${next++}`, type = rest.replace(/;;.*/, '');
    if (delegates.has(i)) {
      const outer = labels.slice(0, labels.length - delegates.get(i)).findLast(label => label.handler);
      handlers.push(outer?.handler ?? null);
      labels.push({ op, name });
      return [`block ${name} ${type}`];
    }
    labels.push({ op, name, handler: to });
    handlers.push(to);
    return [`block ${name} ${type}`, `block ${to}`];
  }
  case 'delegate': handlers.pop(); labels.pop(); return ['end'];
  case 'catch': {
    handlers.pop();
    labels.at(-1).handler = null; // the handler itself is not inside the try
    return [`br ${labels.at(-1).name}`, 'end', 'i32.const 0', 'global.set $thrown', 'global.get $thrown_value'];
  }
  case 'end': labels.pop(); return ['end'];
  case 'throw': return ['global.set $thrown_value', 'i32.const 1', 'global.set $thrown', ...leave()];
  case 'br': case 'br_if': {
    const to = target(parseInt(rest));
    if (to) return [`${op} ${to}`];
    return op === 'br' ? ['return'] : [`${op} ${labels.length}`]; // the function's own label has no name
  }
  case 'br_table':
    return [`br_table ${rest.replace(/\(;.*?;\)/g, '').trim().split(/\s+/).map(n => target(+n) ?? fail('br_table out of the function', i)).join(' ')}`];
  case 'call': return mayThrow.has(parseInt(rest)) ? [`call ${rest}`, ...check()] : [`call ${rest}`];
  case 'call_indirect': return [`call_indirect ${rest}`, ...check()];
  case 'catch_all': case 'rethrow': case 'try_table': case 'throw_ref':
    return fail(`${op}: not what setjmp compiles to`, i);
  default: return [`${op} ${rest}`];
  }
}

let inside = false, declared = false;
for (let i = 0; i < lines.length; i++) {
  const l = lines[i];
  if (/^  \(tag /.test(l)) continue;
  if (/^  \(export /.test(l) && !declared) { // after the module's own globals, whose numbers must not change
    out.push('(global $thrown (mut i32) (i32.const 0))', '(global $thrown_value (mut i32) (i32.const 0))');
    declared = true;
  }
  if (isFunction(l)) {
    inside = true;
    labels = []; handlers = [];
    results = (/\(result ([^)]*)\)/.exec(l)?.[1] ?? '').split(' ').filter(Boolean);
    out.push(l);
    continue;
  }
  if (inside && /^    \(local /.test(l)) { out.push(l); continue; }
  if (!inside || !/^ {4}/.test(l)) { inside = false; out.push(l); continue; }
  const closes = /^[^(]*(\([^()]*\)[^()]*)*\)$/.test(l.trim()) && (l.match(/\)/g) ?? []).length > (l.match(/\(/g) ?? []).length;
  const text = closes ? l.trim().slice(0, -1) : l.trim();
  const [, op, rest] = /^(\S+)\s*(.*)$/.exec(text);
  out.push(...rewrite(op, rest, i));
  if (closes) { out.push(')'); inside = false; }
}
process.stdout.write(out.join('\n'));
