package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchyard"
)

// A client that pipelines requests which burn CPU or sleep.
var turnCases = []conformanceCase{
	{"slow pipeline and another client", eachSlow(slowPipelineOthers)},
	{"slow pipeline at the end of the grace", eachSlow(slowPipelineGrace)},
	{"slow pipeline and close", eachSlow(slowPipelineClose)},
}

// slowPipeline is how many requests are pipelined: all of them would take seconds, which no test
// that passes waits for.
const slowPipeline = 100

func eachSlow(run func(t *testing.T, m switchyard.Model, request string)) func(*testing.T,
	switchyard.Model) {
	return func(t *testing.T, m switchyard.Model) {
		for name, target := range map[string]string{"work": "/work?us=300000",
			"sleep": "/sleep?ms=50"} {
			t.Run(name, func(t *testing.T) {
				run(t, m, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target))
			})
		}
	}
}

// pipelineOf sends the pipeline and counts its replies until the connection ends. It returns when
// the first has come.
func (s *testServer) pipelineOf(request string) (replies *atomic.Int32, ended <-chan struct{}) {
	s.t.Helper()
	c := s.dial()
	c.send(strings.Repeat(request, slowPipeline))
	c.want(200)
	replies = new(atomic.Int32)
	replies.Add(1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, _, err := c.reply(); err != nil {
				return
			}
			replies.Add(1)
		}
	}()
	s.t.Cleanup(func() { c.Close(); <-over })
	return replies, over
}

// Others are served between two requests of the pipeline.
func slowPipelineOthers(t *testing.T, m switchyard.Model, request string) {
	s := serve(t, m, switchyard.Options{Grace: time.Nanosecond})
	var others []*client
	for range s.clients(4) - 1 { // none where one is served at a time
		c := s.dial()
		c.send(getRoot)
		c.wantRoot()
		others = append(others, c)
	}
	replies, _ := s.pipelineOf(request)
	for i, c := range others {
		c.send(getRoot)
		c.wantRoot()
		if n := replies.Load(); n == slowPipeline {
			t.Errorf("client %d is served when all %d requests of another are", i, n)
		}
	}
}

// The pipeline ends with the grace.
func slowPipelineGrace(t *testing.T, m switchyard.Model, request string) {
	s := serve(t, m, switchyard.Options{Grace: 10 * time.Millisecond})
	replies, ended := s.pipelineOf(request)
	s.Cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
	<-ended
	if n := replies.Load(); n == slowPipeline {
		t.Errorf("all %d requests are answered, long after the grace", n)
	}
}

// The pipeline ends with the server, though it drains and has time.
func slowPipelineClose(t *testing.T, m switchyard.Model, request string) {
	s := serve(t, m, switchyard.Options{Grace: patience})
	replies, ended := s.pipelineOf(request)
	s.Cancel()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s.Wait() // nil or ErrServerClosed: the drain may have ended it
	<-ended
	if n := replies.Load(); n == slowPipeline {
		t.Errorf("all %d requests are answered, after the server was closed", n)
	}
}
