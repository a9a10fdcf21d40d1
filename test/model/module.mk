# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Models of what no test can make happen, checked by Spin, and litmus tests of memory order,
# by herd7. The latter may have to fetch the kernel's source and a Debian system first.

CHECK_UNIT_TESTS  += $(srcdir)/test/model/linger $(srcdir)/test/model/look
CHECK_OTHER_TESTS += $(srcdir)/test/model/litmus-tests
