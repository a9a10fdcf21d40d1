// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A bad parameter is named, with its value and what would be right. */
#include "helpers.h"

static void bad(const struct io_uring_cint *params, const char *name,
		const char *value, const char *range)
{
	char text[128], tiny[4];

	CHECK_EQ(cint_params_explain(params, text, sizeof(text)), -EINVAL);
	printf("%s\n", text);
	CHECK(!strncmp(text, name, strlen(name)));
	CHECK(strstr(text, value));
	CHECK(strstr(text, range));

	/* a small buffer is filled and not overrun */
	memset(tiny, 'x', sizeof(tiny));
	CHECK_EQ(cint_params_explain(params, tiny, sizeof(tiny) - 1), -EINVAL);
	CHECK_EQ(tiny[2], 0);
	CHECK_EQ(tiny[3], 'x');
}

int main(void)
{
	struct io_uring_cint good, p;
	char text[128];
	int policy;

	memset(&good, 0xff, sizeof(good));
	cint_params_init(&good);
	CHECK_EQ(good.size, sizeof(good));
	CHECK_EQ(good.version, IORING_CINT_VERSION);
	CHECK_EQ(good.group | good.features, 0);
	CHECK_EQ(good.completions | good.urgent | good.fires, 0);
	CHECK_EQ(cint_params_explain(&good, text, sizeof(text)), 0);

	p = good; p.policy = 6;
	bad(&p, "policy", "6", "0 (none) to 5 (cint-rate)");
	p = good; p.flags = 0x12;
	bad(&p, "flags", "0x12", "IORING_CINT_OOO");
	p = good; p.threshold = 0;
	bad(&p, "threshold", "0", "1 to 256");
	p = good; p.threshold = 257;
	bad(&p, "threshold", "257", "1 to 256");
	p = good; p.delta_ns = 10000001;
	bad(&p, "delta_ns", "10000001", "0 to 10000000 ns");
	p = good; p.delta_min_ns = 4294967295U;
	bad(&p, "delta_min_ns", "4294967295", "0 to 10000000 ns");
	p = good; p.max_hold_ns = 10000001;
	bad(&p, "max_hold_ns", "10000001", "0 to 10000000 ns");
	p = good; p.correction = 16001;
	bad(&p, "correction", "16001", "0 to 16000");

	/* the bounds themselves are in range */
	p = good;
	p.policy = CINT_POLICY_NONE;
	p.flags = 0;
	p.threshold = 1;
	p.delta_ns = p.delta_min_ns = p.max_hold_ns = 0;
	p.correction = 0;
	CHECK_EQ(cint_params_explain(&p, text, sizeof(text)), 0);
	p.threshold = 256;
	p.delta_ns = p.delta_min_ns = p.max_hold_ns = 10000000;
	p.correction = 16000;
	CHECK_EQ(cint_params_explain(&p, text, sizeof(text)), 0);

	for (policy = 0; policy < CINT_POLICY_NR; policy++)
		CHECK_EQ(cint_policy_from_name(cint_policy_name((__u32)policy)), policy);
	CHECK(!cint_policy_name(CINT_POLICY_NR));
	CHECK_EQ(cint_policy_from_name("cint-"), -EINVAL);
	CHECK_EQ(cint_policy_from_name(""), -EINVAL);
	CHECK_EQ(cint_policy_from_name("cint-a"), CINT_POLICY_CINT_A);

	CHECK(strstr(cint_strerror(-EINVAL), "range"));
	CHECK(strstr(cint_strerror(-EOPNOTSUPP), "kernel"));
	CHECK(!strcmp(cint_strerror(-EBADF), "Bad file descriptor"));
	CHECK(cint_strerror(-99999));
	return 0;
}
