package compare

import (
	"context"
	"encoding/json"
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

// serve stands in for `switchyard serve MODEL --protocol echo`: the same server, with a plain loop
// that answers for its counters at descriptor 3 and says at 4 that it accepts.
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
	control, ready := os.NewFile(3, "control"), os.NewFile(4, "ready")
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
	go func() {
		for question := make([]byte, 1); ; {
			if n, _ := control.Read(question); n == 0 {
				return
			}
			st, err := ReadStats(counters)
			if err != nil {
				return
			}
			st.Address = s.Addr().String()
			if err := json.NewEncoder(control).Encode(st); err != nil {
				return
			}
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	return s.Serve(ctx)
}
