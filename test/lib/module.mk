# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Tests of the library: small programs, linked with the static library.

LIB_TESTS := $(patsubst %,$(builddir)/test/lib/%,instructions no-fds no-io-uring \
	other-kernels params probe register rw sqe-marks threads \
	backend ring-batch ring-calls ring-exits ring-kernel ring-links ring-mapped \
	ring-misuse ring-shared ring-signals ring-urgent)

$(LIB_TESTS:=.o): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(LIB_TESTS:=.o): $(srcdir)/test/lib/helpers.h $(srcdir)/test/lib/ring.h | $(CINT_UAPI_COPY)

$(LIB_TESTS): %: %.o $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS) -pthread

# The pure parts by themselves.
LIB_PURE_TESTS := $(addprefix $(builddir)/test/lib/,book decide)
$(LIB_PURE_TESTS:=.o): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS) \
	-I$(srcdir)/kernel/files/include -I$(srcdir)/kernel/files/include/uapi
$(LIB_PURE_TESTS:=.o): $(srcdir)/test/lib/helpers.h | $(CINT_UAPI_COPY)
$(LIB_PURE_TESTS): $(builddir)/test/lib/%: $(builddir)/test/lib/%.o $(builddir)/src/%.o \
		   $(builddir)/src/policy.o
	$(call quiet,LINK)$(LINK) -o $@ $^

$(builddir)/test/lib/other-kernels: LDFLAGS_EXTRA += -Wl,--wrap=io_uring_setup \
	-Wl,--wrap=io_uring_register -Wl,--wrap=preadv2 -Wl,--wrap=pwritev2

$(builddir)/test/lib/ring-signals: LDFLAGS_EXTRA += -Wl,--wrap=io_uring_enter2

CHECK_UNIT_TESTS += $(LIB_PURE_TESTS)
CHECK_LIB_TESTS	+= $(LIB_TESTS) $(srcdir)/test/lib/examples \
	$(srcdir)/test/lib/install $(srcdir)/test/lib/floors $(srcdir)/test/lib/abi $(srcdir)/test/lib/ffi
CHECK_FILES	+= $(LIB_TESTS) $(LIB_PURE_TESTS) $(CINT_EXAMPLES)

CHECK_OTHER_TESTS += $(srcdir)/scripts/lint $(srcdir)/test/lib/sanitizers \
	$(srcdir)/test/lib/coverage

# Figures of the running kernel, for Documentation/stock-kernels.md. No test: what
# they are depends on the machine.
CINT_MEASURE := $(builddir)/test/lib/measure-stock
$(CINT_MEASURE).o: CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(CINT_MEASURE).o: $(srcdir)/test/lib/helpers.h | $(CINT_UAPI_COPY)
$(CINT_MEASURE): $(CINT_MEASURE).o $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS) -pthread

.PHONY: measure-stock
measure-stock: $(CINT_MEASURE)
	@$(srcdir)/test/lib/measure-stock-run $(CINT_MEASURE) $(builddir)/measure

# The programs again, built to find errors that do not show by themselves, and to
# count the lines that run: builds of their own, below this one.
CHECK_TITLE ?= programs
.PHONY: check-programs check-sanitize coverage
check-programs: $(LIB_TESTS) $(LIB_PURE_TESTS) $(UNIT_PROGRAMS) $(CINT_EXAMPLES)
	@$(call RUN_TESTS,programs) --timeout 300 --title "$(CHECK_TITLE)" $(UNIT_PROGRAMS) $(LIB_PURE_TESTS) $(LIB_TESTS) \
		$(srcdir)/test/lib/examples

check-sanitize:
	+@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/lib/instrumented address thread

coverage:
	+@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/lib/instrumented coverage
