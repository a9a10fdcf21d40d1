# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Top-level Makefile of liburing-cint. "make help" lists the targets.
#
# How directories plug in
# -----------------------
# This file is non-recursive. Each directory that builds something has a
# fragment "module.mk" (the list is MODULES below), included when it exists.
# A fragment names every file by its full path:
#
#   $(srcdir)    the checkout (absolute)
#   $(builddir)  where output goes (absolute): the directory configure was run
#                in, or $(srcdir)/build when that was the checkout itself.
#                Output of src/foo.c goes to $(builddir)/src/foo.o, and so on.
#                Nothing is ever written to $(srcdir) outside of build/.
#
# A fragment appends to:
#
#   ALL_TARGETS        files (under $(builddir)) that plain "make" builds
#   INSTALL_TARGETS    names of phony targets "make install" runs; their recipes
#                      use $(INSTALL_DATA), $(INSTALL_PROGRAM) and put
#                      $(DESTDIR) before $(prefix), $(libdir), $(includedir),
#                      $(bindir), $(sbindir), $(datadir), $(mandir), $(unitdir),
#                      $(udevdir), $(zshdir)
#   CHECK_UNIT_TESTS   test programs that run on any host, on no special kernel
#   CHECK_LIB_TESTS    library tests; run on the host's kernel *and* in a guest
#                      with the patched kernel, so they skip what is missing
#   CHECK_OTHER_TESTS  builds of their own and linters, run on the host
#   CHECK_FIO_TESTS    as CHECK_LIB_TESTS, for the fio engine
#   CHECK_GUEST_TESTS  tests run only in the guest, on the guest kernel and again
#                      on the debug kernel; the kernel's own selftests and KUnit
#                      results are added by test/vm/module.mk
#   CHECK_VM_TESTS     tests run on the host that boot virtual machines themselves
#   CHECK_FILES        other files (under $(builddir)) the tests need built first
#   CLEAN_SUBDIRS      further directories below $(builddir) "make clean" removes
#
# A test is an executable (binary under $(builddir), or script under $(srcdir)).
# Exit status 0: passed; 77: skipped, the last line of output says why; any
# other: failed. TAP output is counted per sub-test. It is run with the
# environment srcdir, builddir, and in the guest also CINT_NVME (the drive for
# destructive tests, /dev/nvme0n1), and CINT_POLLED=1 where that has
# queues for polling, so that polled requests must work. The driver is test/run-tests.
#
# Ready-made rules, so that fragments are mostly lists:
#
#   $(builddir)/%.o   from $(srcdir)/%.c     for programs and the static library
#   $(builddir)/%.os  from $(srcdir)/%.c     position independent
#   header dependencies are tracked by themselves, and the output directory of
#   each module exists
#   $(LINK) -o $@ $^ $(LIBS)                 link a program from objects
#
# Flags: a fragment adds per-target flags as target-specific CPPFLAGS_EXTRA,
# CFLAGS_EXTRA, LDFLAGS_EXTRA, LIBS_EXTRA. Every compilation has config-host.h
# included and -I$(srcdir)/include; a header is included by its name below that.
# LIBURING_CFLAGS and LIBURING_LIBS come from configure, so do CONFIG_FIO ("y"
# or empty), FIO_VERSION and the rest of config-host.mak.
#
# fio's source (headers of precisely the installed fio, configured) is at
# $(FIO_SRC); depend on $(FIO_SRC)/config-host.h. It may come from the network, before
# anything is built; where it can't be had, CONFIG_FIO is empty.
#
# Kernel output: $(KERNEL_DIR) is a symlink to the built guest kernel with
# bzImage, vmlinux, System.map, config, include/ (UAPI headers), selftests/;
# depend on $(KERNEL_STAMP). $(KERNEL_DEBUG_DIR), $(KERNEL_DEBUG_STAMP) likewise, and
# $(KERNEL_STOCK_DIR), $(KERNEL_STOCK_STAMP), without the series, and $(KERNEL_DEBUG_RT_DIR),
# $(KERNEL_DEBUG_RT_STAMP), the debug kernel with PREEMPT_RT.
# $(QEMU_DIR) is a symlink to the lab's emulator; depend on $(QEMU_STAMP).

