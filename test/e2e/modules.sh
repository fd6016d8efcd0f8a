#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015,SC2016 # lib.sh has names and judges; $ is of the modules
# A workload of several modules: they find each other by name, each with a memory of its own; what is wrong with one is said
# with its name; and all of them are what the owner and third parties verify.
suite=modules
# shellcheck source=test/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="process kvm"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
linked=$B/test/guests/linked
cd "$tmp" || exit 2

# config NAME FILE...: a broch.toml with these modules
config() {
	: >broch.toml
	while [ $# -gt 0 ]; do
		printf '[[modules]]\nname = "%s"\nfile = "%s"\n' "$1" "$2" >>broch.toml
		shift 2
	done
}
run() { try "$broch" run -q --backend "$kind" "$@"; }
out_is() { [ "$(cat out)" = "$1" ] && good || bad "$kind: $2: another output"; }
# ends STATUS WORDS WHAT: the last run
ends() {
	want_status "$1" "$kind: $3" || return 0
	grep -qF -- "$2" err && good || bad "$kind: $3: not the words \"$2\""
}

# ---- C: a reactor library and a program ----
python3 - "$linked/words.wasm" large.wasm <<-'END' || bad "no large library"
	import sys
	size, leb = 600 << 10, b""
	while size:
	    leb += bytes([size & 0x7f | (0x80 if size > 0x7f else 0)])
	    size >>= 7
	open(sys.argv[2], "wb").write(open(sys.argv[1], "rb").read() + b"\0" + leb + b"\4none" + bytes((600 << 10) - 5))
END
cp "$linked/words.wasm" small.wasm
for kind in $kinds; do
	for file in small large; do # optimized, and in one pass
		config words $file.wasm
		for check in "" --check-code; do
			# shellcheck disable=SC2086 # nothing, or an option
			run $check --config broch.toml "$linked/uses.wasm" count count say calls work count
			want_status 0 "$kind: a $file library $check" && out_is "count 1001
count 1002
words of the library
say 1
calls 1
work 1
count 1003" "a $file library $check"
		done
		run --config broch.toml "$linked/uses.wasm" calls 1
		ends 134 'out of bounds memory access in function' "a trap in a $file library"
		ends 134 'of module "words" at offset 0x' "a trap in a $file library"
		run --config broch.toml "$linked/uses.wasm" 2
		ends 134 'integer divide by zero in function' "a trap that is not compiled"
		run --config broch.toml "$linked/uses.wasm" 0
		want_status 5 "$kind: a library that ends the program" && out_is "" "a library that ends the program"
	done
	# Lives begin with new libraries.
	{ printf '[restart]\nwhen = "on-failure"\ntimes = 3\npause = "1ms"\n' && cat broch.toml; } >restart.toml
	run --config restart.toml "$linked/uses.wasm" count calls count 1
	want_status 134 "$kind: restarts" && out_is "$(for i in 1 2 3 4; do printf 'count 1001\ncalls 1\ncount 1002\n'; done)" "restarts"
	[ "$(grep -c '^\[broch: the program trapped: .* of module "words" .*; restart' err)" -eq 3 ] && good || bad "$kind: restarts are not told"
	# The example.
	cp -r "$B/examples/modules" package && (umask 077 && printf '0123456789abcdef' >package/vault.key)
	run package hello
	want_status 0 "$kind: examples/modules" && out_is "the key: out of reach
$(printf hello | openssl mac -macopt hexkey:30313233343536373839616263646566 -macopt size:8 -in - SIPHASH | fold -w 2 | tac | tr -d '\n' | tr A-F a-f)  hello" "examples/modules"
	rm package/vault.key
	run package hello
	ends 125 'vault.key' "a key that is not there"
	rm -r package
done

# ---- memories, tables and globals; by hand ----
if ! command -v wat2wasm >/dev/null; then
	skipped "modules by hand: wat2wasm is missing (package wabt)"
	wat=
else
	wat=yes
fi
module() { # name, option...; its text is the input
	name=$1
	shift
	wat2wasm "$@" - -o "$name.wasm" || bad "$name: wat2wasm"
}
[ -z "$wat" ] || {
	module base <<-'END'
		(module
		  (memory (export "memory") 1 4)
		  (table (export "table") 2 funcref)
		  (global (export "count") (mut i32) (i32.const 7))
		  (global (export "fixed") i64 (i64.const -5))
		  (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
		  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
		  (func (export "back") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1)))
		  (elem (i32.const 0) $double)
		  (data (i32.const 100) "from the library\0a"))
	END
	module middle <<-'END'
		(module
		  (import "base" "count" (global $count (mut i32)))
		  (import "base" "back" (func $back (param i32) (result i32)))
		  (memory 1)
		  (func (export "step") (param i32) (result i32)
		    (global.set $count (i32.add (global.get $count) (i32.const 1)))
		    (i32.store (i32.const 100) (local.get 0))
		    (call $back (i32.load (i32.const 100)))))
	END
	module program <<-'END'
		(module
		  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		  (import "base" "memory" (memory 1 4))
		  (import "base" "table" (table 2 funcref))
		  (import "base" "count" (global $count (mut i32)))
		  (import "base" "fixed" (global $fixed i64))
		  (import "base" "grow" (func $grow (result i32)))
		  (import "middle" "step" (func $step (param i32) (result i32)))
		  (func $third (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
		  (elem (i32.const 1) $third)
		  (func $must (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
		  (func (export "_start") (local $i i32)
		    (call $must (i32.eq (call_indirect (param i32) (result i32) (global.get $count) (i32.const 0)) (i32.const 14)))
		    (call $must (i64.eq (global.get $fixed) (i64.const -5)))
		    (loop
		      (call $must (i32.eq (call $step (local.get $i)) (i32.mul (local.get $i) (i32.const 3))))
		      (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))
		    (call $must (i32.eq (global.get $count) (i32.const 1000007)))
		    (call $must (i32.eq (call_indirect (param i32) (result i32) (i32.const 9) (i32.const 0)) (i32.const 18)))
		    (call $must (i32.eq (call $grow) (i32.const 1)))
		    (call $must (i32.eq (memory.size) (i32.const 2)))
		    (i32.store (i32.const 131068) (i32.const 1))
		    (i32.store (i32.const 0) (i32.const 100))
		    (i32.store (i32.const 4) (i32.const 17))
		    (call $must (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
		    (drop (i32.load (i32.const 131072)))))
	END
	for kind in $kinds; do
		config base base.wasm middle middle.wasm
		for check in "" --check-code; do
			# shellcheck disable=SC2086
			run $check --config broch.toml program.wasm
			ends 134 'out of bounds memory access in function 5 "_start" at offset' "memory, table, globals $check"
			out_is "from the library" "memory, table, globals $check"
		done
	done
}

# ---- what is wrong ----
kind=process
# wrong STATUS WORDS WHAT: program.wasm with the configuration
wrong() {
	run --config broch.toml "${program:-program.wasm}"
	ends "$1" "$2" "$3"
	[ ! -s out ] && good || bad "$3: it ran"
}
[ -z "$wat" ] || {
	config base base.wasm
	wrong 126 'imports 1 things that WASI preview 1 has not: middle.step; build it for wasm32-wasi, or add their [[modules]]' "a module that is not there"
	config middle middle.wasm base base.wasm
	wrong 126 'module "middle": "count" is imported from module "base", which is not made yet: list that one before' "another order"
	config base base.wasm middle base.wasm
	wrong 126 '"step" is imported from module "middle", which exports nothing of this name' "an export that is not there"
	printf '(module (import "base" "grow" (func (param i32))))' | module types
	config base base.wasm types types.wasm
	wrong 126 'module "types": incompatible import type: the module wants the function "base" "grow" (import 0) as (i32) -> (); it is () -> (i32)' "another type"
	printf '(module (import "base" "count" (memory 1)))' | module types
	wrong 126 'the memory "base" "count" (import 0) as 1 or more; it is global mutable i32' "another kind"
	printf '(module (import "base" "memory" (memory 2)))' | module types
	wrong 126 'the memory "base" "memory" (import 0) as 2 or more; it is 1 to 4' "too small a memory"
	printf '(module (func $begin unreachable) (start $begin))' | module traps --debug-names
	config traps traps.wasm
	wrong 134 'starting module "traps": unreachable executed in function 0 "begin" of module "traps" at offset 0x1a' "a start function that traps"
	printf '(module (func (export "_initialize") unreachable))' | module traps
	wrong 134 'starting module "traps": unreachable executed in function 0 "_initialize" of module "traps" at offset 0x28' "an _initialize that traps"
	printf '(module (func (export "_initialize") (param i32)))' | module traps
	wrong 126 'module "traps": the module'"'"'s _initialize takes parameters or returns results' "an _initialize of another type"
	printf '(module (memory 1) (data (i32.const 65536) "x"))' | module traps
	wrong 134 'starting module "traps": out of bounds memory access by data segment 0' "data that does not fit"
	printf '(module (func (export "_initialize") (loop (br 0))))' | module endless
	printf '[limits]\ncpu = "300ms"\n[[modules]]\nname = "endless"\nfile = "endless.wasm"\n' >broch.toml
	wrong 125 'the workload reached a limit' "an _initialize without an end"
	printf '(module (func (result i32) i64.const 1))' | module invalid --no-check
	config base base.wasm invalid invalid.wasm
	wrong 126 'module "invalid": code section, function 0, offset 0x1a: type mismatch' "a module that is not valid"
}
config words "$B/examples/hello.wasm"
program=$linked/uses.wasm
wrong 126 'module "words": it exports _start, so it is a program, not a library: build it with -mexec-model=reactor' "a program for a library"
config words missing.wasm
wrong 125 'broch.toml:1: module "words": opening missing.wasm: No such file' "no file"
printf 'text' >text.wasm
config words text.wasm
wrong 125 'broch.toml:1: module "words": text.wasm is not a WebAssembly module' "no module"
printf '[limits]\nmemory = "600KiB"\n[[modules]]\nname = "words"\nfile = "large.wasm"\n' >broch.toml
wrong 125 'modules and files take' "a limit for all modules"

# ---- what is verified ----
start_agent
make_policy
config words small.wasm
sum=$(sha256sum <small.wasm | cut -d' ' -f1)
try "$broch" deploy -d --name linked --host "unix:$sock" --policy policy.toml --config broch.toml "$linked/uses.wasm" count
want_status 0 "deploying" && good
"$broch" wait --host "unix:$sock" linked >/dev/null 2>&1
try "$broch" inspect --host "unix:$sock" linked
grep -q "library_sha256 *$sum words" out && good || bad "inspect does not list the library"
try "$broch" inspect --json --host "unix:$sock" linked
python3 -c 'import json, sys; d = json.load(open("out")); sys.exit(d["record"]["modules"] != [{"name": "words", "sha256": sys.argv[1]}])' "$sum" && good || bad "inspect --json does not list the library"
printf '[restart]\nwhen = "always"\ntimes = 1\npause = "1h"\n[[modules]]\nname = "words"\nfile = "small.wasm"\n' >broch.toml
try "$broch" deploy -d --name stays --host "unix:$sock" --policy policy.toml --config broch.toml "$linked/uses.wasm" count
want_status 0 "deploying what stays" && good
try "$broch" inspect --show-chain --evidence evidence --host "unix:$sock" stays
want_status 0 "evidence" && good
try "$broch" verify --policy policy.toml evidence
want_status 0 "verifying" && grep -q "^ *words: SHA-256 $sum" out && good || bad "verify does not list the library"
# Another library in the manifest of the evidence: its digest is not the one that the Keep's evidence is bound to.
python3 - "$sum" <<-'END' && good || bad "the evidence has no digest of the library"
	import sys
	d, s = bytearray(open("evidence", "rb").read()), bytes.fromhex(sys.argv[1])
	at = d.index(s)
	d[at] ^= 1
	open("evidence", "wb").write(d)
END
try "$broch" verify --policy policy.toml evidence
want_status 3 "evidence of another library" && grep -q 'report_data' out && good || bad "evidence of another library is taken"
"$broch" stop --host "unix:$sock" stays >/dev/null 2>&1
result
