/*
 * The smallest fair opponent of poll/io_uring: multishot accept, multishot
 * receive into provided buffers, sends handed over in batches, through raw
 * system calls. A connection has one send in flight; what it sends meanwhile,
 * or sends a part of, is kept.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "http.h"
#include "listen.h"

#define MAX_FD	65536
#define ENTRIES 256
#define BUFFERS 256
#define STRIDE	(IN_SIZE + 64)
#define BATCH	16
#define KEEP	(2 * IN_SIZE)

enum { ACCEPT, RECV, SEND, CLOSE };

struct conn {
	char *kept; /* input not answered yet; only while there is some */
	size_t kept_len;
	char *out;
	size_t out_len, sent;
	uint8_t open, receiving, sending;
};

static struct conn conns[MAX_FD];
static unsigned *sq_head, *sq_tail, sq_mask, *cq_head, *cq_tail, cq_mask, tail, head, batch;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static struct io_uring_buf_ring *ring_bufs;
static char *buffers;
static int ring;

/* Replies lie one behind the other in chunks; one is filled again when all its sends are done. */
static struct chunk {
	char mem[OUT_SIZE];
	int sends;
} *chunk;
static size_t used;

static struct io_uring_sqe *sqe(int op, int fd, int kind)
{
	struct io_uring_sqe *s;

	while (tail - __atomic_load_n(sq_head, __ATOMIC_ACQUIRE) > sq_mask) {
		__atomic_store_n(sq_tail, tail, __ATOMIC_RELEASE);
		syscall(SYS_io_uring_enter, ring, tail - *sq_head, 0, 0, NULL, 0);
	}
	s = &sqes[tail++ & sq_mask];
	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->user_data = (uint64_t)kind << 32 | (uint32_t)fd;
	return s;
}

static void give(int id)
{
	static uint16_t at;
	struct io_uring_buf *b = &ring_bufs->bufs[at & (BUFFERS - 1)];

	b->addr = (uintptr_t)(buffers + (size_t)id * STRIDE);
	b->len = IN_SIZE;
	b->bid = id;
	__atomic_store_n(&ring_bufs->tail, ++at, __ATOMIC_RELEASE);
}

static void receive(int fd)
{
	struct io_uring_sqe *s = sqe(IORING_OP_RECV, fd, RECV);

	s->flags = IOSQE_BUFFER_SELECT;
	s->ioprio = IORING_RECV_MULTISHOT;
	conns[fd].receiving = 1;
}

static void hang_up(int fd)
{
	struct conn *c = &conns[fd];

	if (c->open) {
		c->open = 0;
		shutdown(fd, SHUT_RDWR); /* ends what is in flight */
	}
	if (!c->receiving && !c->sending) {
		free(c->kept);
		memset(c, 0, sizeof(*c));
		sqe(IORING_OP_CLOSE, fd, CLOSE);
	}
}

static void start(int fd)
{
	struct conn *c = &conns[fd];
	struct io_uring_sqe *s;

	if (batch++ == BATCH) {
		__atomic_store_n(sq_tail, tail, __ATOMIC_RELEASE);
		syscall(SYS_io_uring_enter, ring, tail - *sq_head, 0, 0, NULL, 0);
		batch = 1;
	}
	s = sqe(IORING_OP_SEND, fd, SEND);
	s->addr = (uintptr_t)(c->out + c->sent);
	s->len = c->out_len - c->sent;
	s->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
	c->sending = 1;
}

/* input answers what is in p, kept or new, and keeps the rest. */
static void input(int fd, const char *p, size_t n)
{
	struct conn *c = &conns[fd];
	size_t put = 0;
	ssize_t took = 0;

	if (!c->sending) {
		if (used > OUT_SIZE / 2) {
			/* A chunk whose sends never end is lost; the load ends them. */
			if (!(chunk = calloc(1, sizeof(*chunk))))
				die("calloc");
			used = 0;
		}
		took = requests(p, n, chunk->mem + used, &put);
		if (took < 0) {
			hang_up(fd);
			return;
		}
	}
	if (n - took > 0) {
		if (n - took > KEEP) {
			hang_up(fd);
			return;
		}
		if (!c->kept && !(c->kept = malloc(KEEP)))
			die("malloc");
		memmove(c->kept, p + took, n - took);
	}
	c->kept_len = n - took;
	if (put) {
		c->out = chunk->mem + used;
		c->out_len = put;
		c->sent = 0;
		chunk->sends++;
		used += put;
		start(fd);
	}
}

