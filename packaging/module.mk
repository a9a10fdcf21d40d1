# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Debian packages, in $(builddir)/packaging.

.PHONY: deb kernel-deb

deb:
	@$(srcdir)/scripts/install-deps build fio bpf deb
	@$(srcdir)/packaging/build-deb --out $(builddir)/packaging

# Hours on a small machine with the distribution's configuration; CONFIG=guest
# packages the small kernel of the tests.
kernel-deb:
	@$(srcdir)/scripts/install-deps build kernel deb
	@$(srcdir)/kernel/build --config $(or $(CONFIG),distro) --deb $(builddir)/packaging/kernel
