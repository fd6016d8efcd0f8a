#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2046,SC2086,SC2154,SC2015,SC1010 # lib.sh has names and judges; $p and $k are several words
# --help, the manual pages in the tree and the completions say the same; JSON has its schema; colours obey.
suite=help
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/tools/make-man.sh" "$broch" "$tmp/man"
for page in "$tmp"/man/*.1; do
	name=$(basename "$page")
	if cmp -s "$page" "$root/doc/man/$name"; then good; else bad "doc/man/$name is out of date: run make man"; fi
done
for page in "$root"/doc/man/broch*.1; do
	if [ -e "$tmp/man/$(basename "$page")" ]; then good; else bad "$page is of a verb that does not exist"; fi
done
if command -v mandoc >/dev/null; then
	for page in "$tmp"/man/*.1; do
		mandoc -T lint -W warning "$page" 2>/dev/null | grep -v 'referenced manual not found\|Xr' >"$tmp/out"
		: >"$tmp/err"
		if [ ! -s "$tmp/out" ]; then good; else bad "mandoc does not like $(basename "$page")"; fi
	done
else
	skipped "mandoc is not installed"
fi

verbs=$("$broch" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p')
for shell in bash zsh fish; do
	"$broch" completion $shell >"$tmp/completion.$shell" || bad "completion $shell"
done
for verb in $verbs; do
	run help "$verb"
	cp "$tmp/out" "$tmp/one"
	run "$verb" --help
	if cmp -s "$tmp/one" "$tmp/out"; then good; else bad "help $verb is not $verb --help"; fi
	options=$(sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' "$tmp/out")
	if [ "$(echo "$options" | wc -l)" -ge 5 ]; then good; else bad "$verb has no common options"; fi
	for option in $options; do
		escaped=$(echo "$option" | sed 's/-/\\\\-/g')
		if ! grep -q "^\.It .*Fl \\\\-$escaped" "$root/doc/man/broch-$verb.1"; then bad "broch-$verb.1 lacks --$option"; continue; fi
		if ! sed -n "/^	$verb)/,/;;\$/p" "$tmp/completion.bash" | grep -q -- "--$option"; then bad "bash: $verb lacks --$option"; continue; fi
		if ! sed -n "/^	$verb)/,/^		;;/p" "$tmp/completion.zsh" | grep -q -- "--$option\["; then bad "zsh: $verb lacks --$option"; continue; fi
		if ! grep -q "_from $verb' -l $option" "$tmp/completion.fish"; then bad "fish: $verb lacks --$option"; continue; fi
		good
	done
done
if bash -n "$tmp/completion.bash"; then good; else bad "bash does not take its completion"; fi
if [ "$(bash -c '. "$1"; COMP_WORDS=(broch de); COMP_CWORD=1; _broch; echo "${COMPREPLY[*]}"' sh "$tmp/completion.bash")" = deploy ]; then
	good
else
	bad "bash does not complete a verb"
fi
if [ "$(bash -c '. "$1"; COMP_WORDS=(broch run --mem); COMP_CWORD=2; _broch; echo "${COMPREPLY[*]}"' sh "$tmp/completion.bash")" = --memory ]; then
	good
else
	bad "bash does not complete an option"
fi

run version --json
json_ok 'd["schema"] == "broch.version/1" and d["version"]' version
run platform --json
json_ok 'd["schema"] == "broch.platform/1" and {f["name"] for f in d["features"]} >= {"kvm", "process", "soft-snp"}' platform
json_ok 'all(f["available"] or (f["reason"] and f["cure"]) for f in d["features"])' "platform names a cure for what is missing"
run --version
out_has '^broch [0-9]' --version
unset NO_COLOR
run platform --color=always
if grep -q "$(printf '\033')" "$tmp/out"; then good; else bad "--color=always"; fi
run platform
if grep -q "$(printf '\033')" "$tmp/out"; then bad "colour without a terminal"; else good; fi
NO_COLOR=1
export NO_COLOR
if command -v script >/dev/null; then
	script -qec "$broch platform" /dev/null >"$tmp/out" </dev/null
	if grep -q "$(printf '\033')" "$tmp/out"; then bad "NO_COLOR is not obeyed"; else good; fi
else
	skipped "script is not installed"
fi
counts
