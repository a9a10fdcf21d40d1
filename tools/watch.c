// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Counters, and what they gained in each interval. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cintctl.h"
#include "json.h"

/* The counters of a controller at one time. */
struct reading {
	char	*stats;		/* NULL: can't be read, by error */
	int	error;
	struct counter *counters;
	size_t	nr;
	struct timespec time;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void reading_take(struct reading *reading, const struct controller *controller)
{
	*reading = (struct reading) { 0 };
	clock_gettime(CLOCK_MONOTONIC, &reading->time);
	reading->stats = controller_stats(controller);
	if (reading->stats)
		reading->counters = counters_parse(reading->stats, &reading->nr);
	else
		reading->error = errno;
}

static void reading_free(struct reading *reading)
{
	free(reading->counters);
	free(reading->stats);
}

static const struct counter *reading_find(const struct reading *reading, const char *name)
{
	size_t i;

	for (i = 0; i < reading->nr; i++) {
		if (!strcmp(reading->counters[i].name, name))
			return &reading->counters[i];
	}
	return NULL;
}

static double seconds_between(const struct reading *from, const struct reading *to)
{
	return (double)(to->time.tv_sec - from->time.tv_sec) +
	       (double)(to->time.tv_nsec - from->time.tv_nsec) / 1e9;
}

/* True with @gain if the counter has counted on since @before. */
static bool counter_gain(const struct counter *now, const struct reading *before,
			 unsigned long long *gain)
{
	const struct counter *then = reading_find(before, now->name);

	/* Less than before: the mode was chosen anew, which begins at zero. */
	if (!then || !then->is_number || !now->is_number || counter_is_gauge(now->name) ||
	    now->number < then->number)
		return false;
	*gain = now->number - then->number;
	return true;
}

static const char *value_of(const struct controller *controller, const char *name)
{
	const struct attribute *attribute = controller_attribute(controller, name);

	return attribute && attribute->value ? attribute->value : "unknown";
}

/* Deliveries a completion in the interval; false if there was no completion. */
static bool fires_per_completion(const struct reading *now, const struct reading *before,
				 double *ratio)
{
	const struct counter *fires = reading_find(now, "fires");
	const struct counter *completions = reading_find(now, "completions");
	unsigned long long fired, completed;

	if (!fires || !completions || !counter_gain(fires, before, &fired) ||
	    !counter_gain(completions, before, &completed) || !completed)
		return false;
	*ratio = (double)fired / (double)completed;
	return true;
}

static void print_reading(const struct controller *controller, const struct reading *now,
			  const struct reading *before)
{
	double seconds = seconds_between(before, now), ratio;
	unsigned long long gain;
	size_t i;

	printf("%s: mode %s, policy %s, ", controller->name, value_of(controller, "mode"),
	       value_of(controller, "policy"));
	if (!now->stats) {
		printf("no counters: %s\n", strerror(now->error));
		return;
	}
	printf("%.2f s\n", seconds);
	printf("  %-16s %20s %14s\n", "counter", "total", "per second");
	for (i = 0; i < now->nr; i++) {
		const struct counter *c = &now->counters[i];

		if (counter_gain(c, before, &gain) && seconds > 0)
			printf("  %-16s %20llu %14.0f\n", c->name, c->number,
			       (double)gain / seconds);
		else if (c->is_number)
			printf("  %-16s %20llu %14s\n", c->name, c->number, "-");
		else
			printf("  %-16s %s\n", c->name, c->text);
	}
	if (fires_per_completion(now, before, &ratio))
		printf("  %-16s %20s %14.3f\n", "fires/completion", "", ratio);
}

static void json_reading(const struct controller *controller, const struct reading *now,
			 const struct reading *before)
{
	struct json json = { .file = stdout, .compact = true };
	double seconds = seconds_between(before, now), ratio;
	unsigned long long gain;
	struct timespec wall;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &wall);
	json_begin_object(&json, NULL);
	json_real(&json, "time", (double)wall.tv_sec + (double)wall.tv_nsec / 1e9);
	json_string(&json, "controller", controller->name);
	json_string(&json, "mode", value_of(controller, "mode"));
	json_string(&json, "policy", value_of(controller, "policy"));
	if (now->stats) {
		json_real(&json, "interval_s", seconds);
		json_begin_object(&json, "stats");
		for (i = 0; i < now->nr; i++)
			json_scalar(&json, now->counters[i].name, now->counters[i].text);
		json_end_object(&json);
		json_begin_object(&json, "gained");
		for (i = 0; i < now->nr; i++) {
			if (counter_gain(&now->counters[i], before, &gain))
				json_unsigned(&json, now->counters[i].name, gain);
		}
		json_end_object(&json);
		if (fires_per_completion(now, before, &ratio))
			json_real(&json, "fires_per_completion", ratio);
	} else {
		json_string(&json, "error", strerror(now->error));
	}
	json_end_object(&json);
}

