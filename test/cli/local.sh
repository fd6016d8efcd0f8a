#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2046,SC2086,SC2154,SC2015,SC1010 # lib.sh has names and judges; $p and $k are several words
# `broch run` in each kind of Keep this machine has: what goes in comes out, what ends passes its status, nothing stays.
suite=local
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"
guests=$B/test/guests

kinds=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kinds="kvm process"; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi

mkdir -p "$tmp/files/sub"
echo one >"$tmp/files/a.txt"
printf 'two words\nthree' >"$tmp/files/sub/b.txt"
ln -s ../a.txt "$tmp/files/sub/link.txt"
printf 'A=1\n# not this\n\nB=two words\nHOME\n' >"$tmp/env"

# Shows arguments, environment and files, so that a test can see what arrived.
cat >"$tmp/show.c" <<'EOF'
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
extern char **environ;
static void tree(const char *path)
{
	char p[512];
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(p, sizeof p, "%s/%s", path, e->d_name);
		if (stat(p, &st) != 0)
			printf("? %s\n", p);
		else if (S_ISDIR(st.st_mode))
			tree(p);
		else
			printf("file %s %d\n", p, (int)st.st_size);
	}
}
int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	for (char **e = environ; e && *e; e++)
		printf("env %s\n", *e);
	if (argc > 1 && strcmp(argv[1], "tree") == 0)
		tree(argv[2]);
	if (argc > 1 && strcmp(argv[1], "write") == 0) {
		FILE *f = fopen(argv[2], "w");
		printf("write %s\n", f ? "works" : "refused");
	}
	return 0;
}
EOF
if clang-19 --target=wasm32-wasi -Os -s -o "$tmp/show.wasm" "$tmp/show.c" 2>"$tmp/err"; then show=$tmp/show.wasm; else show=; skipped "no clang-19 for wasm32-wasi"; fi

for kind in $kinds; do
	k="--backend $kind"
	run run -q $k "$hello" you
	expect 0 - "$kind: hello"
	out_is 'Hello, you, from inside a Keep!' "$kind: hello"
	run run $k "$hello"
	if [ "$status" -eq 0 ] && [ "$(grep -c 'software stand-in' "$tmp/err")" -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]; then good; else bad "$kind: one line names the stand-in"; fi
	run run -q --show-chain $k "$hello"
	for link in root 'platform key' report measurement handshake module; do
		if grep -q "^✓ $link " "$tmp/err"; then good; else bad "$kind: the chain lacks '$link'"; fi
	done
	run run -q $k "$guests/status.wasm" 42
	expect 42 - "$kind: exit status"
	run run -q --json $k "$guests/status.wasm" 9
	expect 9 '^{"schema":"broch.end/1","end":"exited","code":9,"message":""}$' "$kind: --json"
	run run -q $k "$guests/status.wasm" trap
	expect 134 'trapped: .*unreachable' "$kind: trap"

	if [ -n "$show" ]; then
		run run -q $k "$show" --memory -x '' 'a  b' -- --
		expect 0 - "$kind: arguments"
		out_is "arg show.wasm
arg --memory
arg -x
arg 
arg a  b
arg --
arg --" "$kind: options end at the module"
		HOME=/here run run -q $k -e X=1 --env-file "$tmp/env" -e B=mine -e EMPTY= "$show"
		expect 0 - "$kind: environment"
		sort "$tmp/out" | grep '^env' >"$tmp/sorted"
		if [ "$(cat "$tmp/sorted")" = "env A=1
env B=mine
env EMPTY=
env HOME=/here
env X=1" ]; then good; else cp "$tmp/sorted" "$tmp/out"; bad "$kind: environment is what was given and no more"; fi
		run run -q $k --dir "$tmp/files:data" "$show" tree /data
		expect 0 - "$kind: files"
		if [ "$(grep '^file' "$tmp/out" | sort)" = "file /data/a.txt 4
file /data/sub/b.txt 15
file /data/sub/link.txt 4" ]; then good; else bad "$kind: files arrive"; fi
		run run -q $k --dir "$tmp/files::/deep/er" "$show" tree /deep
		out_has '^file /deep/er/a.txt 4$' "$kind: DIR::NAME"
		run run -q $k --dir "$tmp/files:data" "$show" write /data/a.txt
		out_has '^write refused' "$kind: files are read-only"
	fi

	status=0
	head -c 3000000 /dev/zero | timeout 60 "$broch" run -q $k "$guests/status.wasm" sum >"$tmp/out" 2>"$tmp/err" || status=$?
	if [ "$status" -eq 0 ] && [ "$(cat "$tmp/out")" = '3000000 bytes, sum 0' ] && [ "$(cat "$tmp/err")" = done ]; then good; else bad "$kind: standard input from a pipe"; fi
	run run -q --no-stdin $k "$guests/status.wasm" sum
	out_is '0 bytes, sum 0' "$kind: --no-stdin"
	status=0
	timeout 60 "$broch" run -q $k "$guests/status.wasm" sum >"$tmp/out" 2>"$tmp/err" <"$B/bin/brochd" || status=$?
	out_has "^$(wc -c <"$B/bin/brochd") bytes" "$kind: standard input from a file"

	run run -q $k --timeout 300ms "$guests/spin.wasm"
	expect 125 'limit' "$kind: wall limit"

	for signal in INT TERM HUP; do
		: >"$tmp/out"
		timeout 60 "$broch" run -q $k "$guests/spin.wasm" >"$tmp/out" 2>"$tmp/err" </dev/null &
		watch=$!
		if ! until_true 200 grep -q started "$tmp/out"; then bad "$kind: spin does not start"; fi
		pkill -$signal -P $watch -x broch
		status=0
		wait $watch || status=$?
		case $signal in INT) want=130 ;; TERM) want=143 ;; HUP) want=129 ;; esac
		expect $want - "$kind: SIG$signal"
	done

	# A reader that goes away ends the run, quietly.
	status=$( { { timeout 60 "$broch" run -q $k "$guests/spin.wasm" 2>"$tmp/err"; echo $? >&3; } | head -c 0; } 3>&1 )
	: >"$tmp/out"
	case $status in 141) good ;; *) # it only writes once, before the reader is gone
		[ "$status" -eq 0 ] && good || bad "$kind: broken pipe: $status" ;; esac
