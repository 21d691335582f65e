package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPrinting checks that nothing prints past package term: fmt and io do not reach
// stdout and stderr, but in functions that have seen to it themselves.
func TestPrinting(t *testing.T) {
	safe := []string{
		"PrintWords", "PrintResult", // by way of escape and term
		"quietly", "fail", // commands to GitHub, whose data is escaped
	}
	files := append(must(filepath.Glob("*.go")), must(filepath.Glob("internal/*/*.go"))...)
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/term/") { // which prints for all
			continue
		}
		for _, decl := range must(parser.ParseFile(token.NewFileSet(), name, nil, 0)).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || slices.Contains(safe, f.Name.Name) {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					calls++
					if text := types.ExprString(call); printsRaw(call) {
						t.Errorf("%s prints what may not be fit for a terminal: %s", f.Name.Name, text)
					}
				}
				return true
			})
		}
	}
	if calls < 1000 {
		t.Errorf("%d calls were looked at, which is not all", calls)
	}
}

func printsRaw(call *ast.CallExpr) bool {
	name := types.ExprString(call.Fun)
	if strings.HasPrefix(name, "fmt.Print") || name == "println" || name == "print" ||
		strings.HasPrefix(name, "os.Stdout.Write") || strings.HasPrefix(name, "os.Stderr.Write") {
		return true
	}
	if !strings.HasPrefix(name, "fmt.Fprint") && name != "io.WriteString" && name != "io.Copy" {
		return false
	}
	first := types.ExprString(call.Args[0])
	return first == "os.Stdout" || first == "os.Stderr"
}
