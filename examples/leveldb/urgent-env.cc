// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include "urgent-env.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <new>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leveldb/slice.h>
#include <leveldb/status.h>
#include <liburing-cint.h>

#include "marked-log.h"

namespace cint {

using leveldb::Slice;
using leveldb::Status;

namespace {

thread_local unsigned int background_depth;

/*
 * The thread opens a database, of which what the log has is written to tables
 * first, and these are read to see that they are good. LevelDB says neither; it
 * takes the database's lock before, and opens the log that it goes on with after.
 */
thread_local bool recovering;

/* Of the descriptors a process may have, LevelDB's tables get a fifth. */
int TableDescriptors()
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 50;
	if (limit.rlim_cur == RLIM_INFINITY)
		return INT_MAX;
	return static_cast<int>(std::min<rlim_t>(limit.rlim_cur / 5, INT_MAX));
}

std::string BaseName(const std::string &name)
{
	return name.substr(name.rfind('/') + 1);
}

bool EndsWith(const std::string &text, const char *end)
{
	const size_t length = strlen(end);

	return text.size() >= length &&
		!text.compare(text.size() - length, length, end);
}

bool IsManifest(const std::string &name)
{
	return !BaseName(name).compare(0, 9, "MANIFEST-");
}

bool IsLock(const std::string &name)
{
	return BaseName(name) == "LOCK";
}

bool IsLog(const std::string &name)
{
	return EndsWith(name, ".log");
}

/* leveldb::Log(), which the library does not export */
__attribute__((format(printf, 2, 3)))
void LogLine(leveldb::Logger *logger, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	logger->Logv(format, arguments);
	va_end(arguments);
}

struct Task {
	void (*function)(void *);
	void *argument;
};

void RunInBackground(void *argument)
{
	const std::unique_ptr<Task> task(static_cast<Task *>(argument));
	const BackgroundScope scope;

	task->function(task->argument);
}

} // namespace

Status PosixError(const std::string &context, int error)
{
	if (error == ENOENT)
		return Status::NotFound(context, strerror(error));
	return Status::IOError(context, strerror(error));
}

BackgroundScope::BackgroundScope()
{
	background_depth++;
}

BackgroundScope::~BackgroundScope()
{
	background_depth--;
}

bool BackgroundScope::Active()
{
	return background_depth;
}

/*
 * A table. Memory mapped, as the default environment has it, nothing could be
 * marked: page faults have no flags.
 */
class UrgentRandomAccessFile : public leveldb::RandomAccessFile {
public:
	/* Takes over @fd; if that is negative, opens the file for every read. */
	UrgentRandomAccessFile(UrgentEnv *env, const std::string &name, int fd)
		: env_(env), name_(name), fd_(fd)
	{
	}

	~UrgentRandomAccessFile() override
	{
		if (fd_ >= 0) {
			close(fd_);
			env_->descriptors_++;
		}
	}

	Status Read(uint64_t offset, size_t n, Slice *result,
		    char *scratch) const override
	{
		const unsigned int wanted =
			BackgroundScope::Active() || recovering ? 0 : RWF_URGENT;
		int fd = fd_, flags = static_cast<int>(wanted & env_->marks_);
		ssize_t ret = 0;
		size_t done = 0;

		*result = Slice(scratch, 0);
		/* to preadv2() an offset of -1 is the file's position */
		if (offset > static_cast<uint64_t>(INT64_MAX) - n)
			return PosixError(name_, EINVAL);
		if (fd < 0) {
			fd = open(name_.c_str(), O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				return PosixError(name_, errno);
		}
		while (done < n) {
			struct iovec iov = { scratch + done, n - done };

			ret = cint_preadv2(fd, &iov, 1,
					   static_cast<off_t>(offset + done), flags);
			if (ret == -EINTR)
				continue;
			if (ret == -EOPNOTSUPP && flags) {
				flags = 0;
				continue;
			}
			if (ret <= 0)
				break;
			done += static_cast<size_t>(ret);
		}
		if (fd != fd_)
			close(fd);
		/* nothing was asked of the kernel for no bytes, and in vain after an error */
		(flags && n && ret >= 0 ? env_->urgent_reads_ : env_->other_reads_)
			.fetch_add(1, std::memory_order_relaxed);
		if (ret < 0)
			return PosixError(name_, static_cast<int>(-ret));
		*result = Slice(scratch, done);
		return Status::OK();
	}

private:
	UrgentEnv *const env_;
	const std::string name_;
	const int fd_;
};

/* A log or a manifest: MarkedLog, and the counts. */
class UrgentWritableFile : public leveldb::WritableFile {
public:
	UrgentWritableFile(UrgentEnv *env, const std::string &name, int fd,
			   uint64_t size, bool append)
		: env_(env), log_(name, fd, size, append, IsManifest(name))
	{
	}

	Status Append(const Slice &data) override { return log_.Append(data); }
	Status Flush() override { return log_.Flush(); }
	Status Close() override { return log_.Close(); }

