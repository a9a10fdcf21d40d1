// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The environment keeps the contract of leveldb::Env, and marks what it says it
 * marks. Linked with functions of the library replaced, so that what is marked
 * is seen on any kernel.
 */
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <liburing-cint.h>
#include "urgent-env.h"

/* What was called, and with what; limits what a call does. */
struct Call {
	bool write;
	int flags;
	off_t offset;
	size_t size;
};

static std::mutex calls_lock;
static std::vector<Call> calls;
static std::atomic<size_t> most{SIZE_MAX};	/* bytes a call takes */
static std::atomic<int> fails;			/* errors yet to come */
static std::atomic<int> error;
static std::atomic<unsigned int> kernel_marks{RWF_URGENT | RWF_BARRIER | IOSQE_URGENT};

static bool Fake(bool write, const struct iovec *iov, off_t offset, int flags,
		 struct iovec *part)
{
	const std::lock_guard<std::mutex> guard(calls_lock);

	if (fails > 0) {
		fails--;
		return false;
	}
	*part = *iov;
	part->iov_len = std::min(part->iov_len, most.load());
	calls.push_back({ write, flags, offset, part->iov_len });
	return true;
}

extern "C" {
unsigned int __wrap_cint_marks(void);
ssize_t __wrap_cint_preadv2(int fd, const struct iovec *iov, int count, off_t offset,
			    int flags);
ssize_t __wrap_cint_pwritev2(int fd, const struct iovec *iov, int count, off_t offset,
			     int flags);

unsigned int __wrap_cint_marks(void)
{
	return kernel_marks;
}

ssize_t __wrap_cint_preadv2(int fd, const struct iovec *iov, int, off_t offset, int flags)
{
	struct iovec part;
	ssize_t ret;

	if (!Fake(false, iov, offset, flags, &part))
		return -error;
	ret = preadv2(fd, &part, 1, offset, flags & ~(RWF_URGENT | RWF_BARRIER));
	return ret < 0 ? -errno : ret;
}

ssize_t __wrap_cint_pwritev2(int fd, const struct iovec *iov, int, off_t offset, int flags)
{
	struct iovec part;
	ssize_t ret;

	if (!Fake(true, iov, offset, flags, &part))
		return -error;
	ret = pwritev2(fd, &part, 1, offset, flags & ~(RWF_URGENT | RWF_BARRIER));
	return ret < 0 ? -errno : ret;
}
}

static int failed, number;
static const char *test;

static void Expect(bool good, const char *what, int line)
{
	if (good)
		return;
	printf("# %s: line %d: not %s\n", test, line, what);
	failed++;
}

#define EXPECT(condition)	Expect(condition, #condition, __LINE__)
#define OK(status)		Expect((status).ok(), #status, __LINE__)

static std::string root;

static std::string Path(const std::string &name)
{
	return root + "/" + name;
}

static std::vector<Call> Taken()
{
	const std::lock_guard<std::mutex> guard(calls_lock);
	std::vector<Call> taken;

	taken.swap(calls);
	return taken;
}

static std::string Contents(const std::string &name)
{
	std::string text;

	OK(leveldb::ReadFileToString(leveldb::Env::Default(), name, &text));
	return text;
}

