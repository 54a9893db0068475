package child

import (
	"reflect"
	"slices"
	"testing"
)

// Whatever somebody asks of a load or a server is on its command line, but for what the child has
// of its own.
func TestArgumentsHaveAll(t *testing.T) {
	var l LoadOptions
	passed(t, &l.Load, l.args)
	var s ServerOptions
	passed(t, &s.Server, s.args, "Listen", "Ready", "Counters")
}

// passed sets one field of what is asked for after the other, and sees that it makes a difference.
func passed(t *testing.T, asked any, args func() []string, own ...string) {
	v := reflect.ValueOf(asked).Elem()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if field.Kind() == reflect.Func || slices.Contains(own, name) {
			continue
		}
		before := args()
		switch {
		case field.CanInt():
			field.SetInt(1)
		case field.CanUint():
			field.SetUint(1)
		case field.CanFloat():
			field.SetFloat(1)
		case field.Kind() == reflect.String:
			field.SetString("x")
		default:
			t.Fatalf("%T.%s: a kind that this test does not know", asked, name)
		}
		if slices.Equal(before, args()) {
			t.Errorf("%T.%s is not on the command line: %q", asked, name, before)
		}
	}
}