srcdir   := $(realpath $(dir $(lastword $(MAKEFILE_LIST))))
ifeq ($(realpath $(CURDIR)),$(srcdir))
builddir := $(srcdir)/build
else
builddir := $(realpath $(CURDIR))
endif

MODULES := src fio-engine examples examples/leveldb man tools bpf sim packaging \
	   test/unit test/mutants test/model test/prove test/fuzz \
	   test/lib test/fio test/tools test/leveldb test/bpf test/packaging \
	   test/vm test/qemu test/lab

all:

# Goals that need no configuration, or that install what configure needs and
# then run make again.
STANDALONE_GOALS := help clean distclean install-deps kernel kernel-debug \
		    kernel-debug-rt qemu check check-rt check-kcsan check-upstream demo lab lab-quick lab-compare \
		    deb kernel-deb bench-leveldb
GOALS := $(or $(MAKECMDGOALS),all)

ifneq ($(filter-out $(STANDALONE_GOALS),$(GOALS)),)
include $(builddir)/config-host.mak
# There is no rule for it before config-host.mak has told whether there is a fio.
ifeq ($(CONFIG_FIO),y)
include $(builddir)/fio.mak
endif
# Output directories are all made here, so no rule has to.
$(shell mkdir -p $(addprefix $(builddir)/,$(MODULES)))
endif

VERSION		?= 0
CC		?= cc
prefix		?= /usr/local
AR		?= ar
INSTALL		?= install
INSTALL_DATA	= $(INSTALL) -m 644
INSTALL_PROGRAM	= $(INSTALL) -m 755
SHELL		:= /bin/sh

CFLAGS		?= -O2 -g
CXXFLAGS	?= -O2 -g
WARN_FLAGS	= -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
		  -Wstrict-prototypes -Wmissing-prototypes -Wshadow
BASE_CPPFLAGS	= -D_GNU_SOURCE -include $(builddir)/config-host.h \
		  -I$(srcdir)/include $(LIBURING_CFLAGS)
COMPILE		= $(CC) $(BASE_CPPFLAGS) $(CPPFLAGS_EXTRA) $(CPPFLAGS) \
		  -std=gnu11 $(WARN_FLAGS) $(CFLAGS) $(CONFIG_CFLAGS) \
		  $(CFLAGS_EXTRA) -MMD -MP -MF $@.d
LINK		= $(CC) $(CFLAGS) $(CONFIG_CFLAGS) $(CFLAGS_EXTRA) \
		  $(LDFLAGS) $(CONFIG_LDFLAGS) $(LDFLAGS_EXTRA)
LIBS		= $(LIBS_EXTRA) $(LIBURING_LIBS)

# "make V=1" shows the commands themselves.
ifeq ($(V),1)
quiet =
else
quiet = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(builddir)/%,%,$@)';
endif

FIO_SRC		:= $(builddir)/fio-src
KERNEL_DIR	:= $(builddir)/kernel-guest
KERNEL_STAMP	:= $(KERNEL_DIR)/bzImage
KERNEL_DEBUG_DIR   := $(builddir)/kernel-debug
KERNEL_DEBUG_STAMP := $(KERNEL_DEBUG_DIR)/bzImage
KERNEL_DEBUG_RT_DIR   := $(builddir)/kernel-debug-rt
KERNEL_DEBUG_RT_STAMP := $(KERNEL_DEBUG_RT_DIR)/bzImage
KERNEL_KCSAN_DIR   := $(builddir)/kernel-kcsan
KERNEL_KCSAN_STAMP := $(KERNEL_KCSAN_DIR)/bzImage
KERNEL_STOCK_DIR   := $(builddir)/kernel-stock
KERNEL_STOCK_STAMP := $(KERNEL_STOCK_DIR)/bzImage
KERNEL_LAB_DIR	   := $(builddir)/kernel-lab
KERNEL_LAB_STAMP   := $(KERNEL_LAB_DIR)/bzImage
QEMU_DIR	:= $(builddir)/qemu
QEMU_STAMP	:= $(QEMU_DIR)/bin/qemu-system-x86_64

ALL_TARGETS	  :=
INSTALL_TARGETS	  :=
CHECK_UNIT_TESTS  :=
CHECK_LIB_TESTS	  :=
CHECK_OTHER_TESTS :=
CHECK_FIO_TESTS	  :=
CHECK_GUEST_TESTS :=
CHECK_VM_TESTS	  :=
CHECK_FILES	  :=
CLEAN_SUBDIRS	  := src fio-engine fio-src fio.mak examples man tools bpf sim packaging test demo results \
		     upstream

