package switchyard

import "bytes"

// takeRequest reads a request line, method, target and version (RFC 9112, 3),
// and returns the target; nothing if the line is malformed.
//
//go:nosplit
//go:norace
func (c *Conn) takeRequest(line []byte) (target []byte) {
	c.skip, c.todo, c.arg, c.flags = 0, 0, 0, 0
	c.phase = phaseHeader
	i := bytes.IndexByte(line, ' ')
	if uint(i) >= uint(len(line)) || i == 0 {
		return nil
	}
	method, rest := line[:i], line[i+1:]
	for _, b := range method {
		if !isToken(b) {
			return nil
		}
	}
	switch string(method) {
	case "HEAD":
		c.flags |= flagHead
	case "CONNECT": // to a client any 2xx would be the beginning of a tunnel (RFC 9112, 6.3)
		return nil
	}
	i = bytes.IndexByte(rest, ' ')
	if uint(i) >= uint(len(rest)) {
		return nil
	}
	target, version := rest[:i], rest[i+1:]
	if len(version) != 8 || string(version[:7]) != "HTTP/1." || version[7] < '0' ||
		version[7] > '9' {
		return nil
	}
	if version[7] == '0' {
		c.flags |= flagOld
	} else {
		c.flags |= flagKeepAlive
	}
	return target
}

// takeTarget finds the route of a target: an absolute path, or a whole
// "http://host/path" as sent to a proxy (RFC 9112, 3.2), whose scheme may be in
// any case (RFC 3986, 3.1).
//
//go:nosplit
//go:norace
func (c *Conn) takeTarget(t []byte) {
	for _, b := range t {
		if b <= ' ' || b >= 0x7f {
			c.fail(400)
			return
		}
	}
	if len(t) >= 7 && isWord(t[:7], "http://") {
		t = skipHost(t[7:])
	}
	path, query := t, t[:0]
	if i := bytes.IndexByte(t, '?'); uint(i) < uint(len(t)) {
		path, query = t[:i], t[i+1:]
	}
	switch string(path) {
	case "/":
		c.route = routeRoot
	case "/crash":
		c.route = routeCrash
	case "/bytes":
		c.takeNumber(routeBytes, MaxReply, query, "n=")
	case "/work":
		c.takeNumber(routeWork, MaxWork, query, "us=")
	case "/sleep":
		c.takeNumber(routeSleep, MaxSleep, query, "ms=")
	default:
		if len(path) == 0 || path[0] != '/' {
			c.fail(400)
			return
		}
		c.route, c.status = routeError, 404
	}
}

// skipHost is what follows the host in a target: a path, which is "/" where
// the target ends with the host (RFC 9110, 4.2.3); nothing if there is no host,
// or a user's name before it, which is there to mislead (RFC 9110, 4.2.4).
//
//go:nosplit
//go:norace
func skipHost(t []byte) []byte {
	for i, b := range t {
		switch {
		case b == '@', i == 0 && (b == '/' || b == '?' || b == ':'):
			return nil
		case b == '/':
			return t[i:]
		case b == '?': // the root, which takes no query
			return rootPath[:]
		}
	}
	return rootPath[:min(len(t), 1)]
}

var rootPath = [1]byte{'/'}

