// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What LevelDB acknowledged is there after kill -9, whenever that comes.
 *
 *	kill DIRECTORY [ROUNDS [SEED]]
 *	kill DIRECTORY write		until killed, says what is acknowledged
 *	kill DIRECTORY check FILE	is there what that said? for a machine that stops
 *
 * In every round a process opens the database and writes with several threads,
 * until it is killed at a random moment: while it opens, recovers, writes, syncs
 * or compacts. Then the database must hold what was acknowledged, each batch
 * whole, and nothing else.
 */
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <csignal>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <leveldb/db.h>
#include <leveldb/write_batch.h>
#include "urgent-env.h"

namespace {

constexpr int kWriters = 4;
constexpr uint64_t kKeys = 64;		/* of each writer, written in turn */

/* The last writer does not sync; kill -9 must not cost it anything either. */
bool Syncs(int writer)
{
	return writer != kWriters - 1;
}

[[noreturn]] void Die(const std::string &what)
{
	fprintf(stderr, "kill: %s\n", what.c_str());
	fflush(stderr);
	_exit(1);
}

void Check(const leveldb::Status &status, const char *what)
{
	if (!status.ok())
		Die(std::string(what) + ": " + status.ToString());
}

std::string Key(int writer, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%d/key%02" PRIu64, writer, number % kKeys);
	return text;
}

std::string LastKey(int writer)
{
	return std::to_string(writer) + "/last";
}

/* 100 to 4000 bytes that follow from the number; a few far more than a buffer. */
std::string Value(int writer, uint64_t number)
{
	std::minstd_rand random(static_cast<unsigned int>(number * kWriters) +
				static_cast<unsigned int>(writer) + 1);
	std::string value = std::to_string(number) + ":";
	size_t size = 100 + random() % 3900;

	if (random() % 64 == 0)
		size = 100000 + random() % 50000;
	while (value.size() < size)
		value.push_back(static_cast<char>('a' + random() % 26));
	return value;
}

leveldb::Options DatabaseOptions(leveldb::Env *env, bool reuse_logs)
{
	leveldb::Options options;

	options.create_if_missing = true;
	options.paranoid_checks = true;
	options.env = env;
	options.reuse_logs = reuse_logs;
	/* small, so that there are flushes and compactions all the time */
	options.write_buffer_size = 65536;
	options.max_file_size = 1 << 20;
	options.compression = leveldb::kNoCompression;
	return options;
}

leveldb::DB *Open(const std::string &directory, leveldb::Env *env, bool reuse_logs)
{
	leveldb::DB *db;

	Check(leveldb::DB::Open(DatabaseOptions(env, reuse_logs), directory, &db),
	      "opening");
	return db;
}

/*
 * When a machine stops, what was being written is on the drive in part: a file can
 * have its new length and not all of its data. In a log that is the end of what
 * can be read, unless LevelDB is told to be paranoid; a manifest takes a repair.
 * Neither may cost anything that was acknowledged.
 */
leveldb::DB *OpenAfterStop(const std::string &directory, leveldb::Env *env)
{
	leveldb::Options options = DatabaseOptions(env, false);
	leveldb::Status status;
	leveldb::DB *db;

	options.create_if_missing = false;
	options.paranoid_checks = false;
	status = leveldb::DB::Open(options, directory, &db);
	if (status.IsCorruption()) {
		printf("opening: %s; repaired\n", status.ToString().c_str());
		Check(leveldb::RepairDB(directory, options), "repairing");
		status = leveldb::DB::Open(options, directory, &db);
	}
	Check(status, "opening");
	return db;
}

uint64_t Last(leveldb::DB *db, int writer)
{
	std::string text;
	const leveldb::Status status = db->Get(leveldb::ReadOptions(), LastKey(writer),
					       &text);

	if (status.IsNotFound())
		return 0;
	Check(status, "reading the last number");
	return strtoull(text.c_str(), nullptr, 10);
}

struct Acknowledged {
	int32_t writer;
	uint32_t padding;
	uint64_t number;
};

void Write(leveldb::DB *db, int writer, uint64_t number)
{
	leveldb::WriteOptions options;
	leveldb::WriteBatch batch;

	options.sync = Syncs(writer);
	batch.Put(LastKey(writer), std::to_string(number));
	batch.Put(Key(writer, number), Value(writer, number));
	Check(db->Write(options, &batch), "writing");
}

void Writer(leveldb::DB *db, int writer, uint64_t number, int fd, bool text)
{
	for (;;) {
		Acknowledged done = {};

		number++;
		Write(db, writer, number);
		if (text) {
			if (dprintf(fd, "ack %d %" PRIu64 "\n", writer, number) < 0)
				Die("cannot say what is acknowledged");
			continue;
		}
		done.writer = writer;
		done.number = number;
		/* at most PIPE_BUF, so whole or not at all */
		if (write(fd, &done, sizeof(done)) != sizeof(done))
			Die("cannot say what is acknowledged");
	}
}

[[noreturn]] void WriteUntilKilled(const std::string &directory, int fd, bool reuse_logs,
				   bool text)
{
	leveldb::DB *db = Open(directory, cint::UrgentEnv::Default(), reuse_logs);
	std::vector<std::thread> threads;

	for (int writer = 0; writer < kWriters; writer++)
		threads.emplace_back(Writer, db, writer, Last(db, writer), fd, text);
	for (std::thread &thread : threads)
		thread.join();
	Die("the writers ended");
}

/* Of one of Key()'s or LastKey()'s. */
int WriterOf(const std::string &key)
{
	return atoi(key.c_str());
}

/* Is it what the key's writer wrote some time, all of it? */
bool WrittenBefore(const std::string &key, const leveldb::Slice &value)
{
	const uint64_t number = strtoull(value.ToString().c_str(), nullptr, 10);
	const int writer = WriterOf(key);

	return number && Key(writer, number) == key && value == Value(writer, number);
}

/*
 * Compares what is there with what was acknowledged, and takes over the numbers
 * that are there. A writer waits for every write, so one at most may be there
 * without having been acknowledged. A writer that does not sync may lose any of
 * its writes when the machine stops, as a file's blocks reach the drive in any
 * order, but none in part.
 */
void Verify(leveldb::DB *db, uint64_t *acknowledged, const bool *must_have)
{
	std::map<std::string, std::string> expected;
	leveldb::ReadOptions options;

	for (int writer = 0; writer < kWriters; writer++) {
		const uint64_t last = Last(db, writer), first =
			last < kKeys ? 1 : last - kKeys + 1;

		if (must_have[writer] &&
		    (last < acknowledged[writer] || last > acknowledged[writer] + 1))
			Die("writer " + std::to_string(writer) + ": " +
			    std::to_string(acknowledged[writer]) +
			    " was acknowledged, there is " + std::to_string(last));
		for (uint64_t number = first; number <= last; number++)
			expected[Key(writer, number)] = Value(writer, number);
		if (last)
			expected[LastKey(writer)] = std::to_string(last);
		acknowledged[writer] = last;
	}

	options.verify_checksums = true;
	const std::unique_ptr<leveldb::Iterator> found(db->NewIterator(options));

	for (found->SeekToFirst(); found->Valid(); found->Next()) {
		const std::string key = found->key().ToString();
		const auto entry = expected.find(key);

		if (entry == expected.end())
			Die("there is a key '" + key + "' that nobody wrote");
		if (found->value() != entry->second &&
		    (must_have[WriterOf(key)] || !WrittenBefore(key, found->value())))
			Die("the value of '" + key + "' is not the last one");
		expected.erase(entry);
	}
	Check(found->status(), "reading everything");
	for (const auto &lost : expected)
		if (must_have[WriterOf(lost.first)] ||
		    lost.first == LastKey(WriterOf(lost.first)))
			Die("the key '" + lost.first + "' is lost");
}

const bool kAll[kWriters] = { true, true, true, true };

/* One process, killed; adds to what was acknowledged. */
uint64_t Round(const std::string &directory, std::mt19937 &random, bool reuse_logs,
	       uint64_t *acknowledged)
{
	/* a quarter is killed after a time, maybe before anything is written */
	const bool by_time = random() % 4 == 0;
	const uint64_t enough = by_time ? UINT64_MAX : 1 + random() % 60;
	const int patience_ms = by_time ? static_cast<int>(random() % 40) : 60000;
	const unsigned int pause_us = static_cast<unsigned int>(random() % 3000);
	Acknowledged done;
	uint64_t count = 0;
	int pipes[2], status;
	pid_t child;

	if (pipe(pipes))
		Die("no pipe");
	child = fork();
	if (child < 0)
		Die("cannot fork");
	if (!child) {
		/* anew: a copy would lack the threads LevelDB believes it has */
		const std::string fd = std::to_string(pipes[1]);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipes[0]);
		execl("/proc/self/exe", "kill", directory.c_str(), "child", fd.c_str(),
		      reuse_logs ? "1" : "0", nullptr);
		_exit(127);
	}
	close(pipes[1]);
	if (by_time) {
		usleep(static_cast<unsigned int>(patience_ms) * 1000);
	} else {
		struct pollfd ready = { pipes[0], POLLIN, 0 };

		while (count < enough) {
			if (poll(&ready, 1, patience_ms) <= 0)
				Die("the writers hang");
			if (read(pipes[0], &done, sizeof(done)) != sizeof(done))
				Die("the writing process ended by itself");
			acknowledged[done.writer] = done.number;
			count++;
		}
		usleep(pause_us);
	}
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGKILL)
		Die("the writing process ended before it was killed");
	while (read(pipes[0], &done, sizeof(done)) == sizeof(done)) {
		acknowledged[done.writer] = done.number;
		count++;
	}
	close(pipes[0]);
	return count;
}

