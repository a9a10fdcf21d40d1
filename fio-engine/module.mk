# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The fio engine. The file must be named "cint", without any suffix: that is
# what "fio --ioengine=cint" looks for on the loader's path.

ifeq ($(CONFIG_FIO),y)

CINT_ENGINE		:= $(builddir)/fio-engine/cint
CINT_ENGINE_OBJS	:= $(patsubst %,$(builddir)/fio-engine/%.os,cint mode options passthrough ring say share stats stock)

# fio's headers are not clean by our warnings, and bring their own configuration.
CINT_ENGINE_COMPILE	= $(CC) -D_GNU_SOURCE -include $(FIO_SRC)/config-host.h \
	-include $(FIO_SRC)/cint-fio.h -isystem $(FIO_SRC) \
	-I$(srcdir)/include $(CINT_CPPFLAGS) $(LIBURING_CFLAGS) $(CPPFLAGS) \
	-std=gnu11 $(WARN_FLAGS) $(CFLAGS) $(CONFIG_CFLAGS) -MMD -MP \
	-ffile-prefix-map=$(srcdir)/=

$(builddir)/fio-engine/%.os: $(srcdir)/fio-engine/%.c $(FIO_SRC)/config-host.h | $(CINT_UAPI_COPY)
	@mkdir -p $(@D)
	$(call quiet,CC)$(CINT_ENGINE_COMPILE) -fPIC -c -o $@ $<

# The library is linked in, so that the engine is one file; of its symbols and
# the engine's own only what fio looks up is visible to fio.
$(CINT_ENGINE): $(CINT_ENGINE_OBJS) $(CINT_PIC_OBJS) $(srcdir)/fio-engine/cint.map
	$(call quiet,LINK)$(LINK) -shared -Wl,-Bsymbolic \
		-Wl,--version-script=$(srcdir)/fio-engine/cint.map \
		-o $@ $(CINT_ENGINE_OBJS) $(CINT_PIC_OBJS) $(LIBS)

ALL_TARGETS	+= $(CINT_ENGINE)
INSTALL_TARGETS	+= install-fio-engine

# fio-cint.so is what a fio with dynamic engines looks for in its own directory.
install-fio-engine:
	$(INSTALL) -d $(DESTDIR)$(libdir)/fio
	$(INSTALL_DATA) $(CINT_ENGINE) $(DESTDIR)$(libdir)/fio/fio-cint.so
	ln -sf fio/fio-cint.so $(DESTDIR)$(libdir)/cint

endif
