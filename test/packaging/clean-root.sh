# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# A Debian system in a directory, as debootstrap makes it, with what a user of
# the packages has. It is made once and kept in the cache; each test has a copy.
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

# Leaves the directory in $clean_base.
clean_root_base() {
	local id new log mirror
	# fio's version: the engine is built for that of this machine.
	id=$(echo "1 $(clean_suite) $(dpkg --print-architecture) $clean_packages" \
		"$(dpkg-query -W -f='${Version}' fio)" | sha256sum | cut -c1-20)
	clean_base=$cache/clean-root/$id
	mkdir -p "$cache/clean-root"
	exec 9> "$cache/clean-root/.lock"
	flock 9
	if [ ! -d "$clean_base" ]; then
		mirror=$(clean_mirror)
		[ -n "$mirror" ] || skip "no archive of $(clean_suite) main in /etc/apt, or no package lists"
		echo "# making a clean $(clean_suite) in $clean_base"
		new=$cache/clean-root/.new
		log=$cache/clean-root/log
		rm -rf "$new"
		if ! debootstrap --variant=minbase --include="$clean_packages" \
				"$(clean_suite)" "$new" "$mirror" > "$log" 2>&1; then
			tail -n 20 "$log" | sed 's/^/# /'
			echo "debootstrap failed; $log says more"
			exit 1
		fi
		rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/*
		# Only one is kept.
		find "$cache/clean-root" -mindepth 1 -maxdepth 1 -type d ! -name .new \
			-exec rm -rf {} +
		mv "$new" "$clean_base"
	fi
	exec 9>&-
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

# Everything that runs as root in a namespace whose mounts end with it.
own_namespace() {
	[ "$(id -u)" = 0 ] || skip "not root, which chroot and debootstrap need"
	local tool
	for tool in debootstrap dpkg-buildpackage lintian unshare; do
		command -v $tool > /dev/null || skip "$tool is not installed"
	done
	[ -z "${CINT_OWN_NAMESPACE:-}" ] || return 0
	unshare --mount true 2> /dev/null || skip "mount namespaces are not permitted here"
	CINT_OWN_NAMESPACE=1 exec unshare --mount --propagation private "$0"
}
