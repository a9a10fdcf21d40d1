# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The library: shared, static, its header, its pkg-config file.

CINT_SONAME	:= liburing-cint.so.2
CINT_SHARED	:= $(builddir)/src/$(CINT_SONAME).$(VERSION)
CINT_STATIC	:= $(builddir)/src/liburing-cint.a
CINT_UAPI	:= $(srcdir)/kernel/files/include/uapi/linux/cint.h
CINT_UAPI_COPY	:= $(builddir)/include/liburing-cint/cint.h
CINT_PC		:= $(builddir)/src/liburing-cint.pc
CINT_LINKS	:= $(builddir)/src/liburing-cint.so $(builddir)/src/$(CINT_SONAME)
CINT_FFI_SONAME	:= liburing-cint-ffi.so.2
CINT_FFI	:= $(builddir)/src/$(CINT_FFI_SONAME).$(VERSION)
CINT_FFI_OBJ	:= $(builddir)/src/ffi.os
CINT_FFI_LINKS	:= $(builddir)/src/liburing-cint-ffi.so $(builddir)/src/$(CINT_FFI_SONAME)

CINT_SOURCES	:= backend book count decide enter link mark params probe register ring rw version wait
CINT_OBJS	:= $(CINT_SOURCES:%=$(builddir)/src/%.o) $(builddir)/src/policy.o
CINT_PIC_OBJS	:= $(CINT_OBJS:.o=.os)

# For everything that includes <liburing-cint.h>: the flag, and the file to
# depend on (order-only is enough, dependencies are tracked).
CINT_CPPFLAGS	:= -I$(builddir)/include

$(CINT_OBJS) $(CINT_PIC_OBJS): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS) \
	-I$(srcdir)/kernel/files/include -I$(srcdir)/kernel/files/include/uapi
# The policy is kernel code, and kernel code is not written for these.
$(CINT_SOURCES:%=$(builddir)/src/%.o) $(CINT_SOURCES:%=$(builddir)/src/%.os): \
	CFLAGS_EXTRA += -Wconversion -Wsign-compare
$(CINT_OBJS) $(CINT_PIC_OBJS): | $(CINT_UAPI_COPY)

# The copy can be included beside an installed <linux/cint.h>, first or second:
# it has both guards, the kernel's own and the one headers_install leaves.
$(CINT_UAPI_COPY): $(CINT_UAPI)
	@mkdir -p $(@D)
	$(call quiet,GEN)$(srcdir)/scripts/copy-uapi $< > $@

# cint_submit() is a function of the library's, too.
$(builddir)/src/policy.o $(builddir)/src/policy.os: CPPFLAGS_EXTRA += -Dcint_submit=cint_policy_submit

$(builddir)/src/policy.o: $(srcdir)/kernel/files/lib/cint/policy.c $(builddir)/config-host.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -c -o $@ $<

$(builddir)/src/policy.os: $(srcdir)/kernel/files/lib/cint/policy.c $(builddir)/config-host.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -fPIC -c -o $@ $<

$(CINT_SHARED): $(CINT_PIC_OBJS) $(srcdir)/src/liburing-cint.map
	$(call quiet,LINK)$(LINK) -shared -Wl,-soname,$(CINT_SONAME) -Wl,-z,defs \
		-Wl,--version-script=$(srcdir)/src/liburing-cint.map \
		-o $@ $(CINT_PIC_OBJS) $(LIBS)

$(CINT_LINKS): $(CINT_SHARED)
	$(call quiet,LN)ln -sf $(notdir $(CINT_SHARED)) $@

# The inline functions alone, with the library as what it needs.
$(CINT_FFI_OBJ): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(CINT_FFI_OBJ): | $(CINT_UAPI_COPY)

$(CINT_FFI): $(CINT_FFI_OBJ) $(CINT_LINKS) $(srcdir)/src/liburing-cint-ffi.map
	$(call quiet,LINK)$(LINK) -shared -Wl,-soname,$(CINT_FFI_SONAME) -Wl,-z,defs \
		-Wl,--version-script=$(srcdir)/src/liburing-cint-ffi.map \
		-o $@ $(CINT_FFI_OBJ) -L$(builddir)/src -Wl,--no-as-needed -luring-cint $(LIBS)

