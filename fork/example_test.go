package fork_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"switchyard"
	"switchyard/fork"
)

// A program that serves with any of the designs.
func ExampleChild() {
	fork.Child() // first thing in main: fork/exec runs the program again for each connection

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server, err := switchyard.New("fork/exec", switchyard.Options{
		Ready: func(addr netip.AddrPort) {
			go func() {
				defer stop()
				reply, err := http.Get("http://" + addr.String() + "/")
				if err != nil {
					fmt.Println(err)
					return
				}
				defer http.DefaultClient.CloseIdleConnections()
				defer reply.Body.Close()
				body, _ := io.ReadAll(reply.Body)
				fmt.Println(string(body))
			}()
		},
	})
	if errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("one more served") // built with -race, for one
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.Serve(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: one more served
}
