// Package testenv keeps tests honest: skips must be earned, what a test leaves behind fails it, and
// programs that a test needs as processes of their own live in its binary.
package testenv
