// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include "marked-log.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <liburing-cint.h>

namespace cint {

using leveldb::Slice;
using leveldb::Status;

constexpr size_t MarkedLog::kBufferSize;
constexpr size_t MarkedLog::kRewriteMax;

MarkedLog::MarkedLog(const std::string &name, int fd, uint64_t size, bool existing,
		     bool sync_directory)
	: name_(name), fd_(fd), size_(size), sync_directory_(sync_directory),
	  too_much_(existing)
{
	buffer_.reserve(kBufferSize);
}

MarkedLog::~MarkedLog()
{
	/* what remains is lost if it can't be written, as nobody can be told */
	if (fd_ >= 0)
		Close();
}

Status MarkedLog::Append(const Slice &data)
{
	const size_t room = kBufferSize - buffer_.size();
	const size_t first = std::min(room, data.size());
	Status status;

	buffer_.append(data.data(), first);
	if (first == data.size())
		return status;
	status = Flush();
	if (!status.ok())
		return status;
	if (data.size() - first < kBufferSize) {
		buffer_.append(data.data() + first, data.size() - first);
		return status;
	}
	return Write(data.data() + first, data.size() - first);
}

Status MarkedLog::Flush()
{
	const Status status = Write(buffer_.data(), buffer_.size());

	buffer_.clear();
	return status;
}

Status MarkedLog::Close()
{
	Status status = Flush();

	if (close(fd_) && status.ok())
		status = PosixError(name_, errno);
	fd_ = -1;
	return status;
}

void MarkedLog::Remember(const char *data, size_t size)
{
	if (too_much_)
		return;
	if (unsynced_.size() + size > kRewriteMax) {
		too_much_ = true;
		unsynced_.clear();
		return;
	}
	unsynced_.append(data, size);
}

Status MarkedLog::Write(const char *data, size_t size)
{
	while (size) {
		const ssize_t ret = pwrite(fd_, data, size, static_cast<off_t>(size_));

		if (ret < 0) {
			if (errno == EINTR)
				continue;
			return PosixError(name_, errno);
		}
		Remember(data, static_cast<size_t>(ret));
		size_ += static_cast<uint64_t>(ret);
		data += ret;
		size -= static_cast<size_t>(ret);
	}
	return Status::OK();
}

Status MarkedLog::SyncDirectory() const
{
	const size_t slash = name_.rfind('/');
	const std::string directory = slash == std::string::npos ? "." :
		name_.substr(0, std::max<size_t>(slash, 1));
	const int fd = open(directory.c_str(), O_RDONLY | O_CLOEXEC);
	Status status;

	if (fd < 0)
		return PosixError(directory, errno);
	if (fsync(fd))
		status = PosixError(directory, errno);
	close(fd);
	return status;
}

Status MarkedLog::Rewrite(int *marks)
{
	uint64_t offset = size_ - unsynced_.size();
	const char *data = unsynced_.data();
	size_t left = unsynced_.size();

	while (left) {
		struct iovec iov = { const_cast<char *>(data), left };
		const ssize_t ret = cint_pwritev2(fd_, &iov, 1,
						  static_cast<off_t>(offset),
						  RWF_DSYNC | *marks);

		if (ret == -EINTR)
			continue;
		if (ret == -EOPNOTSUPP && *marks) {	/* a file that takes none */
			*marks = 0;
			continue;
		}
		if (ret <= 0)
			return PosixError(name_, ret ? static_cast<int>(-ret) : EIO);
		offset += static_cast<uint64_t>(ret);
		data += ret;
		left -= static_cast<size_t>(ret);
	}
	return Status::OK();
}

Status MarkedLog::Sync(int marks, int *used)
{
	Status status;

	*used = 0;
	if (sync_directory_) {
		status = SyncDirectory();
		if (!status.ok())
			return status;
	}
	status = Flush();
	if (!status.ok())
		return status;
	if (marks && !too_much_ && !unsynced_.empty()) {
		status = Rewrite(&marks);
		if (status.ok())
			*used = marks;
	} else if (fdatasync(fd_)) {
		status = PosixError(name_, errno);
	}
	/* after an error nothing is known of what the drive has */
	too_much_ = !status.ok();
	unsynced_.clear();
	return status;
}

} // namespace cint
