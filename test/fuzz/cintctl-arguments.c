// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The arguments of cintctl, one a line. A first line "!N" has the Nth write to the driver
 * refused, "!N busy" with EBUSY.
 *
 * Whatever they are: it ends with one of its statuses, JSON is JSON, what only shows or
 * tries changes nothing, and a "set" is done, or nothing is changed.
 */
#define CINT_FUZZ_WORLD_ITSELF
#include "fuzz.h"
#include "world.h"

#define MAX_WORDS	32

static const char conf[] = "[nvme*]\nthreshold = 9\nmode = kthread\n[serial=FAKE0]\nooo = 0\n";

/* Cuts the lines; returns how many. */
static int cut(char *text, char **words)
{
	int nr = 0;
	char *line;

	while (nr < MAX_WORDS && (line = strsep(&text, "\n")))
		words[nr++] = line;
	return nr;
}

static bool is_among(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(word, *words))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const harmless[] = {
		"list", "show", "support", "watch", "complete", NULL
	};
	char *words[MAX_WORDS + 2] = { (char *)"cintctl" }, *argv[MAX_WORDS + 2];
	char *text = strndup((const char *)data, size), *rest;
	bool json = false, dry_run = false, harms = false, sets = false;
	int nr, i, status, error = EINVAL;
	unsigned long refused = 0;
	uint64_t before;

	world_reset();
	world_put(WORLD_CONF, conf, sizeof(conf) - 1);
	rest = text;
	if (*rest == '!') {
		refused = strtoul(rest + 1, &rest, 10);
		if (!strncmp(rest, " busy", 5))
			error = EBUSY;
		rest += strcspn(rest, "\n");
		rest += *rest == '\n';
	}
	nr = cut(rest, words + 1);
	for (i = 1; i <= nr; i++) {
		json |= !strcmp(words[i], "-j") || !strcmp(words[i], "--json");
		dry_run |= !strcmp(words[i], "-n") || !strcmp(words[i], "--dry-run");
		/* anything that may be a command, or hide one */
		harms |= *words[i] != '-' && !is_among(words[i], harmless);
	}
	sets = nr && !strcmp(words[1], "set");
	/* getopt changes their order */
	memcpy(argv, words, sizeof(argv));
	world_refuse((unsigned int)refused, error);
	before = world_sum();
	status = world_run_list(nr + 1, argv);
	WORLD_CHECK(status >= 0 && status <= 3);
	/* after the one that fails all others succeed */
	WORLD_CHECK(status != 3);
	if (json && *world_output == '{')
		WORLD_CHECK(json_is_valid(world_output, world_output_size));
	if (!harms || (sets && status) || status == 2)
		WORLD_CHECK(world_sum() == before);
	if (dry_run && nr && !strcmp(words[1], "-n"))
		WORLD_CHECK(world_sum() == before);
	free(text);
	return 0;
}
