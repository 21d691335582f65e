package discover

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"

	"golang.org/x/tools/go/packages"
)

// prune leaves of a package what others can see of it, what that is made of, and the
// imports that this needs. Most of what an app is made of is needed by bodies of functions
// and by what is not exported.
func prune(files []*ast.File, pkg *packages.Package) {
	p := &pruner{declared: map[string][]ast.Node{}, methods: map[string]bool{}, kept: map[ast.Node]bool{}, seen: map[string]bool{}}
	for _, f := range files {
		f.Decls = slices.DeleteFunc(f.Decls, isHidden)
		ast.Inspect(f, p.strip)
	}
	for _, f := range files {
		for _, decl := range f.Decls {
			p.declare(decl)
		}
	}
	for len(p.next) > 0 {
		n := p.next[len(p.next)-1]
		p.next = p.next[:len(p.next)-1]
		ast.Inspect(n, p.use)
	}
	for _, f := range files {
		p.leaveOut(f)
		pruneImports(f, pkg)
	}
}

// A pruner finds what is seen from outside of a package, by names: whatever is called as
// something that is used counts as used.
type pruner struct {
	declared map[string][]ast.Node // declarations of constants, a specification, or a function
	methods  map[string]bool       // of interfaces
	kept     map[ast.Node]bool
	seen     map[string]bool
	next     []ast.Node
}

// strip takes the bodies of functions and the fields that are not exported from a tree.
// What is embedded stays, for what it has is seen.
func (p *pruner) strip(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		n.Body = nil
	case *ast.InterfaceType:
		for _, method := range n.Methods.List {
			for _, name := range method.Names {
				p.methods[name.Name] = true
			}
		}
	case *ast.StructType:
		for _, field := range n.Fields.List {
			if len(field.Names) > 0 {
				field.Names = slices.DeleteFunc(field.Names, isUnexported)
				if len(field.Names) == 0 {
					field.Type = nil // is left out
				}
			}
		}
		n.Fields.List = slices.DeleteFunc(n.Fields.List, func(field *ast.Field) bool { return field.Type == nil })
	}
	return true
}

func isUnexported(name *ast.Ident) bool { return !name.IsExported() }

// declare notes what a declaration declares. Constants stay together, for iota counts them.
func (p *pruner) declare(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		name := decl.Name.Name
		if decl.Recv != nil {
			if !decl.Name.IsExported() && !p.methods[name] {
				return
			}
			name = receiverName(decl)
		}
		p.note(name, decl)
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			var n ast.Node = spec
			if decl.Tok == token.CONST {
				n = decl
			}
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				p.note(spec.Name.Name, n)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					p.note(name.Name, n)
				}
			}
		}
	}
}

func receiverName(decl *ast.FuncDecl) string {
	var name string
	ast.Inspect(decl.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

func (p *pruner) note(name string, n ast.Node) {
	p.declared[name] = append(p.declared[name], n)
	if ast.IsExported(name) || p.seen[name] {
		p.seen[name] = true
		p.keep(n)
	}
}

func (p *pruner) keep(n ast.Node) {
	if !p.kept[n] {
		p.kept[n] = true
		p.next = append(p.next, n)
	}
}

// use keeps what is called as something in a declaration that is kept.
func (p *pruner) use(n ast.Node) bool {
	if id, ok := n.(*ast.Ident); ok && !p.seen[id.Name] {
		p.seen[id.Name] = true
		for _, declared := range p.declared[id.Name] {
			p.keep(declared)
		}
	}
	return true
}

// leaveOut leaves out of a file what is not kept.
func (p *pruner) leaveOut(f *ast.File) {
	f.Decls = slices.DeleteFunc(f.Decls, func(decl ast.Decl) bool {
		gen, ok := decl.(*ast.GenDecl)
		switch {
		case !ok || gen.Tok == token.CONST:
			return !p.kept[decl]
		case gen.Tok == token.IMPORT:
			return false
		}
		gen.Specs = slices.DeleteFunc(gen.Specs, func(spec ast.Spec) bool { return !p.kept[spec] })
		return len(gen.Specs) == 0
	})
}

// pruneImports leaves of a file the imports that the rest needs.
func pruneImports(f *ast.File, pkg *packages.Package) {
	used := map[string]bool{}
	for _, decl := range f.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := sel.X.(*ast.Ident); ok {
					used[id.Name] = true
				}
			}
			return true
		})
	}
	unused := func(spec ast.Spec) bool { return !isUsed(spec.(*ast.ImportSpec), pkg, used) }
	f.Decls = slices.DeleteFunc(f.Decls, func(decl ast.Decl) bool {
		gen, ok := decl.(*ast.GenDecl)
		if ok && gen.Tok == token.IMPORT {
			gen.Specs = slices.DeleteFunc(gen.Specs, unused)
		}
		return ok && len(gen.Specs) == 0
	})
	f.Imports = slices.DeleteFunc(f.Imports, func(spec *ast.ImportSpec) bool { return unused(spec) })
}

// isHidden reports whether nothing that others see depends on a declaration: that of
// init, and of a variable without a name. It takes the value from a variable that has a
// type.
func isHidden(decl ast.Decl) bool {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		return decl.Recv == nil && decl.Name.Name == "init"
	case *ast.GenDecl:
		if decl.Tok != token.VAR {
			return false
		}
		decl.Specs = slices.DeleteFunc(decl.Specs, func(spec ast.Spec) bool {
			v := spec.(*ast.ValueSpec)
			if v.Type != nil {
				v.Values = nil
			}
			return !slices.ContainsFunc(v.Names, func(name *ast.Ident) bool { return name.Name != "_" })
		})
		return len(decl.Specs) == 0
	}
	return false
}

// isUsed reports whether a file that uses some names needs an import.
func isUsed(spec *ast.ImportSpec, pkg *packages.Package, used map[string]bool) bool {
	if spec.Name != nil {
		return spec.Name.Name == "." || used[spec.Name.Name]
	}
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil || pkg.Imports[path] == nil || pkg.Imports[path].Name == "" {
		return true
	}
	return used[pkg.Imports[path].Name]
}
