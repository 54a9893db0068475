package event

import (
	"reflect"
	"testing"
)

func TestValues(t *testing.T) {
	of := func(name string, n uint64, parts map[string]uint64) Value {
		return Value{Column{Name: name}, n, parts}
	}
	early := Values{of("a", 3, nil), of("b", 5, map[string]uint64{"x": 5})}
	late := Values{of("a", 7, nil), of("b", 9, map[string]uint64{"x": 5, "y": 4})}
	for what, c := range map[string]struct{ got, want Values }{
		"difference": {late.Minus(early),
			Values{of("a", 4, nil), of("b", 4, map[string]uint64{"y": 4})}},
		"sum": {early.Plus(late),
			Values{of("a", 10, nil), of("b", 14, map[string]uint64{"x": 10, "y": 4})}},
		"of one":  {Values(nil).Plus(early), early},
		"of none": {Values(nil).Minus(nil), nil},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %+v, want %+v", what, c.got, c.want)
		}
	}
	if early[1].Parts["x"] != 5 {
		t.Error("what is added to has changed")
	}
	if v, ok := late.Get("c"); ok || v.Count != 0 || late.Count("a") != 7 {
		t.Errorf("c: %+v, %v", v, ok)
	}
}
