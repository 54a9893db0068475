package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Protocol is what is spoken to a target.
type Protocol string

const (
	HTTP Protocol = "http" // GET over HTTP/1.1; the server may answer with 1.0
	Echo Protocol = "echo" // bytes that come back
)

// A Target is a checked target: nothing in it can end a request line early.
type Target struct {
	Protocol Protocol
	Host     string // name or IP address, without brackets
	Port     uint16
	Path     string // with the query; "/" at least. Empty for Echo
	hostPort string // as the Host field wants it
}

// Parse reads http://HOST[:PORT][/PATH][?QUERY] or echo://HOST:PORT. Every error is one line and
// wraps ErrUsage.
func Parse(target string) (Target, error) {
	var t Target
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return t, usagef("target %q: want http://HOST:PORT/PATH or echo://HOST:PORT", target)
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			return t, usagef("target %q: has the character %q; write it as %%%02X", target,
				string(rune(c)), c)
		}
	}
	switch strings.ToLower(scheme) {
	case "http":
		t.Protocol = HTTP
	case "echo":
		t.Protocol = Echo
	case "https":
		return t, usagef("target %q: TLS is not spoken here; want http:// or echo://", target)
	default:
		return t, usagef("target %q: scheme %q is not known; want http://HOST:PORT/PATH or echo://HOST:PORT",
			target, scheme)
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, t.Path = rest[:i], rest[i:]
	}
	if strings.Contains(t.Path, "#") {
		return t, usagef("target %q: a fragment (#) is never sent to a server; leave it out",
			target)
	}
	if strings.Contains(authority, "@") {
		return t, usagef("target %q: user names and passwords are not supported", target)
	}
	if t.Protocol == Echo && t.Path != "" && t.Path != "/" {
		return t, usagef("target %q: an echo target has no path; want echo://HOST:PORT", target)
	}
	if t.Protocol == Echo {
		t.Path = ""
	} else if !strings.HasPrefix(t.Path, "/") {
		t.Path = "/" + t.Path
	}
	host, port, err := splitAuthority(authority)
	if err != nil {
		return t, usagef("target %q: %v", target, err)
	}
	if port == "" {
		if t.Protocol == Echo {
			return t, usagef("target %q: no port; want echo://HOST:PORT", target)
		}
		port = "80"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return t, usagef("target %q: port %q: want 1 to 65535", target, port)
	}
	t.Host, t.Port = host, uint16(n)
	t.hostPort = authority
	if a, err := netip.ParseAddr(host); err == nil && a.Zone() != "" {
		// A zone means something on this machine only (RFC 6874).
		t.hostPort = net.JoinHostPort(a.WithZone("").String(), port)
	}
	return t, nil
}

func splitAuthority(a string) (host, port string, err error) {
	if strings.HasPrefix(a, "[") {
		in, after, ok := strings.Cut(a[1:], "]")
		if !ok || after != "" && after[0] != ':' {
			return "", "", errors.New("want [IPv6 ADDRESS]:PORT")
		}
		addr, err := netip.ParseAddr(strings.Replace(in, "%25", "%", 1))
		if err != nil || !addr.Is6() {
			return "", "", fmt.Errorf("%q is not an IPv6 address", in)
		}
		if after == ":" {
			return "", "", errors.New("no port after the colon")
		}
		return addr.String(), strings.TrimPrefix(after, ":"), nil
	}
	if strings.Count(a, ":") > 1 {
		return "", "", errors.New("an IPv6 address stands in brackets: [::1]:8080")
	}
	host, port, colon := strings.Cut(a, ":")
	if colon && port == "" {
		return "", "", errors.New("no port after the colon")
	}
	if host == "" {
		return "", "", errors.New("no host")
	}
	for i := range len(host) {
		c := lower(host[i])
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return "", "", fmt.Errorf("host %q: %q cannot stand in a name", host,
				string(rune(host[i])))
		}
	}
	return host, port, nil
}

// request is what one client sends for one request.
func (t Target) request(echoBytes int) []byte {
	if t.Protocol == Echo {
		return echoPayload(echoBytes)
	}
	return []byte("GET " + t.Path + " HTTP/1.1\r\nHost: " + t.hostPort + "\r\n\r\n")
}

// echoPayload is n bytes in which a lost, doubled or moved byte shows. The last is a line feed, for
// servers that echo lines.
func echoPayload(n int) []byte {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-"
	p := make([]byte, n)
	for i := range p {
		// The row moves on by one each time, so that no period divides a power of two.
		p[i] = alphabet[(i+i/len(alphabet))%len(alphabet)]
	}
	p[n-1] = '\n'
	return p
}

// resolve looks the host up, once.
func (t Target) resolve(ctx context.Context) ([]netip.AddrPort, error) {
	if a, err := netip.ParseAddr(t.Host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), t.Port)}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.Host)
	if err != nil {
		var d *net.DNSError
		if errors.As(err, &d) && d.IsNotFound {
			return nil, fmt.Errorf("look up %s: no such host (check the name, or give an IP address)",
				t.Host)
		}
		return nil, fmt.Errorf("look up %s: %w", t.Host, err)
	}
	aps := make([]netip.AddrPort, 0, len(addrs))
	for _, a := range addrs {
		aps = append(aps, netip.AddrPortFrom(a.Unmap(), t.Port))
	}
	if len(aps) == 0 {
		return nil, fmt.Errorf("look up %s: no address", t.Host)
	}
	return aps, nil
}
