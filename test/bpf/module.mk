# SPDX-License-Identifier: GPL-2.0
# Tests of the tools that watch completions.

ifeq ($(CONFIG_BPF),y)

CHECK_UNIT_TESTS  += $(srcdir)/test/bpf/errors
CHECK_GUEST_TESTS += $(srcdir)/test/bpf/errors $(srcdir)/test/bpf/counts
CHECK_VM_TESTS	  += $(srcdir)/test/bpf/stock-kernel $(srcdir)/test/bpf/latency
CHECK_FILES	  += $(BPF_TOOLS)

else

CHECK_UNIT_TESTS += $(srcdir)/test/bpf/not-built

endif
