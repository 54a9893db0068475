package load

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestUsageErrors(t *testing.T) {
	good := Config{Target: "http://127.0.0.1:1/", Clients: 1, Duration: time.Second}
	for name, f := range map[string]func(*Config){
		"clients 0":         func(c *Config) { c.Clients = 0 },
		"clients -1":        func(c *Config) { c.Clients = -1 },
		"too many clients":  func(c *Config) { c.Clients = maxClients },
		"more than allowed": func(c *Config) { c.Clients = maxClients + 1 },
		"no duration":       func(c *Config) { c.Duration = 0 },
		"duration < 0":      func(c *Config) { c.Duration = -1 },
		"warm-up < 0":       func(c *Config) { c.Warmup = -1 },
		"rate < 0":          func(c *Config) { c.Rate = -1 },
		"rate NaN":          func(c *Config) { c.Rate = math.NaN() },
		"rate Inf":          func(c *Config) { c.Rate = math.Inf(1) },
		"arrivals":          func(c *Config) { c.Arrivals = "bursty" },
		"requests per conn": func(c *Config) { c.RequestsPerConn = -1 },
		"idle":              func(c *Config) { c.Idle = -1 },
		"threads":           func(c *Config) { c.Threads = 2 },
		"echo bytes":        func(c *Config) { c.EchoBytes = -1 },
		"target":            func(c *Config) { c.Target = "https://h/" },
		"no target":         func(c *Config) { c.Target = "" },
	} {
		c := good
		f(&c)
		r, err := Run(t.Context(), c)
		if r != nil || !errors.Is(err, ErrUsage) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