// takeNumber takes the route and its parameter, which must be in the query and
// at most limit; name ends in "=".
//
//go:nosplit
//go:norace
func (c *Conn) takeNumber(r route, limit uint64, query []byte, name string) {
	c.route, c.arg = r, noNumber
	for len(query) > 0 {
		field := query
		if i := bytes.IndexByte(query, '&'); uint(i) < uint(len(query)) {
			field, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		if len(field) < len(name) {
			continue
		}
		if value := field[len(name):]; string(field[:len(name)]) == name {
			c.arg = decimal(value)
			break
		}
	}
	if c.arg > limit {
		c.fail(400)
	}
}

// noNumber is what decimal makes of something else; larger than any limit.
const noNumber = 1 << 63

// decimal reads digits; noNumber when there are none or anything else.
//
//go:nosplit
//go:norace
func decimal(p []byte) uint64 {
	if len(p) == 0 {
		return noNumber
	}
	var n uint64
	for _, b := range p {
		if b < '0' || b > '9' {
			return noNumber
		}
		if n < 1<<40 {
			n = n*10 + uint64(b-'0')
		}
	}
	return n
}

// takeHeader reads one header line, or the beginning of a long one. Only the
// four headers that change what the server does are read; the rest must merely
// have a name, and may be longer than MaxLine: look has seen all of them.
//
//go:nosplit
//go:norace
func (c *Conn) takeHeader(line []byte, long bool) {
	i := bytes.IndexByte(line, ':')
	if uint(i) >= uint(len(line)) || i == 0 {
		if i < 0 && long {
			c.fail(431)
			return
		}
		c.fail(400)
		return
	}
	for _, b := range line[:i] {
		if !isToken(b) { // a folded line begins with a space and fails here
			c.fail(400)
			return
		}
	}
	name, value := line[:i], trim(line[i+1:])
	switch {
	case long: // what was cut off may change what the rest says
		if isObeyed(name) {
			c.fail(431)
		}
	case isWord(name, "content-length"):
		// Of two lengths some servers take the first and others the last, and those who say the
		// same twice have nothing to say by it.
		n := decimal(value)
		if n == noNumber || c.flags&flagLength != 0 {
			c.fail(400)
			return
		}
		c.flags |= flagLength
		c.skip = n
	case isWord(name, "transfer-encoding"):
		c.takeCoding(value)
	case isWord(name, "expect"):
		if isWord(value, "100-continue") && c.flags&flagOld == 0 {
			c.flags |= flagExpect
		}
	case isWord(name, "connection"):
		c.takeConnection(value)
	}
}

// isObeyed reports whether a header of that name changes what the server does.
//
//go:nosplit
//go:norace
func isObeyed(name []byte) bool {
	return isWord(name, "content-length") || isWord(name, "transfer-encoding") ||
		isWord(name, "expect") || isWord(name, "connection")
}

// takeCoding reads the list of a Transfer-Encoding header. Its lines make one
// list, which "chunked" ends (RFC 9112, 6.1).
//
//go:nosplit
//go:norace
func (c *Conn) takeCoding(value []byte) {
	c.flags |= flagCoding
	for len(value) > 0 {
		coding := value
		if i := bytes.IndexByte(value, ','); uint(i) < uint(len(value)) {
			coding, value = value[:i], value[i+1:]
		} else {
			value = nil
		}
		coding = trim(coding)
		switch {
		case len(coding) == 0: // an empty member is none (RFC 9110, 5.6.1)
		case c.flags&flagChunked != 0:
			c.fail(400)
			return
		case isWord(coding, "chunked"):
			c.flags |= flagChunked
		}
	}
}

// takeConnection reads the list of a Connection header.
//
//go:nosplit
//go:norace
func (c *Conn) takeConnection(value []byte) {
	for len(value) > 0 {
		option := value
		if i := bytes.IndexByte(value, ','); uint(i) < uint(len(value)) {
			option, value = value[:i], value[i+1:]
		} else {
			value = nil
		}
		option = trim(option)
		switch {
		case isWord(option, "close"):
			c.flags &^= flagKeepAlive
			return
		case isWord(option, "keep-alive"):
			c.flags |= flagKeepAlive
		}
	}
}

// trim removes spaces and tabs at both ends.
//
//go:nosplit
//go:norace
func trim(p []byte) []byte {
	for len(p) > 0 && (p[0] == ' ' || p[0] == '\t') {
		p = p[1:]
	}
	for len(p) > 0 {
		last := len(p) - 1
		if p[last] != ' ' && p[last] != '\t' {
			break
		}
		p = p[:last]
	}
	return p
}

// isWord reports whether p is word, whose letters are small, in any case.
//
//go:nosplit
//go:norace
func isWord(p []byte, word string) bool {
	if len(p) != len(word) {
		return false
	}
	for i, b := range p {
		if uint(i) >= uint(len(word)) {
			return false
		}
		if b >= 'A' && b <= 'Z' {
			b |= 0x20
		}
		if b != word[i] {
			return false
		}
	}
	return true
}

// tokens has a bit for each byte that may stand in a method or a header's name (RFC 9110, 5.6.2:
// tchar).
var tokens = [4]uint64{
	0: 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' |
		1<<'.' | 0x3ff<<'0',
	1: 0x3ffffff<<('A'-64) | 0x3ffffff<<('a'-64) | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) |
		1<<('|'-64) | 1<<('~'-64),
}

//go:nosplit
//go:norace
func isToken(b byte) bool { return tokens[b>>6&3]>>(b&63)&1 != 0 }
