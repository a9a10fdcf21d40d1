# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Tests of the library: small programs, linked with the static library.

LIB_TESTS := $(patsubst %,$(builddir)/test/lib/%,no-fds no-io-uring \
	other-kernels params probe register rw sqe-marks threads \
	backend ring-batch ring-pairs ring-shared ring-urgent)

$(LIB_TESTS:=.o): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(LIB_TESTS:=.o): $(srcdir)/test/lib/helpers.h $(srcdir)/test/lib/ring.h | $(CINT_UAPI_COPY)

$(LIB_TESTS): %: %.o $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS) -pthread

$(builddir)/test/lib/other-kernels: LDFLAGS_EXTRA += -Wl,--wrap=io_uring_submit_and_wait \
	-Wl,--wrap=io_uring_register -Wl,--wrap=preadv2 -Wl,--wrap=pwritev2

CHECK_LIB_TESTS	+= $(LIB_TESTS) $(srcdir)/test/lib/example-urgent-read \
	$(srcdir)/test/lib/install
CHECK_FILES	+= $(LIB_TESTS) $(CINT_EXAMPLES)
