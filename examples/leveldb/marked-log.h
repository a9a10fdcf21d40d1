// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A file that is appended to and synced, where the write that ends a sync
 * carries marks.
 */
#ifndef CINT_MARKED_LOG_H
#define CINT_MARKED_LOG_H

#include <cstddef>
#include <cstdint>
#include <string>

#include <leveldb/slice.h>
#include <leveldb/status.h>

namespace cint {

leveldb::Status PosixError(const std::string &context, int error);

/*
 * Flush() passes data to the kernel, where it survives the process; it has to,
 * for what LevelDB acknowledges without sync. What Sync() then writes to the
 * drive are pages of the page cache, and fdatasync() has no flags. So Sync()
 * writes what was flushed since the last one again, the same bytes to the same
 * place, with RWF_DSYNC and the marks: these reach the data's, and the flush's,
 * commands.
 */
class MarkedLog {
public:
	/*
	 * Takes over @fd, a file of @size bytes that was opened without O_APPEND.
	 * @existing: what it holds may not be on the drive yet.
	 * @sync_directory: entries of the directory that the file may refer to
	 *	are made durable before it.
	 */
	MarkedLog(const std::string &name, int fd, uint64_t size, bool existing,
		  bool sync_directory);
	~MarkedLog();
	MarkedLog(const MarkedLog &) = delete;
	MarkedLog &operator=(const MarkedLog &) = delete;

	leveldb::Status Append(const leveldb::Slice &data);
	leveldb::Status Flush();
	leveldb::Status Close();

	/*
	 * @marks: RWF_URGENT, RWF_BARRIER, or 0 for a plain fdatasync().
	 * @used: set to those that the write which ended the sync had. More than
	 *	kRewriteMax bytes since the last sync are not written twice, and a
	 *	file may take no marks.
	 */
	leveldb::Status Sync(int marks, int *used);

	static constexpr size_t kBufferSize = 65536;
	static constexpr size_t kRewriteMax = 65536;

private:
	leveldb::Status Write(const char *data, size_t size);
	leveldb::Status SyncDirectory() const;
	leveldb::Status Rewrite(int *marks);
	void Remember(const char *data, size_t size);

	const std::string name_;
	int fd_;
	uint64_t size_;			/* of what the kernel has */
	const bool sync_directory_;
	std::string buffer_;		/* what it has not */
	std::string unsynced_;		/* the file's last bytes, not synced */
	bool too_much_;			/* there is more of that */
};

} // namespace cint

#endif /* CINT_MARKED_LOG_H */
