package switchyard

import (
	"math"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for what, o := range map[string]Options{
		"protocol":  {Protocol: 7},
		"workers":   {Workers: -1},
		"max-conns": {MaxConns: -1},
		"grace":     {Grace: -1},
		// Sizes that are computed from these would overflow.
		"workers 9223372036854775807":   {Workers: math.MaxInt},
		"max-conns 9223372036854775807": {MaxConns: math.MaxInt},
	} {
		if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%+v: %v, want an error that begins with %q", o, err, what)
		}
	}
	for _, o := range []Options{{}, {Protocol: Echo, Workers: 1, MaxConns: 1, Grace: 1},
		{Workers: 10_000, MaxConns: 1_000_000}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
