# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Tests of the fio engine, with the fio that is installed.

ifeq ($(CONFIG_FIO),y)

# The engine as it would be after fio was upgraded under it.
CINT_OTHER_ENGINE := $(builddir)/test/fio/cint-for-other-fio

$(builddir)/test/fio/cint-for-other-fio.os: $(srcdir)/fio-engine/cint.c \
		$(FIO_SRC)/config-host.h | $(CINT_UAPI_COPY)
	@mkdir -p $(@D)
	@sed 's/"fio-.*"/"fio-0.0"/' $(FIO_SRC)/cint-fio.h > $(@D)/cint-fio.h
	$(call quiet,CC)$(subst $(FIO_SRC)/cint-fio.h,$(@D)/cint-fio.h,$(CINT_ENGINE_COMPILE)) \
		-fPIC -c -o $@ $<

$(CINT_OTHER_ENGINE): $(CINT_OTHER_ENGINE).os \
		$(filter-out %/cint.os,$(CINT_ENGINE_OBJS)) $(CINT_PIC_OBJS)
	$(call quiet,LINK)$(LINK) -shared -o $@ $^ $(LIBS)

CHECK_FIO_TESTS	+= $(patsubst %,$(srcdir)/test/fio/%,loads versions options verify marks stock hipri \
		     delivery output passthrough passthrough-delivery sqes examples)
CHECK_OTHER_TESTS += $(srcdir)/test/fio/sanitizers
CHECK_FILES	+= $(CINT_ENGINE) $(CINT_OTHER_ENGINE)

else

CHECK_FIO_TESTS += $(srcdir)/test/fio/not-built

endif