-include $(foreach m,$(MODULES),$(srcdir)/$(m)/module.mk)

all: $(ALL_TARGETS)

install: all $(INSTALL_TARGETS)

$(INSTALL_TARGETS): all

# What "make install" would install, found by installing it elsewhere.
.PHONY: uninstall
uninstall: all
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	$(MAKE) -s $(if $(wildcard $(CURDIR)/Makefile),,-f $(srcdir)/Makefile) install \
		DESTDIR="$$dir" > "$$dir.log" 2>&1 || { cat "$$dir.log"; exit 1; }; rm -f "$$dir.log"; \
	cd "$$dir" && find . ! -type d | while read -r file; do \
		rm -f "$(DESTDIR)/$${file#./}"; done; \
	find . -depth -type d -name '*cint*' | while read -r own; do \
		rmdir "$(DESTDIR)/$${own#./}" 2> /dev/null; done; :

# --- compilation ------------------------------------------------------------

$(builddir)/%.o: $(srcdir)/%.c $(builddir)/config-host.h
	$(call quiet,CC)$(COMPILE) -c -o $@ $<

$(builddir)/%.os: $(srcdir)/%.c $(builddir)/config-host.h
	$(call quiet,CC)$(COMPILE) -fPIC -c -o $@ $<

-include $(foreach m,$(MODULES),$(wildcard $(builddir)/$(m)/*.d))

# config-host.mak is an included makefile, so make remakes it (and starts over) when it is
# missing or older than configure, or than the list of packages that are installed, as what
# it found or missed may be of these. It records its own arguments.
# What is kept for make is as it was given again.
configured_with = sed -n '/^$(1) := */{s///;s/\$$\$$/$$/g;s/\\\\\#/\#/g;p;}' $@
PACKAGES_INSTALLED := $(wildcard /var/lib/dpkg/status)
$(builddir)/config-host.mak: $(srcdir)/configure $(PACKAGES_INSTALLED)
	@mkdir -p $(builddir)
	@if [ -f $@ ]; then \
		echo "configure, or what is installed, has changed: running it again"; \
		args=$$($(call configured_with,CONFIGURE_ARGS)); \
		env=$$($(call configured_with,CONFIGURE_ENV)); \
	else \
		echo "not configured yet, running configure"; args=; env=; \
	fi; \
	cd $(builddir) && eval "$$env $(srcdir)/configure $$args"

$(builddir)/config-host.h: $(builddir)/config-host.mak ;

# An included makefile, so make remakes it first of all. What it says once it says each
# time, until make distclean or configure.
$(builddir)/fio.mak: $(builddir)/config-host.mak $(srcdir)/scripts/fetch-source \
		$(srcdir)/scripts/prepare-fio
	$(call quiet,FIOSRC)if $(srcdir)/scripts/prepare-fio --expect $(FIO_VERSION) \
		$(if $(FIO_SOURCE),--source $(FIO_SOURCE)) $(FIO_SRC); then \
		echo '# Written by make; do not edit.' > $@; \
	$(if $(CONFIG_FIO_REQUIRED),else exit 1;,else \
		{ echo 'CONFIG_FIO :='; \
		echo '$$(info the fio engine is left out: no source of fio $(FIO_VERSION) at the' \
			'mirrors of /etc/apt; configure --fio-source=DIR gives it)'; } > $@;) fi

$(FIO_SRC)/config-host.h: $(builddir)/fio.mak ;

# --- kernel -----------------------------------------------------------------

# kernel/build knows by hashes whether there is anything to do, so it is asked
# each time; the symlink changes only when the result does.
.PHONY: kernel kernel-debug kernel-debug-rt kernel-guest-link kernel-debug-link \
	kernel-debug-rt-link kernel-kcsan-link kernel-stock-link kernel-lab-link
kernel-guest-link:
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config guest --link $(KERNEL_DIR)
kernel-debug-link: | $(if $(filter check-vm check-all kernel,$(GOALS)),kernel-guest-link)
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config debug --link $(KERNEL_DEBUG_DIR)
kernel-debug-rt-link:
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config debug-rt --link $(KERNEL_DEBUG_RT_DIR)
kernel-kcsan-link:
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config kcsan --link $(KERNEL_KCSAN_DIR)
kernel-stock-link: | $(if $(filter check-vm check-all kernel,$(GOALS)),kernel-guest-link \
		     $(if $(filter check-vm check-all,$(GOALS)),kernel-debug-link))
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config stock --link $(KERNEL_STOCK_DIR)
kernel-lab-link:
	@mkdir -p $(builddir)
	+@$(srcdir)/kernel/build --config lab --link $(KERNEL_LAB_DIR)
$(KERNEL_STAMP): kernel-guest-link
	@:
$(KERNEL_DEBUG_STAMP): kernel-debug-link
	@:
$(KERNEL_DEBUG_RT_STAMP): kernel-debug-rt-link
	@:
$(KERNEL_KCSAN_STAMP): kernel-kcsan-link
	@:
$(KERNEL_STOCK_STAMP): kernel-stock-link
	@:
$(KERNEL_LAB_STAMP): kernel-lab-link
	@:

kernel:
	@$(srcdir)/scripts/install-deps build kernel
	+@$(MAKE) --no-print-directory $(MAKE_SELF) kernel-guest-link
kernel-debug:
	@$(srcdir)/scripts/install-deps build kernel
	+@$(MAKE) --no-print-directory $(MAKE_SELF) kernel-debug-link
kernel-debug-rt:
	@$(srcdir)/scripts/install-deps build kernel
	+@$(MAKE) --no-print-directory $(MAKE_SELF) kernel-debug-rt-link

# The same makefile again, whatever name or directory make was started with.
MAKE_SELF = -f $(firstword $(MAKEFILE_LIST))

# --- tests ------------------------------------------------------------------

# Each part appends to one results file; the total is printed once, at the end,
# over all parts. A part asked for alone prints its own total.
RUN_TESTS  = srcdir=$(srcdir) builddir=$(builddir) \
	     $(srcdir)/test/run-tests --log-dir $(builddir)/results/$(1)
RESULTS	   = $(builddir)/results

CHECK_BUILD_UNIT = $(filter $(builddir)/%,$(CHECK_UNIT_TESTS)) $(CHECK_FILES)
CHECK_BUILD_LIB	 = $(filter $(builddir)/%,$(CHECK_LIB_TESTS)) $(CHECK_FILES)
CHECK_BUILD_FIO	 = $(filter $(builddir)/%,$(CHECK_FIO_TESTS)) $(CHECK_FILES)
CHECK_BUILD_VM	 = $(filter $(builddir)/%,$(CHECK_GUEST_TESTS) $(CHECK_VM_TESTS)) \
		   $(CHECK_BUILD_LIB) $(CHECK_BUILD_FIO) $(CHECK_FILES) \
		   $(KERNEL_STAMP) $(KERNEL_DEBUG_STAMP) $(KERNEL_STOCK_STAMP) \
		   $(QEMU_STAMP)

run_unit = $(call RUN_TESTS,unit) --title unit --timeout 300 $(1) $(CHECK_UNIT_TESTS)
# The library once more: read by tools, and built in ways that find errors.
run_other = $(call RUN_TESTS,other) --title other --timeout 900 $(1) $(CHECK_OTHER_TESTS)
run_lib	 = $(call RUN_TESTS,lib) --title library --timeout 300 $(1) $(CHECK_LIB_TESTS)
run_fio	 = $(call RUN_TESTS,fio) --title fio --timeout 300 $(1) $(CHECK_FIO_TESTS)
run_vm	 = srcdir=$(srcdir) builddir=$(builddir) \
	   CINT_KERNEL_DIR=$(KERNEL_DIR) \
	   CINT_KERNEL_DEBUG_DIR=$(KERNEL_DEBUG_DIR) \
	   CINT_KERNEL_STOCK_DIR=$(KERNEL_STOCK_DIR) \
	   CINT_QEMU=$(QEMU_STAMP) \
	   CINT_LIB_TESTS="$(CHECK_LIB_TESTS)" \
	   CINT_FIO_TESTS="$(CHECK_FIO_TESTS)" \
	   CINT_GUEST_TESTS="$(CHECK_GUEST_TESTS)" \
	   CINT_VM_TESTS="$(CHECK_VM_TESTS)" \
	   $(srcdir)/test/vm/check $(1)

.PHONY: check check-all check-unit check-lib check-other check-fio check-vm check-build \
	check-rt check-rt-run check-kcsan check-kcsan-run check-upstream check-upstream-fio check-upstream-liburing
check-unit: all $(CHECK_BUILD_UNIT)
	@$(call run_unit,)

check-lib: all $(CHECK_BUILD_LIB)
	@$(call run_lib,)

check-other: all $(CHECK_BUILD_LIB)
	@$(call run_other,)

check-fio: all $(CHECK_BUILD_FIO)
	@$(call run_fio,)

# The tests of the projects that this one is for; no part of check, as they take long and
# are about these projects as much. Both are run, whatever the first says.
check-upstream:
	@$(srcdir)/scripts/install-deps build kernel vm fio test
	+@status=0; for part in fio liburing; do \
		$(MAKE) --no-print-directory $(MAKE_SELF) check-upstream-$$part || status=1; \
	done; exit $$status

# fio's, with the engine in the place of its own
check-upstream-fio: all
	@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/fio/upstream $(FIO_SOURCE)

# liburing's, on the stock kernel and on the patched one
check-upstream-liburing: $(KERNEL_STAMP) $(KERNEL_STOCK_STAMP)
	@srcdir=$(srcdir) builddir=$(builddir) CINT_KERNEL_DIR=$(KERNEL_DIR) \
		CINT_KERNEL_STOCK_DIR=$(KERNEL_STOCK_DIR) \
		$(srcdir)/test/upstream/liburing $(addprefix --source ,$(LIBURING_SOURCE))

check-vm: all $(CHECK_BUILD_VM)
	@$(call run_vm,)

# Not a part of check: it takes one kernel more.
check-rt:
	@$(srcdir)/scripts/install-deps build kernel vm
	+@$(MAKE) --no-print-directory $(MAKE_SELF) check-rt-run

check-rt-run: $(KERNEL_DEBUG_RT_STAMP)
	@srcdir=$(srcdir) builddir=$(builddir) \
		CINT_KERNEL_DEBUG_RT_DIR=$(KERNEL_DEBUG_RT_DIR) $(srcdir)/test/vm/check --rt

# Nor this.
check-kcsan:
	@$(srcdir)/scripts/install-deps build kernel vm
	+@$(MAKE) --no-print-directory $(MAKE_SELF) check-kcsan-run

check-kcsan-run: $(KERNEL_KCSAN_STAMP)
	@srcdir=$(srcdir) builddir=$(builddir) \
		CINT_KERNEL_KCSAN_DIR=$(KERNEL_KCSAN_DIR) $(srcdir)/test/vm/check --kcsan

# Everything from a bare checkout: packages first, then a new make that can
# configure itself.
check:
	@$(srcdir)/scripts/install-deps
	+@$(MAKE) --no-print-directory $(MAKE_SELF) check-all

check-all: all $(CHECK_BUILD_UNIT) $(CHECK_BUILD_VM)
	@mkdir -p $(RESULTS) && rm -f $(RESULTS)/all.tsv
	@part="--append $(RESULTS)/all.tsv"; \
	$(call run_unit,$$part); $(call run_lib,$$part); \
	$(call run_other,$$part); \
	$(call run_fio,$$part); $(call run_vm,$$part); \
	$(srcdir)/test/run-tests --total $(RESULTS)/all.tsv

# --- demo -------------------------------------------------------------------

.PHONY: demo demo-run
demo:
	@$(srcdir)/scripts/install-deps build kernel vm fio qemu
	+@$(MAKE) --no-print-directory $(MAKE_SELF) demo-run

demo-run: all $(KERNEL_LAB_STAMP)
	@mkdir -p $(builddir)/demo
	@srcdir=$(srcdir) builddir=$(builddir) CINT_KERNEL_DIR=$(KERNEL_LAB_DIR) \
		$(srcdir)/scripts/demo --out $(builddir)/demo

# --- what compilers and analysers find -----------------------------------------

.PHONY: lint
lint: $(builddir)/config-host.h all
	@builddir=$(builddir) $(srcdir)/scripts/lint

# --- the rest ---------------------------------------------------------------

.PHONY: all install install-deps clean distclean help $(INSTALL_TARGETS)

install-deps:
	@$(srcdir)/scripts/install-deps

clean:
	rm -rf $(addprefix $(builddir)/,$(CLEAN_SUBDIRS)) \
		$(builddir)/kernel-guest $(builddir)/kernel-debug \
		$(builddir)/kernel-debug-rt $(builddir)/kernel-kcsan $(builddir)/kernel-stock \
		$(builddir)/kernel-lab $(builddir)/qemu

distclean: clean
	rm -f $(builddir)/config-host.mak $(builddir)/config-host.h \
		$(builddir)/config.log
ifneq ($(builddir),$(srcdir)/build)
	rm -f $(builddir)/Makefile
else
	rm -f $(builddir)/Makefile
	if [ -d $(builddir) ]; then rmdir --ignore-fail-on-non-empty $(builddir); fi
endif

help:
	@echo "Targets:"
	@echo "  all           the library, the fio engine, tools (default)"
	@echo "  install       install them; DESTDIR= and configure's directories"
	@echo "  uninstall     remove what install installs"
	@echo "  kernel        fetch, patch and build the guest kernel, print its path"
	@echo "  kernel-debug  the same with lockdep, KASAN and friends"
	@echo "  kernel-debug-rt  that one with PREEMPT_RT"
	@echo "  qemu          build the lab's emulator and drive"
	@echo "  check         every test, from a bare checkout (needs root to install"
	@echo "                missing packages)"
	@echo "  check-unit    unit tests only"
	@echo "  check-lib     library tests on this machine's kernel"
	@echo "  check-other   lint, and the library's tests with sanitizers and coverage"
	@echo "  check-fio     fio engine tests on this machine's kernel"
	@echo "  check-upstream  fio's own tests with the engine, compared with io_uring, and"
	@echo "                liburing's on the patched kernel, compared with the stock one,"
	@echo "                from a bare checkout; no part of check"
	@echo "  check-vm      everything that runs in a virtual machine"
	@echo "  check-rt      the driver's selftests and KUnit on the debug kernel with"
	@echo "                PREEMPT_RT, from a bare checkout; no part of check"
	@echo "  check-kcsan   the same on a kernel that finds data races (KCSAN)"
	@echo "  check-sanitize  unit and library tests under address, leak, undefined"
	@echo "                behaviour and thread sanitizers"
	@echo "  check-fuzz    fuzz what parses text for FUZZ_SECONDS (600) a fuzzer; check does a"
	@echo "                part of it"
	@echo "  check-mutants  change the policy, the looks and the library's decision in"
	@echo "                hundreds of ways: do the unit tests notice? check has a part"
	@echo "  check-proofs  prove by CBMC, for all parameters, that these do not overflow and"
	@echo "                keep their bounds, and that changes are found; check has the proofs"
	@echo "  coverage      which lines of the library the tests run"
	@echo "  lint          static checks of the library and its tests"
	@echo "  measure-stock what the library brings on this machine's kernel; writes"
	@echo "                $(builddir)/measure/"
	@echo "  demo          compare the policies in virtual time, from a bare checkout;"
	@echo "                writes $(builddir)/demo/"
	@echo "  lab           measure all contenders in virtual time, from a bare checkout;"
	@echo "                writes $(builddir)/lab/ (report.html, results.csv)"
	@echo "  lab-quick     a part of that, in minutes"
	@echo "  bench-leveldb YCSB on LevelDB under all contenders, in virtual time; writes"
	@echo "                $(builddir)/lab/leveldb/"
	@echo "  lab-compare   A=results.json B=results.json: what moved between two results"
	@echo "  deb           Debian packages of the library, the fio engine and the tools,"
	@echo "                in $(builddir)/packaging"
	@echo "  kernel-deb    Debian packages of the patched kernel, with the distribution's"
	@echo "                configuration (hours), or CONFIG=guest, the tests' one"
	@echo "  install-deps  install missing Debian packages"
	@echo "  clean         remove what was built; the kernel cache stays"
	@echo "  distclean     also remove the configuration"
	@echo
	@echo "  V=1 shows commands; configure --help lists what can be configured."
	@echo "  Kernels are cached in \$$XDG_CACHE_HOME/cint (~/.cache/cint)."
