# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# For the engine's tests: a directory of their own, and fio with the engine.

set -e

if ! command -v fio > /dev/null; then
	echo "SKIP: fio is not installed"
	exit 77
fi

dir=$(mktemp -d "${TMPDIR:-/var/tmp}/cint-fio.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

export LD_LIBRARY_PATH="$builddir/fio-engine"

# fio itself is not sanitized, so the runtime of the engine's has to be there
# first; what fio leaks at its end is not ours.
preload=
if grep -q '^CONFIG_SANITIZER := y' "$builddir/config-host.mak" 2> /dev/null; then
	preload="$(${CC:-cc} -print-file-name=libasan.so) $(${CC:-cc} -print-file-name=libubsan.so)"
fi
fio() {
	LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 command fio "$@"
}

fail() {
	echo "FAILED: $*" >&2
	for file in "$dir"/stats "$dir"/err "$dir"/out; do
		if [ -s "$file" ]; then
			sed "s|^|  ${file##*/}: |" "$file" | head -n 40 >&2
		fi
	done
	exit 1
}

# run_fio OPTION...: fio's status; its output is in $dir/out and $dir/err
# It works on a drive if the tests were given one.
if [ -n "$CINT_NVME" ]; then
	data=$CINT_NVME direct=1
else
	data=$dir/data direct=0
fi
target="--filename=$data"
run_fio() {
	(cd "$dir" && fio --ioengine=cint --name=t "$target" --direct=$direct --size=4m \
		--bs=4k --iodepth=16 "$@" > out 2> err)
}

# on_files, on_data: a directory with a file for each job, or the one file or drive
on_files() {
	target="--directory=$dir"
}
on_data() {
	target="--filename=$data"
}

# on_commands: the test is about the character device of the drive for tests, $device,
# and is skipped without one; it works there by "commands OPTION...", like run_fio
on_commands() {
	device=/dev/ng${CINT_NVME#/dev/nvme}
	if [ -z "$CINT_NVME" ] || [ ! -c "$device" ]; then
		echo "SKIP: needs a drive for tests (CINT_NVME) with a character device (/dev/ngXnY)"
		exit 77
	fi
}
commands() {
	(cd "$dir" && fio --ioengine=cint --cmd_type=nvme --name=t --filename="$device" \
		--size=2m --bs=4k --iodepth=16 "$@" > out 2> err)
}

# evaluate EXPRESSION...: print the value of each over fio's JSON output, as "fio", and
# the lines of the engine's own file, as "cint"
evaluate() {
	python3 - "$dir" "$@" <<'PYTHON'
import json, os, sys

directory, expressions = sys.argv[1], sys.argv[2:]
def load(name, read):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return read(f)
def whole(f):
    try:
        return json.load(f)
    except ValueError:
        return None
names = {
    "fio": load("out", whole),
    "cint": load("stats", lambda f: [json.loads(line) for line in f]),
}
for expression in expressions:
    print(eval(expression, names))
PYTHON
}
json() {
	evaluate "$1"
}

# holds EXPRESSION...: all of them are true; one interpreter for all, as starting one
# takes its time in an emulated machine
holds() {
	got=$(evaluate "$@") || fail "cannot evaluate one of: $*"
	for value in $got; do
		[ "$value" = True ] || fail "not true: $1 (in turn: $(echo "$got" | tr '\n' ' '))"
		shift
	done
	[ $# = 0 ] || fail "no value for: $*"
}

# chosen NAME: of the choices in that file of $coalescer the one in force
chosen() {
	sed 's/.*\[\(.*\)\].*/\1/' "$coalescer/$1"
}

# coalesce_by MODE: choose who coalesces for the drive for tests until the test ends
# Its directory in sysfs is $coalescer. Without one the test is skipped.
coalesce_by() {
	controller=${CINT_NVME##*/}
	coalescer=/sys/class/nvme/${controller%n*}/cint
	if [ -z "$CINT_NVME" ] || [ ! -w "$coalescer/mode" ]; then
		echo "SKIP: needs a drive for tests (CINT_NVME) whose driver coalesces"
		exit 77
	fi
	mode_before=$(chosen mode)
	policy_before=$(chosen policy)
	trap 'echo "$mode_before" > "$coalescer/mode" || true
		echo "$policy_before" > "$coalescer/policy" || true
		rm -rf "$dir"' EXIT
	echo cint > "$coalescer/policy"
	echo "$1" > "$coalescer/mode"
}
