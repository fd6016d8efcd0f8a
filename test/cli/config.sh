#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1091,SC2034,SC2154,SC2015 # lib.sh has names and judges
# Configuration files: what they declare arrives in the Keep, what is wrong in them is said with its place.
suite=config
# shellcheck source=test/cli/lib.sh
. "$(dirname "$0")/lib.sh"

kind=process
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then kind=kvm; else skipped "KVM Keeps: /dev/kvm is missing or not permitted"; fi
surroundings=$B/test/guests/surroundings.wasm
cd "$tmp" || exit 2

# Files of the kinds that public examples of Enarx have.
mkdir plain order args template pkg vfs
printf '[[files]]\nkind = "stdin"\n\n[[files]]\nkind = "stdout"\n\n[[files]]\nkind = "stderr"\n' >plain/Enarx.toml
printf '# Pre-opened file descriptors\n[[files]]\nkind = "null"\n\n[[files]]\nkind = "stdout"\n\n[[files]]\nkind = "stdin"\n\n[[files]]\nkind = "stderr"\n' >order/Enarx.toml
printf 'args = [\n    "hello"\n]\n' >args/Enarx.toml
cat >template/Enarx.toml <<'END'
## Arguments
# args = [
#      "--argument1"
# ]
steward = "https://attest.example"
[env]
VAR1 = "var1"
[[files]]
kind = "null"
name = "nothing"
[[files]]
kind = "stdout"
[[files]]
kind = "stderr"
END
printf '[stdin]\nkind = "host"\n' >vfs/Enarx.toml

run run -q --backend $kind --config plain/Enarx.toml "$surroundings"
expect 0 - "plain"
out_is 'arg surroundings.wasm
env FD_COUNT=3
env FD_NAMES=stdin:stdout:stderr
dir 3 /' "plain"
run run -q --backend $kind --config args/Enarx.toml "$surroundings"
out_is 'arg surroundings.wasm
arg hello
env FD_COUNT=3
env FD_NAMES=stdin:stdout:stderr
dir 3 /' "a file without files has the three streams"
run run -q --backend $kind -e VAR2=2 --config args/Enarx.toml "$surroundings" mine
out_is 'arg surroundings.wasm
arg mine
env VAR2=2
env FD_COUNT=3
env FD_NAMES=stdin:stdout:stderr
dir 3 /' "the command line counts more"
status=0
echo typed | timeout 60 "$broch" run -q --backend $kind --config order/Enarx.toml "$surroundings" read 2 >out 2>err || status=$?
expect 0 - "order"
out_has '^env FD_NAMES=null:stdout:stdin:stderr$' "order: names"
out_has '^dir 4 /$' "order: the tree is found behind four descriptors"
out_has '^read 2: typed$' "order: standard input is number 2"
run run --backend $kind --config template/Enarx.toml "$surroundings" read 0
expect 0 'template/Enarx.toml:5: steward is not used' "steward is accepted and spoken of"
out_has '^read 0: end$' "null ends at once"
out_has '^env FD_NAMES=nothing:stdout:stderr$' "a name of one's own"
run run --backend $kind --config vfs/Enarx.toml "$surroundings"
expect 0 'stdin is not a key of Enarx.toml' "what Enarx passes over runs"
printf 'files = []\n' >none.toml
run run -q --backend $kind --config none.toml "$surroundings"
expect 0 - "no files"
out_is '' "no files: what is printed vanishes"

# A folder as a package.
cp "$surroundings" pkg/main.wasm
cp args/Enarx.toml pkg/
run run -q --backend $kind pkg
out_has '^arg hello$' "a package with Enarx.toml"
printf 'args = ["from broch.toml"]\n' >pkg/broch.toml
run run -q --backend $kind pkg
out_has '^arg from broch.toml$' "broch.toml counts more than Enarx.toml"
run run -q --backend $kind --config args/Enarx.toml pkg
out_has '^arg hello$' "--config counts more than what is in the package"
rm pkg/broch.toml pkg/Enarx.toml
run run -q --backend $kind pkg/
expect 0 - "a package needs no file"
out_is 'arg main.wasm
dir 3 /' "a package without file"

