# SPDX-License-Identifier: GPL-2.0
# Tests of the test driver, of pages that name tests, of the virtual machine runner and the
# kernel build script.

CHECK_UNIT_TESTS += $(srcdir)/test/test-run-tests $(srcdir)/test/test-pages
CHECK_VM_TESTS += $(srcdir)/test/vm/test-runner $(srcdir)/test/vm/test-kernel-build \
		  $(srcdir)/test/vm/test-series \
		  $(srcdir)/test/vm/test-struct-size $(srcdir)/test/vm/test-machines \
		  $(srcdir)/test/vm/test-device-mode $(srcdir)/test/vm/test-split-mode \
		  $(srcdir)/test/vm/test-resets $(srcdir)/test/vm/test-no-queues \
		  $(srcdir)/test/vm/test-virtual-time $(srcdir)/test/vm/test-hostile-drive \
		  $(srcdir)/test/vm/test-stock-kernel
