#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD WHERE SAMPLES: real programs from several languages, each run by us (WHERE host: wasi-host, keep: broch run)
# and under node:wasi; exit status, stdout and stderr must be the same bytes. Programs are fetched and built once, into
# BUILD/programs; what cannot be had is skipped loudly.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) where=$2 samples=$3
dir=$build/programs
pass=0 fail=0 skip=0
mkdir -p "$dir"

case $where in
host) ours="$build/test/wasi-host" ;;
keep) ours="$build/bin/broch run -q --backend kvm --check-code" ;; # what is compiled on the way is proven, too
*) echo "check.sh: WHERE is host or keep, not $where" >&2; exit 2 ;;
esac
if [ "$where" = keep ] && { [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; }; then
	echo "SKIPPED real programs in KVM Keeps: /dev/kvm is missing or not permitted"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

skipped() { # name, why
	skip=$((skip + 1))
	echo "SKIPPED $1: $2"
}

# have NAME FILE COMMAND...: makes FILE by the command unless it is there and was made from the same sources of ours.
have() {
	name=$1 file=$2
	shift 2
	key=$(cd "$here" && find "$name" sjlj -type f \( -name '*.[ch]' -o -name '*.mjs' -o -name '*.rs' -o -name asconfig.json \
		-o -path '*/assemblyscript/*.ts' \) -exec cksum {} + | sort | cksum)
	[ -e "$file" ] && [ "$(cat "$file.key" 2>/dev/null)" = "$key" ] && return 0
	rm -f "$file"
	if "$@" >"$dir/$name.log" 2>&1 && [ -e "$file" ]; then
		echo "$key" >"$file.key"
		return 0
	fi
	skipped "$name" "cannot be fetched or built, see $dir/$name.log: $(tail -n 1 "$dir/$name.log")"
	return 1
}

# A fresh directory for one run: the reference writes to it for real.
fresh() {
	rm -rf "$dir/data"
	mkdir -p "$dir/data"
	printf 'one line\nanother\n' >"$dir/data/in.txt"
	[ -z "$tree" ] || cp -r "$tree"/. "$dir/data/"
}

# same NAME GUEST-DIRECTORY STDIN MODULE ARGS...: with $tree copied into the directory.
same() {
	name=$1 guest=$2 input=$3
	shift 3
	for side in node ours; do
		fresh
		if [ $side = node ]; then
			set -- node --no-warnings "$here/run-node.mjs" --dir "$dir/data::$guest" -e GREETING=bonjour -e PWD=/ "$@"
		else
			shift 9 # all of the reference's own
			# shellcheck disable=SC2086 # ours is words
			set -- $ours --dir "$dir/data::$guest" -e GREETING=bonjour -e PWD=/ "$@"
		fi
		"$@" <"$input" >"$dir/$side.out" 2>"$dir/$side.err"
		echo $? >"$dir/$side.status"
	done
	for what in status out err; do
		cmp -s "$dir/node.$what" "$dir/ours.$what" && continue
		fail=$((fail + 1))
		echo "FAILED $name: $what differs (- node:wasi, + ours)"
		diff -a "$dir/node.$what" "$dir/ours.$what" | head -n 10
		return
	done
	pass=$((pass + 1))
}

npm_get() { # folder, packages...
	mkdir -p "$1" && cd "$1" && shift || return 1
	[ -e package.json ] || echo '{ "private": true, "type": "module" }' >package.json
	npm install --no-audit --no-fund --ignore-scripts "$@"
}

sjlj() { # OUT LIBS FLAGS-AND-SOURCES...
	out=$1 libs=$2
	shift 2
	"$here/sjlj/cc.sh" "$out" "$libs" -- "$@"
}

build_lua() {
	"$here/fetch-debian.sh" "$dir" lua5.4 || return 1
	mkdir -p "$dir/lua.inc"
	echo '#define DEB_HOST_MULTIARCH "wasm32-wasi"' >"$dir/lua.inc/lua5.4-deb-multiarch.h"
	rm -f "$dir/lua5.4/src/luac.c" # another program
	sjlj "$dir/lua.wasm" "-lwasi-emulated-signal -lwasi-emulated-process-clocks -lm" -I"$dir/lua.inc" -D_WASI_EMULATED_SIGNAL \
		-D_WASI_EMULATED_PROCESS_CLOCKS -DL_tmpnam=20 "$dir"/lua5.4/src/*.c "$here/lua/stubs.c"
}

build_sqlite() {
	"$here/fetch-debian.sh" "$dir" sqlite3 || return 1
	mkdir -p "$dir/sqlite.build"
	cd "$dir/sqlite.build" || return 1
	make -f ../sqlite3/main.mk TOP=../sqlite3 BCC="${CC:-gcc}" TCC="${CC:-gcc}" sqlite3.c shell.c sqlite3.h || return 1
	for f in sqlite3.c shell.c "$here/sqlite/stubs.c"; do
		clang-19 --target=wasm32-wasi -w -O1 -I. -I"$here/sqlite" -include stubs.h -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_GETPID \
			-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
			-DSQLITE_NOHAVE_SYSTEM -DSQLITE_OMIT_WAL -c "$f" || return 1
	done
	clang-19 --target=wasm32-wasi -s -o "$dir/sqlite.wasm" sqlite3.o shell.o stubs.o -lwasi-emulated-mman -lwasi-emulated-getpid \
		-lwasi-emulated-signal -lwasi-emulated-process-clocks
}

build_rust() {
	/usr/bin/rustc --target wasm32-wasi -C opt-level=2 -C strip=symbols -C panic=abort -o "$dir/rust.wasm" "$here/rust/main.rs"
}

build_assemblyscript() (
	npm_get "$dir/as" assemblyscript@0.28 @assemblyscript/wasi-shim@0.1 || exit 1
	cp "$here/assemblyscript/asconfig.json" "$here/assemblyscript/main.ts" . &&
		npx asc main.ts --config asconfig.json --target release && cp assemblyscript.wasm "$dir/"
)

build_esbuild() (
	npm_get "$dir/npm" @esbuild/wasi-preview1@0.27 && cp node_modules/@esbuild/wasi-preview1/esbuild.wasm "$dir/"
)

printf '42 rest of the line\nall that follows\nto the end\n' >"$dir/stdin.txt"
tree=

# ---- the samples: C by three compilers, C++, Rust by two, AssemblyScript ----
if [ -d "$samples" ]; then
	for m in "$samples"/hello-*.wasm "$samples"/tick.wasm "$samples"/tiny.wasm; do
		guest=/data
		case $m in *assemblyscript*) guest=/ ;; esac
		same "sample $(basename "$m")" $guest /dev/null "$m" 3
	done
else
	skipped samples "not at $samples; give their folder as WASM_SAMPLES="
fi

if have sjlj "$dir/unwind.wasm" sjlj "$dir/unwind.wasm" "" "$here/sjlj/unwind.c"; then
	same "longjmp" /data /dev/null "$dir/unwind.wasm"
	# The lowered program against itself with exceptions, which node has: the lowering must not change what it does.
	node --no-warnings "$here/run-node.mjs" "$dir/unwind.eh.wasm" >"$dir/eh.out" 2>&1
	if cmp -s "$dir/eh.out" "$dir/ours.out"; then pass=$((pass + 1)); else fail=$((fail + 1)) && echo "FAILED longjmp lowered"; fi
fi
if have lua "$dir/lua.wasm" build_lua; then
	tree=$here/lua
	same "lua" /data "$dir/stdin.txt" "$dir/lua.wasm" /data/test.lua one
	same "lua, an error" /data /dev/null "$dir/lua.wasm" -e 'local t = nil; print(t.x)'
	same "lua, from stdin" /data "$here/lua/hello.lua" "$dir/lua.wasm" -
fi
if have sqlite "$dir/sqlite.wasm" build_sqlite; then
	tree=
	same "sqlite, in memory" /data "$here/sqlite/test.sql" "$dir/sqlite.wasm" -batch -vfs unix-none
	same "sqlite, a file" /data "$here/sqlite/test.sql" "$dir/sqlite.wasm" -batch -vfs unix-none /data/first.db
fi
if have esbuild "$dir/esbuild.wasm" build_esbuild; then
	tree=$here/esbuild
	same "esbuild, bundle" / /dev/null "$dir/esbuild.wasm" --bundle main.ts --format=esm --log-level=warning
	same "esbuild, minify" / /dev/null "$dir/esbuild.wasm" --bundle main.ts --minify --sourcemap=inline --target=es2017 \
		--jsx-factory=h '--define:process.env.NODE_ENV="production"' --log-level=warning
	same "esbuild, css" / /dev/null "$dir/esbuild.wasm" --bundle style.css --minify --log-level=warning
	same "esbuild, an error" / /dev/null "$dir/esbuild.wasm" --bundle broken.ts --color=false
	same "esbuild, stdin" / "$here/esbuild/shapes.ts" "$dir/esbuild.wasm" --loader=ts --minify
fi
tree=
if have rust "$dir/rust.wasm" build_rust; then
	same "rust" /data "$dir/stdin.txt" "$dir/rust.wasm" one 'two words'
fi
if have assemblyscript "$dir/assemblyscript.wasm" build_assemblyscript; then
	same "assemblyscript" /data /dev/null "$dir/assemblyscript.wasm" one two
fi
for e in hello wordcount notes demo; do
	same "example $e" / "$dir/stdin.txt" "$build/examples/$e.wasm" one two
done

echo "$pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
