# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Do the unit tests notice changes of the code? "make check-mutants" makes all of them; a
# part of check are some.

CHECK_UNIT_TESTS += $(srcdir)/test/mutants/mutants\ --sample\ 32

.PHONY: check-mutants
check-mutants: all
	@$(call RUN_TESTS,mutants) --title mutants --timeout 7200 $(srcdir)/test/mutants/mutants
