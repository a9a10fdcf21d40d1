# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Model checking by Spin, for scripts that report it as TAP: check() verifies a model, or that
# a mutant of it is found out. Sourced, with $srcdir; the caller is left in a directory of its
# own.

command -v spin > /dev/null || { echo "spin is not installed"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
failed=0

# check ERRORS NAME OPTION...: of test/model/$model.pml
check() {
	want=$1 name=$2
	shift 2
	n=$((n + 1))
	rm -f pan*
	# Not optimized, as that takes longer than it saves. -DCOLLAPSE: half of the memory
	if spin -a "$@" "$srcdir/test/model/$model.pml" > log 2>&1 &&
			${CC:-cc} -O0 -w -DSAFETY -DCOLLAPSE -o pan pan.c >> log 2>&1 &&
			./pan -m100000 >> log 2>&1 && grep -q "errors: $want\$" log &&
			! grep -q 'max search depth too small' log; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		tail -n 20 log | sed 's/^/# /'
		failed=1
	fi
}
