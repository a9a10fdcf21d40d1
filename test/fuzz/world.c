// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The system in memory, and what cintctl asks of it. See world.h. */
#define CINT_FUZZ_WORLD_ITSELF
#include "world.h"

#include <liburing-cint.h>
#include <setjmp.h>

#define UNUSED		__attribute__((unused))

#define MAX_NODES	192
#define MAX_ALLOCATIONS	65536
#define MAX_FILES	16
#define MAX_ARGUMENTS	40
#define FIRST_FD	1000
/* More output is not kept. */
#define MAX_OUTPUT	(1 << 20)
/* A watch is interrupted then. */
#define MAX_SLEEPS	3

/* tools-state.c */
void tools_reset(void);
void tools_interrupt(void);
int cintctl_main(int argc, char **argv);

/* --- files ------------------------------------------------------------------------------ */

struct node {
	char	path[256];
	size_t	length;		/* of the path */
	uint64_t hash;		/* of the path */
	char	*data;		/* with a zero behind it */
	size_t	size;
	mode_t	mode;
	ino_t	inode;
};

static struct node nodes[MAX_NODES];
static unsigned int nr_nodes, refuse_nth;
static int refuse_error;

static struct {
	struct node *node;
	size_t	offset;
	bool	append;
} files[MAX_FILES];

static uint64_t hash(uint64_t sum, const char *data, size_t size)
{
	while (size--)
		sum = (sum ^ (unsigned char)*data++) * 1099511628211u;
	return sum;
}

static struct node *find(const char *path)
{
	size_t length = strlen(path);
	uint64_t wanted;
	unsigned int i;

	/* a directory may be asked for with a slash */
	while (length > 1 && path[length - 1] == '/')
		length--;
	wanted = hash(0, path, length);
	for (i = 0; i < nr_nodes; i++) {
		if (nodes[i].hash == wanted && nodes[i].length == length)
			return &nodes[i];
	}
	return NULL;
}

static struct node *add(const char *path, mode_t mode)
{
	struct node *node = find(path);

	if (node || nr_nodes == MAX_NODES || strlen(path) >= sizeof(node->path))
		return node;
	node = &nodes[nr_nodes++];
	*node = (struct node) { .length = strlen(path), .mode = mode, .inode = nr_nodes };
	node->hash = hash(0, path, node->length);
	memcpy(node->path, path, node->length + 1);
	return node;
}

/* The directories above a file. */
static void add_above(const char *path)
{
	const char *slash;
	char above[256];

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
		add(above, S_IFDIR | 0755);
	}
}

static void fill(struct node *node, const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	free(node->data);
	node->data = copy;
	node->size = size;
}

static void put(const char *path, mode_t mode, const void *data, size_t size)
{
	struct node *node;

	add_above(path);
	node = add(path, S_IFREG | mode);
	if (node)
		fill(node, data, size);
}

void world_put(const char *path, const void *data, size_t size)
{
	put(path, 0644, data, size);
}

const char *world_get(const char *path, size_t *size)
{
	const struct node *node = find(path);

	if (!node || !S_ISREG(node->mode))
		return NULL;
	*size = node->size;
	return node->data;
}

uint64_t world_sum(void)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < nr_nodes; i++) {
		if (!strncmp(nodes[i].path, WORLD_ROOT "/run", strlen(WORLD_ROOT "/run")))
			continue;
		sum = hash(sum, nodes[i].data, nodes[i].size) + nodes[i].size;
	}
	return sum;
}

void world_refuse(unsigned int nth, int error)
{
	refuse_nth = nth;
	refuse_error = error;
}

static void put_text(const char *dir, const char *name, mode_t mode, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), WORLD_ROOT "/%s/%s", dir, name);
	put(path, mode, text, strlen(text));
}

static void put_controller(const char *name, const char *serial, const char *transport,
			   bool coalesces)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
	} attributes[] = {
		{ "mode",		"[off] kthread device split\n", 0644 },
		{ "policy",		"none static adaptive [cint] cint-a cint-rate\n", 0644 },
		{ "threshold",		"20\n", 0644 },
		{ "delta_ns",		"30000\n", 0644 },
		{ "delta_min_ns",	"20000\n", 0644 },
		{ "max_hold_ns",	"200000\n", 0644 },
		{ "look_min_ns",	"2000\n", 0644 },
		{ "correction",		"2000\n", 0644 },
		{ "ooo",		"1\n", 0644 },
		{ "poll_cpu",		"-1\n", 0644 },
		{ "latency_hint",	"0\n", 0644 },
		{ "calibrate",		"0\n", 0644 },
		{ "novelty",		"7\n", 0644 },
		{ "hw_coalescing",	"off\n", 0400 },
		{ "stats",		"completions 100\ndelivered 100\nfires 20\n", 0444 },
	};
	char dir[128];
	size_t i;

	snprintf(dir, sizeof(dir), "sys/class/nvme/%s", name);
	put_text(dir, "model", 0444, "Fake Drive 100\n");
	put_text(dir, "serial", 0444, serial);
	put_text(dir, "firmware_rev", 0444, "1.0\n");
	put_text(dir, "transport", 0444, transport);
	put_text(dir, "address", 0444, "0000:00:04.0\n");
	put_text(dir, "state", 0444, "live\n");
	put_text(dir, "queue_count", 0444, "3\n");
	for (i = 0; coalesces && i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		snprintf(dir, sizeof(dir), "sys/class/nvme/%s/cint", name);
		put_text(dir, attributes[i].name, attributes[i].mode, attributes[i].text);
	}
}

