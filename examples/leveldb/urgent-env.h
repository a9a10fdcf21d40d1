// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A LevelDB environment that says which of LevelDB's I/O somebody waits for.
 *
 *	#include "urgent-env.h"
 *	options.env = cint::UrgentEnv::Default();
 *
 * What the calling program waits for is marked, what LevelDB does on its own
 * account is not:
 *
 *	urgent		reads of tables for Get() and iterators
 *	urgent, barrier	the log's last write of a group commit with sync
 *	barrier		the manifest's last write before it is synced
 *	nothing		flush, compaction, recovery, writing of tables
 *
 * LevelDB says itself what is background work: it passes that to Schedule().
 * Threads from StartThread() are the program's own, and so are all others.
 */
#ifndef CINT_URGENT_ENV_H
#define CINT_URGENT_ENV_H

#include <atomic>
#include <cstdint>
#include <string>

#include <leveldb/env.h>

namespace cint {

/* What an UrgentEnv did so far. */
struct UrgentEnvStats {
	uint64_t urgent_reads;		/* of tables, marked urgent */
	uint64_t other_reads;		/* of tables, not marked, of nothing, or failed */
	uint64_t urgent_syncs;		/* ended by a write marked urgent and barrier */
	uint64_t barrier_syncs;		/* ended by a write marked barrier */
	uint64_t other_syncs;		/* of the log or a manifest, not marked, or failed */
};

class UrgentEnv : public leveldb::EnvWrapper {
public:
	/*
	 * @base: the environment that does everything but reading tables and
	 *	writing logs and manifests; not owned. Files are opened by their
	 *	name, so it has to be one of real files.
	 * @enable_urgent: if false, @base does that as well, and nothing is
	 *	marked.
	 *
	 * Databases that use this must be closed before it is destroyed, and
	 * then so must be the background thread's last task.
	 */
	explicit UrgentEnv(leveldb::Env *base, bool enable_urgent = true);
	~UrgentEnv() override;

	/* One over leveldb::Env::Default(), which is never destroyed. */
	static UrgentEnv *Default();

	bool enable_urgent() const { return enabled_; }

	/* Do marks have an effect? */
	bool marks_honoured() const;

	/*
	 * A sentence: marks are used, or why not. LevelDB's own log ("LOG" in
	 * the database) begins with it.
	 */
	std::string Explain() const;

	UrgentEnvStats GetStats() const;

	leveldb::Status NewRandomAccessFile(const std::string &name,
					    leveldb::RandomAccessFile **file) override;
	leveldb::Status NewWritableFile(const std::string &name,
					leveldb::WritableFile **file) override;
	leveldb::Status NewAppendableFile(const std::string &name,
					  leveldb::WritableFile **file) override;
	leveldb::Status LockFile(const std::string &name,
				 leveldb::FileLock **lock) override;
	leveldb::Status UnlockFile(leveldb::FileLock *lock) override;
	leveldb::Status NewLogger(const std::string &name,
				  leveldb::Logger **logger) override;
	void Schedule(void (*function)(void *), void *argument) override;
	void StartThread(void (*function)(void *), void *argument) override;

private:
	friend class UrgentRandomAccessFile;
	friend class UrgentWritableFile;

	leveldb::Status OpenForWriting(const std::string &name, bool append,
				       leveldb::WritableFile **file);

	const bool enabled_;
	const unsigned int marks_;	/* those the kernel takes */
	std::atomic<int> descriptors_;	/* tables may keep open, yet */
	std::atomic<uint64_t> urgent_reads_{0};
	std::atomic<uint64_t> other_reads_{0};
	std::atomic<uint64_t> urgent_syncs_{0};
	std::atomic<uint64_t> barrier_syncs_{0};
	std::atomic<uint64_t> other_syncs_{0};
};

/*
 * While one exists, what its thread does is background work: for a program's
 * own bulk work, as a checkpoint that reads all of the database.
 */
class BackgroundScope {
public:
	BackgroundScope();
	~BackgroundScope();
	BackgroundScope(const BackgroundScope &) = delete;
	BackgroundScope &operator=(const BackgroundScope &) = delete;

	/* Is the calling thread in one, or in a task that LevelDB scheduled? */
	static bool Active();
};

} // namespace cint

#endif /* CINT_URGENT_ENV_H */
