// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A server whose control messages wake it, and whose bulk sends do not:
 *	control-server PORT
 *
 * Streams data to one client on 127.0.0.1, as fast as it takes it; completed sends
 * share wake-ups.  A line from the client is answered at once: "stop" ends the
 * stream, anything else is told what was sent so far.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <liburing-cint.h>

#define SENDS	16
#define CHUNK	4096
#define CONTROL	SENDS		/* user_data; a send's is its number */

static char chunks[SENDS][CHUNK], line[128];

static int accept_one(unsigned short port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return -1;
	printf("listening\n");
	fflush(stdout);
	return accept(fd, NULL, NULL);
}

static void listen_for_control(struct cint_ring *cring, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(cring->ring);

	io_uring_prep_recv(sqe, fd, line, sizeof(line) - 1, 0);
	io_uring_sqe_set_data64(sqe, CONTROL);
	cint_set_urgent(cring, sqe);
}

static void send_chunk(struct cint_ring *cring, int fd, unsigned int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(cring->ring);

	io_uring_prep_send(sqe, fd, chunks[i], CHUNK, MSG_WAITALL | MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, i);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? accept_one((unsigned short)atoi(argv[1])) : -1;
	unsigned long long sent = 0, controls = 0;
	struct io_uring_cint params;
	struct io_uring_cqe *cqe;
	struct cint_ring *cring;
	struct cint_stats stats;
	struct io_uring ring;
	bool stop = false;
	unsigned int i;

	cint_params_init(&params);
	params.threshold = SENDS / 2;
	params.max_hold_ns = 2000000;
	params.policy = CINT_POLICY_CINT;
	params.delta_ns = 1000000;
	if (fd < 0 || cint_queue_init(SENDS + 1, &ring, 0, &params, 0, &cring)) {
		fprintf(stderr, "usage: control-server PORT\n");
		return 1;
	}
	listen_for_control(cring, fd);
	for (i = 0; i < SENDS; i++)
		send_chunk(cring, fd, i);
	while (!stop && cint_submit_and_wait(cring, 0) >= 0) {
		while (!cint_peek_cqe(cring, &cqe)) {
			i = (unsigned int)cqe->user_data;
			stop |= cqe->res <= 0 || (i == CONTROL && !strncmp(line, "stop", 4));
			cint_cqe_seen(cring, cqe);
			if (i == CONTROL) {
				printf("control message %llu after %llu sends\n", ++controls, sent);
				fflush(stdout);
				listen_for_control(cring, fd);
			} else {
				sent++;
				send_chunk(cring, fd, i);
			}
		}
	}
	shutdown(fd, SHUT_RDWR);
	cint_get_stats(cring, &stats);
	printf("%s: %llu sends, %llu control messages, %llu waits\n",
	       cint_backend_name(cint_backend(cring)), sent, controls,
	       (unsigned long long)stats.waits);
	cint_queue_exit(cring);
	return 0;
}