static void Reads()
{
	cint::UrgentEnv env(leveldb::Env::Default());
	leveldb::RandomAccessFile *opened;
	leveldb::Slice result;
	char scratch[100];

	OK(leveldb::WriteStringToFile(leveldb::Env::Default(), "0123456789", Path("t.ldb")));
	OK(env.NewRandomAccessFile(Path("t.ldb"), &opened));
	std::unique_ptr<leveldb::RandomAccessFile> file(opened);

	OK(file->Read(2, 5, &result, scratch));
	EXPECT(result == "23456");
	OK(file->Read(8, 50, &result, scratch));	/* the end comes first */
	EXPECT(result == "89");
	OK(file->Read(10, 5, &result, scratch));
	EXPECT(result.empty());
	OK(file->Read(500, 5, &result, scratch));
	EXPECT(result.empty());
	OK(file->Read(3, 0, &result, scratch));
	EXPECT(result.empty());
	/* an offset that preadv2() takes for something else */
	EXPECT(!file->Read(UINT64_MAX, 1, &result, scratch).ok());
	EXPECT(!file->Read(UINT64_MAX - 5, 4, &result, scratch).ok());
	EXPECT(!file->Read(INT64_MAX, 4, &result, scratch).ok());

	Taken();
	most = 3;					/* short reads are gone on with */
	OK(file->Read(0, 10, &result, scratch));
	EXPECT(result == "0123456789");
	EXPECT(Taken().size() == 4);
	most = SIZE_MAX;
	error = EINTR;
	fails = 2;
	OK(file->Read(1, 2, &result, scratch));
	EXPECT(result == "12");
	error = EIO;
	fails = 1;
	const leveldb::Status status = file->Read(1, 2, &result, scratch);
	EXPECT(status.IsIOError());
	EXPECT(status.ToString().find("t.ldb") != std::string::npos);
	EXPECT(result.empty());
	error = EOPNOTSUPP;				/* a file that takes no marks */
	fails = 1;
	Taken();
	OK(file->Read(1, 2, &result, scratch));
	EXPECT(result == "12");
	const std::vector<Call> taken = Taken();
	EXPECT(taken.size() == 1 && taken[0].flags == 0);

	/* counted as marked are those that were, and did read */
	const cint::UrgentEnvStats stats = env.GetStats();
	EXPECT(stats.urgent_reads == 6 && stats.other_reads == 3);
	{
		const cint::BackgroundScope scope;

		OK(file->Read(1, 2, &result, scratch));
	}
	EXPECT(env.GetStats().urgent_reads == 6 && env.GetStats().other_reads == 4);

	EXPECT(env.NewRandomAccessFile(Path("none.ldb"), &opened).IsNotFound());
	EXPECT(!opened);
}

static int OpenDescriptors()
{
	int count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* More tables than a fifth of the descriptors: opened for each read. */
static void Descriptors()
{
	struct rlimit saved, small;
	std::vector<std::unique_ptr<leveldb::RandomAccessFile>> files;
	leveldb::Slice result;
	char scratch[10];
	int before;

	getrlimit(RLIMIT_NOFILE, &saved);
	small = saved;
	small.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &small);
	{
		cint::UrgentEnv env(leveldb::Env::Default());

		before = OpenDescriptors();
		for (int i = 0; i < 200; i++) {
			leveldb::RandomAccessFile *file;

			OK(env.NewRandomAccessFile(Path("t.ldb"), &file));
			files.emplace_back(file);
		}
		EXPECT(OpenDescriptors() - before == 20);
		for (const auto &file : files) {
			OK(file->Read(4, 2, &result, scratch));
			EXPECT(result == "45");
		}
		files.clear();
		EXPECT(OpenDescriptors() == before);
	}
	setrlimit(RLIMIT_NOFILE, &saved);
}

