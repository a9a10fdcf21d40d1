// SPDX-License-Identifier: GPL-2.0
/* cintwhy(8): where the time of slow NVMe requests went. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/cint_policy.h>
#include "bpf/cintwhy.skel.h"
#include "cintwhy.h"
#include "tool.h"

static struct {
	uint64_t	controllers;
	double		duration, limit_us;
	unsigned long	count;
	bool		json;
} options = { .limit_us = 1000 };

static bool traced;		/* the driver says what it holds */
static unsigned long told;

static void usage(FILE *file)
{
	fputs("Usage: cintwhy [OPTION]...\n"
	      "\n"
	      "Tells of every NVMe request that took longer than a limit where the time went,\n"
	      "what held its completion, and which setting would have avoided that.\n"
	      "\n"
	      "  -l, --limit=US        from being handed to the driver to completion [1000]\n"
	      "  -d, --device=NAME     only this controller (nvme0); may be repeated\n"
	      "  -D, --duration=S      end after that many seconds\n"
	      "  -n, --count=N         end after that many requests\n"
	      "  -j, --json            a line of JSON for each\n"
	      "  -h, --help            this text\n", file);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "limit", required_argument, NULL, 'l' },
		{ "device", required_argument, NULL, 'd' },
		{ "duration", required_argument, NULL, 'D' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "l:d:D:n:jh", names, NULL)) >= 0) {
		switch (option) {
		case 'l':
			options.limit_us = tool_number("--limit", optarg, 0, 1e9);
			break;
		case 'd':
			tool_add_controller(&options.controllers, optarg);
			break;
		case 'D':
			options.duration = tool_number("--duration", optarg, 0.01, 1e6);
			break;
		case 'n':
			options.count = (unsigned long)tool_number("--count", optarg, 1, 1e9);
			break;
		case 'j':
			options.json = true;
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
		fprintf(stderr, "cintwhy: unknown argument '%s'\n", argv[optind]);
		usage(stderr);
		exit(2);
	}
}

static const char *op_name(uint32_t op)
{
	static const char *const names[] = { "read", "write", "flush", "discard" };

	return op < 4 ? names[op] : "other";
}

