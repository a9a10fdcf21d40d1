# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# cintctl on made-up trees, and in the guest on its drives.

CHECK_UNIT_TESTS  += $(addprefix $(srcdir)/test/tools/,cintctl off interrupted config compare \
		     completion units)
CHECK_OTHER_TESTS += $(srcdir)/test/tools/sanitizers
CHECK_GUEST_TESTS += $(srcdir)/test/tools/guest
CHECK_VM_TESTS	  += $(srcdir)/test/tools/drives
