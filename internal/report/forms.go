package report

import (
	"encoding/json"

	"switchyard/trace/event"
)

// Nouns that results have in a form of their own, older than the one they have elsewhere. The form
// stands here and nowhere else: the rest of the program has the nouns.

// checkForm is an event.Check in switchyard.compare/1.
type checkForm struct {
	Name      string `json:"name"`
	OK        bool   `json:"ok"`
	Available bool   `json:"available"`
	Reason    string `json:"reason,omitempty"`
	// Null of one that is not available.
	Traced *uint64 `json:"traced"`
	Kernel *uint64 `json:"kernel"`
}

// MarshalJSON writes them in the form of switchyard.compare/1.
func (c Checks) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("null"), nil
	}
	forms := make([]checkForm, len(c))
	for i, k := range c {
		forms[i] = checkForm{Name: k.Name, OK: k.OK(), Available: k.Status != event.Unavailable,
			Reason: k.Reason}
		if forms[i].Available {
			forms[i].Traced, forms[i].Kernel = &k.Traced, &k.Kernel
		}
	}
	return json.Marshal(forms)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Checks) UnmarshalJSON(data []byte) error {
	var forms []checkForm
	if err := json.Unmarshal(data, &forms); err != nil || forms == nil {
		*c = nil
		return err
	}
	*c = make(Checks, len(forms))
	for i, f := range forms {
		status := event.Fail
		switch {
		case !f.Available:
			status = event.Unavailable
		case f.OK:
			status = event.Pass
		}
		(*c)[i] = event.Check{Name: f.Name, Status: status, Reason: f.Reason}
		if f.Traced != nil && f.Kernel != nil {
			(*c)[i].Traced, (*c)[i].Kernel = *f.Traced, *f.Kernel
		}
	}
	return nil
}

// MarshalJSON writes the total too, and of the kinds those that switchyard.compare/1 has.
func (s Switches) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Total        uint64  `json:"total"`
		Voluntary    uint64  `json:"voluntary"`
		Involuntary  uint64  `json:"involuntary"`
		AddressSpace uint64  `json:"address_space"`
		Thread       uint64  `json:"thread"`
		Lazy         uint64  `json:"lazy"`
		PerRequest   float64 `json:"per_request"`
	}{s.Total(), s.Voluntary, s.Involuntary, s.AddressSpace, s.Thread, s.Lazy, s.PerRequest})
}

// hostForm is a Host in results.
type hostForm struct {
	Kernel     string   `json:"kernel"`
	CPUs       int      `json:"cpus"`
	Model      string   `json:"cpu_model,omitempty"`
	Go         string   `json:"go"`
	Root       bool     `json:"root"`
	StealShare *float64 `json:"steal_share"`
	OtherShare *float64 `json:"other_cpu_share"`
}

// MarshalJSON writes of the machine what results have of it.
func (h Host) MarshalJSON() ([]byte, error) {
	return json.Marshal(hostForm{h.Kernel, h.CPUs, h.Model, h.Go, h.Root, h.StealShare,
		h.OtherShare})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Host) UnmarshalJSON(data []byte) error {
	var f hostForm
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	*h = Host{event.Host{Kernel: f.Kernel, CPUs: f.CPUs, Model: f.Model, Go: f.Go, Root: f.Root},
		f.StealShare, f.OtherShare}
	return nil
}
