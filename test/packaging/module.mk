# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The packages, built and installed on a clean system.

CHECK_VM_TESTS += $(addprefix $(srcdir)/test/packaging/,packages kernel demo-then-check)
