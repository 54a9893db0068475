package child

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
	_ "switchyard/poll"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, map[string]func() int{"switchyard": serve}))
}

// serve stands in for `switchyard serve MODEL --protocol echo`.
func serve() int {
	if err := serveModel(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveModel(name string) error {
	m, ok := switchyard.Lookup(name)
	if !ok {
		return fmt.Errorf("no model %s", name)
	}
	counters, free, err := switchyard.NewCounters()
	if err != nil {
		return err
	}
	defer free()
	ready := os.NewFile(4, "ready")
	s, err := m.New(switchyard.Options{
		Listen: "127.0.0.1:0", Protocol: switchyard.Echo, Counters: counters,
		Ready: func(at netip.AddrPort) {
			fmt.Fprintln(os.Stderr, "listening on", at)
			ready.Write([]byte{'\n'})
			ready.Close()
		},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := AdoptSocket(3); err != nil {
		return err
	}
	end, err := Answer(3, 0, func() (Stats, error) {
		st, err := ReadStats(counters)
		st.Address = s.Addr().String()
		return st, err
	}, make(chan struct{}))
	if err != nil {
		return err
	}
	defer end()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	return s.Serve(ctx)
}
