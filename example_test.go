package switchyard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"switchyard"
	_ "switchyard/poll" // registers the designs of that family
)

// A server of a design that is known by its name, from the address it was given to the end of its
// drain.
func ExampleNew() {
	server, err := switchyard.New("poll/epoll", switchyard.Options{Listen: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()

	// The address is bound since New: what is sent before Serve begins waits.
	fmt.Println(get("http://" + server.Addr().String() + "/"))
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 OK: one more served
	// <nil>
}

// The error of a name that is not known says what may have been meant.
func ExampleNew_unknown() {
	_, err := switchyard.New("poll/epol", switchyard.Options{})
	fmt.Println(errors.Is(err, switchyard.ErrUnknownModel))
	fmt.Println(err)
	// Output:
	// true
	// unknown model "poll/epol": did you mean poll/epoll or poll/poll?
}

// What a model tells of itself, here of those that this program imports.
func ExampleModels() {
	opts := switchyard.Options{MaxConns: 100, Protocol: switchyard.Echo}
	for _, m := range switchyard.Models() {
		if m.Name == "poll/epoll" || m.Name == "example/iterative" {
			fmt.Printf("%s: %d at once, a pool: %v, isolated: %v\n", m.Name,
				m.Capacity(opts), m.Pool, m.Isolated)
		}
	}
	// Output:
	// example/iterative: 1 at once, a pool: false, isolated: false
	// poll/epoll: 100 at once, a pool: false, isolated: false
}

func get(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s", r.Status, bytes.TrimSpace(body))
}
