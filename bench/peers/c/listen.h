#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define die(what)                                                                                  \
	do {                                                                                       \
		perror(what);                                                                      \
		exit(1);                                                                           \
	} while (0)

/* listen_on makes a socket that listens on "127.0.0.1:PORT". */
static int listen_on(const char *addr, int type)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *port = strrchr(addr, ':');
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);

	sa.sin_port = htons(port ? atoi(port + 1) : 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("bind");
	if (listen(fd, 4096))
		die("listen");
	return fd;
}
