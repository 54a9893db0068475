package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// A column of which nobody knows anything but its name, unit and title is in every form.
func TestColumnsNobodyKnows(t *testing.T) {
	moons := event.Value{Count: 3,
		Column: event.Column{Name: "moons", Unit: "moons", Title: "moons that rose"}}
	night := event.Value{Count: 1500,
		Column: event.Column{Name: "night_ns", Unit: "ns", Title: "night without any"}}
	phases := event.Value{Count: 5, Parts: map[string]uint64{"full": 2, "new": 3},
		Column: event.Column{Name: "phases", Unit: "phases"}}
	values := event.Values{moons, night, phases}
	r := Trace{Values: values, Tasks: []TraceTask{{Name: "owl", Values: event.Values{moons}}}}
	var text, object strings.Builder
	if err := r.WriteText(&text, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Moons that rose: 3.\n", "Night without any: 1.50µs.\n",
		"phases: 3 new, 2 full.\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &text)
		}
	}
	if err := r.WriteJSON(&object); err != nil {
		t.Fatal(err)
	}
	var members struct {
		Moons  uint64            `json:"moons"`
		Night  uint64            `json:"night_ns"`
		Phases map[string]uint64 `json:"phases"`
		Tasks  []struct {
			Name  string `json:"name"`
			Moons uint64 `json:"moons"`
		} `json:"tasks"`
		Columns []event.Column `json:"columns"`
	}
	if err := json.Unmarshal([]byte(object.String()), &members); err != nil {
		t.Fatal(err)
	}
	if members.Moons != 3 || members.Night != 1500 || members.Phases["new"] != 3 ||
		members.Tasks[0].Moons != 3 || members.Tasks[0].Name != "owl" ||
		!reflect.DeepEqual(members.Columns, columnsOf(values)) {
		t.Errorf("%+v of:\n%s", members, &object)
	}
	var again Trace
	if err := json.Unmarshal([]byte(object.String()), &again); err != nil ||
		!reflect.DeepEqual(again.Values, values) {
		t.Errorf("%v, %+v, want %+v", err, again.Values, values)
	}

	rows := Compare{Columns: columnsOf(values), Models: []ModelRow{
		{Model: "a/b", Requests: 2, Values: values}, {Model: "a/c"}}}
	var sheet, md strings.Builder
	for _, write := range []func() error{
		func() error { return rows.WriteText(&text, 100) },
		func() error { return rows.WriteCSV(&sheet) },
		func() error { return rows.WriteMarkdown(&md) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	head, first, _ := strings.Cut(sheet.String(), "\n")
	first, second, _ := strings.Cut(first, "\n")
	const heads = ",moons that rose/request,night without any ns/request,phases/request"
	if !strings.HasSuffix(head, heads) ||
		!strings.HasSuffix(first, ",1.5,750,2.5") || !strings.HasSuffix(second, ",,,\n") {
		t.Errorf("csv:\n%s", &sheet)
	}
	if !strings.Contains(text.String(), "moons that") ||
		!strings.Contains(md.String(), "| moons that rose/request |") {
		t.Errorf("text and markdown:\n%s\n%s", &text, &md)
	}
	b, err := json.Marshal(&rows)
	var back Compare
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || !reflect.DeepEqual(back.Models[0].Values, values) ||
		!strings.Contains(string(b), `"moons":null,"moons_per_request":null`) ||
		!strings.Contains(string(b), `"moons":3,"moons_per_request":1.5`) {
		t.Errorf("%v of:\n%s", err, b)
	}
}
