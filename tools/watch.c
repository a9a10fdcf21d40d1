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

	printf("%s: mode %s, policy %s, %.2f s\n", controller->name,
	       value_of(controller, "mode"), value_of(controller, "policy"), seconds);
	if (!now->stats) {
		printf("  counters can't be read: %s\n", strerror(now->error));
		return;
	}
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
	json_real(&json, "interval_s", seconds);
	if (now->stats) {
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

/* Sleeps on absolute times, so that intervals do not drift. */
static void sleep_until(struct timespec *next, double interval)
{
	next->tv_sec += (time_t)interval;
	next->tv_nsec += (long)((interval - (double)(time_t)interval) * 1e9);
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

/* Mode and policy may change meanwhile; false if the controller is gone. */
static bool controller_refresh(struct controller *controller)
{
	char *names[] = { controller->name };
	char *dir = xprintf("%s/sys/class/nvme/%s", root_dir(), controller->name);
	bool there = !access(dir, F_OK);
	struct controllers now;

	free(dir);
	if (!there || !controllers_find(&now, names, 1))
		return false;
	/* The fresh one is kept and the stale one freed. */
	struct controller fresh = now.list[0];

	now.list[0] = *controller;
	*controller = fresh;
	controllers_free(&now);
	return controller->coalesces;
}

int command_watch(struct controllers *controllers, const struct options *options)
{
	struct sigaction action = { .sa_handler = stop };
	bool screen = !options->json && isatty(STDOUT_FILENO);
	struct reading *before, now;
	struct timespec next;
	unsigned long round;
	size_t i, watched = 0;

	before = calloc(controllers->nr + 1, sizeof(*before));
	if (!before)
		out_of_memory();
	for (i = 0; i < controllers->nr; i++) {
		struct controller *c = &controllers->list[i];

		if (c->coalesces) {
			reading_take(&before[i], c);
			watched++;
		} else {
			complain_unsupported(c, " has no counters");
		}
	}
	if (!controllers->nr)
		complain("there is no NVMe controller");
	/* No SA_RESTART: the sleep is to end. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (round = 1; watched && !stopped; round++) {
		sleep_until(&next, options->interval);
		if (stopped)
			break;
		if (screen)
			printf("\033[H\033[2J");
		for (i = 0; i < controllers->nr; i++) {
			struct controller *c = &controllers->list[i];

			if (!c->coalesces)
				continue;
			if (!controller_refresh(c)) {
				complain("%s is gone", c->name);
				c->coalesces = false;
				watched--;
				continue;
			}
			reading_take(&now, c);
			if (options->json)
				json_reading(c, &now, &before[i]);
			else
				print_reading(c, &now, &before[i]);
			reading_free(&before[i]);
			before[i] = now;
		}
		if (!options->json && !screen)
			printf("\n");
		if (fflush(stdout))
			break;
		if (round == options->count)
			break;
	}
	for (i = 0; i < controllers->nr; i++)
		reading_free(&before[i]);
	free(before);
	return watched ? CTL_OK : CTL_FAILED;
}