static void Writes()
{
	cint::UrgentEnv env(leveldb::Env::Default());
	const std::string name = Path("000001.log");
	leveldb::WritableFile *file;
	std::string big(200000, 'b');
	uint64_t size;

	OK(env.NewWritableFile(name, &file));
	OK(file->Append("one "));
	OK(env.GetFileSize(name, &size));
	EXPECT(size == 0);				/* buffered */
	OK(file->Flush());
	EXPECT(Contents(name) == "one ");		/* and not for longer */
	Taken();
	OK(file->Append("two "));
	OK(file->Sync());
	EXPECT(Contents(name) == "one two ");
	std::vector<Call> taken = Taken();
	EXPECT(taken.size() == 1);
	EXPECT(taken[0].flags == (RWF_DSYNC | RWF_URGENT | RWF_BARRIER));
	/* all since the last sync, of which there was none */
	EXPECT(taken[0].offset == 0 && taken[0].size == 8);

	OK(file->Append("three "));
	OK(file->Flush());
	OK(file->Append("four "));
	most = 4;					/* short writes are gone on with */
	OK(file->Sync());
	most = SIZE_MAX;
	taken = Taken();
	EXPECT(taken.size() == 3 && taken[0].offset == 8 && taken[2].offset == 16);
	EXPECT(Contents(name) == "one two three four ");

	/* much is synced without being written twice, and the next one is marked */
	OK(file->Append(big));
	OK(file->Sync());
	EXPECT(Taken().empty());
	OK(file->Append("five"));
	OK(file->Sync());
	EXPECT(Taken().size() == 1);
	EXPECT(Contents(name) == "one two three four " + big + "five");

	error = ENOSPC;
	fails = 1;
	OK(file->Append("six"));
	EXPECT(file->Sync().IsIOError());
	/* what the drive has is not known: nothing less than all of it */
	OK(file->Sync());
	EXPECT(Taken().empty());
	OK(file->Append("seven"));
	OK(file->Close());
	delete file;
	EXPECT(Contents(name) == "one two three four " + big + "fivesixseven");

	/* a new one of the name is empty */
	OK(env.NewWritableFile(name, &file));
	EXPECT(Contents(name).empty());
	OK(file->Append("closed by its destructor"));
	delete file;
	EXPECT(Contents(name) == "closed by its destructor");

	/* appended to: the first sync covers what was there before */
	OK(env.NewAppendableFile(name, &file));
	OK(file->Append("; more"));
	Taken();
	OK(file->Sync());
	EXPECT(Taken().empty());
	OK(file->Append("; and more"));
	OK(file->Sync());
	EXPECT(Taken().size() == 1);
	delete file;
	EXPECT(Contents(name) == "closed by its destructor; more; and more");

	EXPECT(env.NewWritableFile(Path("none/000002.log"), &file).IsNotFound());
	EXPECT(!file);
	const cint::UrgentEnvStats stats = env.GetStats();
	EXPECT(stats.urgent_syncs == 4 && stats.other_syncs == 4);

	/* a file that takes no marks is synced without */
	OK(env.NewWritableFile(name, &file));
	OK(file->Append("one"));
	error = EOPNOTSUPP;
	fails = 1;
	Taken();
	OK(file->Sync());
	taken = Taken();
	EXPECT(taken.size() == 1 && taken[0].flags == RWF_DSYNC);
	EXPECT(env.GetStats().urgent_syncs == 4 && env.GetStats().other_syncs == 5);
	delete file;
}

/* Many tests need a database. */
struct Database {
	explicit Database(leveldb::Env *env)
	{
		leveldb::Options options;

		cache.reset(leveldb::NewLRUCache(0));	/* every read reads */
		options.env = env;
		options.create_if_missing = true;
		options.block_cache = cache.get();
		options.compression = leveldb::kNoCompression;
		leveldb::DestroyDB(Path("db"), leveldb::Options());
		OK(leveldb::DB::Open(options, Path("db"), &db));
	}

	~Database()
	{
		delete db;
	}

	void Put(const char *key, bool sync)
	{
		leveldb::WriteOptions options;

		options.sync = sync;
		OK(db->Put(options, key, std::string(1000, 'v')));
	}

	std::unique_ptr<leveldb::Cache> cache;
	leveldb::DB *db = nullptr;
};

