// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * NVMe commands by io_uring, on the character device of a namespace.
 *
 * They go past page cache and block layer: a read or write is the command, fsync is
 * Flush, and a trim is Dataset Management, asynchronous like the others.
 */
#include <errno.h>
#include <string.h>
#include "cint.h"
#include "engines/nvme.h"

/* of the NVM command set */
enum { CINT_NVME_FLUSH = 0x00, CINT_NVME_WRITE = 0x01, CINT_NVME_READ = 0x02,
       CINT_NVME_WRITE_UNCORRECTABLE = 0x04, CINT_NVME_WRITE_ZEROES = 0x08,
       CINT_NVME_DSM = 0x09, CINT_NVME_VERIFY = 0x0c };

#define CINT_NVME_DSM_DEALLOCATE	(1U << 2)
#define CINT_NVME_DEALLOCATE		(1U << 25)	/* of Write Zeroes */
#define CINT_NVME_FUA			(1U << 30)
#define CINT_NVME_BLOCKS_MAX		0x10000		/* in one read or write */

static const __u8 cint_write_opcodes[] = {
	[CINT_WRITE_DATA]		= CINT_NVME_WRITE,
	[CINT_WRITE_UNCORRECTABLE]	= CINT_NVME_WRITE_UNCORRECTABLE,
	[CINT_WRITE_ZEROES]		= CINT_NVME_WRITE_ZEROES,
	[CINT_WRITE_VERIFY]		= CINT_NVME_VERIFY,
};

/* Which of fio's options have no meaning for such commands. */
int cint_passthrough_check(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	const char *what = NULL;

	if (td->o.odirect)
		what = "direct=1: the device refuses O_DIRECT, and there is no cache to go past";
	else if (td->o.sync_file_range)
		what = "sync_file_range: NVMe flushes whole namespaces; use fsync";
	else if (td->o.bs_unaligned)
		what = "bs_unaligned: NVMe reads and writes whole blocks";
	else if (o->uncached)
		what = "uncached: there is no cache";
	else if (CINT_FIO_ATOMIC && td->o.oatomic)
		what = "atomic: it is a flag of reads and writes";
	else if (o->write_mode != CINT_WRITE_DATA && td->o.verify)
		what = "verify with a write_mode other than write, which transfers no data";
	else if (o->write_mode == CINT_WRITE_UNCORRECTABLE && o->fua[DDIR_WRITE])
		what = "writefua with write_mode=uncor: that command has no such flag";
	else if (o->write_mode != CINT_WRITE_ZEROES && o->deallocate)
		what = "deac without write_mode=zeroes";
	else if (o->nowait)
		what = "nowait: it is a flag of reads and writes";
	else if (o->cmdprio.percentage[DDIR_READ] || o->cmdprio.percentage[DDIR_WRITE] ||
		 o->cmdprio.bssplit_str)
		what = "cmdprio_percentage or cmdprio_bssplit: a command has no priority";
	else if (o->barrier_every || o->barrier_batch || cint_share_any(&o->barrier))
		what = "barriers: RWF_BARRIER is a flag of reads and writes; commands can be urgent";
	if (!what)
		return 0;
	cint_say("cint: cmd_type=nvme does not take %s\n", what);
	return 1;
}

/* fio's own function, in whichever form this fio has it. */
static int cint_identify(struct fio_file *f, __u32 *nsid, __u32 *block_size,
			 __u32 *metadata_size, __u64 *blocks)
{
#if CINT_FIO_NVME_INFO == 1
	*metadata_size = 0;	/* this fio does not ask for it */
	return fio_nvme_get_info(f, nsid, block_size, blocks);
#elif CINT_FIO_NVME_INFO == 2
	return fio_nvme_get_info(f, nsid, block_size, metadata_size, blocks);
#else
	struct nvme_data data = { 0 };
	int ret = fio_nvme_get_info(f, blocks, 0, &data);

	*nsid = data.nsid;
	*block_size = data.lba_size;
	*metadata_size = data.ms;
	return ret;
#endif
}

