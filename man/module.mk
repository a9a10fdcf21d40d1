# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Manual pages. Two functions on one page: the second name is a symbolic link.

# What there is no program for has no page.
MAN_PAGES := $(filter-out $(if $(CONFIG_BPF),,cintstat.8 cintwhy.8) \
	$(if $(CONFIG_FIO),,fio-cint.1), $(patsubst $(srcdir)/man/%,%,$(wildcard $(srcdir)/man/*.[1-8])))
MAN_LINKS := cint_policy_from_name.3=cint_policy_name.3 \
	cint_query_ring.3=cint_query.3 \
	cint_pwritev2.3=cint_preadv2.3 cint_version_minor.3=cint_version_major.3 \
	cint_detach.3=cint_attach.3 cint_queue_exit.3=cint_queue_init.3 \
	cint_backend_name.3=cint_backend.3 cint_explain.3=cint_backend.3 \
	cint_wait_cqe.3=cint_wait_cqes.3 cint_cqe_taken.3=cint_plan.3 \
	cint_peek_cqe.3=cint_cqe_seen.3 cint_cq_advance.3=cint_cqe_seen.3 \
	cint_for_each_cqe.3=cint_cqe_seen.3 \
	cint_submit_and_wait_timeout.3=cint_submit_and_wait.3

INSTALL_TARGETS += install-man

install-man:
	@for page in $(MAN_PAGES); do \
		dir=$(DESTDIR)$(mandir)/man$${page##*.} && \
		$(INSTALL) -d $$dir && \
		$(INSTALL_DATA) $(srcdir)/man/$$page $$dir || exit 1; \
	done; \
	for link in $(MAN_LINKS); do \
		ln -sf $${link#*=} $(DESTDIR)$(mandir)/man3/$${link%%=*} || exit 1; \
	done

CHECK_LIB_TESTS += $(srcdir)/test/lib/man-pages
