package threads_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"switchyard"
	_ "switchyard/threads"
)

// A pool of four threads serves one request and drains.
func Example() {
	server, err := switchyard.New("threads/pool", switchyard.Options{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx) }()

	resp, err := http.Get("http://" + server.Addr().String() + "/")
	if err != nil {
		fmt.Println(err)
		return
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status)

	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 OK
	// <nil>
}