static void Marks()
{
	cint::UrgentEnv env(leveldb::Env::Default());
	Database database(&env);
	std::string value;

	Taken();
	database.Put("plain", false);
	EXPECT(Taken().empty());
	database.Put("key", true);
	std::vector<Call> taken = Taken();
	EXPECT(taken.size() == 1 && taken[0].write &&
	       taken[0].flags == (RWF_DSYNC | RWF_URGENT | RWF_BARRIER));

	/* flush and compaction: tables read unmarked, a manifest with a barrier */
	for (int i = 0; i < 3; i++) {
		database.Put("key", false);
		database.db->CompactRange(nullptr, nullptr);
	}
	int barriers = 0;

	for (const Call &call : Taken()) {
		EXPECT(!(call.flags & RWF_URGENT));
		EXPECT(call.write || !call.flags);
		if (call.write) {
			EXPECT(call.flags == (RWF_DSYNC | RWF_BARRIER));
			barriers++;
		}
	}
	EXPECT(barriers > 0);
	EXPECT(env.GetStats().other_reads > 0);

	OK(database.db->Get(leveldb::ReadOptions(), "key", &value));
	taken = Taken();
	EXPECT(!taken.empty());
	for (const Call &call : taken)
		EXPECT(!call.write && call.flags == RWF_URGENT);
	{
		/* a checkpoint: the program's own bulk work */
		const cint::BackgroundScope scope;

		OK(database.db->Get(leveldb::ReadOptions(), "key", &value));
	}
	taken = Taken();
	EXPECT(!taken.empty());
	for (const Call &call : taken)
		EXPECT(!call.flags);
}

/* Opening a database whose log has something: it is written to a table, and that read. */
static void Recovery()
{
	for (const bool reuse : { false, true }) {
		cint::UrgentEnv env(leveldb::Env::Default());
		Database database(&env);
		leveldb::Options options;
		std::string value;
		int urgent = 0, reads = 0;

		for (int i = 0; i < 100; i++)
			database.Put(("key" + std::to_string(i)).c_str(), false);
		delete database.db;
		database.db = nullptr;
		options.env = &env;
		options.block_cache = database.cache.get();
		options.compression = leveldb::kNoCompression;
		options.reuse_logs = reuse;
		options.write_buffer_size = reuse ? 4 << 20 : 65536;
		Taken();
		OK(leveldb::DB::Open(options, Path("db"), &database.db));
		for (const Call &call : Taken()) {
			if (call.write) {
				/* the caller waits for the manifest */
				EXPECT(call.flags == (RWF_DSYNC | RWF_URGENT | RWF_BARRIER));
				continue;
			}
			urgent += !!(call.flags & RWF_URGENT);
			reads++;
		}
		EXPECT(urgent == 0);
		EXPECT(reuse || reads > 0);
		OK(database.db->Get(leveldb::ReadOptions(), "key7", &value));
		/* the first one covers what a log that is reused had before */
		database.Put("key", true);
		database.Put("key", true);
		bool marked = false;

		for (const Call &call : Taken())
			marked |= call.write && (call.flags & RWF_URGENT);
		EXPECT(marked);
		if (!reuse) {
			OK(database.db->Get(leveldb::ReadOptions(), "key8", &value));
			for (const Call &call : Taken())
				EXPECT(call.flags == RWF_URGENT);
		}
		/* one that can't be opened leaves nothing behind */
		leveldb::DB *second = nullptr;

		EXPECT(!leveldb::DB::Open(options, Path("db"), &second).ok());
		delete database.db;
		database.db = nullptr;
		options.error_if_exists = true;
		EXPECT(!leveldb::DB::Open(options, Path("db"), &second).ok());
		leveldb::RandomAccessFile *opened;
		leveldb::Slice result;
		char scratch[10];

		OK(env.NewRandomAccessFile(Path("t.ldb"), &opened));
		Taken();
		OK(opened->Read(0, 1, &result, scratch));
		EXPECT(Taken().at(0).flags == RWF_URGENT);
		delete opened;
	}
}

