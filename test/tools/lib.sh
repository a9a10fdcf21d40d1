# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# For cintctl's tests: a directory of their own, TAP, and a tree that looks to
# cintctl like a system's /sys and /dev.

dir=$(mktemp -d "${TMPDIR:-/tmp}/cint-tools.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
# nobody is to get in, too
chmod 755 "$dir"

count=0
failed=0
status=0

# check NAME COMMAND...: one line of TAP
check() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		failed=$((failed + 1))
		echo "not ok $count - $name"
		echo "# exit status $status"
		sed 's/^/# out: /' "$dir/out"
		sed 's/^/# err: /' "$dir/err"
	fi
}

finish() {
	echo "1..$count"
	[ "$failed" = 0 ]
}

# ctl ARGUMENT...: leaves $status, $dir/out and $dir/err
ctl() {
	status=0
	"$builddir/tools/cintctl" "$@" > "$dir/out" 2> "$dir/err" < /dev/null || status=$?
}

# watch_start ARGUMENT...: cintctl watch, in the background, as JSON
watch_start() {
	: > "$dir/out"
	"$builddir/tools/cintctl" -j "$@" > "$dir/out" 2> "$dir/err" < /dev/null &
	watcher=$!
	watch_lines 1
}
# watch_lines N: until it has printed N more lines, or has ended
watch_lines() {
	local until=$(($(wc -l < "$dir/out") + $1))
	while [ "$(wc -l < "$dir/out")" -lt "$until" ] && kill -0 "$watcher" 2> /dev/null; do
		sleep 0.05
	done
}
watch_stop() {
	status=0
	kill -INT "$watcher"
	wait "$watcher" || status=$?
}

ended() { [ "$status" = "$1" ]; }
out() { grep -q -e "$1" "$dir/out"; }
err() { grep -q -F -e "$1" "$dir/err"; }
# refused TEXT: exit status 1, and TEXT on standard error
refused() { ended 1 && err "$1"; }
misused() { ended 2 && err "$1"; }

# json EXPRESSION: over the output, as "o", and its lines, as "lines"
json() {
	python3 - "$dir/out" "$1" <<'PYTHON'
import json, sys
text = open(sys.argv[1]).read()
try:
    o = json.loads(text)
except ValueError:
    o = None
lines = []
for line in text.splitlines():
    try:
        lines.append(json.loads(line))
    except ValueError:
        pass
try:
    sys.exit(0 if eval(sys.argv[2]) else 1)
except (TypeError, KeyError, IndexError) as error:
    sys.exit(repr(error))
PYTHON
}

# fake_controller NAME SERIAL: one that a kernel with the series has
fake_controller() {
	local at=$CINTCTL_ROOT/sys/class/nvme/$1
	mkdir -p "$at/cint" "$at/${1}n1" "$at/device/msi_irqs" "$CINTCTL_ROOT/dev"
	printf 'Fake Drive 100\n' > "$at/model"
	printf '%-20s\n' "$2" > "$at/serial"
	echo 1.0 > "$at/firmware_rev"
	echo pcie > "$at/transport"
	echo "0000:00:0${1#nvme}.0" > "$at/address"
	echo live > "$at/state"
	echo 3 > "$at/queue_count"
	echo "[off] kthread device tomorrow" > "$at/cint/mode"
	echo "none static adaptive [cint] cint-a cint-rate" > "$at/cint/policy"
	echo 20 > "$at/cint/threshold"
	echo 30000 > "$at/cint/delta_ns"
	echo 20000 > "$at/cint/delta_min_ns"
	echo 200000 > "$at/cint/max_hold_ns"
	echo 20000 > "$at/cint/look_min_ns"
	echo 2000 > "$at/cint/correction"
	echo 1 > "$at/cint/ooo"
	echo -1 > "$at/cint/poll_cpu"
	echo 0 > "$at/cint/latency_hint"
	echo 0 > "$at/cint/calibrate"
	echo 7 > "$at/cint/novelty"
	printf 'completions 100\nheld 2\nfires 40\nfire_quiet 40\nhistogram 1 2 3\n' \
		> "$at/cint/stats"
	head -c 4096 /dev/zero > "$CINTCTL_ROOT/dev/$1"
}

# One that coalesces, nvme0; one on a fabric, nvme1; one like nvme0, nvme10.
fake_tree() {
	export CINTCTL_ROOT=$dir/root
	rm -rf "$CINTCTL_ROOT"
	mkdir -p "$CINTCTL_ROOT/sys/devices/system/cpu" "$CINTCTL_ROOT/etc" "$CINTCTL_ROOT/run"
	echo "0-2,5" > "$CINTCTL_ROOT/sys/devices/system/cpu/online"
	fake_controller nvme0 FAKE0
	fake_controller nvme10 FAKE10
	fake_controller nvme1 REMOTE
	rm -r "$CINTCTL_ROOT/sys/class/nvme/nvme1/cint"
	echo tcp > "$CINTCTL_ROOT/sys/class/nvme/nvme1/transport"
	cint=$CINTCTL_ROOT/sys/class/nvme/nvme0/cint
	cint10=$CINTCTL_ROOT/sys/class/nvme/nvme10/cint
}

# is FILE TEXT: the first line of a file of nvme0's cint directory
is() { [ "$(head -n 1 "$cint/$1")" = "$2" ]; }
snapshot() { (cd "$CINTCTL_ROOT" && grep -ar . sys/class etc | sort); }
