# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What is proved of the policy for all parameters and states. "make check-proofs" has the
# proofs and the mutants that they must fail on; a part of check are the proofs alone.

CHECK_OTHER_TESTS += $(srcdir)/test/prove/prove\ --no-mutants

.PHONY: check-proofs
check-proofs: all
	@$(call RUN_TESTS,proofs) --title proofs --timeout 7200 $(srcdir)/test/prove/prove