static int cint_namespace_info(struct fio_file *f, struct cint_namespace *space,
			       uint64_t *size)
{
	__u32 nsid = 0, block_size = 0, metadata_size = 0;
	__u64 blocks = 0;

	if (f->filetype != FIO_TYPE_CHAR) {
		cint_say("cint: cmd_type=nvme: '%s' is not the character device of an NVMe "
			 "namespace, such as /dev/ng0n1\n", f->file_name);
		return EINVAL;
	}
	if (cint_identify(f, &nsid, &block_size, &metadata_size, &blocks) ||
	    !block_size || block_size & (block_size - 1)) {
		cint_say("cint: cmd_type=nvme: '%s' does not answer as an NVMe namespace does\n",
			 f->file_name);
		return EINVAL;
	}
	if (metadata_size) {
		cint_say("cint: cmd_type=nvme: the blocks of '%s' have %u bytes of metadata, "
			 "which this engine does not transfer; format it without\n",
			 f->file_name, metadata_size);
		return EINVAL;
	}
	space->nsid = nsid;
	space->block_shift = (unsigned int)__builtin_ctz(block_size);
	*size = blocks * block_size;
	return 0;
}

int cint_passthrough_file_size(struct thread_data *td, struct fio_file *f)
{
	struct cint_namespace space;
	uint64_t size;
	int error;

	if (fio_file_size_known(f))
		return 0;
	/* here it is said once, before fio starts its processes */
	error = cint_passthrough_check(td) ? EINVAL : cint_namespace_info(f, &space, &size);
	if (error) {
		td_verror(td, error, "cint namespace");
		return 1;
	}
	f->real_file_size = size;
	fio_file_set_size_known(f);
	return 0;
}

int cint_passthrough_init(struct thread_data *td, struct cint_data *d)
{
	struct fio_file *f;
	unsigned int i;
	uint64_t size;
	int ddir;

	d->namespaces = calloc(td->o.nr_files, sizeof(*d->namespaces));
	d->trims = calloc(td->o.iodepth, sizeof(*d->trims));
	if (!d->namespaces || !d->trims)
		return ENOMEM;
	for_each_file(td, f, i) {
		struct cint_namespace *space = &d->namespaces[f->fileno];

		if (cint_namespace_info(f, space, &size))
			return EINVAL;
		for (ddir = DDIR_READ; ddir <= DDIR_TRIM; ddir++) {
			unsigned long long bs = td->o.min_bs[ddir];

			if (bs & ((1ULL << space->block_shift) - 1)) {
				cint_say("cint: cmd_type=nvme: a block size of %llu is no "
					 "multiple of %u, that of '%s'\n", bs,
					 1U << space->block_shift, f->file_name);
				return EINVAL;
			}
		}
	}
	/* buffers are mapped as they are */
	td->flags |= (unsigned long long)(FIO_RAWIO | FIO_MEMALIGN) << TD_ENG_FLAG_SHIFT;
	return 0;
}

static void cint_deallocate_prep(struct cint_data *d, struct io_u *io_u,
				 struct nvme_uring_cmd *cmd, uint64_t block, uint32_t blocks)
{
	uint8_t *range = d->trims[io_u->index];
	__le32 length = __cpu_to_le32(blocks);
	__le64 start = __cpu_to_le64(block);

	memcpy(range + 4, &length, sizeof(length));
	memcpy(range + 8, &start, sizeof(start));
	cmd->opcode = CINT_NVME_DSM;
	cmd->addr = (uintptr_t)range;
	cmd->data_len = CINT_TRIM_RANGE;
	cmd->cdw11 = CINT_NVME_DSM_DEALLOCATE;
}

static void cint_transfer_prep(struct thread_data *td, struct cint_data *d, struct io_u *io_u,
			       struct io_uring_sqe *sqe, uint64_t block, uint32_t blocks)
{
	struct nvme_uring_cmd *cmd = (struct nvme_uring_cmd *)sqe->cmd;
	struct cint_options *o = td->eo;