	Status Sync() override
	{
		const bool urgent = !BackgroundScope::Active();
		const int wanted = RWF_BARRIER | (urgent ? RWF_URGENT : 0);
		int marks = 0;
		const Status status =
			log_.Sync(wanted & static_cast<int>(env_->marks_), &marks);

		(!marks ? env_->other_syncs_ :
		 marks & RWF_URGENT ? env_->urgent_syncs_ : env_->barrier_syncs_)
			.fetch_add(1, std::memory_order_relaxed);
		return status;
	}

private:
	UrgentEnv *const env_;
	MarkedLog log_;
};

UrgentEnv::UrgentEnv(leveldb::Env *base, bool enable_urgent)
	: EnvWrapper(base), enabled_(enable_urgent),
	  marks_(enable_urgent ? cint_marks() : 0), descriptors_(TableDescriptors())
{
}

UrgentEnv::~UrgentEnv() = default;

UrgentEnv *UrgentEnv::Default()
{
	/* as leveldb::Env::Default(), it outlives everybody's last use */
	alignas(UrgentEnv) static char storage[sizeof(UrgentEnv)];
	static UrgentEnv *env = new (storage) UrgentEnv(leveldb::Env::Default());

	return env;
}

bool UrgentEnv::marks_honoured() const
{
	return (marks_ & RWF_URGENT) && (marks_ & RWF_BARRIER);
}

std::string UrgentEnv::Explain() const
{
	struct cint_probe probe;
	char why[256];

	if (!enabled_)
		return "enable_urgent is off: nothing is marked";
	if (marks_honoured())
		return "foreground reads and synced writes are marked";
	if (cint_probe(&probe) < 0 ||
	    cint_probe_explain(&probe, marks_ & RWF_URGENT ? CINT_FEATURE_RWF_BARRIER :
			       CINT_FEATURE_RWF_URGENT, why, sizeof(why)) < 0)
		return "marks are dropped: the kernel could not be asked for them";
	return std::string("marks are dropped: ") + why;
}

UrgentEnvStats UrgentEnv::GetStats() const
{
	return { urgent_reads_, other_reads_, urgent_syncs_, barrier_syncs_,
		 other_syncs_ };
}

Status UrgentEnv::NewRandomAccessFile(const std::string &name,
				      leveldb::RandomAccessFile **file)
{
	int fd;

	if (!enabled_)
		return target()->NewRandomAccessFile(name, file);
	*file = nullptr;
	fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PosixError(name, errno);
	if (descriptors_.fetch_sub(1) <= 0) {
		descriptors_++;
		close(fd);
		fd = -1;
	}
	*file = new UrgentRandomAccessFile(this, name, fd);
	return Status::OK();
}

Status UrgentEnv::OpenForWriting(const std::string &name, bool append,
				 leveldb::WritableFile **file)
{
	/* not O_APPEND: then pwrite() would append whatever its offset */
	const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC |
			    (append ? 0 : O_TRUNC), 0644);
	struct stat st;
	int error;

	*file = nullptr;
	if (fd < 0)
		return PosixError(name, errno);
	if (fstat(fd, &st)) {
		error = errno;
		close(fd);
		return PosixError(name, error);
	}
	*file = new UrgentWritableFile(this, name, fd,
				       static_cast<uint64_t>(st.st_size), append);
	if (IsLog(name))
		recovering = false;
	return Status::OK();
}

Status UrgentEnv::NewWritableFile(const std::string &name,
				  leveldb::WritableFile **file)
{
	if (!enabled_ || !(IsLog(name) || IsManifest(name)))
		return target()->NewWritableFile(name, file);
	return OpenForWriting(name, false, file);
}

Status UrgentEnv::NewAppendableFile(const std::string &name,
				    leveldb::WritableFile **file)
{
	if (!enabled_ || !(IsLog(name) || IsManifest(name)))
		return target()->NewAppendableFile(name, file);
	return OpenForWriting(name, true, file);
}

Status UrgentEnv::LockFile(const std::string &name, leveldb::FileLock **lock)
{
	const Status status = target()->LockFile(name, lock);

	if (status.ok() && IsLock(name))
		recovering = true;
	return status;
}

Status UrgentEnv::UnlockFile(leveldb::FileLock *lock)
{
	/* the database could not be opened, or is closed */
	recovering = false;
	return target()->UnlockFile(lock);
}

Status UrgentEnv::NewLogger(const std::string &name, leveldb::Logger **logger)
{
	Status status = target()->NewLogger(name, logger);

	if (status.ok())
		LogLine(*logger, "UrgentEnv: %s", Explain().c_str());
	return status;
}

void UrgentEnv::Schedule(void (*function)(void *), void *argument)
{
	target()->Schedule(RunInBackground, new Task{ function, argument });
}

void UrgentEnv::StartThread(void (*function)(void *), void *argument)
{
	/* the program's: a new thread is in no background scope */
	target()->StartThread(function, argument);
}

} // namespace cint