done 2>"$tmp/noise"
[ ! -s "$tmp/noise" ] || sed 's/^/  noise: /' "$tmp/noise"

# Modules that are none.
cd "$tmp" || exit 2
wrong 127 'nothing.wasm: No such file' run -q nothing.wasm
wrong 126 'is a folder' run -q "$tmp"
: >empty.wasm
wrong 126 'empty.wasm is empty' run -q empty.wasm
echo '(module)' >text.wasm
wrong 126 'make it binary first: wat2wasm' run -q text.wasm
wrong 126 'native program' run -q "$broch"
printf '\0asm\15\0\1\0' >component.wasm
wrong 126 'component' run -q component.wasm
printf '\0asm\2\0\0\0' >version.wasm
wrong 126 'version 2' run -q version.wasm
printf 'hi' >short.wasm
wrong 126 'does not start with' run -q short.wasm
printf '\0asm\1\0\0\0\1\377' >cut.wasm
wrong 126 'cut.wasm cannot start: .*(offset|at )' run -q cut.wasm
printf '\0asm\1\0\0\0' >nothing-in-it.wasm
wrong 126 'cannot start: .*_start' run -q nothing-in-it.wasm
if [ "$(id -u)" -ne 0 ]; then
	cp "$hello" closed.wasm && chmod 0 closed.wasm
	wrong 126 'Permission denied' run -q closed.wasm
fi

# Files that cannot travel.
wrong 125 'no-such-folder' run -q --dir no-such-folder "$hello"
wrong 125 "'..' has no meaning" run -q --dir ..:../x "$hello"
mkdir odd && mkfifo odd/pipe
wrong 125 'odd/pipe is not a regular file' run -q --dir odd "$hello"
rm odd/pipe && ln -s / odd/root
wrong 125 'a link to a folder is not copied' run -q --dir odd "$hello"
rm odd/root && ln -s nowhere odd/dangling
wrong 125 'odd/dangling' run -q --dir odd "$hello"
rm odd/dangling && echo x >odd/a.txt
wrong 125 'both become data/a.txt' run -q --dir odd:data --dir files:data "$hello"
HOME_=$HOME; unset HOME; wrong 125 'env line 5: HOME is not set' run -q --env-file env "$hello"; HOME=$HOME_; export HOME
printf '=x\n' >env2
wrong 125 'env2 line 1: .*NAME=VALUE' run -q --env-file env2 "$hello"
wrong 125 'no-such-env' run -q --env-file no-such-env "$hello"

# Nothing stays: no process, no file.
if until_true 100 no_keepers; then good; else bad "agents or keepers are left"; fi
# Not even for a moment, in which a kill -9 would leave it.
touch -d @1 "$XDG_RUNTIME_DIR"
run run -q --backend process "$hello"
if [ "$(stat -c %Y "$XDG_RUNTIME_DIR")" -eq 1 ]; then good; else bad "a private host agent makes files to be reached by"; fi
find "$XDG_RUNTIME_DIR" -mindepth 1 >"$tmp/out"
if [ -s "$tmp/out" ]; then bad "something is left in the runtime folder"; else good; fi
find "$XDG_STATE_HOME/broch" -mindepth 1 -maxdepth 1 ! -name 'soft-snp*' >"$tmp/out"
if [ -s "$tmp/out" ]; then bad "something is left in the state folder"; else good; fi
# Where the time goes: every step took some, and the steps are all there is.
run run -q --json --timings --backend process "$B/examples/hello.wasm"
mv "$tmp/err" "$tmp/out"
json_ok 'all(d["timings"][k] > 0 for k in "agent keep handshake evidence verify deliver run end".split())' "--timings: steps"
json_ok 'abs(sum(v for k, v in d["timings"].items() if k != "total" and not k.endswith("says")) - d["timings"]["total"]) < 9' "--timings: sum"
json_ok 'd["timings"]["keep"] >= d["timings"]["host_says"]["ready"] >= d["timings"]["host_says"]["create"] > 0' "--timings: the host's"
json_ok 'd["timings"]["keep_says"]["load"] > 0 and d["timings"]["keep_says"]["program"] > 0' "--timings: the Keep's"
run run -q --timings --backend process "$B/examples/hello.wasm"
expect 0 '^total +[0-9]+[.][0-9]{3} ms' "--timings for people"

counts
