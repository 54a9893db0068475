package event

import (
	"encoding/json"
	"fmt"
)

// Status is the outcome of a Check. Its values are on disk.
type Status string

const (
	Pass        Status = "pass"
	Fail        Status = "fail"
	Unavailable Status = "unavailable" // could not be made; Reason says why
)

// Check is a sum that must add up: what was traced against the kernel's own books, or against
// itself. Names and units of the checks stand where each is made: packages trace and sched.
type Check struct {
	Name   string
	Status Status
	// why it failed, by how much, or why it could not be made; of one that passed, what it leaves
	// out
	Reason string

	// Traced and Kernel are the two sides, in ns where the check is of times. Neither means
	// anything when the check is Unavailable: JSON has null.
	Traced, Kernel uint64
}

// OK reports whether the check passed.
func (c Check) OK() bool { return c.Status == Pass }

// checkJSON is a Check as files and reports have it.
type checkJSON struct {
	Name   string  `json:"name"`
	Status Status  `json:"status"`
	Reason string  `json:"reason,omitempty"`
	Traced *uint64 `json:"traced"`
	Kernel *uint64 `json:"kernel"`
}

// MarshalJSON writes both sides, or null for both when the check could not be made.
func (c Check) MarshalJSON() ([]byte, error) {
	j := checkJSON{Name: c.Name, Status: c.Status, Reason: c.Reason}
	if c.Status != Unavailable {
		j.Traced, j.Kernel = &c.Traced, &c.Kernel
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It does not judge the status.
func (c *Check) UnmarshalJSON(data []byte) error {
	var j checkJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*c = Check{Name: j.Name, Status: j.Status, Reason: j.Reason}
	if j.Traced != nil {
		c.Traced = *j.Traced
	}
	if j.Kernel != nil {
		c.Kernel = *j.Kernel
	}
	return nil
}

// Equal is the check of two numbers that must be the same.
func Equal(name string, traced, kernel uint64) Check {
	c := Check{Name: name, Status: Pass, Traced: traced, Kernel: kernel}
	if traced != kernel {
		c.Status = Fail
		c.Reason = fmt.Sprintf("differs by %d", int64(traced-kernel))
	}
	return c
}