$(CINT_FFI_LINKS): $(CINT_FFI)
	$(call quiet,LN)ln -sf $(notdir $(CINT_FFI)) $@

# One object whose global symbols are those of the map: the policy's names must
# not collide with those of a program that links the policy itself.
$(CINT_STATIC): $(CINT_OBJS) $(srcdir)/src/liburing-cint.map
	@sed -n 's/^\t\t\([a-z0-9_]*\);$$/\1/p' $(srcdir)/src/liburing-cint.map > $@.syms
	$(call quiet,AR)$(CC) -nostdlib -r -o $@.tmp.o $(CINT_OBJS) && \
		objcopy --keep-global-symbols=$@.syms $@.tmp.o $(@D)/liburing-cint.o && \
		rm -f $@ $@.tmp.o && $(AR) rcs $@ $(@D)/liburing-cint.o

# Below prefix, so that pkg-config can relocate it.
CINT_PC_DIR = $(patsubst $(prefix)/%,$${prefix}/%,$(1))

$(CINT_PC): $(srcdir)/src/liburing-cint.pc.in $(builddir)/config-host.mak
	$(call quiet,GEN)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(call CINT_PC_DIR,$(libdir))|' \
		-e 's|@includedir@|$(call CINT_PC_DIR,$(includedir))|' -e 's|@version@|$(VERSION)|' $< > $@

CINT_CMAKE	:= $(addprefix $(builddir)/src/,liburing-cint-config.cmake \
		   liburing-cint-config-version.cmake)

$(CINT_CMAKE): $(builddir)/src/%: $(srcdir)/src/%.in $(builddir)/config-host.mak
	$(call quiet,GEN)sed -e 's|@includedir@|$(includedir)|' -e 's|@version@|$(VERSION)|' $< > $@

ALL_TARGETS	+= $(CINT_CMAKE) $(CINT_SHARED) $(CINT_LINKS) $(CINT_FFI) $(CINT_FFI_LINKS) $(CINT_STATIC) $(CINT_PC) $(CINT_UAPI_COPY)
INSTALL_TARGETS	+= install-lib
CLEAN_SUBDIRS	+= include

# Record what was added to the interface; test/lib/abi compares.
.PHONY: update-abi
update-abi: $(CINT_LINKS) $(CINT_FFI_LINKS)
	$(srcdir)/scripts/write-abi $(builddir)/src/$(CINT_SONAME) > $(srcdir)/src/liburing-cint.abi
	$(srcdir)/scripts/write-abi $(builddir)/src/$(CINT_FFI_SONAME) > $(srcdir)/src/liburing-cint-ffi.abi

install-lib:
	$(INSTALL) -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)/liburing-cint \
		$(DESTDIR)$(libdir)/cmake/liburing-cint
	$(INSTALL_DATA) $(CINT_SHARED) $(CINT_STATIC) $(CINT_FFI) $(DESTDIR)$(libdir)
	ln -sf $(notdir $(CINT_FFI)) $(DESTDIR)$(libdir)/$(CINT_FFI_SONAME)
	ln -sf $(CINT_FFI_SONAME) $(DESTDIR)$(libdir)/liburing-cint-ffi.so
	ln -sf $(notdir $(CINT_SHARED)) $(DESTDIR)$(libdir)/$(CINT_SONAME)
	ln -sf $(CINT_SONAME) $(DESTDIR)$(libdir)/liburing-cint.so
	$(INSTALL_DATA) $(CINT_PC) $(DESTDIR)$(libdir)/pkgconfig
	$(INSTALL_DATA) $(CINT_CMAKE) $(DESTDIR)$(libdir)/cmake/liburing-cint
	$(INSTALL_DATA) $(srcdir)/include/liburing-cint.h $(DESTDIR)$(includedir)
	$(INSTALL_DATA) $(CINT_UAPI_COPY) $(DESTDIR)$(includedir)/liburing-cint
