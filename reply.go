package switchyard

// The reply to "/" as a client of HTTP/1.1 sees it while the connection stays open: the shortest
// that every client accepts.
const rootReply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\n" +
	rootBody

const rootBody = "one more served"

// reply puts the head of the reply, and its body where that is short, into out
// at n, where there is room for MinOut bytes, and returns where it ends. What is
// left of a long body is in c.todo.
//
//go:nosplit
//go:norace
func (c *Conn) reply(out []byte, n int) int {
	if c.route == routeRoot && c.flags&(flagKeepAlive|flagOld|flagHead) == flagKeepAlive {
		return add(out, n, rootReply)
	}
	n = add(out, n, "HTTP/1.1 ")
	status, body := c.text()
	n = add(out, n, status)
	switch {
	case c.flags&flagKeepAlive == 0:
		n = add(out, n, "Connection: close\r\n")
	case c.flags&flagOld != 0:
		n = add(out, n, "Connection: keep-alive\r\n")
	}
	n = add(out, n, "Content-Type: text/plain\r\nContent-Length: ")
	length := uint64(len(body))
	if c.route == routeBytes {
		length, c.todo = c.arg, c.arg
	}
	n = addDecimal(out, n, length)
	n = add(out, n, "\r\n\r\n")
	if c.flags&flagHead != 0 {
		c.todo = 0
		return n
	}
	return add(out, n, body)
}

// text is the status line and the body of a short reply.
//
//go:nosplit
//go:norace
func (c *Conn) text() (status, body string) {
	switch c.route {
	case routeRoot:
		return "200 OK\r\n", rootBody
	case routeBytes:
		return "200 OK\r\n", ""
	case routeWork:
		return "200 OK\r\n", "worked\n"
	case routeSleep:
		return "200 OK\r\n", "slept\n"
	}
	switch c.status {
	case 404:
		return "404 Not Found\r\n", "not found: want /, /bytes?n=N, /work?us=N, /sleep?ms=N or /crash\n"
	case 413:
		return "413 Content Too Large\r\n", "the request's body is larger than 1 MiB\n"
	case 431:
		return "431 Request Header Fields Too Large\r\n", "the request's head is larger than 8 KiB, or a line that must be read whole than 512 bytes\n"
	case 501:
		return "501 Not Implemented\r\n", "a request's body must come with Content-Length\n"
	}
	return "400 Bad Request\r\n", "malformed request, or a number missing or out of range\n"
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"

// fill puts as much of the rest of a /bytes body as fits into out at n and
// returns where it ends. The body is the alphabet over and over, aligned so that
// it ends where the alphabet does: a byte is known by how many are left.
//
//go:nosplit
//go:norace
func (c *Conn) fill(out []byte, n int) int {
	if uint(n) > uint(len(out)) {
		return n
	}
	rest := out[n:]
	if uint64(len(rest)) > c.todo {
		rest = rest[:c.todo]
	}
	for i := range rest {
		if i == len(alphabet) {
			break
		}
		rest[i] = alphabet[-(c.todo-uint64(i))%uint64(len(alphabet))]
	}
	// What repeats is copied from itself, twice as much each time.
	for done := len(alphabet); uint(done) < uint(len(rest)); done *= 2 {
		copy(rest[done:], rest[:done])
	}
	c.todo -= uint64(len(rest))
	return n + len(rest)
}

// addDecimal puts v in decimal into out at n and returns where it ends.
//
//go:nosplit
//go:norace
func addDecimal(out []byte, n int, v uint64) int {
	end := n + 1
	for m := v; m >= 10; m /= 10 {
		end++
	}
	for i := end - 1; i >= n; i-- {
		if uint(i) < uint(len(out)) {
			out[i] = byte('0' + v%10)
		}
		v /= 10
	}
	return end
}
