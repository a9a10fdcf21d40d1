# SPDX-License-Identifier: GPL-2.0
# Tools that watch completions, by BPF.

ifeq ($(CONFIG_BPF),y)

BPF_TOOLS := $(builddir)/bpf/cintstat $(builddir)/bpf/cintwhy

.SECONDARY: $(BPF_TOOLS:=.bpf.o)

# The object goes into the program whole: its debugging information, of which the
# kernel wants the lines, must not name the place of the build.
$(builddir)/bpf/%.bpf.o: $(srcdir)/bpf/%.bpf.c $(srcdir)/bpf/%.h $(srcdir)/bpf/kernel-types.h
	$(call quiet,CLANG)$(CLANG) -target bpf -O2 -g -Wall -Werror \
		-ffile-prefix-map=$(abspath $(srcdir))=. -fdebug-compilation-dir=. \
		-I/usr/include/$(MULTIARCH) -c -o $@ $<

$(builddir)/bpf/%.skel.h: $(builddir)/bpf/%.bpf.o
	$(call quiet,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.new && mv $@.new $@

$(builddir)/bpf/cintstat.o $(builddir)/bpf/cintwhy.o $(builddir)/bpf/tool.o: \
	CPPFLAGS_EXTRA += -I$(builddir) -I$(srcdir)/kernel/files/include \
	-I$(srcdir)/kernel/files/include/uapi

$(BPF_TOOLS:=.o): $(builddir)/bpf/%.o: $(builddir)/bpf/%.skel.h

# The policy's own names of reasons.
$(BPF_TOOLS): %: %.o $(builddir)/bpf/tool.o $(builddir)/src/policy.o
	$(call quiet,LINK)$(LINK) -o $@ $^ -lbpf -lelf -lz

ALL_TARGETS	+= $(BPF_TOOLS)
INSTALL_TARGETS += install-bpf

install-bpf:
	$(INSTALL) -d $(DESTDIR)$(sbindir)
	$(INSTALL_PROGRAM) $(BPF_TOOLS) $(DESTDIR)$(sbindir)

endif
