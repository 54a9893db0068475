// Package load puts load on any HTTP/1.x or echo server over TCP and says what its clients saw:
// closed and open loops, latency from the time a request was due, whole histograms, errors by kind,
// and how much of it may be the generator's own doing. docs/load.md explains every number.
//
// Run does all of it; Config is what can be asked. Internally there is one file for each idea:
// response.go and arrivals.go are pure; client.go is the life of one client, loop.go the epoll loop
// that drives many of them, run.go the order of the phases.
package load