void world_reset(void)
{
	static const char identify[4096];
	unsigned int i;

	for (i = 0; i < nr_nodes; i++)
		free(nodes[i].data);
	memset(nodes, 0, sizeof(nodes));
	memset(files, 0, sizeof(files));
	nr_nodes = refuse_nth = 0;
	put_controller("nvme0", "FAKE0\n", "pcie\n", true);
	put_controller("nvme1", "REMOTE\n", "tcp\n", false);
	put_controller("nvme10", "FAKE*10\n", "pcie\n", true);
	put_text("sys/devices/system/cpu", "online", 0444, "0-2,5\n");
	add(WORLD_ROOT "/sys/class/nvme/nvme0/nvme0n1", S_IFDIR | 0755);
	add(WORLD_ROOT "/etc", S_IFDIR | 0755);
	add(WORLD_ROOT "/run", S_IFDIR | 0755);
	add(WORLD_ROOT "/dev", S_IFDIR | 0755);
	put(WORLD_ROOT "/dev/nvme0", 0600, identify, sizeof(identify));
}

static bool is_attribute(const struct node *node)
{
	return strstr(node->path, "/cint/");
}

/* As the kernel takes it: of choices the one that is written goes into brackets. */
static int write_attribute(struct node *node, const char *text, size_t size)
{
	char *word, *rest, *copy, *list;
	bool found = false;
	size_t length = size;

	if (refuse_nth && !--refuse_nth)
		return refuse_error;
	if (!memchr(node->data, '[', node->size)) {
		fill(node, text, size);
		return 0;
	}
	while (length && text[length - 1] == '\n')
		length--;
	list = calloc(2, node->size + 4);
	copy = strndup(node->data, node->size);
	if (!list || !copy)
		abort();
	rest = copy;
	while ((word = strtok_r(rest, " \n[]", &rest))) {
		bool chosen = strlen(word) == length && !memcmp(word, text, length);

		sprintf(list + strlen(list), "%s%s%s%s", *list ? " " : "", chosen ? "[" : "",
			word, chosen ? "]" : "");
		found |= chosen;
	}
	strcat(list, "\n");
	if (found)
		fill(node, list, strlen(list));
	free(list);
	free(copy);
	return found ? 0 : EINVAL;
}

/* --- what cintctl calls ----------------------------------------------------------------- */

/* as world.h has them for cintctl */
int world_open(const char *path, int flags, ...);
ssize_t world_read(int fd, void *buf, size_t size);
ssize_t world_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t world_write(int fd, const void *buf, size_t size);
int world_close(int fd);
int world_fstat(int fd, struct stat *st);
int world_stat(const char *path, struct stat *st);
int world_access(const char *path, int mode);
int world_mkdir(const char *path, mode_t mode);
int world_mkostemp(char *template, int flags);
int world_rename(const char *from, const char *to);
int world_unlink(const char *path);
DIR *world_opendir(const char *path);
struct dirent *world_readdir(DIR *dir);
int world_closedir(DIR *dir);
int world_sleep(const struct timespec *time);
int world_nothing(const void *data);
void world_exit(int status);
void *world_realloc(void *pointer, size_t size);
void *world_calloc(size_t nr, size_t size);
char *world_strdup(const char *string);
int world_vasprintf(char **text, const char *format, va_list args);
void world_free(void *pointer);
extern FILE *world_out, *world_err;
extern int world_opterr;

FILE *world_out, *world_err;
int world_opterr;
char *world_output;
size_t world_output_size;

static jmp_buf exit_jump;
static unsigned int sleeps;

static int fails(int error)
{
	errno = error;
	return -1;
}

