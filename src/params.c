// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Coalescing parameters: defaults, names, and what is wrong with them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ring.h"

void cint_params_init(struct io_uring_cint *params)
{
	struct cint_params defaults;

	cint_params_default(&defaults);
	*params = (struct io_uring_cint) {
		.size		= sizeof(*params),
		.version	= IORING_CINT_VERSION,
		.policy		= (__u16)defaults.policy,
		.flags		= defaults.flags,
		.threshold	= defaults.threshold,
		.delta_ns	= defaults.delta_ns,
		.delta_min_ns	= defaults.delta_min_ns,
		.max_hold_ns	= defaults.max_hold_ns,
		.correction	= defaults.correction,
	};
}

int cint_policy_from_name(const char *name)
{
	int policy;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		if (!strcmp(name, cint_policy_name((__u32)policy)))
			return policy;
	}
	return -EINVAL;
}

static void cint_delay_range(char *buf, size_t len, const char *member, __u32 value)
{
	snprintf(buf, len, "%s is %u; the range is 0 to %d ns", member, value,
		 CINT_DELAY_MAX_NS);
}

int cint_params_explain(const struct io_uring_cint *params, char *buf, size_t len)
{
	const struct cint_params p = cint_params_of(params);

	switch (cint_params_check(&p)) {
	case CINT_PARAM_OK:
		snprintf(buf, len, "all parameters are in range");
		return 0;
	case CINT_PARAM_POLICY:
		snprintf(buf, len, "policy is %u; the range is 0 (%s) to %d (%s)",
			 p.policy, cint_policy_name(0), CINT_POLICY_NR - 1,
			 cint_policy_name(CINT_POLICY_NR - 1));
		break;
	case CINT_PARAM_FLAGS:
		snprintf(buf, len, "flags is 0x%x; of these, 0x%x are unknown "
			 "(known: 0x%x, IORING_CINT_OOO)", p.flags,
			 p.flags & ~CINT_F_ALL, CINT_F_ALL);
		break;
	case CINT_PARAM_THRESHOLD:
		snprintf(buf, len, "threshold is %u; the range is 1 to %d completions",
			 p.threshold, CINT_THRESHOLD_MAX);
		break;
	case CINT_PARAM_DELTA:
		cint_delay_range(buf, len, "delta_ns", p.delta_ns);
		break;
	case CINT_PARAM_DELTA_MIN:
		cint_delay_range(buf, len, "delta_min_ns", p.delta_min_ns);
		break;
	case CINT_PARAM_MAX_HOLD:
		cint_delay_range(buf, len, "max_hold_ns", p.max_hold_ns);
		break;
	case CINT_PARAM_CORRECTION:
		snprintf(buf, len, "correction is %u; the range is 0 to %d thousandths",
			 p.correction, CINT_CORRECTION_MAX);
		break;
	}
	return -EINVAL;
}
