// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* cintctl: coalescing of NVMe completions, see cintctl(8). */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cintctl.h"
#include "config.h"

#define INTERVAL_MIN	0.05
#define INTERVAL_MAX	3600
#define COUNT_MAX	1000000000

/* How long a cintctl waits for another; switching off is not to wait as long. */
#define LOCK_SECONDS		30
#define LOCK_SECONDS_OFF	10

static const char usage_text[] =
"Usage: cintctl [OPTION]... COMMAND [ARGUMENT]...\n"
"\n"
"Shows and sets how the NVMe driver coalesces completions.\n"
"\n"
"  list                            the controllers, one a line (default)\n"
"  show [CONTROLLER]...            parameters, their ranges, and counters\n"
"  support [CONTROLLER]...         what works here, and why something does not\n"
"  set CONTROLLER NAME=VALUE...    change parameters, all of them or none;\n"
"                                  'all' for every controller\n"
"  off [CONTROLLER]...             coalesce no longer: mode=off\n"
"  save [CONTROLLER]...            write the parameters to the configuration file\n"
"  restore [CONTROLLER]...         set them from there\n"
"  watch [CONTROLLER]...           counters, again and again\n"
"\n"
"  -n, --dry-run         check everything, say what would be done, do nothing\n"
"  -j, --json            print JSON; watch prints an object a line\n"
"  -q, --quiet           say only what goes wrong\n"
"  -o, --once            of restore: leave alone what has been set since it appeared\n"
"  -f, --file FILE       of save and restore [/etc/cint.conf]; - for standard\n"
"                        output or input\n"
"  -i, --interval S      seconds between counters, 0.05 to 3600 [1]\n"
"  -c, --count N         end after N intervals, 1 to 1000000000 [never]\n"
"  -V, --version\n"
"  -h, --help\n";

/* Ends the program. With --json there is one value also if all it has to say is why not. */
__attribute__((noreturn))
static void end(int status, bool json)
{
	struct json writer = { .file = stdout };

	if (json && !json_values()) {
		json_begin_object(&writer, NULL);
		json_complaints(&writer);
		json_end_object(&writer);
	}
	if (fflush(stdout) || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		status = CTL_FAILED;
	}
	exit(status);
}

/* As --json said, wherever it stands among the options. */
static bool usage_json;

__attribute__((noreturn, format(printf, 1, 2)))
static void usage_error(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	complain("%s; see cintctl --help", text);
	free(text);
	end(CTL_USAGE, usage_json);
}

static double parse_interval(const char *text)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	/* Written so that a NaN is out of range. */
	if (errno || end == text || *end || !isdigit((unsigned char)*text) ||
	    !(value >= INTERVAL_MIN && value <= INTERVAL_MAX))
		usage_error("--interval is '%s'; the range is %g to %d seconds", text,
			    INTERVAL_MIN, INTERVAL_MAX);
	return value;
}

static unsigned long parse_count(const char *text)
{
	long long value;

	if (!parse_integer(text, &value) || value < 1 || value > COUNT_MAX)
		usage_error("--count is '%s'; the range is 1 to %d", text, COUNT_MAX);
	return (unsigned long)value;
}

static void parse_options(int argc, char **argv, struct options *options)
{
	static const char shorts[] = "njqof:i:c:Vh";
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "once", no_argument, NULL, 'o' },
		{ "file", required_argument, NULL, 'f' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		usage_json |= c == 'j';
	opterr = 1;
	optind = 0;	/* from the beginning */
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			options->dry_run = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'o':
			options->once = true;
			break;
		case 'f':
			if (!*optarg)
				usage_error("--file is empty");
			options->file = optarg;
			break;
		case 'i':
			options->interval = parse_interval(optarg);
			break;
		case 'c':
			options->count = parse_count(optarg);
			break;
		case 'V':
			puts("cintctl " CINT_CONFIG_VERSION);
			exit(CTL_OK);
		case 'h':
			fputs(usage_text, stdout);
			exit(CTL_OK);
		default:
			/* What is wrong with it the C library has said. */
			complain("see cintctl --help");
			end(CTL_USAGE, usage_json);
		}
	}
}

