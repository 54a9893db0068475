package main

import (
	"bytes"
	"fmt"
	"strings"
)

// page is the manual page of one command, in the macros of man(7).
func (h *help) page(name, short string) []byte {
	var b bytes.Buffer
	// No date: the same commands give the same page.
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"switchyard\" \"User Commands\"\n", strings.ToUpper(name))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(h.usage))
	b.WriteString(".SH DESCRIPTION\n")
	for i, paragraph := range h.description {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(roff(paragraph) + "\n")
	}
	if len(h.commands) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range h.commands {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(name+"-"+c.name), roff(c.text))
		}
	}
	writeFlags(&b, "OPTIONS", h.flags)
	writeFlags(&b, "OPTIONS OF EVERY COMMAND", h.inherited)
	b.WriteString(".SH EXIT STATUS\n0 when done, 1 when the work failed, 2 when something was asked wrongly.\n")
	fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.Join(h.examples, "\n")))
	if i := strings.LastIndex(name, "-"); i >= 0 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(name[:i]))
	}
	return b.Bytes()
}

// writeFlags writes a section of flags: what is to be typed in bold, its value not.
func writeFlags(b *bytes.Buffer, title string, flags []item) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, f := range flags {
		name, value := f.name, ""
		at := max(strings.Index(name, "--"), 0)
		if i := strings.IndexByte(name[at:], ' '); i >= 0 {
			name, value = name[:at+i], name[at+i:]
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR%s\n%s\n", roff(name), roff(value), roff(f.text))
	}
}

// roff makes text mean itself: backslashes and hyphens are escaped, and a line cannot begin with a
// control character (roff(7)).
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
