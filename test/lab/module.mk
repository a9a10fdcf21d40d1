# SPDX-License-Identifier: GPL-2.0
# The lab: contenders side by side in virtual time; see test/lab/README.md.

CHECK_UNIT_TESTS += $(srcdir)/test/lab/test-logic $(srcdir)/test/lab/test-report
CHECK_VM_TESTS	 += $(srcdir)/test/lab/test-repeats
CLEAN_SUBDIRS	 += lab

.PHONY: lab lab-quick lab-compare lab-run lab-quick-run \
	lab-stock-kernel bench-leveldb bench-leveldb-run
lab lab-quick:
	@$(srcdir)/scripts/install-deps build kernel vm fio qemu
	+@$(MAKE) --no-print-directory $(MAKE_SELF) $@-run

# The unpatched kernel is for one experiment, which the quick runs do not need.
lab-stock-kernel: | kernel-lab-link
	+@$(srcdir)/kernel/build --config lab-stock > /dev/null

lab-run: all $(KERNEL_LAB_STAMP) $(QEMU_STAMP) lab-stock-kernel
	@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/lab/run $(LAB_ARGS)

lab-quick-run: all $(KERNEL_LAB_STAMP) $(QEMU_STAMP)
	@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/lab/run --quick $(LAB_ARGS)

# LevelDB; what it needs, and how it is measured, is in README.md.
bench-leveldb:
	@$(srcdir)/scripts/install-deps build kernel vm fio qemu leveldb
	+@$(MAKE) --no-print-directory $(MAKE_SELF) bench-leveldb-run

bench-leveldb-run: lab-files $(KERNEL_LAB_STAMP) $(QEMU_STAMP) $(LEVELDB_YCSB)
	@srcdir=$(srcdir) builddir=$(builddir) $(srcdir)/test/lab/leveldb $(BENCH_ARGS)

lab-compare:
	@$(if $(and $(A),$(B)),,echo "usage: make lab-compare A=results.json B=results.json" >&2; exit 2;) \
	$(srcdir)/test/lab/compare $(A) $(B)

LAB_NO_SPIN := $(builddir)/test/lab/no-spin.so
LAB_PACED   := $(builddir)/test/lab/paced
LAB_WAITS   := $(builddir)/test/lab/waits

$(LAB_NO_SPIN): $(srcdir)/test/lab/no-spin.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(WARN_FLAGS) -O2 -fPIC -shared -o $@ $<

$(LAB_PACED).o $(LAB_WAITS).o: CPPFLAGS_EXTRA += $(CINT_CPPFLAGS)
$(LAB_PACED).o $(LAB_WAITS).o: | $(CINT_UAPI_COPY)
$(LAB_PACED) $(LAB_WAITS): %: %.o $(CINT_STATIC)
	$(call quiet,LINK)$(LINK) -o $@ $^ $(LIBS)

# What the guest runs, of this tree.
.PHONY: lab-files
lab-files: all $(LAB_NO_SPIN) $(LAB_PACED) $(LAB_WAITS)
lab-run lab-quick-run demo-run: lab-files
demo-run: $(QEMU_STAMP)
CHECK_FILES += $(LAB_NO_SPIN) $(LAB_PACED) $(LAB_WAITS)