static void check_assignments(char *const *assignments, int nr)
{
	int i;

	if (nr < 1)
		usage_error("set needs a controller and NAME=VALUE");
	for (i = 0; i < nr; i++) {
		if (!strchr(assignments[i], '=') || assignments[i][0] == '=')
			usage_error("'%s' is not of the form NAME=VALUE", assignments[i]);
	}
}

enum command { LIST, SHOW, SUPPORT, SET, OFF, SAVE, RESTORE, WATCH, NR_COMMANDS };

static const char *const commands[NR_COMMANDS] = {
	"list", "show", "support", "set", "off", "save", "restore", "watch",
};

/* Nobody is to believe that something had an effect that had none. */
static void check_options(enum command command, const struct options *options)
{
	bool changes = command == SET || command == OFF || command == RESTORE;
	const char *name = commands[command];

	if (options->dry_run && !changes && command != SAVE)
		usage_error("--dry-run has no meaning for %s", name);
	if (options->file && command != SAVE && command != RESTORE)
		usage_error("--file is for save and restore, not for %s", name);
	if ((options->interval != 0 || options->count) && command != WATCH)
		usage_error("--interval and --count are for watch, not for %s", name);
	if (options->once && command != RESTORE)
		usage_error("--once is for restore, not for %s", name);
	if (options->json && command == SAVE)
		usage_error("--json has no meaning for save; show --json prints parameters");
}

/* Who changes something is alone, from reading what there is to the end. */
static bool alone(enum command command, const struct options *options)
{
	bool changes = command == SET || command == OFF || command == RESTORE ||
		       command == SAVE;
	unsigned int seconds = command == OFF ? LOCK_SECONDS_OFF : LOCK_SECONDS;

	if (!changes || options->dry_run || state_lock(seconds))
		return true;
	complain("another cintctl is at work, and did not end within %u seconds%s", seconds,
		 command == OFF ? "; not waiting for it" : "; nothing was changed");
	return command == OFF;
}

static int run(enum command command, int argc, char **argv, struct options *options)
{
	struct controllers controllers = { 0 };
	int nr_names = argc, status = CTL_FAILED;
	char *text = NULL;
	bool all, found;

	if (command == SET) {
		check_assignments(argv + 1, argc - 1);
		nr_names = 1;
	}
	all = nr_names == 1 && !strcmp(argv[0], "all");
	/* Before others are kept waiting: somebody may be typing it. */
	if (command == RESTORE)
		text = config_read(options->file);
	if (!alone(command, options))
		goto out;
	found = controllers_find(&controllers, argv, all ? 0 : nr_names);
	if (!found && command != OFF)
		goto out;
	/* Where there is none, all are off. */
	if (found && !controllers.nr && (command == SET || command == SAVE)) {
		complain("there is no NVMe controller");
		goto out;
	}
	switch (command) {
	case LIST:
		status = command_list(&controllers, options);
		break;
	case SHOW:
		status = command_show(&controllers, options);
		break;
	case SUPPORT:
		status = command_support(&controllers, options);
		break;
	case SET:
		status = command_set(&controllers, argv + 1, argc - 1, options);
		break;
	case OFF:
		/* Those that are there, whoever else was asked for. */
		status = command_off(&controllers, options);
		if (!found)
			status = CTL_FAILED;
		break;
	case SAVE:
		status = command_save(&controllers, options);
		break;
	case RESTORE:
		status = command_restore(&controllers, text, nr_names && !all, options);
		break;
	case WATCH:
		if (options->interval == 0)
			options->interval = 1;
		status = command_watch(&controllers, options);
		break;
	case NR_COMMANDS:
		break;
	}
out:
	controllers_free(&controllers);
	free(text);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	const char *name;
	int command, status;

	parse_options(argc, argv, &options);
	argc -= optind;
	argv += optind;
	name = argc ? argv[0] : "list";
	if (argc && !strcmp(name, "complete"))
		return command_complete(argv + 1, argc - 1);
	for (command = 0; command < NR_COMMANDS; command++) {
		if (!strcmp(commands[command], name))
			break;
	}
	if (command == NR_COMMANDS)
		usage_error("there is no command '%s'", name);
	check_options((enum command)command, &options);
	status = run((enum command)command, argc ? argc - 1 : 0, argv + 1, &options);
	end(status, options.json);
}
