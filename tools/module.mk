# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# cintctl, its completion for the shells, and what restores settings at boot.

CINTCTL		:= $(builddir)/tools/cintctl
CINTCTL_OBJS	:= $(patsubst $(srcdir)/%.c,$(builddir)/%.o,$(wildcard $(srcdir)/tools/*.c))
# Started by udev and systemd, which go by the final path.
CINT_UNIT	:= $(builddir)/tools/cint.service
CINT_RULES	:= $(builddir)/tools/90-cint.rules

$(CINTCTL_OBJS): CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(CINTCTL_OBJS): | $(CINT_UAPI_COPY)

# With the static library, so that it runs beside any installed one.
$(CINTCTL): $(CINTCTL_OBJS) $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS)

$(CINT_UNIT) $(CINT_RULES): $(builddir)/tools/%: $(srcdir)/tools/systemd/%.in $(builddir)/config-host.mak
	$(call quiet,GEN)sed -e 's|@sbindir@|$(sbindir)|g' $< > $@

ALL_TARGETS	+= $(CINTCTL) $(CINT_UNIT) $(CINT_RULES)
INSTALL_TARGETS	+= install-tools

install-tools:
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(unitdir) $(DESTDIR)$(udevdir)/rules.d \
		$(DESTDIR)$(datadir)/bash-completion/completions $(DESTDIR)$(zshdir)
	$(INSTALL_PROGRAM) $(CINTCTL) $(DESTDIR)$(sbindir)
	sed '1s|.*|#!/usr/bin/python3|' $(srcdir)/scripts/compare > $(builddir)/tools/cint-compare
	$(INSTALL_PROGRAM) $(builddir)/tools/cint-compare $(DESTDIR)$(sbindir)
	$(INSTALL_DATA) $(CINT_UNIT) $(DESTDIR)$(unitdir)
	$(INSTALL_DATA) $(CINT_RULES) $(DESTDIR)$(udevdir)/rules.d
	$(INSTALL_DATA) $(srcdir)/tools/completion/cintctl.bash \
		$(DESTDIR)$(datadir)/bash-completion/completions/cintctl
	$(INSTALL_DATA) $(srcdir)/tools/completion/cintctl.zsh $(DESTDIR)$(zshdir)/_cintctl