static void timespec_add(struct timespec *time, double seconds)
{
	time->tv_sec += (time_t)seconds;
	time->tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (time->tv_nsec >= 1000000000) {
		time->tv_nsec -= 1000000000;
		time->tv_sec++;
	}
}

/*
 * Sleeps on absolute times, so that intervals do not drift. Those that passed
 * while the program was stopped are not made up for.
 */
static void sleep_interval(struct timespec *next, double interval)
{
	struct timespec now, late;

	timespec_add(next, interval);
	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
	late = *next;
	timespec_add(&late, interval);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > late.tv_sec ||
	    (now.tv_sec == late.tv_sec && now.tv_nsec > late.tv_nsec))
		*next = now;
}

/* Mode and policy may change meanwhile; false if the controller is gone. */
static bool controller_refresh(struct controller *controller)
{
	char *names[] = { controller->name };
	char *dir = xprintf("%s/sys/class/nvme/%s", root_dir(), controller->name);
	bool there = !access(dir, F_OK);
	struct controllers now;

	free(dir);
	if (!there)
		return false;
	if (!controllers_find(&now, names, 1)) {
		controllers_free(&now);
		return false;
	}
	/* The fresh one is kept and the stale one freed. */
	struct controller fresh = now.list[0];

	now.list[0] = *controller;
	*controller = fresh;
	controllers_free(&now);
	return controller->coalesces;
}

/* A terminal that takes the codes which clear it. */
static bool is_screen(const struct options *options)
{
	const char *term = getenv("TERM");

	return !options->json && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb");
}

/* One of the controllers that are watched. */
struct watched {
	struct controller *controller;
	struct reading before;	/* the last one that was taken */
	bool gone;
};

static bool watched_begin(struct watched *watched, struct controller *controller)
{
	*watched = (struct watched) { .controller = controller };
	if (!controller->coalesces) {
		complain_unsupported(controller, " has no counters");
		watched->gone = true;
		return false;
	}
	reading_take(&watched->before, controller);
	return true;
}

/* Shows what there is. True if a reading was taken. */
static bool watched_look(struct watched *watched, const struct options *options)
{
	struct reading now;

	if (!controller_refresh(watched->controller)) {
		complain("%s is gone", watched->controller->name);
		watched->gone = true;
		return false;
	}
	reading_take(&now, watched->controller);
	if (options->json)
		json_reading(watched->controller, &now, &watched->before);
	else
		print_reading(watched->controller, &now, &watched->before);
	/* What is gained while nothing can be read is gained by the next one. */
	if (!now.stats) {
		reading_free(&now);
		return false;
	}
	reading_free(&watched->before);
	watched->before = now;
	return true;
}

int command_watch(struct controllers *controllers, const struct options *options)
{
	struct sigaction action = { .sa_handler = stop };
	unsigned long taken = 0, missed = 0;
	bool screen = is_screen(options), any;
	struct watched *watched;
	struct timespec next;
	size_t i, left = 0;

	watched = calloc(controllers->nr + 1, sizeof(*watched));
	if (!watched)
		out_of_memory();
	for (i = 0; i < controllers->nr; i++)
		left += watched_begin(&watched[i], &controllers->list[i]);
	if (!controllers->nr)
		complain("there is no NVMe controller");
	/* No SA_RESTART: the sleep is to end. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &next);
	/* As many intervals in a row without a reading are the end, too. */
	while (left && !(options->count &&
			 (taken == options->count || missed == options->count))) {
		sleep_interval(&next, options->interval);
		if (stopped)
			break;
		if (screen)
			printf("\033[H\033[2J");
		any = false;
		for (i = 0; i < controllers->nr; i++) {
			if (watched[i].gone)
				continue;
			any |= watched_look(&watched[i], options);
			left -= watched[i].gone;
		}
		taken += any;
		missed = any ? 0 : missed + 1;
		if (!options->json && !screen)
			printf("\n");
		if (fflush(stdout))
			break;
	}
	if (left && options->count && missed == options->count)
		complain("no counters could be read in %lu interval%s", missed,
			 missed == 1 ? "" : "s");
	for (i = 0; i < controllers->nr; i++)
		reading_free(&watched[i].before);
	free(watched);
	return left && !(options->count && missed == options->count) ? CTL_OK : CTL_FAILED;
}
