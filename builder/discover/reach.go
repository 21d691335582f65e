package discover

import (
	"go/ast"
	"go/types"
)

// reach returns the functions of the app's own that may run: those that are named, in
// what runs. Methods that are exported may run as soon as their type is named, since
// others may call them through an interface.
func (a *App) reach() []ast.Node {
	r := &reached{app: a, seen: map[types.Object]bool{}, methods: a.exportedMethods()}
	for _, f := range a.files {
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				r.visit(decl)
			case *ast.FuncDecl:
				if decl.Recv == nil && (decl.Name.Name == "init" || decl.Name.Name == "main" && f.Name.Name == "main") {
					r.visit(decl)
				}
			}
		}
	}
	return r.bodies
}

type reached struct {
	app     *App
	seen    map[types.Object]bool
	methods map[*types.TypeName][]*types.Func
	bodies  []ast.Node
}

func (a *App) exportedMethods() map[*types.TypeName][]*types.Func {
	methods := map[*types.TypeName][]*types.Func{}
	for _, fn := range a.funcs {
		if recv := fn.Signature().Recv(); recv != nil && fn.Exported() {
			if named := namedType(recv.Type()); named != nil {
				methods[named.Obj()] = append(methods[named.Obj()], fn)
			}
		}
	}
	return methods
}

// namedType returns the named type that t is or points to, or nil.
func namedType(t types.Type) *types.Named {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	if named != nil {
		named = named.Origin()
	}
	return named
}

func (r *reached) visit(n ast.Node) {
	r.bodies = append(r.bodies, n)
	// A declaration of types runs nothing.
	if decl, ok := n.(*ast.GenDecl); ok && len(decl.Specs) > 0 {
		if _, isType := decl.Specs[0].(*ast.TypeSpec); isType {
			return
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			r.use(r.app.info.Uses[id])
		}
		return true
	})
}

func (r *reached) use(obj types.Object) {
	if fn, ok := obj.(*types.Func); ok {
		obj = fn.Origin()
	}
	if obj == nil || r.seen[obj] {
		return
	}
	r.seen[obj] = true
	switch obj := obj.(type) {
	case *types.Func:
		if decl := r.app.decls[obj]; decl != nil {
			r.visit(decl)
		}
		r.implementations(obj)
	case *types.TypeName:
		for _, fn := range r.methods[obj] {
			r.use(fn)
		}
	}
}

// implementations reaches the methods that a call of an interface's method may be for.
func (r *reached) implementations(fn *types.Func) {
	recv := fn.Signature().Recv()
	if recv == nil || !types.IsInterface(recv.Type()) {
		return
	}
	iface, _ := recv.Type().Underlying().(*types.Interface)
	for _, own := range r.app.funcs {
		if own.Name() == fn.Name() && own.Signature().Recv() != nil && implements(own.Signature().Recv().Type(), iface) {
			r.use(own)
		}
	}
}

// implements reports whether a type, or a pointer to it, implements an interface. Of
// types and interfaces with parameters that is not known.
func implements(t types.Type, iface *types.Interface) bool {
	named := namedType(t)
	return named == nil || iface == nil || named.TypeParams().Len() > 0 || types.Implements(types.NewPointer(named), iface)
}
