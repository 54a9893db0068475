package switchyard_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// linked is what a link leads to, but for other people's pages.
	linked = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	// pathed is a file or a folder of the module, by its path. NAME and * stand for any.
	pathed = regexp.MustCompile("(?m)(?:^|[` ])(?:\\./)?((?:internal|trace|tools|bench|cmd|docs|\\.ci)" +
		"(?:/[A-Za-z0-9_.-]+)+)")
	// filed is a file of the module whose folder the text has named before.
	filed = regexp.MustCompile("`([a-z0-9_]+\\.(?:go|bpf\\.c|h))`")
	// made is a target of the Makefile.
	made = regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)")
)

// What the documents name is there: files, folders, and what make makes.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	names := map[string]bool{} // of files, without their folders
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		names[d.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Glob("docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	found := map[string]int{}
	for _, doc := range append(docs, "README.md") {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		each := func(kind string, what *regexp.Regexp, is func(name string) bool) {
			for _, m := range what.FindAllSubmatchIndex(text, -1) {
				found[kind]++
				name := strings.TrimRight(string(text[m[2]:m[3]]), ".")
				if strings.Contains(name, "NAME") || elsewhere[name] || is(name) {
					continue
				}
				line := 1 + strings.Count(string(text[:m[2]]), "\n")
				t.Errorf("%s:%d: there is no %s %s", doc, line, kind, name)
			}
		}
		exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
		each("link", linked, func(name string) bool {
			return exists(filepath.Join(filepath.Dir(doc), name))
		})
		each("path", pathed, exists)
		each("file", filed, func(name string) bool { return names[name] })
		each("target", made, func(name string) bool {
			return slices.ContainsFunc(strings.Split(string(makefile), "\n"), func(l string) bool {
				return strings.HasPrefix(l, name+":")
			})
		})
	}
	for _, kind := range []string{"link", "path", "file", "target"} {
		if found[kind] == 0 {
			t.Errorf("found no %s: this test does not see them", kind)
		}
	}
}

// elsewhere is what the kernel's sources and its Makefile have.
var elsewhere = map[string]bool{"olddefconfig": true, "core.c": true}
