package testenv

import "testing"

// Skip skips the test for a reason that must be true: able asks the system itself, not the code
// under test, and nil from it means that the ability is there. The test fails then.
func Skip(t testing.TB, reason string, able func() error) {
	t.Helper()
	err := able()
	if err == nil {
		t.Fatalf("the skip is not earned, this machine is able: %s", reason)
	}
	t.Skipf("%s (%v)", reason, err)
}