	cmd->opcode = io_u->ddir == DDIR_READ ? CINT_NVME_READ : CINT_NVME_WRITE;
	cmd->cdw10 = (__u32)block;
	cmd->cdw11 = (__u32)(block >> 32);
	cmd->cdw12 = blocks - 1;
	if (o->fua[io_u->ddir])
		cmd->cdw12 |= CINT_NVME_FUA;
	if (io_u->ddir == DDIR_WRITE && o->write_mode != CINT_WRITE_DATA) {
		cmd->opcode = cint_write_opcodes[o->write_mode];
		if (o->deallocate)
			cmd->cdw12 |= CINT_NVME_DEALLOCATE;
		return;
	}
	if (o->fixedbufs) {
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
		sqe->buf_index = (__u16)io_u->index;
	} else if (!o->nonvectored) {
		struct iovec *iov = &d->iovecs[io_u->index];

		iov->iov_base = io_u->xfer_buf;
		iov->iov_len = io_u->xfer_buflen;
		sqe->cmd_op = NVME_URING_CMD_IO_VEC;
		cmd->addr = (uintptr_t)iov;
		cmd->data_len = 1;
		return;
	}
	cmd->addr = (uintptr_t)io_u->xfer_buf;
	cmd->data_len = (__u32)io_u->xfer_buflen;
}

int cint_passthrough_prep(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;
	struct fio_file *f = io_u->file;
	const struct cint_namespace *space = &d->namespaces[f->fileno];
	struct io_uring_sqe *sqe = cint_sqe(d, io_u->index);
	struct nvme_uring_cmd *cmd = (struct nvme_uring_cmd *)sqe->cmd;
	uint64_t mask = (1ULL << space->block_shift) - 1;
	uint64_t blocks = io_u->xfer_buflen >> space->block_shift;
	uint32_t most = io_u->ddir == DDIR_TRIM ? UINT32_MAX : CINT_NVME_BLOCKS_MAX;

	/* a large SQE is two entries of the array that the header declares */
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = d->sqe_flags & IOSQE_FIXED_FILE ? (__s32)f->engine_pos : f->fd;
	sqe->flags = d->sqe_flags;
	sqe->cmd_op = NVME_URING_CMD_IO;
	sqe->user_data = (uintptr_t)io_u;
	cmd->nsid = space->nsid;
	if (ddir_sync(io_u->ddir)) {
		cmd->opcode = CINT_NVME_FLUSH;
		return 0;
	}
	if ((io_u->offset | io_u->xfer_buflen) & mask || !blocks || blocks > most) {
		cint_say("cint: cmd_type=nvme: %llu bytes at %llu are not 1 to %u whole blocks "
			 "of %llu\n", io_u->xfer_buflen, io_u->offset, most,
			 (unsigned long long)mask + 1);
		/* fio goes by this alone */
		td_verror(td, EINVAL, "cint prep");
		return EINVAL;
	}
	if (io_u->ddir == DDIR_TRIM)
		cint_deallocate_prep(d, io_u, cmd, io_u->offset >> space->block_shift,
				     (uint32_t)blocks);
	else
		cint_transfer_prep(td, d, io_u, sqe, io_u->offset >> space->block_shift,
				   (uint32_t)blocks);
	return 0;
}

/* A result of more than 0 is the status of the drive. */
void cint_passthrough_event(struct thread_data *td, struct cint_data *d, struct io_u *io_u,
			    int res)
{
	io_u->error = res > 0 ? EIO : (unsigned int)-res;
	if (res && ddir_sync(io_u->ddir))
		cint_sync_failed(td, io_u, (int)io_u->error);
	if (res > 0 && !d->complained) {
		d->complained = true;
		cint_say("cint: %s refused a command (%s, %llu bytes at %llu) with NVMe "
			 "status 0x%x\n", io_u->file->file_name, io_ddir_name(io_u->ddir),
			 io_u->xfer_buflen, io_u->offset, (unsigned int)res);
	}
}
