package testenv

import (
	"testing"
	"time"
)

// Patience is how long whatever must happen may take on a machine that is not broken, however busy
// it is. A test that passes never waits it out.
const Patience = 30 * time.Second

// Until waits until is says yes, at most for Patience, and reports whether it did. It is for
// programs that have no test; others use Eventually.
func Until(is func() bool) bool {
	deadline := time.Now().Add(Patience)
	for pause := 50 * time.Microsecond; !is(); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return is()
		}
		time.Sleep(pause)
	}
	return true
}

// Eventually waits until is says yes, and ends the test if it does not. What instead returns, if
// there is one, says how things stand then.
func Eventually(t testing.TB, what string, is func() bool, instead ...func() string) {
	t.Helper()
	if Until(is) {
		return
	}
	said := ""
	for _, f := range instead {
		said += "\n" + f()
	}
	t.Fatalf("after %v still not: %s%s", Patience, what, said)
}
