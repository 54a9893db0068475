package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// module is the path of this module.
const module = "switchyard"

// Groups of imports, in their order.
const (
	standard = iota
	others
	ours
)

func groupOf(path string) int {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case first == module:
		return ours
	case strings.Contains(first, "."):
		return others
	}
	return standard
}

// importOrder returns where imports are in another order, or not parted by an empty line. Files
// that cannot be parsed are the compiler's.
func importOrder(name string, src []byte) (faults []fault) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil
	}
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.IMPORT {
			continue
		}
		last, end := -1, 0
		for _, s := range gen.Specs {
			spec := s.(*ast.ImportSpec)
			path, _ := strconv.Unquote(spec.Path.Value)
			group, line := groupOf(path), fset.Position(spec.Pos()).Line
			begin := line
			if spec.Doc != nil {
				begin = fset.Position(spec.Doc.Pos()).Line
			}
			switch {
			case last > group:
				faults = append(faults, fault{file: name, line: line, what: "import " + path +
					" stands after one of a later group"})
			case last >= 0 && last < group && begin < end+2:
				faults = append(faults, fault{file: name, line: line,
					what: "no empty line before import " + path + ", the first of its group"})
			case last == group && begin > end+1:
				faults = append(faults, fault{file: name, line: line,
					what: "an empty line before import " + path + ", inside its group"})
			}
			last, end = group, fset.Position(spec.End()).Line
		}
	}
	return faults
}