/* What LevelDB schedules is background work, what the program starts is not. */
static void Threads()
{
	cint::UrgentEnv env(leveldb::Env::Default());
	static std::atomic<int> answer;
	const auto ask = [](void *) { answer = cint::BackgroundScope::Active() ? 2 : 1; };
	const auto wait = [] {
		for (int i = 0; i < 5000 && !answer; i++)
			usleep(1000);
		return answer.exchange(0);
	};

	EXPECT(!cint::BackgroundScope::Active());
	env.Schedule(ask, nullptr);
	EXPECT(wait() == 2);
	env.StartThread(ask, nullptr);
	EXPECT(wait() == 1);
	{
		const cint::BackgroundScope outer;
		{
			const cint::BackgroundScope inner;
		}
		EXPECT(cint::BackgroundScope::Active());
		env.StartThread(ask, nullptr);
		EXPECT(wait() == 1);
	}
	EXPECT(!cint::BackgroundScope::Active());
}

/* Off, all is the base's doing. */
static void Off()
{
	cint::UrgentEnv env(leveldb::Env::Default(), false);
	std::string value;

	{
		Database database(&env);

		Taken();
		database.Put("key", true);
		database.db->CompactRange(nullptr, nullptr);
		OK(database.db->Get(leveldb::ReadOptions(), "key", &value));
		EXPECT(Taken().empty());
	}
	EXPECT(!env.marks_honoured());
	EXPECT(Contents(Path("db/LOG")).find("enable_urgent is off") != std::string::npos);
}

/* A kernel without marks: fdatasync() as ever, and LevelDB's LOG says so. */
static void Stock()
{
	kernel_marks = 0;
	cint::UrgentEnv env(leveldb::Env::Default());
	std::string value;

	{
		Database database(&env);

		Taken();
		database.Put("key", true);
		EXPECT(Taken().empty());
		database.db->CompactRange(nullptr, nullptr);
		OK(database.db->Get(leveldb::ReadOptions(), "key", &value));
		EXPECT(value.size() == 1000);
	}
	EXPECT(!env.marks_honoured());
	EXPECT(env.GetStats().urgent_syncs == 0 && env.GetStats().other_syncs > 0);
	EXPECT(env.GetStats().urgent_reads == 0 && env.GetStats().other_reads > 0);
	EXPECT(Contents(Path("db/LOG")).find("marks are dropped: ") != std::string::npos);
	kernel_marks = RWF_URGENT | RWF_BARRIER | IOSQE_URGENT;
}

/* One process has a database at a time, by way of either environment. */
static void Locking()
{
	cint::UrgentEnv env(leveldb::Env::Default());
	leveldb::FileLock *lock, *second;

	OK(env.LockFile(Path("LOCK"), &lock));
	EXPECT(!env.LockFile(Path("LOCK"), &second).ok());
	EXPECT(!leveldb::Env::Default()->LockFile(Path("LOCK"), &second).ok());
	OK(env.UnlockFile(lock));
	OK(env.LockFile(Path("LOCK"), &lock));
	OK(env.UnlockFile(lock));
}

int main()
{
	static const struct {
		const char *name;
		void (*run)();
	} tests[] = {
		{ "reads", Reads }, { "descriptors", Descriptors }, { "writes", Writes },
		{ "marks", Marks }, { "recovery", Recovery },
		{ "threads", Threads }, { "off", Off },
		{ "stock kernel", Stock }, { "locking", Locking },
	};
	char directory[] = "/tmp/cint-leveldb.XXXXXX";
	int bad = 0;

	if (!mkdtemp(directory)) {
		perror("mkdtemp");
		return 1;
	}
	root = directory;
	printf("TAP version 13\n1..%zu\n", sizeof(tests) / sizeof(*tests));
	for (const auto &one : tests) {
		test = one.name;
		failed = 0;
		one.run();
		printf("%sok %d - %s\n", failed ? "not " : "", ++number, test);
		bad += !!failed;
	}
	if (system(("rm -rf " + root).c_str()))
		return 1;
	return bad ? 1 : 0;
}
