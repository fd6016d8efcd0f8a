# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC1091,SC2034,SC2154 # lib.sh has names and judges
# broch config: what it shows reads back as the same, what it calls good runs, what run refuses it refuses.
suite=configverb
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 2

for kind in "" --enarx; do
	name=broch.toml
	[ -z "$kind" ] || name=Enarx.toml
	# shellcheck disable=SC2086 # none or one
	run config init $kind
	expect 0 - "init $kind"
	cp out "$name"
	run config check "$name"
	expect 0 - "check of init $kind"
	out_is "$name: good" "check of init $kind"
done
# Every line that is commented out in the template is a good one.
mkdir data
echo secret >db.password
chmod 600 db.password
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca 2>/dev/null
cp ca.pem clients.pem
printf '\0asm\1\0\0\0' >shapes.wasm
sed -n '/^# \(\[\|[a-z_]* = \)/{s/^# //;p;d;}; /^[^#]/p' broch.toml >all.toml
run config check all.toml
expect 0 - "the template with everything switched on"

mkdir pkg files
echo x >files/x
chmod 600 files/x
cat >pkg/broch.toml <<'END'
args = ["one", "two \"quoted\" \\ \u0007"]
steward = "https://attest.example"
[env]
A = "1"
"odd key" = "2"
[limits]
memory = "96MiB"
wall = "90s"
files = 12
file_bytes = "1000kB"
[[files]]
kind = "null"
[[files]]
kind = "stdout"
name = "out"
[[files]]
kind = "listen"
name = "web"
prot = "tls"
[[files]]
kind = "connect"
host = "example.com"
prot = "tcp"
port = 8080
[[mounts]]
kind = "memory"
path = "/tmp"
size = "1GiB"
[[mounts]]
kind = "package"
path = "/"
source = "."
[[secrets]]
env = "S"
file = "x"
[[secrets]]
path = "/run/s"
fd = 7
[restart]
when = "on-failure"
pause = "1500ms"
[tls]
names = ["keep.example"]
alpn = ["h2", "http/1.1"]
pins = ["0000000000000000000000000000000000000000000000000000000000000007"]
client_roots = "ca.pem"
[[modules]]
name = "first"
file = "../shapes.wasm"
[[modules]]
name = "a \"second\""
file = "second.wasm"
END
cp ca.pem pkg/
run config show -q pkg
expect 0 - show
cp out first.toml
run config show -q first.toml
cmp -s out first.toml || bad "what show prints reads back as another configuration"
good
for line in 'memory = "96MiB"' 'wall = "90s"' 'file_bytes = "1MB"' 'prot = "tls"' 'port = 443' 'size = "1GiB"' \
	'pause = "1500ms"' 'pause_max = "1m"' '"odd key" = "2"' 'names = ["keep.example"]' 'alpn = ["h2", "http/1.1"]' \
	"pins = [\"$(printf '%064d' 7)\"]" 'client_roots = "pkg/ca.pem"' 'file = "pkg/../shapes.wasm"' 'name = "a \"second\""'; do
	out_has "^$(printf '%s' "$line" | sed 's/[][\\.*^$]/\\&/g')\$" "show: $line"
done
grep -q '^secret$' out && bad "show prints a secret"

run config show -q --origin -m 8MiB -e A=3 pkg three
out_has '^A = "3" # command line$' "the command line counts more"
out_has '^memory = "8MiB" # command line$' "a limit of the command line"
out_has '^  "three", # command line$' "an argument of the command line"
out_has '^wall = "90s" # pkg/broch.toml:8$' "a value of the file has its line"
out_has '^"odd key" = "2" # pkg/broch.toml:5$' "a variable has its line"

run config show -q --json pkg
python3 - out <<'END' || bad "show --json"
import json, sys
o = json.load(open(sys.argv[1]))
assert o["schema"] == "broch.config/1"
assert o["limits"]["memory"] == {"value": 96 << 20, "origin": "pkg/broch.toml:7"}
assert [a["value"] for a in o["args"]] == ["one", 'two "quoted" \\ \x07']
assert o["files"][3]["host"] == "example.com" and o["files"][3]["port"] == 8080
assert o["secrets"] == [{"env": "S", "file": "pkg/x", "origin": "pkg/broch.toml:33"}, {"path": "/run/s", "fd": 7, "origin": "pkg/broch.toml:36"}]
assert o["tls"]["servers"] == {"roots": None, "pins": ["%064d" % 7]} and o["tls"]["clients"]["roots"] == "pkg/ca.pem"
assert [m["name"] for m in o["modules"]] == ["first", 'a "second"']
assert o["modules"][1] == {"name": 'a "second"', "file": "pkg/second.wasm", "origin": "pkg/broch.toml:50"}
assert any("steward" in r for r in o["remarks"])
END
good

wrong 2 'config: foo: say init, check or show' config foo
wrong 2 'config: show what' config show
wrong 1 'nothing.toml: No such file' config check nothing.toml
printf 'args = 1\n' >wrong.toml
wrong 1 'wrong.toml:1:8: args must be an array' config check wrong.toml
wrong 1 'wrong.toml:1:8: args must be an array' config show wrong.toml
printf '[[modules]]\nname = "x"\nfile = "gone.wasm"\n' >wrong.toml
wrong 1 'wrong.toml:1: module "x": opening gone.wasm: No such file' config check wrong.toml
printf '[[modules]]\nname = "x"\nfile = "wrong.toml"\n' >wrong.toml
wrong 1 'wrong.toml:1: module "x": wrong.toml is not a WebAssembly module' config check wrong.toml
printf '[[mounts]]\nkind = "package"\npath = "/x"\nsource = "gone"\n' >wrong.toml
wrong 1 'opening gone: No such file' config check wrong.toml
printf '[[secrets]]\nenv = "S"\nfile = "gone"\n' >wrong.toml
wrong 1 'wrong.toml:1: the secret file gone: No such file' config check wrong.toml
mkdir nothing
run config check nothing
out_is 'no file, the defaults: good' "a folder without a file"
counts
