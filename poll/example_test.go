package poll_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"switchyard"
	_ "switchyard/poll" // registers the multiplexed designs
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := switchyard.New("poll/epoll", switchyard.Options{Ready: func(addr netip.AddrPort) {
		go func() {
			defer cancel()
			r, err := http.Get("http://" + addr.String() + "/")
			if err != nil {
				fmt.Println(err)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			fmt.Printf("%s: %s\n", r.Status, body)
			http.DefaultClient.CloseIdleConnections()
		}()
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Serve(ctx))
	// Output:
	// 200 OK: one more served
	// <nil>
}
