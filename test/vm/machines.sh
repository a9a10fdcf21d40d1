# SPDX-License-Identifier: GPL-2.0
# For tests that boot the patched kernel on unusual machines and judge, in TAP, by
# what was said there. A script may add to vm_options, ends with [ "$failed" = 0 ].

here=$(cd "$(dirname "$0")" && pwd -P)
kernel=$(realpath "${CINT_KERNEL_DIR:-/nonexistent}")
if [ ! -e "$kernel/bzImage" ] || [ ! -d "$kernel/selftests/cint" ]; then
	echo "CINT_KERNEL_DIR has no kernel with selftests; run make kernel"
	exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
selftests=$kernel/selftests/cint
cint=/sys/class/nvme/nvme0/cint
vm_options=()
count=0
failed=0

# vm ARGUMENT...: leaves $status, $tmp/out
vm() {
	status=0
	"$here/run" --kernel "$kernel/bzImage" --timeout 540 --mem 1024 \
		--bind "$kernel" --env CINT_STRESS_SECONDS=2 "${vm_options[@]}" "$@" \
		> "$tmp/out" 2>&1 || status=$?
}

# check NAME CONDITION...: one TAP line
check() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		failed=$((failed + 1))
		echo "not ok $count - $name"
		echo "# false: $*; the machine's exit status: $status"
		{ grep -n -B20 'not ok' "$tmp/out"; tail -n 20 "$tmp/out"; } | sed 's/^/# /'
	fi
}

has() {
	grep -q -e "$1" "$tmp/out"
}

# refused NAME MODE WHY ARGUMENT...: a mode, with a reason, and I/O goes on
refused() {
	local name=$1 mode=$2 why=$3
	shift 3
	vm "$@" -- sh -c "
		exec 2>&1
		if echo $mode > $cint/mode; then echo accepted; else echo refused; fi
		cat $cint/mode; dmesg | grep -o 'cint: .*'
		dd if=/dev/nvme0n1 of=/dev/null bs=4k count=64 iflag=direct && echo 'reads go on'"
	check "$name: the mode is refused" has '^refused$'
	check "$name: the log says why" has "$why"
	check "$name: the mode is still off" has '^\[off\]'
	check "$name: reads go on" has '^reads go on$'
}

# unplugged MODE: while completions are held; the readers get errors and end
unplugged() {
	vm --cpus 2 --nvme null=64M -- sh -c "
		echo cint > $cint/policy; echo 256 > $cint/threshold
		echo 10000000 | tee $cint/delta_ns > $cint/max_hold_ns
		echo $1 > $cint/mode
		for i in 1 2 3 4; do
			while dd if=/dev/nvme0n1 of=/dev/null bs=4k count=20 iflag=direct; do :; done \
				2> /dev/null &
		done
		sleep 2; $here/monitor device_del nvme0
		i=0
		while [ -e /sys/class/nvme/nvme0 ] && [ \$i -lt 300 ]; do sleep 0.1; i=\$((i + 1)); done
		[ -e /sys/class/nvme/nvme0 ] || echo unplugged
		wait; echo 'readers ended'; ps -eo comm | grep '^nvme.*-cint' && echo 'a poller is left'"
	check "unplugged under load: the controller goes" has '^unplugged$'
	check "unplugged under load: no reader hangs" has '^readers ended$'
}
