/*
 * The smallest fair opponent of poll/epoll: one level-triggered loop that
 * reads once for each event, answers every whole request it has read with one
 * send, and keeps the part of a request that is left.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <unistd.h>
#include "http.h"
#include "listen.h"

#define MAX_FD	 65536
#define MAX_HEAD 8192

struct conn {
	char part[MAX_HEAD];
	size_t len;
};

static struct conn *conns[MAX_FD]; /* only those with a part of a request */

static void drop(int fd)
{
	free(conns[fd]);
	conns[fd] = NULL;
	close(fd);
}

static void serve(int fd)
{
	static char in[MAX_HEAD + IN_SIZE], out[OUT_SIZE];
	struct conn *c = conns[fd];
	size_t have = 0, put;
	ssize_t n, took;

	if (c) {
		memcpy(in, c->part, have = c->len);
		c->len = 0;
	}
	n = read(fd, in + have, IN_SIZE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (c)
			c->len = have;
		return;
	}
	if (n <= 0) {
		drop(fd);
		return;
	}
	have += n;
	for (size_t at = 0; at < have; at += took) {
		took = requests(in + at, have - at, out, &put);
		if (took < 0) {
			drop(fd);
			return;
		}
		if (took == 0) {
			if (have - at > MAX_HEAD) {
				drop(fd);
				return;
			}
			if (!c && !(c = conns[fd] = malloc(sizeof(*c))))
				die("malloc");
			memcpy(c->part, in + at, c->len = have - at);
			return;
		}
		if (send(fd, out, put, MSG_NOSIGNAL) != (ssize_t)put) {
			drop(fd); /* the load reads its replies */
			return;
		}
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN }, evs[256];
	int ln = listen_on(argc > 1 ? argv[1] : "127.0.0.1:0", SOCK_NONBLOCK),
	    ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0)
		die("epoll_create1");
	http_init();
	ev.data.fd = ln;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, ln, &ev))
		die("epoll_ctl");
	for (;;) {
		int n = epoll_wait(ep, evs, 256, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (evs[i].data.fd != ln) {
				serve(evs[i].data.fd);
				continue;
			}
			for (int k = 0; k < 16; k++) {
				int fd = accept4(ln, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

				if (fd < 0)
					break;
				ev.data.fd = fd;
				if (fd >= MAX_FD || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
					close(fd);
			}
		}
	}
}
