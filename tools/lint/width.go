package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

const (
	maxColumns = 100
	goTab      = 4
	cTab       = 8
)

// columns returns how wide a line is.
func columns(line string, tab int) int {
	n := 0
	for _, r := range line {
		if r == '\t' {
			n += tab - n%tab
		} else {
			n++
		}
	}
	return n
}

// wideGo returns the lines of a Go file that are too wide.
func wideGo(name string, src []byte) ([]fault, error) {
	lines := strings.Split(string(src), "\n")
	excused := map[int]bool{} // lines, from 1
	fset := token.NewFileSet()
	file := fset.AddFile(name, fset.Base(), len(src))
	var failed error
	var s scanner.Scanner
	s.Init(file, src, func(pos token.Position, msg string) {
		failed = fmt.Errorf("%s: %s", pos, msg)
	}, scanner.ScanComments)
	output := -1 // the last line of an example's output
	// the line on which a string crosses the margin, as long as only punctuation follows
	last := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			break
		}
		at := fset.Position(pos)
		end := at.Line + strings.Count(lit, "\n")
		if last == at.Line && !punctuation(tok) {
			last = 0
			excused[at.Line] = false
		}
		switch {
		case tok == token.COMMENT && strings.HasPrefix(lit, "//go:"):
			excused[at.Line] = true
		case tok == token.COMMENT && (lit == "// Output:" || output == at.Line-1):
			output = at.Line // what an example writes
			excused[at.Line] = true
		case tok == token.STRING && lit[0] == '`' && end > at.Line:
			for l := at.Line; l <= end; l++ {
				excused[l] = true
			}
		case tok == token.STRING && crosses(lines[at.Line-1], at.Column, lit):
			excused[at.Line], last = true, at.Line
		}
	}
	if failed != nil {
		return nil, failed
	}
	return wide(name, lines, goTab, excused), nil
}

// crosses reports whether a token that begins at a byte of the line, from 1, reaches the margin.
func crosses(line string, column int, lit string) bool {
	before := columns(line[:column-1], goTab)
	return before <= maxColumns && before+utf8.RuneCountInString(lit) >= maxColumns
}

// punctuation reports whether a token may follow a string that crosses the margin.
func punctuation(tok token.Token) bool {
	switch tok {
	case token.RPAREN, token.RBRACE, token.RBRACK, token.LBRACE, token.COMMA, token.COLON,
		token.SEMICOLON,
		token.PERIOD, token.ADD: // what is added to it stands on the next line
		return true
	}
	return false
}

// wideC returns the lines of a C file that are too wide.
func wideC(name string, src []byte) []fault {
	return wide(name, strings.Split(string(src), "\n"), cTab, nil)
}

func wide(name string, lines []string, tab int, excused map[int]bool) (faults []fault) {
	for i, line := range lines {
		n := columns(line, tab)
		if n <= maxColumns || excused[i+1] || oneWord(line) {
			continue
		}
		faults = append(faults, fault{name, i + 1, fmt.Sprintf("%d columns, want at most %d",
			n, maxColumns)})
	}
	return faults
}

// oneWord reports whether the line is one word, after the mark of a comment.
func oneWord(line string) bool {
	text := strings.TrimSpace(line)
	for _, mark := range []string{"//", "/*", "*"} {
		text = strings.TrimSpace(strings.TrimPrefix(text, mark))
	}
	return !strings.ContainsAny(text, " \t")
}
