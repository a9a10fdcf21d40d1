// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which share of the requests is marked: a percentage, or one for each size.
 *
 * A split is written as fio's bssplit: "4k/100:64k/0", with a comma before what is
 * for writes alone.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "cint.h"

#define CINT_SIZE_DIGITS	9	/* of a size before its suffix */

static int cint_split_error(const char *name, const char *entry, const char *why)
{
	cint_say("%s: '%s' %s\n", name, entry, why);
	return 1;
}

/* fio's own parser takes anything for a suffix, and what it gives may overflow. */
static int cint_split_size(const char *text, void *options, uint64_t *size)
{
	size_t digits = strspn(text, "0123456789");
	size_t suffix = strspn(text + digits, "kKmMgGiIbB");
	long long value;

	if (!digits || digits > CINT_SIZE_DIGITS || text[digits + suffix])
		return 1;
	if (str_to_decimal(text, &value, 1, options, 0, 0) || value < 1)
		return 1;
	*size = (uint64_t)value;
	return 0;
}

/* One "SIZE/PERCENTAGE". */
static int cint_split_entry(struct cint_share *share, int ddir, const char *name,
			    char *entry, void *options)
{
	unsigned int nr = share->split_nr[ddir], i;
	char *slash = strchr(entry, '/'), *end;
	uint64_t size;
	long percentage;

	if (!slash || !isdigit((unsigned char)slash[1]))
		return cint_split_error(name, entry, "is not SIZE/PERCENTAGE, such as 4k/100");
	percentage = strtol(slash + 1, &end, 10);
	if (*end || percentage > 100)
		return cint_split_error(name, entry, "has a percentage that is not 0 to 100");

	*slash = '\0';
	if (cint_split_size(entry, options, &size))
		return cint_split_error(name, entry, "is not a size of 1 to 999999999g, such as 4k");
	for (i = 0; i < nr; i++) {
		if (share->split[ddir][i].size == size)
			return cint_split_error(name, entry, "is there twice");
	}
	if (nr == CINT_SPLIT_MAX) {
		cint_say("%s: there are more than %d sizes\n", name, CINT_SPLIT_MAX);
		return 1;
	}
	share->split[ddir][nr].size = size;
	share->split[ddir][nr].percentage = (unsigned int)percentage;
	share->split_nr[ddir]++;
	return 0;
}

static int cint_split_ddir(struct cint_share *share, int ddir, const char *name,
			   char *list, void *options)
{
	char *entry;

	share->split_nr[ddir] = 0;
	if (!*list)
		return 0;
	while ((entry = strsep(&list, ":"))) {
		if (cint_split_entry(share, ddir, name, entry, options))
			return 1;
	}
	return 0;
}

/* Options go as far as fio's notion of a kilobyte, which is an option, too. */
int cint_share_parse(struct cint_share *share, const char *name, const char *text,
		     void *options)
{
	char *copy = strdup(text), *writes;
	int ret = 1;

	if (!copy)
		return 1;
	writes = strchr(copy, ',');
	if (writes)
		*writes++ = '\0';
	if (!*copy && !(writes && *writes)) {
		cint_say("%s: it is empty; give SIZE/PERCENTAGE, such as 4k/100:64k/0\n", name);
	} else if (writes && strchr(writes, ',')) {
		cint_say("%s: '%s' has more than two parts, those for reads and writes\n",
			 name, text);
	} else if (!cint_split_ddir(share, DDIR_READ, name, copy, options)) {
		if (writes) {
			ret = cint_split_ddir(share, DDIR_WRITE, name, writes, options);
		} else {
			memcpy(share->split[DDIR_WRITE], share->split[DDIR_READ],
			       sizeof(share->split[DDIR_READ]));
			share->split_nr[DDIR_WRITE] = share->split_nr[DDIR_READ];
			ret = 0;
		}
	}
	free(copy);
	return ret;
}

/* fio checks the upper bound of a percentage, but takes a negative one. */
int cint_share_check(const struct cint_share *share, const char *name)
{
	int i;

	for (i = 0; i < CINT_DDIR_NR; i++) {
		if (share->percentage[i] > 100) {
			cint_say("cint: %s is %d; the range is 0 to 100\n", name,
				 (int)share->percentage[i]);
			return 1;
		}
	}
	return 0;
}

static bool cint_share_ddir(const struct cint_share *share, int ddir)
{
	unsigned int i;

	if (share->percentage[ddir])
		return true;
	for (i = 0; i < share->split_nr[ddir]; i++) {
		if (share->split[ddir][i].percentage)
			return true;
	}
	return false;
}

bool cint_share_any(const struct cint_share *share)
{
	return cint_share_ddir(share, DDIR_READ) || cint_share_ddir(share, DDIR_WRITE);
}

/* fio seeds prio_state from randseed, so a run can be repeated. */
bool cint_share_draw(const struct cint_share *share, struct thread_data *td,
		     const struct io_u *io_u)
{
	unsigned int percentage = share->percentage[io_u->ddir], i;

	for (i = 0; i < share->split_nr[io_u->ddir]; i++) {
		if (share->split[io_u->ddir][i].size == io_u->buflen) {
			percentage = share->split[io_u->ddir][i].percentage;
			break;
		}
	}
	return percentage && rand_between(&td->prio_state, 0, 99) < percentage;
}
