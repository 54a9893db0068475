//go:build !amd64 && !arm64

package trace

// No table of names for this architecture: system calls are named by their numbers.
var syscallNames [0]string
