// SPDX-License-Identifier: GPL-2.0
/* cintstat(8): what becomes of NVMe completions. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/cint_policy.h>
#include "bpf/cintstat.skel.h"
#include "cintstat.h"
#include "tool.h"

enum view { VIEW_AUTO, VIEW_CINT, VIEW_INTERRUPTS };

static const char *const view_names[] = { "auto", "cint", "interrupts" };

static struct {
	uint64_t	controllers;
	double		interval, duration;
	bool		json;
	enum view	view;
} options;

static struct cintstat_bpf *skeleton;

static void usage(FILE *file)
{
	fputs("Usage: cintstat [OPTION]...\n"
	      "\n"
	      "Counts what becomes of NVMe completions until interrupted, then reports.\n"
	      "\n"
	      "  -d, --device=NAME     only this controller (nvme0); may be repeated\n"
	      "  -D, --duration=S      end after that many seconds\n"
	      "  -i, --interval=S      report that often, each time what was new\n"
	      "  -j, --json            a line of JSON for each queue and group\n"
	      "  -v, --view=VIEW       cint: what the driver's coalescer does;\n"
	      "                        interrupts: interrupts a request, on any kernel;\n"
	      "                        auto: the first if it coalesces for one of the\n"
	      "                        devices, else the second [auto]\n"
	      "  -h, --help            this text\n", file);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "duration", required_argument, NULL, 'D' },
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "view", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option, i;

	while ((option = getopt_long(argc, argv, "d:D:i:jv:h", names, NULL)) >= 0) {
		switch (option) {
		case 'd':
			tool_add_controller(&options.controllers, optarg);
			break;
		case 'D':
			options.duration = tool_number("--duration", optarg, 0.01, 1e6);
			break;
		case 'i':
			options.interval = tool_number("--interval", optarg, 0.01, 1e6);
			break;
		case 'j':
			options.json = true;
			break;
		case 'v':
			for (i = 0; i < 3 && strcmp(optarg, view_names[i]); i++)
				;
			if (i == 3)
				tool_die("--view '%s' is not auto, cint or interrupts", optarg);
			options.view = (enum view)i;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cintstat: unknown argument '%s'\n", argv[optind]);
		usage(stderr);
		exit(2);
	}
}

/* What is shown, and why. */
static const char *choose_view(void)
{
	const bool traced = tool_has_tracepoint("cint_fire");
	unsigned int i;

	if (options.view == VIEW_CINT && !traced)
		tool_die("missing tracepoint: cint_fire; --view cint needs a kernel whose nvme "
			 "driver coalesces (CONFIG_NVME_CINT)");
	if (options.view != VIEW_AUTO)
		return "as asked for";
	options.view = VIEW_INTERRUPTS;
	if (!traced)
		return "the kernel has no tracepoints of cint";
	for (i = 0; i < MAX_CONTROLLERS; i++)
		if (options.controllers >> i & 1 && tool_driver_coalesces(i)) {
			options.view = VIEW_CINT;
			return "the driver coalesces";
		}
	return "the driver does not coalesce now";
}

/*
 * An interrupt of a queue may come while another program adds to the same map, and
 * then nothing can be added. So all queues that have an interrupt are there before.
 */
static void add_queues(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	const struct queue_counts zero = {};
	struct queue_key key;
	char line[4096], *name;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		for (name = line; (name = strstr(name, "nvme")); name += 4)
			if (sscanf(name, "nvme%uq%u", &key.ctrl, &key.qid) == 2 && key.qid)
				bpf_map__update_elem(skeleton->maps.queues, &key, sizeof(key),
						     &zero, sizeof(zero), BPF_NOEXIST);
	fclose(file);
}

