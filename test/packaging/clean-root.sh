# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Debian systems in directories, as debootstrap makes them, kept in the cache: one with
# what a user of the packages has, of which each test has a copy, and any other.
# For scripts that are root, in a mount namespace of their own.

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cint
clean_packages=gcc,libc6-dev,pkg-config,liburing-dev,libbpf1,libelf1,fio,python3,kmod

skip() {
	echo "SKIP: $*"
	exit 77
}

# The suite of this machine, and where its own packages come from.
clean_suite() { (. /etc/os-release && echo "$VERSION_CODENAME"); }
clean_mirror() {
	apt-get indextargets 'Created-By: Packages' --format '$(CODENAME) $(COMPONENT) $(SITE)' |
		awk -v suite="$(clean_suite)" '$1 == suite && $2 == "main" { print $3; exit }'
}

# debian_root NAME SUITE PACKAGES [WHAT]: a system of a Debian release, this machine's or
# a newer one, made once for all who ask for the same; WHAT is what else it depends on.
# Leaves the directory in $debian_base; returns 1, with the end of the log, if it can't be
# made.
debian_root() {
	local dir=$cache/$1 suite=$2 packages=$3 id new log mirror script=()
	id=$(echo "1 $suite $(dpkg --print-architecture) $packages" "${4:-}" |
		sha256sum | cut -c1-20)
	debian_base=$dir/$id
	mkdir -p "$dir"
	exec 9> "$dir/.lock"
	flock 9
	if [ ! -d "$debian_base" ]; then
		mirror=$(clean_mirror)
		[ -n "$mirror" ] || skip "no archive of $(clean_suite) main in /etc/apt, or no package lists"
		echo "# making a clean $suite in $debian_base"
		new=$dir/.new
		log=$dir/log
		rm -rf "$new"
		# It has one for each release that was there when it was made; all do the same.
		[ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(sid)
		if ! debootstrap --variant=minbase --include="$packages" \
				"$suite" "$new" "$mirror" "${script[@]}" > "$log" 2>&1; then
			tail -n 20 "$log" | sed 's/^/# /'
			echo "debootstrap failed; $log says more"
			return 1
		fi
		rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/*
		# Only one is kept.
		find "$dir" -mindepth 1 -maxdepth 1 -type d ! -name .new \
			-exec rm -rf {} +
		mv "$new" "$debian_base"
	fi
	exec 9>&-
}

# Leaves the directory in $clean_base.
clean_root_base() {
	# fio's version: the engine is built for that of this machine.
	debian_root clean-root "$(clean_suite)" "$clean_packages" \
		"$(dpkg-query -W -f='${Version}' fio)" || exit 1
	clean_base=$debian_base
}

# clean_root DIRECTORY: a root of its own below it, in $root, that nobody else sees
clean_root() {
	clean_root_base
	root=$1/root
	mkdir -p "$root" "$1/upper" "$1/work"
	# Not every file system can be the upper layer.
	if ! mount -t overlay -o "lowerdir=$clean_base,upperdir=$1/upper,workdir=$1/work" \
			clean-root "$root" 2> /dev/null; then
		cp -a --reflink=auto "$clean_base/." "$root/"
	fi
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/tmp"
}

# clean_test NAME: a directory of the test's own, not below /tmp, which a guest has its own of
clean_test() {
	. "$srcdir/test/tools/lib.sh"
	rmdir "$dir"
	dir=$(mktemp -d "$builddir/test/$1.XXXXXX")
	trap 'umount -R "$dir/one/root" 2> /dev/null; rm -rf "$dir"' EXIT
	: > "$dir/out"
	: > "$dir/err"
}

# run COMMAND...: leaves $status, $dir/out and $dir/err
run() {
	status=0
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null || status=$?
}

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root "$@"; }

# own_namespace [TOOL]...: everything that runs as root in a namespace whose mounts end
# with it, if there are these tools [those of the packages' tests].
own_namespace() {
	[ "$(id -u)" = 0 ] || skip "not root, which chroot and debootstrap need"
	local tool
	[ $# -gt 0 ] || set -- debootstrap dpkg-buildpackage lintian unshare
	for tool in "$@"; do
		command -v $tool > /dev/null || skip "$tool is not installed"
	done
	[ -z "${CINT_OWN_NAMESPACE:-}" ] || return 0
	unshare --mount true 2> /dev/null || skip "mount namespaces are not permitted here"
	CINT_OWN_NAMESPACE=1 exec unshare --mount --propagation private "$0"
}
