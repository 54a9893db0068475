package event_test

import (
	"encoding/json"
	"testing"

	"switchyard/trace/event"
)

// A check that could not be made has no numbers: 0 would be one.
func TestCheckJSON(t *testing.T) {
	for want, c := range map[string]event.Check{
		`{"name":"nvcsw","status":"pass","traced":7,"kernel":7}`: {
			Name: "nvcsw", Status: event.Pass, Traced: 7, Kernel: 7},
		`{"name":"life","status":"fail","reason":"differs by 1","traced":18446744073709551615,"kernel":0}`: {
			Name: "life", Status: event.Fail, Reason: "differs by 1", Traced: 1<<64 - 1},
		`{"name":"run_delay","status":"unavailable","reason":"no books","traced":null,"kernel":null}`: {
			Name: "run_delay", Status: event.Unavailable, Reason: "no books"},
	} {
		got, err := json.Marshal(c)
		if err != nil || string(got) != want {
			t.Errorf("%+v: %s, %v, want %s", c, got, err, want)
		}
		var back event.Check
		if err := json.Unmarshal(got, &back); err != nil || back != c {
			t.Errorf("%s: %+v, %v, want %+v", got, back, err, c)
		}
	}
	var c event.Check
	if err := json.Unmarshal([]byte(`{"name":"x","status":"pass","traced":-1,"kernel":1}`),
		&c); err == nil {
		t.Errorf("a negative count is %+v", c)
	}
}
