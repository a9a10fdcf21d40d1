# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Small programs that show the library; test/lib runs them.

CINT_EXAMPLES := $(addprefix $(builddir)/examples/,barrier-batch control-server \
	own-ring preadv2-lookup urgent-copy)

$(CINT_EXAMPLES:=.o): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(CINT_EXAMPLES:=.o): | $(CINT_UAPI_COPY)

$(CINT_EXAMPLES): %: %.o $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS)

ALL_TARGETS += $(CINT_EXAMPLES)