static void received(int fd, int res, unsigned flags)
{
	struct conn *c = &conns[fd];

	if (!(flags & IORING_CQE_F_MORE))
		c->receiving = 0;
	if (res > 0) {
		int id = flags >> IORING_CQE_BUFFER_SHIFT;
		const char *p = buffers + (size_t)id * STRIDE;

		if (c->open && !c->kept_len && !c->sending) {
			input(fd, p, res);
		} else if (c->open) {
			if (!c->kept && !(c->kept = malloc(KEEP)))
				die("malloc");
			if (c->kept_len + res > KEEP) {
				hang_up(fd); /* the load waits for its replies */
			} else {
				memcpy(c->kept + c->kept_len, p, res);
				c->kept_len += res;
				if (!c->sending)
					input(fd, c->kept, c->kept_len);
			}
		}
		give(id);
	} else if (res != -ENOBUFS) {
		hang_up(fd);
		return;
	}
	if (!c->open)
		hang_up(fd);
	else if (!c->receiving)
		receive(fd);
}

static void sent(int fd, int res)
{
	struct conn *c = &conns[fd];

	c->sending = 0;
	if (res > 0 && c->open && (c->sent += res) < c->out_len) {
		start(fd);
		return;
	}
	/* Only the chunk that is being filled is used again, see input. */
	if (c->out >= chunk->mem && c->out < chunk->mem + OUT_SIZE && --chunk->sends == 0)
		used = 0;
	if (res < 0 || !c->open)
		hang_up(fd);
	else if (c->kept_len)
		input(fd, c->kept, c->kept_len);
}

static void open_ring(void)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = 4096,
	};
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
	char *m;
	unsigned *array;

	ring = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring < 0)
		die("io_uring_setup");
	m = mmap(NULL, p.sq_off.array + p.sq_entries * 4 + p.cq_off.cqes + p.cq_entries * 16,
		 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		    ring, IORING_OFF_SQES);
	ring_bufs = mmap(NULL, BUFFERS * 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	buffers = mmap(NULL, (size_t)BUFFERS * STRIDE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	chunk = calloc(1, sizeof(*chunk));
	if (m == MAP_FAILED || sqes == MAP_FAILED || (void *)ring_bufs == MAP_FAILED ||
	    buffers == MAP_FAILED || !chunk)
		die("mmap");
	sq_head = (unsigned *)(m + p.sq_off.head);
	sq_tail = (unsigned *)(m + p.sq_off.tail);
	sq_mask = *(unsigned *)(m + p.sq_off.ring_mask);
	cq_head = (unsigned *)(m + p.cq_off.head);
	cq_tail = (unsigned *)(m + p.cq_off.tail);
	cq_mask = *(unsigned *)(m + p.cq_off.ring_mask);
	cqes = (struct io_uring_cqe *)(m + p.cq_off.cqes);
	array = (unsigned *)(m + p.sq_off.array);
	for (unsigned i = 0; i < p.sq_entries; i++)
		array[i] = i;
	reg.ring_addr = (uintptr_t)ring_bufs;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_PBUF_RING, &reg, 1))
		die("io_uring_register");
	for (int i = 0; i < BUFFERS; i++)
		give(i);
}

static void accept_all(int ln)
{
	struct io_uring_sqe *s = sqe(IORING_OP_ACCEPT, ln, ACCEPT);

	s->ioprio = IORING_ACCEPT_MULTISHOT;
	s->accept_flags = SOCK_CLOEXEC;
}

int main(int argc, char **argv)
{
	int ln = listen_on(argc > 1 ? argv[1] : "127.0.0.1:0", 0);

	http_init();
	open_ring();
	accept_all(ln);
	for (;;) {
		__atomic_store_n(sq_tail, tail, __ATOMIC_RELEASE);
		if (syscall(SYS_io_uring_enter, ring, tail - *sq_head, 1, IORING_ENTER_GETEVENTS,
			    NULL, 0) < 0 &&
		    errno != EINTR && errno != EBUSY)
			die("io_uring_enter");
		batch = 0;
		while (head != __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE)) {
			struct io_uring_cqe c = cqes[head & cq_mask];
			int fd = (uint32_t)c.user_data;

			__atomic_store_n(cq_head, ++head, __ATOMIC_RELEASE);
			switch (c.user_data >> 32) {
			case ACCEPT:
				if (c.res >= MAX_FD) {
					close(c.res);
				} else if (c.res >= 0) {
					conns[c.res].open = 1;
					receive(c.res);
				}
				if (!(c.flags & IORING_CQE_F_MORE))
					accept_all(ln);
				break;
			case RECV:
				received(fd, c.res, c.flags);
				break;
			case SEND:
				sent(fd, c.res);
				break;
			}
		}
	}
}
