package proc

import (
	"testing"
)

func TestCPUList(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "3,1-2": "1-3", "0-1,4,6-7": "0-1,4,6-7",
		"5,5": "5"} {
		if l, err := ParseCPUList(in); err != nil || l.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, l, err, want)
		}
	}
	for _, in := range []string{"", "a", "1-", "-1", "2-1", "1,,2", "99999999"} {
		if l, err := ParseCPUList(in); err == nil {
			t.Errorf("%q gives %v", in, l)
		}
	}
	a, b := CPUList{0, 1, 2}.Halves()
	if a.String() != "0" || b.String() != "1-2" {
		t.Errorf("halves %v and %v", a, b)
	}
	allowed, err := Allowed()
	if err != nil || len(allowed) == 0 {
		t.Errorf("allowed %v, %v", allowed, err)
	}
}

// What this process may run on is among what the machine has.
func TestOnline(t *testing.T) {
	online, err := Here.Online()
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	if not := allowed.Without(online); len(online) == 0 || len(not) > 0 {
		t.Errorf("online %s, allowed %s", online, allowed)
	}
}
