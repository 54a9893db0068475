package report

import (
	"bytes"
	"testing"
)

// Every form that is offered writes something, and each has a name of its own.
func TestFormats(t *testing.T) {
	names := map[string]bool{}
	for i, f := range Formats() {
		if names[f.Name] || (i == 0) != (f.Name == first) {
			t.Errorf("form %q is number %d, listed before: %v", f.Name, i, names[f.Name])
		}
		names[f.Name] = true
		var b bytes.Buffer
		if f.Compare != nil {
			if err := f.Compare(&b, sample(), 120); err != nil || b.Len() == 0 {
				t.Errorf("%s: a comparison: %d bytes, %v", f.Name, b.Len(), err)
			}
		}
		b.Reset()
		if f.Trace != nil {
			if err := f.Trace(&b, &Trace{}, 120); err != nil || b.Len() == 0 {
				t.Errorf("%s: a trace: %d bytes, %v", f.Name, b.Len(), err)
			}
		}
	}
	for _, name := range []string{"text", "json", "csv", "markdown"} {
		if !names[name] {
			t.Errorf("no form %s", name)
		}
	}
}
