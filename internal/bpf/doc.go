// Package bpf is what whoever loads BPF programs needs to know of the running kernel: its types and
// tracepoints, what its programs can do, and what its refusals mean.
package bpf
