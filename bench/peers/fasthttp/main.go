// Command fasthttp answers GET / as switchyard does, on valyala/fasthttp.
package main

import (
	"log"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	s := &fasthttp.Server{
		// None of these headers is in the other servers' replies.
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
		Handler: func(c *fasthttp.RequestCtx) {
			if string(c.Path()) != "/" {
				c.Error("not found", fasthttp.StatusNotFound)
				return
			}
			c.SetContentType("text/plain")
			c.SetBodyString("one more served")
		},
	}
	log.Fatal(s.ListenAndServe(os.Args[1]))
}
