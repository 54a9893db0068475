package switchyard_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every room is in the picture that docs/architecture.md draws of the house.
func TestRoomsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, all := sources(t)
	seen := map[string]bool{".": true, "switchyard": true}
	for _, s := range all {
		if seen[s.dir] {
			continue
		}
		seen[s.dir] = true
		if !strings.Contains(string(text), "`"+s.dir+"`") {
			t.Errorf("docs/architecture.md does not say what %s is", s.dir)
		}
	}
	// And what it draws is there.
	for _, m := range regexp.MustCompile(
		"`((?:internal|trace|tools|bench|cmd)/[a-z/-]+)`").FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("docs/architecture.md describes %s, which is not there", m[1])
		}
	}
}