/* What held it, and how that could have been avoided. */
static void explain(const struct why_event *e, char *why, size_t why_size, char *avoid,
		    size_t avoid_size)
{
	const double held_us = e->hold_ns && e->fire_ns > e->hold_ns ?
		(double)(e->fire_ns - e->hold_ns) / 1000 : 0;
	const double drive_us = e->done_ns > e->submit_ns ?
		(double)(e->done_ns - e->submit_ns) / 1000 : 0;
	const double total_us = (double)(e->complete_ns - e->submit_ns) / 1000;
	const double late_us = total_us - drive_us - held_us;
	char mode[64], mark[64] = "mark the request urgent, or ";

	avoid[0] = '\0';
	tool_setting(e->ctrl, "mode", mode, sizeof(mode));
	if (e->urgent)
		mark[0] = '\0';
	if (held_us > drive_us && held_us > late_us) {
		switch (e->reason) {
		case CINT_FIRE_BARRIER:
			snprintf(why, why_size, "held %.1f us, until a barrier's last request "
				 "had completed", held_us);
			snprintf(avoid, avoid_size, "%send its batch by a barrier of its own",
				 mark);
			break;
		case CINT_FIRE_THRESHOLD:
			snprintf(why, why_size, "held %.1f us, until %u completions had come",
				 held_us, e->batch);
			snprintf(avoid, avoid_size, "%sset threshold to %u or less", mark,
				 e->held ? e->held : 1);
			break;
		case CINT_FIRE_QUIET:
			snprintf(why, why_size, "held %.1f us, until no other had completed "
				 "for the quiescent period", held_us);
			snprintf(avoid, avoid_size, "%sset delta_ns, and delta_min_ns, below "
				 "%.0f", mark, e->deadline_ns > e->hold_ns ?
				 (double)(e->deadline_ns - e->hold_ns) : held_us * 1000);
			break;
		case CINT_FIRE_MAX_HOLD:
			snprintf(why, why_size, "held %.1f us, as long as a completion may be",
				 held_us);
			snprintf(avoid, avoid_size, "%sset max_hold_ns below %.0f", mark,
				 held_us * 1000);
			break;
		case CINT_FIRE_RATE:
			snprintf(why, why_size, "held %.1f us, until no other was expected in "
				 "time", held_us);
			snprintf(avoid, avoid_size, "%sset delta_min_ns below %.0f", mark,
				 held_us * 1000);
			break;
		case CINT_FIRE_URGENT:
			snprintf(why, why_size, "held %.1f us, until an urgent one took all "
				 "with it", held_us);
			snprintf(avoid, avoid_size, "%sset a shorter delta_ns", mark);
			break;
		case CINT_FIRE_FLUSH:
			snprintf(why, why_size, "held %.1f us, until the driver had to let "
				 "everything go", held_us);
			snprintf(avoid, avoid_size, "%sset a shorter delta_ns", mark);
			break;
		default:
			snprintf(why, why_size, "held %.1f us; what ended that was not seen",
				 held_us);
		}
		return;
	}
	if (late_us > drive_us) {
		snprintf(why, why_size, "%.1f us from when the driver had the completion until "
			 "it was processed, after %.1f us held", late_us, held_us);
		snprintf(avoid, avoid_size, "the CPU that owns the queue was busy: a smaller "
			 "threshold makes its batches shorter");
		return;
	}
	if (!strcmp(mode, "device")) {
		snprintf(why, why_size, "%.1f us in the drive, which coalesces itself (mode "
			 "device): how much of that it held, the driver can't see", drive_us);
		snprintf(avoid, avoid_size, "%sset a shorter delta_ns", mark);
		return;
	}
	snprintf(why, why_size, "%.1f us in the drive, or until its interrupt was served",
		 drive_us);
	snprintf(avoid, avoid_size, "no setting of the coalescer");
}

static void step(const struct why_event *e, uint64_t ns, uint64_t *last, const char *format,
		 const char *detail)
{
	if (!ns)
		return;
	printf("  %10.1f us  (+%.1f)  ", (double)(ns - e->submit_ns) / 1000,
	       ns > *last ? (double)(ns - *last) / 1000 : 0);
	printf(format, detail);
	putchar('\n');
	*last = ns;
}

