# SPDX-License-Identifier: GPL-2.0
# The lab's emulator; as kernel/build, the script knows what there is to do.

CHECK_VM_TESTS += $(srcdir)/test/qemu/test-controller $(srcdir)/test/qemu/test-guest

.PHONY: qemu qemu-link
qemu:
	@$(srcdir)/scripts/install-deps qemu
	+@$(MAKE) --no-print-directory $(MAKE_SELF) qemu-link

qemu-link:
	@mkdir -p $(builddir)
	+@$(srcdir)/test/qemu/build --link $(QEMU_DIR)
$(QEMU_STAMP): qemu-link
	@:
