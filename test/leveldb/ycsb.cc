// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * YCSB's workloads A, B, C and F (Cooper et al., Benchmarking Cloud Serving Systems with
 * YCSB, SoCC'10) on LevelDB, beside a bulk writer that keeps compaction busy.
 *
 *	ycsb load DIRECTORY [OPTION]...
 *	ycsb run DIRECTORY A|B|C|F [OPTION]...
 *
 * As published: records of ten fields of 100 bytes, keys by a zipfian distribution of
 * theta 0.99 (the generator is that of Gray et al., Quickly Generating Billion-Record
 * Synthetic Databases, SIGMOD'94), scrambled by FNV-1a so that popular records are not
 * neighbours. A: half reads, half updates. B: 95 % reads, 5 % updates. C: reads only.
 * F: half reads, half read-modify-writes, whose latency is that of both.
 *
 * The bulk writer overwrites random records, at a steady pace, as background work.
 * Prints one line of JSON.
 *
 * What is loaded is the same, file by file, whenever and wherever it is.
 */
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cmath>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ctime>

#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>
#include "urgent-env.h"

namespace {

constexpr double kTheta = 0.99;
constexpr size_t kRecordSize = 10 * 100;
/* no vector grows while it is measured; what is not used of it takes no memory */
constexpr size_t kOperationsAtMost = 1 << 22;

struct Settings {
	uint64_t records = 400000;
	unsigned int clients = 2;
	unsigned int ms = 500;
	unsigned int warmup_ms = 300;
	unsigned int ingest = 4000;	/* records a second */
	bool sync = false;
	bool urgent = true;
};

[[noreturn]] void Die(const std::string &what)
{
	fprintf(stderr, "ycsb: %s\n", what.c_str());
	exit(1);
}

void Check(const leveldb::Status &status, const char *what)
{
	if (!status.ok())
		Die(std::string(what) + ": " + status.ToString());
}

uint64_t NowNs()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000 +
		static_cast<uint64_t>(now.tv_nsec);
}

void SleepUntil(uint64_t ns)
{
	const struct timespec end = { static_cast<time_t>(ns / 1000000000),
				      static_cast<long>(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr) == EINTR)
		;
}

/* xorshift64*: the same on every machine. */
class Random {
public:
	explicit Random(uint64_t seed) : state_(seed * 2685821657736338717ULL + 1) {}

	uint64_t Next()
	{
		state_ ^= state_ >> 12;
		state_ ^= state_ << 25;
		state_ ^= state_ >> 27;
		return state_ * 2685821657736338717ULL;
	}

	double Share() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

private:
	uint64_t state_;
};

class Zipfian {
public:
	explicit Zipfian(uint64_t items) : items_(items)
	{
		double zeta2 = 1 + std::pow(0.5, kTheta);

		for (uint64_t i = 1; i <= items; i++)
			zeta_ += std::pow(1 / static_cast<double>(i), kTheta);
		eta_ = (1 - std::pow(2 / static_cast<double>(items), 1 - kTheta)) /
			(1 - zeta2 / zeta_);
	}

	/* 0 is the most popular. */
	uint64_t Next(Random &random) const
	{
		const double u = random.Share(), uz = u * zeta_;

		if (uz < 1)
			return 0;
		if (uz < 1 + std::pow(0.5, kTheta))
			return 1;
		return std::min(items_ - 1, static_cast<uint64_t>(
			static_cast<double>(items_) *
			std::pow(eta_ * u - eta_ + 1, 1 / (1 - kTheta))));
	}

private:
	const uint64_t items_;
	double zeta_ = 0;
	double eta_;
};

uint64_t Scramble(uint64_t number, uint64_t items)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (int i = 0; i < 8; i++) {
		hash ^= number & 0xff;
		hash *= 0x100000001b3;
		number >>= 8;
	}
	return hash % items;
}

std::string Key(uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "user%012" PRIu64, number);
	return text;
}

std::string Value(Random &random)
{
	std::string value(kRecordSize, '\0');

	for (size_t i = 0; i + 8 <= kRecordSize; i += 8) {
		const uint64_t bits = random.Next();

		memcpy(&value[i], &bits, 8);
	}
	return value;
}

leveldb::Options DatabaseOptions(leveldb::Env *env)
{
	leveldb::Options options;

	options.env = env;
	options.create_if_missing = true;
	options.filter_policy = leveldb::NewBloomFilterPolicy(10);
	options.compression = leveldb::kNoCompression;
	/* a fraction of the defaults, as the data set is one of what servers have */
	options.write_buffer_size = 256 << 10;
	options.max_file_size = 1 << 20;
	return options;
}

/* What it is told has a time of day in it, and addresses. */
class Silence : public leveldb::Logger {
public:
	void Logv(const char *, va_list) override {}
};

/*
 * Background work is done between two writes: the same records make the same files, byte
 * by byte, however the host schedules the two threads.
 */
class OrderlyEnv : public leveldb::EnvWrapper {
public:
	OrderlyEnv() : EnvWrapper(leveldb::Env::Default()) {}

	void Schedule(void (*function)(void *), void *argument) override
	{
		Item *item = new Item{ this, function, argument };
		const std::lock_guard<std::mutex> lock(mutex_);

		pending_++;
		if (writing_)
			later_.push_back(item);
		else
			target()->Schedule(Work, item);
	}

	/* What a write makes due waits for WaitForBackground(). */
	void BeginWrite()
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		writing_ = true;
	}

	void WaitForBackground()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		writing_ = false;
		for (Item *item : later_)
			target()->Schedule(Work, item);
		later_.clear();
		done_.wait(lock, [this] { return !pending_; });
	}

private:
	struct Item {
		OrderlyEnv *env;
		void (*function)(void *);
		void *argument;
	};

	/* Work that leads to more has scheduled that before it is done itself. */
	static void Work(void *argument)
	{
		const std::unique_ptr<Item> item(static_cast<Item *>(argument));

		item->function(item->argument);
		const std::lock_guard<std::mutex> lock(item->env->mutex_);

		item->env->pending_--;
		item->env->done_.notify_all();
	}

	std::mutex mutex_;
	std::condition_variable done_;
	std::vector<Item *> later_;
	unsigned int pending_ = 0;
	bool writing_ = false;
};

void PutOrderly(OrderlyEnv *env, leveldb::DB *db, uint64_t number, Random &random)
{
	env->BeginWrite();
	Check(db->Put(leveldb::WriteOptions(), Key(number), Value(random)), "loading");
	env->WaitForBackground();
}

int Load(const std::string &directory, const Settings &settings)
{
	Silence silence;
	OrderlyEnv env;
	leveldb::Options options = DatabaseOptions(&env);
	leveldb::DB *opened;
	Random random(1);

	options.error_if_exists = true;
	options.info_log = &silence;
	options.write_buffer_size = 4 << 20;
	Check(leveldb::DB::Open(options, directory, &opened), "creating");
	std::unique_ptr<leveldb::DB> db(opened);

	for (uint64_t i = 0; i < settings.records; i++)
		PutOrderly(&env, db.get(), i, random);
	db->CompactRange(nullptr, nullptr);
	env.WaitForBackground();

	/*
	 * A database that has just been compacted has room in all levels, and for a
	 * while compacts little. Age it until they are as full as they stay.
	 */
	db.reset();
	options.error_if_exists = false;
	options.write_buffer_size = DatabaseOptions(&env).write_buffer_size;
	Check(leveldb::DB::Open(options, directory, &opened), "opening");
	db.reset(opened);
	env.WaitForBackground();
	for (uint64_t i = 0; i < settings.records / 2; i++) {
		const uint64_t number = random.Next() % settings.records;

		PutOrderly(&env, db.get(), number, random);
	}
	return 0;
}

struct Client {
	std::vector<uint32_t> reads_ns, updates_ns;
	uint64_t missing = 0;
};

struct Run {
	leveldb::DB *db;
	const Settings *settings;
	const Zipfian *zipfian;
	double read_share;
	bool modify;
	std::atomic<bool> measuring{false}, stop{false};
	std::atomic<uint64_t> ingested{0};
};

void RunClient(Run *run, Client *client, uint64_t seed)
{
	leveldb::WriteOptions write;
	Random random(seed);
	std::string value;

	write.sync = run->settings->sync;
	client->reads_ns.reserve(kOperationsAtMost);
	client->updates_ns.reserve(kOperationsAtMost);
	while (!run->stop.load(std::memory_order_relaxed)) {
		const std::string key = Key(Scramble(run->zipfian->Next(random),
						     run->settings->records));
		const bool read = random.Share() < run->read_share;
		const uint64_t begin = NowNs();

		if (read || run->modify) {
			const leveldb::Status status = run->db->Get(leveldb::ReadOptions(),
								    key, &value);

			if (status.IsNotFound())
				client->missing++;
			else
				Check(status, "reading");
		}
		if (!read)
			Check(run->db->Put(write, key, Value(random)), "updating");
		const uint64_t ns = NowNs() - begin;

		if (run->measuring.load(std::memory_order_relaxed))
			(read ? client->reads_ns : client->updates_ns).push_back(
				static_cast<uint32_t>(std::min<uint64_t>(ns, UINT32_MAX)));
	}
}

/* Every 10 ms what is due, or as much of it as the database takes. */
void Ingest(Run *run)
{
	const cint::BackgroundScope scope;
	const uint64_t tick_ns = 10000000;
	uint64_t next = NowNs();
	Random random(1000);

	while (!run->stop.load(std::memory_order_relaxed)) {
		leveldb::WriteBatch batch;

		for (unsigned int i = 0; i < run->settings->ingest / 100; i++)
			batch.Put(Key(random.Next() % run->settings->records), Value(random));
		Check(run->db->Write(leveldb::WriteOptions(), &batch), "ingesting");
		if (run->measuring.load(std::memory_order_relaxed))
			run->ingested += run->settings->ingest / 100;
		next += tick_ns;
		SleepUntil(next);
	}
}

void PrintLatencies(const char *name, std::vector<uint32_t> &ns)
{
	const auto at = [&ns](double share) {
		return ns[std::min(ns.size() - 1, static_cast<size_t>(
			share * static_cast<double>(ns.size())))];
	};
	double sum = 0;

	printf("\"%s\": {\"count\": %zu", name, ns.size());
	if (!ns.empty()) {
		std::sort(ns.begin(), ns.end());
		for (const uint32_t one : ns)
			sum += one;
		printf(", \"mean_ns\": %.1f, \"p50_ns\": %u, \"p99_ns\": %u, \"p999_ns\": %u",
		       sum / static_cast<double>(ns.size()), at(.5), at(.99), at(.999));
	}
	printf("}");
}

int RunWorkload(const std::string &directory, char workload, const Settings &settings)
{
	cint::UrgentEnv env(leveldb::Env::Default(), settings.urgent);
	const leveldb::Options options = DatabaseOptions(&env);
	const Zipfian zipfian(settings.records);
	std::vector<Client> clients(settings.clients);
	std::vector<uint32_t> reads, updates;
	std::vector<std::thread> threads;
	leveldb::DB *opened;
	std::string levels;
	uint64_t begin, missing = 0;
	Run run;

	Check(leveldb::DB::Open(options, directory, &opened), "opening");
	std::unique_ptr<leveldb::DB> db(opened);

	run.db = opened;
	run.settings = &settings;
	run.zipfian = &zipfian;
	run.read_share = workload == 'B' ? .95 : workload == 'C' ? 1 : .5;
	run.modify = workload == 'F';
	/* who counts beside this program starts counting its time now */
	printf("begin\n");
	fflush(stdout);
	begin = NowNs();
	for (unsigned int i = 0; i < settings.clients; i++)
		threads.emplace_back(RunClient, &run, &clients[i], i + 1);
	if (settings.ingest)
		threads.emplace_back(Ingest, &run);
	SleepUntil(begin + settings.warmup_ms * 1000000ULL);
	run.measuring = true;
	begin = NowNs();
	SleepUntil(begin + settings.ms * 1000000ULL);
	run.measuring = false;
	const uint64_t took = NowNs() - begin;

	run.stop = true;
	for (std::thread &thread : threads)
		thread.join();
	for (const Client &client : clients) {
		reads.insert(reads.end(), client.reads_ns.begin(), client.reads_ns.end());
		updates.insert(updates.end(), client.updates_ns.begin(),
			       client.updates_ns.end());
		missing += client.missing;
	}
	if (missing)
		Die(std::to_string(missing) + " records are not there; --records is not what "
		    "was loaded");
	const cint::UrgentEnvStats stats = env.GetStats();

	printf("{\"seconds\": %.9f, \"ingested\": %" PRIu64 ", \"urgent_reads\": %" PRIu64
	       ", \"other_reads\": %" PRIu64 ", ", static_cast<double>(took) / 1e9,
	       run.ingested.load(), stats.urgent_reads, stats.other_reads);
	PrintLatencies("read", reads);
	printf(", ");
	PrintLatencies("update", updates);
	db->GetProperty("leveldb.num-files-at-level0", &levels);
	printf(", \"level_0_files\": %s, \"marks\": \"%s\"}\n", levels.c_str(),
	       env.Explain().c_str());
	return 0;
}

uint64_t Number(const char *option, const char *text, uint64_t low, uint64_t high)
{
	char *end;
	const unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < low || value > high)
		Die(std::string(option) + " '" + text + "' is not in " +
		    std::to_string(low) + ".." + std::to_string(high));
	return value;
}

} // namespace

int main(int argc, char **argv)
{
	const bool run = argc > 3 && !strcmp(argv[1], "run");
	const bool load = argc > 2 && !strcmp(argv[1], "load");
	Settings settings;

	if (!run && !load) {
		fprintf(stderr, "usage: ycsb load DIRECTORY [--records N]\n"
			"       ycsb run DIRECTORY A|B|C|F [--records N] [--clients N] [--ms N]\n"
			"           [--warmup-ms N] [--ingest RECORDS_A_SECOND] [--sync] [--no-urgent]\n");
		return 2;
	}
	for (int i = run ? 4 : 3; i < argc; i++) {
		const std::string name = argv[i];

		if (name == "--sync") {
			settings.sync = true;
			continue;
		}
		if (name == "--no-urgent") {
			settings.urgent = false;
			continue;
		}
		if (++i >= argc)
			Die("'" + name + "' is no option, or lacks its number");
		if (name == "--records")
			settings.records = Number(argv[i - 1], argv[i], 1000, 1000000000);
		else if (name == "--clients")
			settings.clients = static_cast<unsigned int>(
				Number(argv[i - 1], argv[i], 1, 1024));
		else if (name == "--ms")
			settings.ms = static_cast<unsigned int>(
				Number(argv[i - 1], argv[i], 1, 1000000));
		else if (name == "--warmup-ms")
			settings.warmup_ms = static_cast<unsigned int>(
				Number(argv[i - 1], argv[i], 0, 1000000));
		else if (name == "--ingest")
			settings.ingest = static_cast<unsigned int>(
				Number(argv[i - 1], argv[i], 0, 1000000));
		else
			Die("unknown option '" + name + "'");
	}
	if (load)
		return Load(argv[2], settings);
	if (strlen(argv[3]) != 1 || !strchr("ABCF", argv[3][0]))
		Die(std::string("workload '") + argv[3] + "' is not A, B, C or F");
	return RunWorkload(argv[2], argv[3][0], settings);
}
