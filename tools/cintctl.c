// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* cintctl: coalescing of NVMe completions, see cintctl(8). */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cintctl.h"

#define INTERVAL_MIN	0.05
#define INTERVAL_MAX	3600
#define COUNT_MAX	1000000000

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
"  -f, --file FILE       of save and restore [/etc/cint.conf]; - for standard\n"
"                        output or input\n"
"  -i, --interval S      seconds between counters, 0.05 to 3600 [1]\n"
"  -c, --count N         end after N intervals, 1 to 1000000000 [never]\n"
"  -V, --version\n"
"  -h, --help\n";

__attribute__((noreturn, format(printf, 1, 2)))
static void usage_error(const char *format, ...)
{
	va_list args;

	fputs("cintctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see cintctl --help\n", stderr);
	exit(CTL_USAGE);
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
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "file", required_argument, NULL, 'f' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "njqf:i:c:Vh", longs, NULL)) != -1) {
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
			fputs("cintctl: see cintctl --help\n", stderr);
			exit(CTL_USAGE);
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
	if (options->json && command == SAVE)
		usage_error("--json has no meaning for save; show --json prints parameters");
}

static int run(enum command command, int argc, char **argv, struct options *options)
{
	struct controllers controllers = { 0 };
	int nr_names = argc, status = CTL_FAILED;
	bool all;

	if (command == SET) {
		check_assignments(argv + 1, argc - 1);
		nr_names = 1;
	}
	all = nr_names == 1 && !strcmp(argv[0], "all");
	if (!controllers_find(&controllers, argv, all ? 0 : nr_names))
		goto out;
	if (!controllers.nr && command >= SET && command <= SAVE) {
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
		status = command_off(&controllers, options);
		break;
	case SAVE:
		status = command_save(&controllers, options);
		break;
	case RESTORE:
		status = command_restore(&controllers, nr_names && !all, options);
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
	if (fflush(stdout) || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		return CTL_FAILED;
	}
	return status;
}
