package bpf

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// Explain turns the kernel's refusal into an error that says what is missing and what to do about
// it.
func Explain(op string, err error) error {
	if err == nil {
		return nil
	}
	refused := errors.Is(err, os.ErrPermission)
	// Without the privilege to ask, a feature looks as if it were not there.
	if refused || errors.Is(err, ebpf.ErrNotSupported) {
		// In another namespace a process may have all capabilities, and they count for nothing.
		if first, err := proc.Here.FirstUserNamespace(); err == nil && !first {
			return fmt.Errorf("trace: %s: %w: this process is not in the first user namespace, "+
				"and its capabilities do not count for BPF: run it outside of the container, or "+
				"in a privileged one", op, os.ErrPermission)
		}
		if missing := MissingCapabilities(); missing != "" {
			// What the system call said besides is about memory limits, as often as not, and leads
			// nowhere.
			return fmt.Errorf("trace: %s: %w: %s missing: run as root", op, os.ErrPermission,
				missing)
		}
	}
	var rejected *ebpf.VerifierError
	switch {
	case errors.As(err, &rejected) && !refused:
		return fmt.Errorf("trace: %s: this kernel's verifier rejects it: %w: %w", op,
			errors.ErrUnsupported, err)
	case refused:
		if limit, bounds := memlock(); bounds {
			return fmt.Errorf(
				"trace: %s: %w: this process may have %d bytes of BPF maps (RLIMIT_MEMLOCK): "+
					"run as root, or after ulimit -l unlimited: %w", op, os.ErrPermission,
				limit, err)
		}
		return fmt.Errorf("trace: %s: the kernel refuses (locked down, or confined?): %w", op, err)
	case errors.Is(err, ebpf.ErrNotSupported) && !errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("trace: %s: %w: %w", op, errors.ErrUnsupported, err)
	}
	return fmt.Errorf("trace: %s: %w", op, err)
}

// MissingCapabilities names the capabilities tracing needs and this thread does not have, "" if it
// has them all or that cannot be told.
func MissingCapabilities() string {
	caps, err := proc.Here.Capabilities()
	if err != nil || caps.Trace() {
		return ""
	}
	var missing []string
	if !caps.Has(unix.CAP_BPF) {
		missing = append(missing, "CAP_BPF")
	}
	if !caps.Has(unix.CAP_PERFMON) {
		missing = append(missing, "CAP_PERFMON")
	}
	return strings.Join(missing, " and ")
}
