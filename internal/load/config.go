package load

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrUsage is what every error that comes from asking for something that makes no sense wraps, as
// opposed to an error of the work itself.
var ErrUsage = errors.New("load")

// usageError is one line; it wraps ErrUsage without showing it.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }
func (e *usageError) Unwrap() error { return ErrUsage }

func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// Defaults of the fields of Config that may be left zero.
const (
	DefaultClients        = 16
	DefaultDuration       = 10 * time.Second
	DefaultTimeout        = 10 * time.Second
	DefaultConnectTimeout = 3 * time.Second
	DefaultDrain          = 250 * time.Millisecond
	DefaultEchoBytes      = 64
	DefaultSpin           = 50 * time.Microsecond // of the command; Config.Spin 0 is none
	MaxEchoBytes          = 16 << 20
	// MaxSpin bounds how long before a request is due the loop polls: a CPU is busy meanwhile.
	MaxSpin    = time.Second
	maxClients = 1 << 20
	maxThreads = 256
	maxPerConn = 1 << 30
	// MaxTime bounds every duration in a Config.
	MaxTime = 1000 * time.Hour
)

// Config says what load to put on what. Target, Clients and Duration must be set; the zero value of
// any other field is a choice of its own or stands for the default named beside it.
type Config struct {
	Target string // http://HOST[:PORT][/PATH] or echo://HOST:PORT
	// connections that make requests, each with at most one request outstanding
	Clients  int
	Duration time.Duration // of the measured window
	Warmup   time.Duration // load before the window, left out of every result

	// Rate is the number of requests that become due per second, over all clients: the open loop. 0
	// is the closed loop: a client sends its next request when it has the answer to the last.
	Rate     float64
	Arrivals Arrivals // law of the open loop; "" is Constant
	Seed     uint64   // of the Poisson arrivals

	// RequestsPerConn closes a connection after so many requests and opens another for the next. 0
	// keeps connections.
	RequestsPerConn int
	Idle            int // connections opened first and held open, silent, to the end

	EchoBytes int           // payload of one echo request; 0 is DefaultEchoBytes
	Timeout   time.Duration // for a response, from when its request left; 0 is DefaultTimeout
	// for a connection, and for the opening of all before the warm-up; 0 is DefaultConnectTimeout
	ConnectTimeout time.Duration
	// longest wait for outstanding responses after the warm-up and after the window; 0 is
	// DefaultDrain
	Drain   time.Duration
	Threads int // event loops, each on a thread of its own; 0 is 1
	// open loop: how long before a request is due the loop stops sleeping and polls; 0 only sleeps
	Spin time.Duration

	// Continued is how often this process was told to go on (SIGCONT) so far, as after Ctrl-Z; nil
	// is not known.
	Continued func() uint64
	// BeforeMeasure is called once, when the warm-up is over, no request is outstanding (or Drain
	// has passed) and nothing will be sent until it returns. It is not called when the run was
	// interrupted before. An error ends the run and is returned by Run.
	BeforeMeasure func() error
	// AfterMeasure is called once if the window was opened, also when the run was interrupted in
	// it: the window is over and no request is outstanding (or Drain has passed). The connections
	// are still open and are closed after it returns. An error is returned by Run, beside the
	// result.
	AfterMeasure func() error
}

// Check says what is wrong with c, or nil: what Run would refuse before it does anything. The error
// wraps ErrUsage.
func (c Config) Check() error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	if _, err := Parse(c.Target); err != nil {
		return err
	}
	_, _, err = fileLimit(c.Clients + c.Idle)
	return err
}

// withDefaults checks c and fills in what was left out.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"duration", c.Duration}, {"warmup", c.Warmup}, {"timeout", c.Timeout},
		{"connect-timeout", c.ConnectTimeout}, {"drain", c.Drain}, {"spin", c.Spin}} {
		if d.v < 0 {
			return c, usagef("%s %v: must not be negative", d.name, d.v)
		}
		if d.v > MaxTime {
			return c, usagef("%s %v: at most %v", d.name, d.v, MaxTime)
		}
	}
	switch {
	case c.Spin > MaxSpin:
		return c, usagef("spin %v: at most %v", c.Spin, MaxSpin)
	case c.Clients < 1:
		return c, usagef("clients %d: must be at least 1", c.Clients)
	case c.Clients > maxClients:
		return c, usagef("clients %d: at most %d", c.Clients, maxClients)
	case c.Duration == 0:
		return c, usagef("duration 0s: must be more than nothing, such as 10s")
	case math.IsNaN(c.Rate) || c.Rate < 0:
		return c, usagef("rate %v: must be requests per second, or 0 for a closed loop", c.Rate)
	case c.Rate > 1e7:
		return c, usagef("rate %v: at most 1e7 requests per second", c.Rate)
	case c.Rate > 0 && c.Rate < 1e-4:
		return c, usagef("rate %v: at least 1e-4 requests per second, or 0 for a closed loop",
			c.Rate)
	case c.RequestsPerConn < 0:
		return c, usagef("requests-per-conn %d: must not be negative; 0 keeps connections open",
			c.RequestsPerConn)
	case c.RequestsPerConn > maxPerConn:
		return c, usagef("requests-per-conn %d: at most %d; 0 keeps connections open",
			c.RequestsPerConn, maxPerConn)
	case c.Idle < 0:
		return c, usagef("idle %d: must not be negative", c.Idle)
	case c.Idle > maxClients:
		return c, usagef("idle %d: at most %d", c.Idle, maxClients)
	case c.EchoBytes < 0 || c.EchoBytes > MaxEchoBytes:
		return c, usagef("bytes %d: want 1 to %d", c.EchoBytes, MaxEchoBytes)
	case c.Threads < 0 || c.Threads > maxThreads:
		return c, usagef("threads %d: want 1 to %d", c.Threads, maxThreads)
	case c.Threads > c.Clients:
		return c, usagef("threads %d: more than the %d clients they would share", c.Threads,
			c.Clients)
	}
	switch c.Arrivals {
	case "":
		c.Arrivals = Constant
	case Constant, Poisson:
	default:
		return c, usagef("arrivals %q: want constant or poisson", string(c.Arrivals))
	}
	setDefault(&c.EchoBytes, DefaultEchoBytes)
	setDefault(&c.Timeout, DefaultTimeout)
	setDefault(&c.ConnectTimeout, min(DefaultConnectTimeout, c.Timeout))
	setDefault(&c.Drain, DefaultDrain)
	setDefault(&c.Threads, 1)
	return c, nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

func (c Config) continued() uint64 {
	if c.Continued == nil {
		return 0
	}
	return c.Continued()
}