int world_open(const char *path, int flags, ...)
{
	struct node *node = find(path);
	int i;

	if (!node && flags & O_CREAT) {
		char *copy = strdup(path);

		if (copy && find(dirname(copy)))
			node = add(path, S_IFREG | 0644);
		free(copy);
		if (node)
			fill(node, "", 0);
	}
	if (!node)
		return fails(ENOENT);
	if ((flags & O_ACCMODE) != O_RDONLY) {
		if (S_ISDIR(node->mode))
			return fails(EISDIR);
		if (!(node->mode & 0200))
			return fails(EACCES);
		/* sysfs has no such thing */
		if (flags & O_TRUNC && !is_attribute(node))
			fill(node, "", 0);
	}
	for (i = 0; i < MAX_FILES; i++) {
		if (files[i].node)
			continue;
		files[i].node = node;
		files[i].offset = 0;
		return FIRST_FD + i;
	}
	return fails(EMFILE);
}

static struct node *node_of(int fd)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + MAX_FILES)
		return NULL;
	return files[fd - FIRST_FD].node;
}

ssize_t world_pread(int fd, void *buf, size_t size, off_t offset)
{
	const struct node *node = node_of(fd);
	size_t left;

	if (!node)
		return fails(EBADF);
	if (S_ISDIR(node->mode))
		return fails(EISDIR);
	left = (size_t)offset < node->size ? node->size - (size_t)offset : 0;
	if (size > left)
		size = left;
	if (size)
		memcpy(buf, node->data + offset, size);
	return (ssize_t)size;
}

ssize_t world_read(int fd, void *buf, size_t size)
{
	ssize_t got;

	if (!node_of(fd))
		return fails(EBADF);
	got = world_pread(fd, buf, size, (off_t)files[fd - FIRST_FD].offset);
	if (got > 0)
		files[fd - FIRST_FD].offset += (size_t)got;
	return got;
}

ssize_t world_write(int fd, const void *buf, size_t size)
{
	struct node *node = node_of(fd);
	size_t offset;
	char *longer;
	int error;

	if (!node)
		return fails(EBADF);
	if (is_attribute(node)) {
		error = write_attribute(node, buf, size);
		return error ? fails(error) : (ssize_t)size;
	}
	offset = files[fd - FIRST_FD].offset;
	longer = malloc(offset + size + 1);
	if (!longer)
		abort();
	memcpy(longer, node->data, offset < node->size ? offset : node->size);
	memcpy(longer + offset, buf, size);
	fill(node, longer, offset + size);
	free(longer);
	files[fd - FIRST_FD].offset += size;
	return (ssize_t)size;
}

int world_close(int fd)
{
	if (!node_of(fd))
		return fails(EBADF);
	files[fd - FIRST_FD].node = NULL;
	return 0;
}

static int stat_node(const struct node *node, struct stat *st)
{
	if (!node)
		return fails(ENOENT);
	*st = (struct stat) {
		.st_mode = node->mode, .st_ino = node->inode, .st_size = (off_t)node->size,
	};
	return 0;
}

int world_fstat(int fd, struct stat *st)
{
	return stat_node(node_of(fd), st);
}

int world_stat(const char *path, struct stat *st)
{
	return stat_node(find(path), st);
}

int world_access(const char *path, int mode)
{
	const struct node *node = find(path);

	if (!node)
		return fails(ENOENT);
	return mode & W_OK && !(node->mode & 0200) ? fails(EACCES) : 0;
}

int world_mkdir(const char *path, mode_t mode)
{
	char copy[256];
	size_t length;

	if (find(path))
		return fails(EEXIST);
	snprintf(copy, sizeof(copy), "%s", path);
	length = strlen(copy);
	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	return add(copy, S_IFDIR | mode) ? 0 : fails(ENOSPC);
}

int world_mkostemp(char *template, int flags)
{
	memset(template + strlen(template) - 6, '0', 6);
	return world_open(template, flags | O_RDWR | O_CREAT);
}

static void vanish(struct node *node)
{
	free(node->data);
	*node = (struct node) { .length = 0 };
}

int world_unlink(const char *path)
{
	struct node *node = find(path);

	if (!node)
		return fails(ENOENT);
	vanish(node);
	return 0;
}

int world_rename(const char *from, const char *to)
{
	struct node *source = find(from), *target;

	if (!source)
		return fails(ENOENT);
	target = add(to, source->mode);
	if (!target)
		return fails(ENOSPC);
	fill(target, source->data, source->size);
	vanish(source);
	return 0;
}

/* As many as are open at a time: one. */
static struct {
	char path[256];
	unsigned int next;
	struct dirent entry;
} listing;

DIR *world_opendir(const char *path)
{
	const struct node *node = find(path);

	if (!node || !S_ISDIR(node->mode)) {
		errno = node ? ENOTDIR : ENOENT;
		return NULL;
	}
	strcpy(listing.path, node->path);
	listing.next = 0;
	return (DIR *)&listing;
}

struct dirent *world_readdir(UNUSED DIR *dir)
{
	size_t length = strlen(listing.path);

