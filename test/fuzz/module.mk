# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Fuzzers of what parses text that others write. Each has a corpus, test/fuzz/corpus/NAME.
#
# "make fuzzers" builds them with replay.c, which runs each input once, by any compiler; with
# CINT_LIBFUZZER=y, and clang, with libFuzzer. test/fuzz/run does both, in builds of their
# own with sanitizers.

FUZZ_DIR	:= $(builddir)/test/fuzz
FUZZERS		:= cintctl-arguments cint-conf sysfs-values
ifeq ($(CONFIG_FIO),y)
FUZZERS		+= fio-options
endif
FUZZ_PROGRAMS	:= $(addprefix $(FUZZ_DIR)/,$(FUZZERS))

ifeq ($(CINT_LIBFUZZER),y)
FUZZ_CFLAGS	:= -fsanitize=fuzzer-no-link
FUZZ_LDFLAGS	:= -fsanitize=fuzzer
else
FUZZ_MAIN	:= $(FUZZ_DIR)/replay.o
endif

# cintctl in the world of world.c; what remembers something is in tools-state.c.
FUZZ_TOOLS	:= $(patsubst $(srcdir)/tools/%.c,$(FUZZ_DIR)/tools/%.o, \
		   $(filter-out %/cintctl.c %/files.c %/json.c %/watch.c, \
		   $(wildcard $(srcdir)/tools/*.c)))
FUZZ_WORLD	:= $(FUZZ_DIR)/world.o $(FUZZ_DIR)/json-valid.o $(FUZZ_DIR)/tools-state.o $(FUZZ_TOOLS)

$(FUZZ_DIR)/%.o: CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(FUZZ_DIR)/tools-state.o $(FUZZ_TOOLS): CPPFLAGS_EXTRA += -include $(srcdir)/test/fuzz/world.h
$(FUZZ_DIR)/tools-state.o $(FUZZ_TOOLS): CFLAGS_EXTRA += $(FUZZ_CFLAGS)
$(FUZZ_DIR)/world.o $(FUZZ_TOOLS) $(FUZZ_DIR)/tools-state.o: | $(CINT_UAPI_COPY)

$(FUZZ_TOOLS): $(FUZZ_DIR)/tools/%.o: $(srcdir)/tools/%.c $(builddir)/config-host.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -c -o $@ $<

$(addprefix $(FUZZ_DIR)/,cintctl-arguments cint-conf sysfs-values): $(FUZZ_DIR)/%: \
		$(FUZZ_DIR)/%.o $(FUZZ_WORLD) $(FUZZ_MAIN)
	$(call quiet,LINK)$(LINK) $(FUZZ_LDFLAGS) -o $@ $^

# The engine's options with fio's parser, which is another project's: no sanitizer is in it.
FUZZ_ENGINE	:= $(FUZZ_DIR)/engine-options.o $(FUZZ_DIR)/engine-share.o
$(FUZZ_ENGINE): $(FUZZ_DIR)/engine-%.o: $(srcdir)/fio-engine/%.c $(FIO_SRC)/config-host.h \
		| $(CINT_UAPI_COPY)
	$(call quiet,CC)$(CINT_ENGINE_COMPILE) -MF $@.d $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ_DIR)/fio-options.o: $(srcdir)/test/fuzz/fio-options.c $(FIO_SRC)/config-host.h \
		| $(CINT_UAPI_COPY)
	$(call quiet,CC)$(CINT_ENGINE_COMPILE) -MF $@.d -I$(srcdir) -c -o $@ $<

$(FUZZ_DIR)/fio-parse.o: $(FIO_SRC)/config-host.h
	$(call quiet,CC)cd $(FIO_SRC) && $(CC) -w -O1 -g -std=gnu99 -D_GNU_SOURCE -DFIO_INTERNAL \
		-include config-host.h -I. -c -o $@ parse.c

$(FUZZ_DIR)/fio-options: $(FUZZ_DIR)/fio-options.o $(FUZZ_ENGINE) $(FUZZ_DIR)/fio-parse.o \
		$(builddir)/src/params.o $(builddir)/src/policy.o $(FUZZ_MAIN)
	$(call quiet,LINK)$(LINK) $(FUZZ_LDFLAGS) -o $@ $^

CHECK_OTHER_TESTS += $(srcdir)/test/fuzz/run

.PHONY: fuzzers list-fuzzers check-fuzz
fuzzers: $(FUZZ_PROGRAMS)

list-fuzzers:
	@echo $(FUZZERS)

FUZZ_SECONDS	?= 600
check-fuzz:
	+@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/fuzz/run --seconds $(FUZZ_SECONDS)