static int show(void *context, void *data, size_t size)
{
	const struct why_event *e = data;
	uint64_t last = e->submit_ns;
	char why[192], avoid[192], detail[96];

	(void)context;
	(void)size;
	if (options.count && told >= options.count)
		return 0;
	told++;
	explain(e, why, sizeof(why), avoid, sizeof(avoid));
	if (options.json) {
		printf("{\"device\":\"nvme%u\",\"queue\":%u,\"group\":%u,\"tag\":%u,\"op\":\"%s\","
		       "\"bytes\":%u,\"urgent\":%u,\"barrier\":%u,\"pid\":%u,"
		       "\"total_ns\":%" PRIu64, e->ctrl, e->qid, e->group, e->tag,
		       op_name(e->op), e->bytes, e->urgent, e->barrier, e->pid,
		       (uint64_t)(e->complete_ns - e->submit_ns));
		if (e->done_ns)
			printf(",\"done_ns\":%" PRIu64, (uint64_t)(e->done_ns - e->submit_ns));
		if (e->hold_ns && e->fire_ns)
			printf(",\"held_ns\":%" PRIu64, (uint64_t)(e->fire_ns - e->hold_ns));
		if (e->fire_ns)
			printf(",\"fired_ns\":%" PRIu64 ",\"reason\":\"%s\",\"batch\":%u",
			       (uint64_t)(e->fire_ns - e->submit_ns),
			       cint_reason_name((enum cint_reason)e->reason), e->batch);
		if (e->reaped == WHY_WOKEN)
			printf(",\"reaped_ns\":%" PRIu64, (uint64_t)(e->reap_ns - e->submit_ns));
		printf(",\"why\":\"%s\",\"avoid\":\"%s\"}\n", why, avoid);
		fflush(stdout);
		return 0;
	}
	printf("nvme%u queue %u tag %u: %s of %u bytes%s%s by %s (%u)\n", e->ctrl, e->qid,
	       e->tag, op_name(e->op), e->bytes, e->urgent ? ", urgent" : "",
	       e->barrier ? ", barrier" : "", e->comm, e->pid);
	step(e, e->submit_ns, &last, "submitted%s", "");
	step(e, e->done_ns, &last, "the driver has its completion%s", "");
	snprintf(detail, sizeof(detail), "%u of group %u", e->held, e->group);
	step(e, e->hold_ns, &last, "held, number %s", detail);
	snprintf(detail, sizeof(detail), "%s, with a batch of %u",
		 cint_reason_name((enum cint_reason)e->reason), e->batch);
	step(e, e->fire_ns, &last, "fired: %s", detail);
	step(e, e->complete_ns, &last, "completed%s", "");
	if (e->reaped == WHY_WOKEN)
		step(e, e->reap_ns, &last, "reaped: its thread runs%s", "");
	else if (e->reaped == WHY_RUNNING)
		puts("               its thread did not sleep");
	printf("  why:   %s\n", why);
	if (avoid[0])
		printf("  avoid: %s\n", avoid);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct cintwhy_bpf *skeleton;
	struct ring_buffer *ring;
	uint64_t end;

	tool_init("cintwhy");
	parse(argc, argv);
	tool_check();
	if (!options.controllers)
		options.controllers = tool_all_controllers();
	traced = tool_has_tracepoint("cint_hold");

	skeleton = cintwhy_bpf__open();
	if (!skeleton)
		tool_die("cannot open the BPF programs: %s", strerror(errno));
	skeleton->rodata->only_controllers = options.controllers;
	skeleton->rodata->limit_ns = (uint64_t)(options.limit_us * 1000);
	bpf_program__set_autoload(skeleton->progs.on_hold, traced);
	bpf_program__set_autoload(skeleton->progs.on_urgent, traced);
	bpf_program__set_autoload(skeleton->progs.on_fire, traced);
	if (cintwhy_bpf__load(skeleton))
		tool_die("the kernel does not take the BPF programs: %s "
			 "(CINT_BPF_DEBUG=1 shows why)", strerror(errno));
	ring = ring_buffer__new(bpf_map__fd(skeleton->maps.events), show, NULL, NULL);
	if (!ring)
		tool_die("cannot map the ring buffer: %s", strerror(errno));
	if (cintwhy_bpf__attach(skeleton))
		tool_die("cannot attach to a tracepoint: %s", strerror(errno));
	fprintf(stderr, "cintwhy: view %s, requests of %g us and more\n", traced ?
		"cint: what the driver holds is seen" :
		"interrupts: the kernel has no tracepoints of cint, what is held is not seen",
		options.limit_us);

	end = options.duration ? tool_now_ns() + (uint64_t)(options.duration * 1e9) : UINT64_MAX;
	while (!tool_stop && tool_now_ns() < end && (!options.count || told < options.count))
		ring_buffer__poll(ring, 100);
	ring_buffer__consume(ring);
	fprintf(stderr, "cintwhy: %lu slow requests", told);
	if (skeleton->bss->lost)
		fprintf(stderr, ", and %" PRIu64 " that could not be followed",
			(uint64_t)skeleton->bss->lost);
	fputc('\n', stderr);
	ring_buffer__free(ring);
	cintwhy_bpf__destroy(skeleton);
	return 0;
}