	while (listing.next < nr_nodes) {
		const struct node *node = &nodes[listing.next++];
		const char *path = node->path;

		if (node->length < length + 2 || path[length] != '/' ||
		    memcmp(path, listing.path, length) || strchr(path + length + 1, '/'))
			continue;
		snprintf(listing.entry.d_name, sizeof(listing.entry.d_name), "%s",
			 path + length + 1);
		return &listing.entry;
	}
	return NULL;
}

int world_closedir(DIR *dir)
{
	return dir ? 0 : fails(EBADF);
}

int world_sleep(const struct timespec *time)
{
	if (time && ++sleeps > MAX_SLEEPS)
		tools_interrupt();
	return 0;
}

int world_nothing(UNUSED const void *data)
{
	return 0;
}

/* --- what it allocates ------------------------------------------------------------------ */

static void *allocations[MAX_ALLOCATIONS];
static unsigned int nr_allocations;

/* What comes last goes first, mostly. */
static void forget(const void *pointer)
{
	unsigned int i;

	for (i = nr_allocations; i-- > 0;) {
		if (allocations[i] != pointer)
			continue;
		allocations[i] = allocations[--nr_allocations];
		return;
	}
	/* not one of ours, or not any more */
	abort();
}

static void *remember(void *pointer)
{
	if (!pointer || nr_allocations == MAX_ALLOCATIONS)
		abort();
	allocations[nr_allocations++] = pointer;
	return pointer;
}

void *world_realloc(void *pointer, size_t size)
{
	if (pointer)
		forget(pointer);
	return remember(realloc(pointer, size));
}

void *world_calloc(size_t nr, size_t size)
{
	return remember(calloc(nr, size));
}

char *world_strdup(const char *string)
{
	return remember(strdup(string));
}

int world_vasprintf(char **text, const char *format, va_list args)
{
	int length = vasprintf(text, format, args);

	if (length >= 0)
		remember(*text);
	return length;
}

void world_free(void *pointer)
{
	if (pointer)
		forget(pointer);
	free(pointer);
}

static void free_all(void)
{
	while (nr_allocations)
		free(allocations[--nr_allocations]);
}

/* --- what it prints --------------------------------------------------------------------- */

static ssize_t print_out(UNUSED void *cookie, const char *buf, size_t size)
{
	size_t kept = size;

	if (world_output_size + kept > MAX_OUTPUT)
		kept = MAX_OUTPUT - world_output_size;
	memcpy(world_output + world_output_size, buf, kept);
	world_output_size += kept;
	return (ssize_t)size;
}

static ssize_t print_nowhere(UNUSED void *cookie, UNUSED const char *buf, size_t size)
{
	return (ssize_t)size;
}

static void open_streams(void)
{
	static const cookie_io_functions_t out = { .write = print_out };
	static const cookie_io_functions_t err = { .write = print_nowhere };

	if (world_out)
		return;
	world_output = malloc(MAX_OUTPUT + 1);
	world_out = fopencookie(NULL, "w", out);
	world_err = fopencookie(NULL, "w", err);
	if (!world_output || !world_out || !world_err)
		abort();
	/* the C library's own, of options */
	opterr = 0;
}

/* --- runs ------------------------------------------------------------------------------- */

void world_exit(int status)
{
	longjmp(exit_jump, status + 1);
}

int world_run_list(int argc, char **argv)
{
	int status;

	open_streams();
	world_output_size = 0;
	sleeps = 0;
	tools_reset();
	opterr = 0;
	status = setjmp(exit_jump);
	if (!status)
		status = cintctl_main(argc, argv) + 1;
	fflush(world_out);
	fflush(world_err);
	world_output[world_output_size] = '\0';
	free_all();
	memset(files, 0, sizeof(files));
	return status - 1;
}

int world_run_words(const char *const *words)
{
	char *argv[MAX_ARGUMENTS] = { (char *)"cintctl" };
	int argc = 1;

	for (; *words && argc < MAX_ARGUMENTS - 1; words++)
		argv[argc++] = (char *)*words;
	return world_run_list(argc, argv);
}

void world_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
	if (world_output)
		fprintf(stderr, "output: %.2000s\n", world_output);
	abort();
}

/* --- the library's part ----------------------------------------------------------------- */

/* What the kernel can do is not asked: there is no other one in the world. */
int cint_probe(struct cint_probe *probe)
{
	memset(probe, 0, sizeof(*probe));
	probe->error[CINT_FEATURE_SQE_URGENT] = -EOPNOTSUPP;
	return 0;
}

const char *cint_feature_name(enum cint_feature feature)
{
	return feature == CINT_FEATURE_SQE_URGENT ? "IOSQE_URGENT" : "feature";
}

int cint_probe_explain(const struct cint_probe *probe, enum cint_feature feature, char *buf,
		       size_t len)
{
	return snprintf(buf, len, "%s: %d", cint_feature_name(feature), probe->error[feature]);
}
