/*
 * The least of HTTP/1.1 that a fair opponent of poll/epoll reads: where a
 * head's lines end, method, target and version of its first, and of each
 * header whether its name is one and whether it is one of the four that change
 * what a server does. A request's body is not read: none is sent here.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define REPLY                                                                                      \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\none more served"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define IN_SIZE	  (16 << 10)
#define OUT_SIZE  (64 << 10)

static uint8_t token[256];

static void http_init(void)
{
	for (const char *p =
		     "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	     *p; p++)
		token[(uint8_t)*p] = 1;
}

static int is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!token[(uint8_t)p[i]])
			return 0;
	return n > 0;
}

static int is_word(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(p, word, n) == 0;
}

/*
 * request reads one request of n bytes at in and puts its reply at out. It
 * returns how many bytes the request has, 0 if it is not whole, -1 if it is
 * malformed, and adds the length of the reply to *put.
 */
static int request(const char *in, size_t n, char *out, size_t *put)
{
	const char *p = in, *end = in + n, *nl, *sp, *target;
	size_t len;

	nl = memchr(p, '\n', n);
	if (!nl)
		return 0;
	len = nl - p - (nl > p && nl[-1] == '\r');
	sp = memchr(p, ' ', len);
	if (!sp || !is_name(p, sp - p))
		return -1;
	target = sp + 1;
	sp = memchr(target, ' ', p + len - target);
	if (!sp || p + len - sp != 9 || memcmp(sp + 1, "HTTP/1.1", 8))
		return -1;
	for (const char *t = target; t < sp; t++)
		if (*t <= ' ' || *t >= 0x7f)
			return -1;
	for (p = nl + 1;; p = nl + 1) {
		const char *colon;

		nl = memchr(p, '\n', end - p);
		if (!nl)
			return 0;
		len = nl - p - (nl > p && nl[-1] == '\r');
		if (len == 0)
			break;
		colon = memchr(p, ':', len);
		if (!colon || !is_name(p, colon - p))
			return -1;
		if (is_word(p, colon - p, "content-length") ||
		    is_word(p, colon - p, "transfer-encoding") || is_word(p, colon - p, "expect") ||
		    is_word(p, colon - p, "connection"))
			return -1; /* the load sends none of them */
	}
	if (sp - target == 1 && *target == '/') {
		memcpy(out + *put, REPLY, sizeof(REPLY) - 1);
		*put += sizeof(REPLY) - 1;
	} else {
		memcpy(out + *put, NOT_FOUND, sizeof(NOT_FOUND) - 1);
		*put += sizeof(NOT_FOUND) - 1;
	}
	return nl + 1 - in;
}

/*
 * requests reads all whole requests of n bytes at in. It returns how many
 * bytes they have, -1 if one is malformed, and the length of the replies.
 */
static ssize_t requests(const char *in, size_t n, char *out, size_t *put)
{
	size_t took = 0;

	*put = 0;
	while (took < n && OUT_SIZE - *put >= sizeof(REPLY)) {
		int r = request(in + took, n - took, out, put);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		took += r;
	}
	return took;
}
