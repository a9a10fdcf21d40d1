# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Unit tests of the coalescing policy, in user space on any host.

UNIT_DIR      := $(builddir)/test/unit
UNIT_SOURCES  := $(srcdir)/kernel/files/lib/cint
UNIT_POLICY   := $(UNIT_SOURCES)/policy.c
UNIT_INCLUDES := -I$(srcdir)/kernel/files/include/uapi \
		 -I$(srcdir)/kernel/files/include

UNIT_PROGRAMS := $(addprefix $(UNIT_DIR)/,policy_reasons policy_delta policy_model policy_expect poll_model)

CHECK_UNIT_TESTS += $(UNIT_PROGRAMS) $(UNIT_DIR)/policy_cost \
		    $(srcdir)/test/unit/policy_freestanding $(srcdir)/test/unit/abi_32bit

$(UNIT_DIR)/%.o: CPPFLAGS_EXTRA = $(UNIT_INCLUDES)
# The kernel's own source; its output stays in this directory's.
$(UNIT_DIR)/policy.o $(UNIT_DIR)/poll.o: $(UNIT_DIR)/%.o: $(UNIT_SOURCES)/%.c \
					  $(builddir)/config-host.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) $(UNIT_INCLUDES) -c -o $@ $<

$(UNIT_PROGRAMS): LIBS = -lm
$(UNIT_DIR)/poll_model: $(UNIT_DIR)/poll.o
$(UNIT_PROGRAMS): $(UNIT_DIR)/%: $(UNIT_DIR)/%.o $(UNIT_DIR)/policy.o
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS)

# Instructions are counted as a release build has them: always optimised, and
# without a sanitizer's.
$(UNIT_DIR)/policy_cost: $(srcdir)/test/unit/policy_cost.c $(UNIT_POLICY) \
			 $(srcdir)/test/unit/tap.h \
			 $(srcdir)/kernel/files/include/linux/cint_policy.h \
			 $(builddir)/config-host.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(BASE_CPPFLAGS) $(UNIT_INCLUDES) -std=gnu11 \
		$(WARN_FLAGS) -O2 -g -o $@ $(filter %.c,$^)
