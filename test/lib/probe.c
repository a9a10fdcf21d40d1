// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The probe agrees with what the kernel does when asked without the library. */
#include <sys/mman.h>
#include "helpers.h"

static bool kernel_takes_sqe_flag(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int res;

	test_ring(&ring, 1);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags = 1U << 7;
	res = test_run_sqe(&ring);
	io_uring_queue_exit(&ring);
	CHECK(res == 0 || res == -EINVAL);
	return !res;
}

static bool kernel_takes_rwf(int flag)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	int fd = memfd_create("test", MFD_CLOEXEC);
	ssize_t ret;

	CHECK(fd >= 0);
	ret = preadv2(fd, &iov, 1, 0, flag);
	CHECK(ret == 0 || errno == EOPNOTSUPP);
	close(fd);
	return !ret;
}

static bool kernel_has_opcode(void)
{
	struct io_uring_cint query = {
		.size = sizeof(query), .version = 1, .flags = IORING_CINT_QUERY,
	};
	struct io_uring ring;
	int ret;

	test_ring(&ring, 1);
	ret = io_uring_register((unsigned int)ring.ring_fd, 60, &query, 1);
	io_uring_queue_exit(&ring);
	CHECK(ret >= 0 || ret == -EINVAL);
	return ret >= 0;
}

static bool has(const struct cint_probe *probe, enum cint_feature feature)
{
	return probe->features >> feature & 1U;
}

static void explained(const struct cint_probe *probe, const char *phrase)
{
	char text[256], tiny[8];
	int feature, len;

	for (feature = 0; feature < CINT_FEATURE_NR; feature++) {
		len = cint_probe_explain(probe, feature, text, sizeof(text));
		printf("%s\n", text);
		CHECK(len > 0 && len < (int)sizeof(text));
		CHECK(strstr(text, cint_feature_name(feature)));
		CHECK_EQ(has(probe, feature), probe->error[feature] == 0);
		CHECK_EQ(has(probe, feature), strstr(text, ": supported") != NULL);
		if (!has(probe, feature) && phrase)
			CHECK(strstr(text, phrase));
		CHECK_EQ(cint_probe_explain(probe, feature, tiny, sizeof(tiny)), len);
		CHECK_EQ(strlen(tiny), sizeof(tiny) - 1);
	}
	CHECK_EQ(cint_probe_explain(probe, CINT_FEATURE_NR, text, sizeof(text)), -EINVAL);
	CHECK(!cint_feature_name(CINT_FEATURE_NR));
}

static void forced(void)
{
	struct cint_probe probe;

	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.features, 0);
	CHECK_EQ(probe.flags, CINT_PROBE_FORCED);
	CHECK_EQ(cint_marks(), 0);
	explained(&probe, "LIBURING_CINT_FORCE_STOCK");

	/* 0 is how one says no */
	setenv("LIBURING_CINT_FORCE_STOCK", "0", 1);
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.flags, 0);
}

int main(void)
{
	struct cint_probe probe, again;
	bool confirmed = kernel_has_opcode();

	test_in_child(forced);

	memset(&probe, 0xff, sizeof(probe));
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.flags, 0);
	CHECK_EQ(has(&probe, CINT_FEATURE_SQE_URGENT), confirmed && kernel_takes_sqe_flag());
	CHECK_EQ(has(&probe, CINT_FEATURE_RWF_URGENT), confirmed && kernel_takes_rwf(0x4000));
	CHECK_EQ(has(&probe, CINT_FEATURE_RWF_BARRIER), confirmed && kernel_takes_rwf(0x8000));
	CHECK_EQ(has(&probe, CINT_FEATURE_RING_PARAMS), confirmed);
	CHECK_EQ(probe.features >> CINT_FEATURE_NR, 0);
	explained(&probe, "not supported by this kernel");

	CHECK_EQ(cint_probe(&again), 0);
	CHECK(!memcmp(&probe, &again, sizeof(probe)));

	CHECK_EQ(cint_marks(),
		 (has(&probe, CINT_FEATURE_SQE_URGENT) ? 0x80 : 0) |
		 (has(&probe, CINT_FEATURE_RWF_URGENT) ? 0x4000 : 0) |
		 (has(&probe, CINT_FEATURE_RWF_BARRIER) ? 0x8000 : 0));

	CHECK_EQ(cint_version_major(), LIBURING_CINT_VERSION_MAJOR);
	CHECK_EQ(cint_version_minor(), LIBURING_CINT_VERSION_MINOR);
	CHECK(LIBURING_CINT_CHECK_VERSION(0, 1));
	CHECK(!LIBURING_CINT_CHECK_VERSION(LIBURING_CINT_VERSION_MAJOR + 1, 0));
	return 0;
}