/* Whether the process that had the database open before this one compacted. */
bool Compacted(const std::string &directory)
{
	std::ifstream log(directory + "/LOG.old");
	std::string line;

	while (std::getline(log, line))
		if (line.find(" Compacted ") != std::string::npos)
			return true;
	return false;
}

int Rounds(const std::string &directory, int rounds, unsigned int seed)
{
	std::mt19937 random(seed);
	uint64_t acknowledged[kWriters] = {}, total = 0;
	int compacted = 0;

	for (int round = 0; round < rounds; round++) {
		total += Round(directory, random, round & 1, acknowledged);
		/*
		 * A database is the same with and without us. Not with reuse_logs:
		 * LevelDB then writes on behind what a kill left of a record, and
		 * does not find it again.
		 */
		const std::unique_ptr<leveldb::DB> db(Open(directory,
			round % 4 == 3 ? leveldb::Env::Default() :
			static_cast<leveldb::Env *>(cint::UrgentEnv::Default()),
			false));

		Verify(db.get(), acknowledged, kAll);
		compacted += Compacted(directory);
		/* so that the log that the next one reuses is not empty */
		for (int writer = 0; writer < kWriters; writer++)
			Write(db.get(), writer, ++acknowledged[writer]);
	}
	printf("%d rounds, %" PRIu64 " acknowledged writes, none lost (seed %u)\n", rounds,
	       total, seed);
	if (total < static_cast<uint64_t>(rounds) * 5)
		Die("too little was written to mean anything");
	if (rounds >= 20 && !compacted)
		Die("nothing was compacted");
	return 0;
}