# Everything broch.toml adds.
mkdir -p data/sub
echo one >data/a.txt
echo two >data/sub/b.txt
printf 'hunter2\n' >password
printf 'bytes\n' >key
chmod 600 password key
cat >broch.toml <<'END'
[env]
GREETING = "hello"
[limits]
memory = "64MiB"
files = 12
file_bytes = "1MiB"
wall = "1m"
[[mounts]]
kind = "package"
path = "/data"
source = "data"
[[mounts]]
kind = "package"
path = "/etc/b.conf"
source = "data/sub/b.txt"
[[mounts]]
kind = "memory"
path = "/tmp"
size = "64KiB"
[[secrets]]
env = "PASSWORD"
file = "password"
[[secrets]]
path = "/run/secrets/key"
file = "key"
[[secrets]]
env = "FROM_FD"
fd = 7
[network]
egress = []
ingress = []
END
printf 'through a descriptor' >fd7
run7() { # run with descriptor 7 open
	status=0
	timeout -k 5 60 "$broch" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null 7<fd7 || status=$?
}
run7 run -q --backend $kind --config broch.toml "$surroundings" tree /
expect 0 - "broch.toml"
out_has '^env GREETING=hello$' "env"
out_has '^env PASSWORD=hunter2$' "a secret from a file becomes a variable, without its newline"
out_has '^env FROM_FD=through a descriptor$' "a secret from a descriptor"
out_has '^dir 4 /tmp$' "a folder in memory is a directory of its own"
for f in '/data/a.txt 4' '/data/sub/b.txt 4' '/etc/b.conf 4' '/run/secrets/key 6'; do out_has "^file $f\$" "$f"; done
run7 run -q --backend $kind --config broch.toml "$surroundings" fill /tmp/x
out_has '^fill /tmp/x: [3-6][0-9] KiB' "the folder in memory ends at its size"
run7 run -q --backend $kind --config broch.toml "$surroundings" fill /x
out_has '^fill /x: (9[0-9][0-9]|10[0-2][0-9]) KiB' "file_bytes is the limit of the tree"
run7 run -q --backend $kind --config broch.toml "$surroundings" fds
out_has '^fds 12$' "limits.files"
run7 run -q --backend $kind --config broch.toml "$surroundings" write /data/a.txt
out_has '^write /data/a.txt: refused' "package files are read-only"
run7 run -q --backend $kind --config broch.toml "$surroundings" write /run/secrets/key
out_has '^write /run/secrets/key: refused' "secrets are read-only"

# What is not offered, and what is wrong, is said before anything is sent.
toml() { printf '%b' "$1" >wrong.toml; }
refused() { # PATTERN TOML
	toml "$2"
	wrong 125 "$1" run -q --config wrong.toml "$surroundings"
}
refused 'wrong.toml:1:8: args must be an array, not a string' 'args = "x"\n'
refused 'wrong.toml:2:1: unknown key colr in mounts' '[[mounts]]\ncolr = 1\n'
refused 'wrong.toml:2:1: args stands there already' 'args = []\nargs = []\n'
refused 'wrong.toml:2:1: a value is missing' 'args = [\n'
refused "wrong.toml:3:8: '..' has no meaning in a Keep" '[[mounts]]\nkind = "memory"\npath = "/../x"\nsize = "1KiB"\n'
refused 'source leads out of the folder' '[[mounts]]\nkind = "package"\npath = "/x"\nsource = "../x"\n'
refused 'opening ./nothing: No such file' '[[mounts]]\nkind = "package"\npath = "/x"\nsource = "./nothing"\n'
refused 'is a file: give it a name' '[[mounts]]\nkind = "package"\npath = "/"\nsource = "key"\n'
refused 'mounts\[0\]: a package file is there' '[[mounts]]\nkind = "package"\npath = "/d"\nsource = "data"\n[[mounts]]\nkind = "memory"\npath = "/d"\nsize = "1KiB"\n'
refused 'mounts\[1\]: it lies in another mount' '[[mounts]]\nkind = "memory"\npath = "/d"\nsize = "1KiB"\n[[mounts]]\nkind = "memory"\npath = "/d/e"\nsize = "1KiB"\n'
mkdir links && ln -s /etc/passwd links/passwd
refused 'links/passwd leads out of the package' '[[mounts]]\nkind = "package"\npath = "/x"\nsource = "links"\n'
refused 'wrong.toml:1: the secret file ./missing: No such file' '[[secrets]]\nenv = "A"\nfile = "./missing"\n'
chmod 644 key
refused 'others may read the secret file key; say: chmod 600 key' '[[secrets]]\nenv = "A"\nfile = "key"\n'
chmod 600 key
refused 'the secret file data is not a regular file' '[[secrets]]\nenv = "A"\nfile = "data"\n'
refused 'the secret from descriptor 9: it cannot be read' '[[secrets]]\nenv = "A"\nfd = 9\n'
head -c 1048577 /dev/zero >big && chmod 600 big
refused 'larger than 1 MiB' '[[secrets]]\npath = "/a"\nfile = "big"\n'
head -c 10 /dev/zero >zeros && chmod 600 zeros
refused 'zero byte, which no variable can hold' '[[secrets]]\nenv = "A"\nfile = "zeros"\n'
refused 'secrets\[0\]: the variable is in env, too' '[env]\nA = "1"\n[[secrets]]\nenv = "A"\nfile = "key"\n'
refused 'secrets\[0\]: a mount is there' '[[mounts]]\nkind = "memory"\npath = "/run"\nsize = "1KiB"\n[[secrets]]\npath = "/run/key"\nfile = "key"\n'
refused 'key: there is no certificate in it' '[tls]\nroots = "key"\n'
refused 'gone: No such file' '[tls]\nclient_roots = "gone"\n'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca 2>/dev/null
printf '[tls]\nnames = ["keep.example"]\nroots = "ca.pem"\n' >tls.toml
run run -q --config tls.toml "$surroundings" fds
expect 0 - "a Keep understands [tls]"
wrong 125 'no-such.toml: No such file' run -q --config no-such.toml "$surroundings"
mkdir empty
wrong 126 'empty is a folder without main.wasm' run -q empty
rm -f wrong.toml

# The policy's limits hold whoever asks.
"$broch" policy init --soft >policy.toml
printf '[limits]\nmemory = "2GiB"\n' >much.toml
wrong 125 'much.toml:2: limits.memory: the policy allows less' deploy --host "unix:$tmp/nobody" --policy policy.toml --config much.toml "$surroundings"
counts
