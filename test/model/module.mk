# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Models of what no test can make happen, checked by Spin.

CHECK_UNIT_TESTS += $(srcdir)/test/model/linger $(srcdir)/test/model/look
