package report

import (
	"encoding/json"
	"reflect"
	"testing"

	"switchyard/trace/event"
)

// The forms of nouns in results are what programs read: to the letter, and back.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{Checks(nil), `null`},
		{Checks{}, `[]`},
		{Checks{{Name: "nvcsw", Status: event.Pass, Traced: 7, Kernel: 7}},
			`[{"name":"nvcsw","ok":true,"available":true,"traced":7,"kernel":7}]`},
		{Checks{{Name: "life", Status: event.Fail, Reason: "by 1", Traced: 7, Kernel: 8}},
			`[{"name":"life","ok":false,"available":true,"reason":"by 1","traced":7,"kernel":8}]`},
		{Checks{{Name: "ctxt", Status: event.Unavailable, Reason: "no"}},
			`[{"name":"ctxt","ok":false,"available":false,"reason":"no","traced":null,"kernel":null}]`},
		{Switches{event.Switches{Voluntary: 3, Involuntary: 2, AddressSpace: 1, Thread: 4,
			Lazy: 6}, 0.5}, `{"total":5,"voluntary":3,"involuntary":2,"address_space":1,` +
			`"thread":4,"lazy":6,"per_request":0.5}`},
		{Host{Host: event.Host{Kernel: "6.1", CPUs: 3, Go: "go1"}},
			`{"kernel":"6.1","cpus":3,"go":"go1","root":false,"steal_share":null,` +
				`"other_cpu_share":null}`},
		{Host{event.Host{Kernel: "6.1", CPUs: 3, Model: "a board", Go: "go1", Root: true},
			ptr(0.25), ptr(0.5)}, `{"kernel":"6.1","cpus":3,"cpu_model":"a board","go":"go1","root":true,` +
			`"steal_share":0.25,"other_cpu_share":0.5}`},
	} {
		v, want := c.v, c.want
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("%+v is %s, %v, want %s", v, got, err, want)
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(got, back.Interface()); err != nil ||
			!reflect.DeepEqual(back.Elem().Interface(), v) {
			t.Errorf("%s is read back as %+v, %v", got, back.Elem(), err)
		}
	}
}
