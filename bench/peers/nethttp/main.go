// Command nethttp answers GET / as switchyard does, on net/http.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	// Neither header is in the other servers' replies.
	none := []string(nil)
	kind, length := []string{"text/plain"}, []string{"15"}
	http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Date"] = none
		h["Content-Type"] = kind
		h["Content-Length"] = length
		io.WriteString(w, "one more served")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
