#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A ring without liburing and without C: own-ring.py FILE

Sets up and maps a ring by system calls, reads FILE through it, marks every eighth read
urgent, and waits as cint_plan(3) says. The library is liburing-cint-ffi, which has the
header's inline functions as symbols.
"""

import ctypes
import mmap
import os
import struct
import sys

DEPTH, SIZE = 32, 4096
SETUP, ENTER = 425, 426                 # system calls, the same on all machines but alpha
OP_READ = 22
ENTER_GETEVENTS, ENTER_EXT_ARG = 1 << 0, 1 << 3
OFF_SQES = 0x10000000
U32 = ctypes.c_uint32

libc = ctypes.CDLL(None, use_errno=True)
cint = ctypes.CDLL('liburing-cint-ffi.so.2')
for name in ('cint_attach_mapped', 'cint_params_init', 'cint_plan', 'cint_set_urgent',
             'cint_cqe_taken', 'cint_detach', 'cint_backend', 'cint_backend_name'):
    getattr(cint, name)                 # all there, or say which is not
cint.cint_backend_name.restype = ctypes.c_char_p
cint.cint_set_urgent.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
cint.cint_cqe_taken.argtypes = [ctypes.c_void_p, ctypes.c_void_p]


class Plan(ctypes.Structure):           # struct cint_wait_plan
    _fields_ = [('wait_nr', U32), ('reserved', U32), ('hold_ns', ctypes.c_uint64)]


def syscall(number, *args):
    ret = libc.syscall(ctypes.c_long(number), *args)
    if ret < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return ret


class Ring:
    def __init__(self):
        # struct io_uring_params: 10 words, then the offsets of both rings
        self.params = (U32 * 30)()
        self.fd = syscall(SETUP, DEPTH, self.params)
        sq_entries, cq_entries = self.params[0], self.params[1]
        sq_off, cq_off = self.params[10:20], self.params[20:30]
        size = max(sq_off[6] + 4 * sq_entries, cq_off[5] + 16 * cq_entries)
        self.maps = [mmap.mmap(self.fd, size, offset=0),
                     mmap.mmap(self.fd, 64 * sq_entries, offset=OFF_SQES)]
        self.rings, self.sqes = (ctypes.addressof(ctypes.c_char.from_buffer(m))
                                 for m in self.maps)
        self.mask, self.cq_mask = sq_entries - 1, cq_entries - 1
        self.sq_head, self.sq_tail = (U32.from_address(self.rings + sq_off[i]) for i in (0, 1))
        self.cq_head, self.cq_tail = (U32.from_address(self.rings + cq_off[i]) for i in (0, 1))
        self.cqes = self.rings + cq_off[5]
        array = (U32 * sq_entries).from_address(self.rings + sq_off[6])
        for i in range(sq_entries):
            array[i] = i
        params = ctypes.create_string_buffer(64)        # struct io_uring_cint
        cint.cint_params_init(params)
        self.cring = ctypes.c_void_p()
        ret = cint.cint_attach_mapped(
            self.fd, self.params, ctypes.c_void_p(self.rings), ctypes.c_void_p(self.rings),
            ctypes.c_void_p(self.sqes), params, 0, ctypes.byref(self.cring))
        if ret:
            raise OSError(-ret, os.strerror(-ret))

    def enter(self, to_submit):
        plan = Plan()
        if not cint.cint_plan(self.cring, 0, to_submit, ctypes.byref(plan)) and not to_submit:
            return 0
        ts = struct.pack('qq', 0, plan.hold_ns)
        ts = ctypes.create_string_buffer(ts, len(ts))
        arg = struct.pack('QIIQ', 0, 0, 0, ctypes.addressof(ts) if plan.hold_ns else 0)
        try:
            syscall(ENTER, self.fd, to_submit, plan.wait_nr,
                    ENTER_GETEVENTS | ENTER_EXT_ARG, arg, ctypes.c_size_t(len(arg)))
        except TimeoutError:
            pass                        # the time for a batch is over, and there is none
        return int(plan.wait_nr > 0)


def main():
    file = os.open(sys.argv[1], os.O_RDONLY)
    blocks = (os.fstat(file).st_size + SIZE - 1) // SIZE
    buffers = ctypes.create_string_buffer(DEPTH * SIZE)
    ring, free = Ring(), list(range(DEPTH))
    block = done = waits = urgent = total = 0
    while done < blocks:
        tail = ring.sq_tail.value
        while free and block < blocks:
            slot, sqe = free.pop(), ring.sqes + 64 * (tail & ring.mask)
            ctypes.memset(sqe, 0, 64)
            data = struct.pack('BBHiQQIIQ', OP_READ, 0, 0, file, block * SIZE,
                               ctypes.addressof(buffers) + slot * SIZE, SIZE, 0, slot)
            ctypes.memmove(sqe, data, len(data))
            if block % 8 == 0:
                urgent += not cint.cint_set_urgent(ring.cring, sqe)
            block, tail = block + 1, tail + 1
        ring.sq_tail.value = tail       # the interpreter's locks order these accesses
        waits += ring.enter((tail - ring.sq_head.value) % 2**32)
        head = ring.cq_head.value
        while head != ring.cq_tail.value:
            cqe = ring.cqes + 16 * (head & ring.cq_mask)
            slot, res = struct.unpack('Qi', ctypes.string_at(cqe, 12))
            if res <= 0:
                raise OSError(-res, os.strerror(-res))
            cint.cint_cqe_taken(ring.cring, cqe)
            free.append(slot)
            head, done, total = (head + 1) % 2**32, done + 1, total + res
        ring.cq_head.value = head
    print(f'{cint.cint_backend_name(cint.cint_backend(ring.cring)).decode()}: {done} blocks '
          f'read, {urgent} urgent, {waits} waits, {total} bytes')
    cint.cint_detach(ring.cring)


if __name__ == '__main__':
    main()
