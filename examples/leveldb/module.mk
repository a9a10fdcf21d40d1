# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# An environment for LevelDB that marks what somebody waits for; see README.md.

ifeq ($(CONFIG_LEVELDB),y)

LEVELDB_DIR	:= $(builddir)/examples/leveldb
LEVELDB_ENV	:= $(LEVELDB_DIR)/urgent-env.a
LEVELDB_EXAMPLE	:= $(LEVELDB_DIR)/two-lines

# For whatever includes urgent-env.h, and links with it.
LEVELDB_CXX	 = $(CXX) -D_GNU_SOURCE -I$(srcdir)/include $(CINT_CPPFLAGS) \
		   -I$(srcdir)/examples/leveldb $(LIBURING_CFLAGS) $(CPPFLAGS) \
		   -std=c++17 -Wall -Wextra -Wconversion $(CXXFLAGS) $(CONFIG_CFLAGS) \
		   -MMD -MP
LEVELDB_LINK	 = $(CXX) $(CXXFLAGS) $(CONFIG_CFLAGS) $(LDFLAGS) $(CONFIG_LDFLAGS) \
		   $(LDFLAGS_EXTRA)
LEVELDB_LIBS	 = $(LIBURING_LIBS) -lleveldb -pthread

$(LEVELDB_DIR)/%.o: $(srcdir)/examples/leveldb/%.cc $(builddir)/config-host.mak | $(CINT_UAPI_COPY)
	$(call quiet,CXX)$(LEVELDB_CXX) -c -o $@ $<

$(LEVELDB_ENV): $(LEVELDB_DIR)/urgent-env.o $(LEVELDB_DIR)/marked-log.o
	$(call quiet,AR)rm -f $@ && $(AR) rcs $@ $^

$(LEVELDB_EXAMPLE): $(LEVELDB_EXAMPLE).o $(LEVELDB_ENV) $(CINT_STATIC)
	$(call quiet,LINK)$(LEVELDB_LINK) -o $@ $^ $(LEVELDB_LIBS)

ALL_TARGETS += $(LEVELDB_ENV) $(LEVELDB_EXAMPLE)

endif
