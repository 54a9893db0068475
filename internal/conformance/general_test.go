package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"switchyard"
)

// A model is known by what it says of itself: a case that asked for its name would have to be
// changed with every model that is added.
func TestNoModelIsNamed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v: this test does not see the suite", len(files), err)
	}
	asks := regexp.MustCompile(`(HasPrefix|HasSuffix|Contains|Match\w*)\([^)]*\.Name\b|\.Name [!=]= `)
	for _, name := range files {
		if name == "general_test.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if asks.MatchString(line) {
				t.Errorf("%s:%d: asks for a name: %s", name, i+1, strings.TrimSpace(line))
			}
			for _, m := range switchyard.Models() {
				if strings.Contains(line, `"`+m.Name+`"`) {
					t.Errorf("%s:%d: names %s: %s", name, i+1, m.Name, strings.TrimSpace(line))
				}
			}
		}
	}
}