/* What "write" said, cut anywhere. */
int CheckAfterStop(const std::string &directory, const char *name)
{
	uint64_t acknowledged[kWriters] = {}, number, total = 0;
	bool must_have[kWriters];
	FILE *file = fopen(name, "r");
	char line[128], end;
	int writer;

	if (!file)
		Die(std::string("cannot read ") + name);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "ack %d %" SCNu64 "%c", &writer, &number, &end) == 3 &&
		    end == '\n' && writer >= 0 && writer < kWriters) {
			acknowledged[writer] = number;
			total++;
		}
	fclose(file);
	for (writer = 0; writer < kWriters; writer++)
		must_have[writer] = Syncs(writer);
	const std::unique_ptr<leveldb::DB> db(
		OpenAfterStop(directory, cint::UrgentEnv::Default()));

	Verify(db.get(), acknowledged, must_have);
	printf("%" PRIu64 " acknowledged writes, none of those with sync lost\n", total);
	return total ? 0 : 1;
}

} // namespace

int main(int argc, char **argv)
{
	const std::string directory = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && !strcmp(argv[2], "child"))
		WriteUntilKilled(directory, atoi(argv[3]), atoi(argv[4]), false);
	if (argc == 3 && !strcmp(argv[2], "write"))
		WriteUntilKilled(directory, 1, false, true);
	if (argc == 4 && !strcmp(argv[2], "check"))
		return CheckAfterStop(directory, argv[3]);
	if (argc >= 2 && argc <= 4 && (argc < 3 || atoi(argv[2]) > 0))
		return Rounds(directory, argc > 2 ? atoi(argv[2]) : 100,
			      argc > 3 ? static_cast<unsigned int>(atoi(argv[3])) : 1);
	fprintf(stderr, "usage: kill DIRECTORY [ROUNDS [SEED]] | DIRECTORY write | "
		"DIRECTORY check FILE\n");
	return 2;
}