static void load(void)
{
	skeleton = cintstat_bpf__open();
	if (!skeleton)
		tool_die("cannot open the BPF programs: %s", strerror(errno));
	skeleton->rodata->only_controllers = options.controllers;
	bpf_program__set_autoload(skeleton->progs.on_fire, options.view == VIEW_CINT);
	bpf_program__set_autoload(skeleton->progs.on_urgent, options.view == VIEW_CINT);
	bpf_program__set_autoload(skeleton->progs.on_interrupt,
				  options.view == VIEW_INTERRUPTS);
	if (cintstat_bpf__load(skeleton))
		tool_die("the kernel does not take the BPF programs: %s "
			 "(CINT_BPF_DEBUG=1 shows why)", strerror(errno));
	add_queues();
	if (cintstat_bpf__attach(skeleton))
		tool_die("cannot attach to a tracepoint: %s", strerror(errno));
}

/* Events that a program missed because it was running on that CPU already. */
static uint64_t missed(void)
{
	uint64_t sum = skeleton->bss->lost;
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

/* --- numbers that were new since the last report --------------------------------- */

struct kept {
	const void	*map;
	void		*values;	/* keys and values, one after the other */
	unsigned int	count;
};

static struct kept kept[3];

/*
 * Calls @show with key and value of every entry, in order of the keys, and if
 * @interval the value less what it was the last time.
 */
static void each(int number, struct bpf_map *map, size_t key_size, size_t value_size,
		 void (*show)(const void *key, const void *value))
{
	const size_t size = key_size + value_size;
	struct kept *old = &kept[number], now = {};
	unsigned int i, j, best;
	void *key = NULL;
	char *seen;

	for (;;) {
		if (now.count % 16 == 0) {
			now.values = realloc(now.values, (now.count + 16) * size);
			if (!now.values)
				tool_die("no memory");
			/* the old key has gone with the old place; an element that is
			 * deleted meanwhile does not count */
			key = now.count ? (char *)now.values + (now.count - 1) * size : NULL;
		}
		if (now.count == bpf_map__max_entries(map) ||
		    bpf_map__get_next_key(map, key, (char *)now.values + now.count * size,
					  key_size))
			break;
		key = (char *)now.values + now.count * size;
		if (!bpf_map__lookup_elem(map, key, key_size, (char *)key + key_size,
					  value_size, 0))
			now.count++;
	}
	seen = calloc(now.count + 1, 1);
	if (!seen)
		tool_die("no memory");
	for (i = 0; i < now.count; i++) {
		uint64_t *difference;
		char *entry;

		best = now.count;
		for (j = 0; j < now.count; j++) {
			entry = (char *)now.values + j * size;
			/* the parts of keys are little-endian numbers, controller first */
			if (!seen[j] && (best == now.count ||
			    *(uint32_t *)entry < *(uint32_t *)((char *)now.values + best * size) ||
			    (*(uint32_t *)entry == *(uint32_t *)((char *)now.values + best * size) &&
			     *(uint32_t *)(entry + 4) <
			     *(uint32_t *)((char *)now.values + best * size + 4))))
				best = j;
		}
		seen[best] = 1;
		entry = (char *)now.values + best * size;
		difference = malloc(value_size);
		if (!difference)
			tool_die("no memory");
		memcpy(difference, entry + key_size, value_size);
		for (j = 0; j < old->count; j++) {
			const char *earlier = (const char *)old->values + j * size;
			const uint64_t *value = (const uint64_t *)(earlier + key_size);
			size_t k;

			if (!memcmp(earlier, entry, key_size))
				for (k = 0; k < value_size / sizeof(*value); k++)
					difference[k] -= value[k];
		}
		show(entry, difference);
		free(difference);
	}
	free(seen);
	free(old->values);
	*old = now;
}

/* --- what is shown ------------------------------------------------------------------ */

static double seconds;		/* that the report is about */

static void json_head(const char *what, uint32_t ctrl, uint32_t qid)
{
	printf("{\"view\":\"%s\",\"what\":\"%s\",\"seconds\":%.3f,\"device\":\"nvme%u\","
	       "\"queue\":%u", view_names[options.view], what, seconds, ctrl, qid);
}

static void json_histogram(const char *name, const __u64 *slots)
{
	const char *comma = "";
	int i;

	printf(",\"%s\":[", name);
	for (i = 0; i < STAT_OCTAVES; i++) {
		if (!slots[i])
			continue;
		printf("%s[%llu,%llu]", comma, 1ULL << i, (unsigned long long)slots[i]);
		comma = ",";
	}
	putchar(']');
}

static void print_histogram(const char *title, const char *unit, const __u64 *slots)
{
	int i, first = STAT_OCTAVES, last = -1;
	__u64 most = 0;

	for (i = 0; i < STAT_OCTAVES; i++) {
		if (!slots[i])
			continue;
		if (i < first)
			first = i;
		last = i;
		if (slots[i] > most)
			most = slots[i];
	}
	if (last < 0)
		return;
	printf("    %s\n", title);
	for (i = first; i <= last; i++) {
		/* the first step has 0 in it */
		const unsigned long long low = i ? 1ULL << i : 0, high = (2ULL << i) - 1;

		printf("%12llu -> %-12llu%s : %-10llu |%-40.*s|\n", low, high, unit,
		       (unsigned long long)slots[i], (int)(40 * slots[i] / most),
		       "****************************************");
	}
}

static void show_group(const void *k, const void *v)
{
	const struct group_counts *c = v;
	const struct group_key *key = k;
	unsigned long long fires = 0;
	int reason;

	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		fires += c->fires[reason];
	if (!fires)
		return;
	if (options.json) {
		json_head("group", key->ctrl, key->qid);
		printf(",\"group\":%u,\"completions\":%llu,\"urgent\":%llu,\"fires\":%llu",
		       key->group, (unsigned long long)c->completions,
		       (unsigned long long)c->urgent, fires);
		for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
			printf(",\"fire_%s\":%llu", cint_reason_name((enum cint_reason)reason),
			       (unsigned long long)c->fires[reason]);
		printf(",\"hold_mean_ns\":%.0f",
		       (double)c->hold_sum_ns / (double)fires);
		json_histogram("batch", c->batch);
		json_histogram("hold_ns", c->hold);
		puts("}");
		return;
	}
	printf("  nvme%u queue %u group %u: %llu completions, %llu urgent, %llu deliveries "
	       "(%.2f each)\n    by reason:", key->ctrl, key->qid, key->group,
	       (unsigned long long)c->completions, (unsigned long long)c->urgent, fires,
	       (double)c->completions / (double)fires);
	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		if (c->fires[reason])
			printf(" %s %llu", cint_reason_name((enum cint_reason)reason),
			       (unsigned long long)c->fires[reason]);
	putchar('\n');
	print_histogram("completions a delivery", "   ", c->batch);
	print_histogram("the oldest was held for", " ns", c->hold);
}

static void show_queue(const void *k, const void *v)
{
	const struct queue_counts *c = v;
	const struct queue_key *key = k;

	if (!c->requests && !c->interrupts)
		return;
	if (options.json) {
		json_head("queue", key->ctrl, key->qid);
		printf(",\"requests\":%llu", (unsigned long long)c->requests);
		if (options.view == VIEW_INTERRUPTS)
			printf(",\"interrupts\":%llu", (unsigned long long)c->interrupts);
		puts("}");
		return;
	}
	printf("  nvme%u queue %u: %llu requests", key->ctrl, key->qid,
	       (unsigned long long)c->requests);
	if (options.view == VIEW_INTERRUPTS)
		printf(", %llu interrupts", (unsigned long long)c->interrupts);
	if (options.view == VIEW_INTERRUPTS && c->requests)
		printf(" (%.4f a request)", (double)c->interrupts / (double)c->requests);
	putchar('\n');
}

/* The middle of a slot's values. */
static double slot_ns(int slot)
{
	const int bit = (slot >> SUB_BITS) + LATENCY_LOW;
	const int part = slot & ((1 << SUB_BITS) - 1);

	return (double)(1ULL << bit) * (1 + (part + .5) / (1 << SUB_BITS));
}

static double percentile(const struct latency_counts *c, double share)
{
	const double wanted = share * (double)c->count;
	double sum = 0;
	int slot;

	for (slot = 0; slot < LATENCY_SLOTS; slot++) {
		sum += (double)c->slots[slot];
		if (sum >= wanted && c->slots[slot])
			return slot_ns(slot);
	}
	return 0;
}

static void show_latency(const void *k, const void *v)
{
	static const struct {
		const char *name;
		double share;
	} shares[] = { { "p50", .5 }, { "p99", .99 }, { "p999", .999 } };
	const struct latency_counts *c = v;
	const struct latency_key *key = k;
	const char *kind = key->urgent ? "urgent" : "other";
	unsigned int i;

	if (!c->count)
		return;
	if (options.json) {
		json_head("latency", key->ctrl, key->qid);
		printf(",\"class\":\"%s\",\"count\":%llu,\"mean_ns\":%.0f", kind,
		       (unsigned long long)c->count, (double)c->sum_ns / (double)c->count);
		for (i = 0; i < 3; i++)
			printf(",\"%s_ns\":%.0f", shares[i].name,
			       percentile(c, shares[i].share));
		puts("}");
		return;
	}
	printf("  nvme%u queue %u %s: %llu, mean %.1f us", key->ctrl, key->qid, kind,
	       (unsigned long long)c->count, (double)c->sum_ns / (double)c->count / 1000);
	for (i = 0; i < 3; i++)
		printf(", %s %.1f", shares[i].name, percentile(c, shares[i].share) / 1000);
	putchar('\n');
}

static void report(void)
{
	static uint64_t missed_before;
	const uint64_t missed_now = missed();

	if (!options.json)
		printf("after %.3f s\n", seconds);
	if (options.view == VIEW_CINT)
		each(0, skeleton->maps.groups, sizeof(struct group_key),
		     sizeof(struct group_counts), show_group);
	each(1, skeleton->maps.queues, sizeof(struct queue_key), sizeof(struct queue_counts),
	     show_queue);
	if (!options.json)
		puts("  latency, from the block layer's submission to the driver's completion:");
	each(2, skeleton->maps.latencies, sizeof(struct latency_key),
	     sizeof(struct latency_counts), show_latency);
	if (options.json)
		printf("{\"view\":\"%s\",\"what\":\"end\",\"seconds\":%.3f,\"missed\":%" PRIu64
		       "}\n", view_names[options.view], seconds, missed_now - missed_before);
	else if (missed_now != missed_before)
		printf("  %" PRIu64 " events were missed and are in no figure\n",
		       missed_now - missed_before);
	missed_before = missed_now;
	fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t begun, last, next, end, now;
	const char *why;

	tool_init("cintstat");
	parse(argc, argv);
	tool_check();
	if (!options.controllers)
		options.controllers = tool_all_controllers();
	why = choose_view();
	load();
	/* to standard error, so that what follows is all of one kind */
	fprintf(stderr, "cintstat: view %s: %s\n", view_names[options.view], why);

	begun = last = tool_now_ns();
	end = options.duration ? begun + (uint64_t)(options.duration * 1e9) : UINT64_MAX / 2;
	/* what is asked for to end it, comes before the last look, not after it */
	for (bool go_on = true; go_on; ) {
		next = options.interval ? last + (uint64_t)(options.interval * 1e9) : end;
		tool_sleep_until(next < end ? next : end);
		go_on = !tool_stop && tool_now_ns() < end;
		now = tool_now_ns();
		seconds = (double)(now - last) / 1e9;
		last = now;
		report();
	}
	cintstat_bpf__destroy(skeleton);
	return 0;
}
