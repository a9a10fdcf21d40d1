# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Tests of the environment for LevelDB.

ifeq ($(CONFIG_LEVELDB),y)

LEVELDB_TESTS := $(patsubst %,$(builddir)/test/leveldb/%,env kill ycsb)
LEVELDB_YCSB  := $(builddir)/test/leveldb/ycsb

$(builddir)/test/leveldb/%.o: $(srcdir)/test/leveldb/%.cc $(builddir)/config-host.mak | $(CINT_UAPI_COPY)
	$(call quiet,CXX)$(LEVELDB_CXX) -c -o $@ $<

$(LEVELDB_TESTS): %: %.o $(LEVELDB_ENV) $(CINT_STATIC)
	$(call quiet,LINK)$(LEVELDB_LINK) -o $@ $^ $(LEVELDB_LIBS)

$(builddir)/test/leveldb/env: LDFLAGS_EXTRA += -Wl,--wrap=cint_marks \
	-Wl,--wrap=cint_preadv2 -Wl,--wrap=cint_pwritev2

CHECK_UNIT_TESTS  += $(builddir)/test/leveldb/env $(srcdir)/test/leveldb/kill-and-recover \
		     $(srcdir)/test/leveldb/example $(srcdir)/test/leveldb/workloads
CHECK_GUEST_TESTS += $(srcdir)/test/leveldb/marks
CHECK_VM_TESTS	  += $(srcdir)/test/leveldb/power-cut
CHECK_FILES	  += $(LEVELDB_TESTS) $(LEVELDB_EXAMPLE)

else

CHECK_UNIT_TESTS += $(srcdir)/test/leveldb/not-built

endif
