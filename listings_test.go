package switchyard_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// listing is a file's name and, some lines below it, text that is said to be in that file. The
// name that counts is the last one before the text.
var (
	listing  = regexp.MustCompile("(?s)```(?:go|c)\n(.*?)```\n")
	fileName = regexp.MustCompile("`([a-z_]+(?:/[a-zA-Z0-9_]+)*(?:\\.go|\\.bpf\\.c))`")
	// entire begins a listing that must be all of its file.
	entire = regexp.MustCompile("(?:C|Go) file,\\sfrom the first line to the last:\n\n$")
)

// What docs/adding.md shows is what the files hold, so that whoever does the same gets the same.
func TestListings(t *testing.T) {
	const doc = "docs/adding.md"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	at := listing.FindAllSubmatchIndex(text, -1)
	if len(at) < 7 {
		t.Errorf("found %d listings in %s", len(at), doc)
	}
	for _, m := range at {
		line := 1 + strings.Count(string(text[:m[2]]), "\n")
		names := fileName.FindAllSubmatch(text[:m[0]], -1)
		if len(names) == 0 {
			t.Errorf("%s:%d: no file is named before the listing", doc, line)
			continue
		}
		name := string(names[len(names)-1][1])
		file, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("%s:%d: %v", doc, line, err)
			continue
		}
		if entire.Match(text[:m[0]]) && string(file) != string(text[m[2]:m[3]]) {
			t.Errorf("%s:%d: this is not all of %s", doc, line, name)
		}
		if missing := unlisted(string(file), string(text[m[2]:m[3]])); missing != "" {
			t.Errorf("%s:%d: this is not in %s:\n%s", doc, line, name, missing)
		}
	}
}

// unlisted returns the part of a listing that is not in the file, "" if all are there one after the
// other. A line that is only … stands between two parts.
func unlisted(file, listing string) string {
	for _, part := range regexp.MustCompile(`(?m)^\s*…\n`).Split(listing, -1) {
		_, after, ok := strings.Cut(file, part)
		if !ok {
			return part
		}
		file = after
	}
	return ""
}

// The test above must see what differs.
func TestListingsAreSeen(t *testing.T) {
	const file = "a\n\tb\nc\nd\n"
	for text, want := range map[string]bool{
		file: true, "\tb\nc\n": true, "a\n\t…\nd\n": true,
		"b\nd\n": false, "\tb \n": false, "d\n…\na\n": false, "a\n…\ne\n": false,
	} {
		if got := unlisted(file, text) == ""; got != want {
			t.Errorf("%q in %q: %v", text, file, got)
		}
	}
}
