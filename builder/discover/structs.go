package discover

import (
	"go/ast"
	"go/types"
	"reflect"
)

// readTags notes the tags of fields, and which structs are in which.
func (f *flow) readTags(n ast.Node) bool {
	lit, ok := n.(*ast.StructType)
	if !ok {
		return true
	}
	st, ok := f.info.TypeOf(lit).(*types.Struct)
	if !ok {
		return true
	}
	for i := range st.NumFields() {
		field := st.Field(i)
		f.within[field] = st
		if st.Tag(i) != "" {
			f.tags[field] = reflect.StructTag(st.Tag(i))
		}
		if inner := structType(field.Type()); inner != nil {
			f.holders[inner] = append(f.holders[inner], field)
		}
	}
	return true
}

// structType returns the struct that a type is or points to, or nil.
func structType(t types.Type) *types.Struct {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, _ := t.Underlying().(*types.Struct)
	return st
}

// promoted returns the embedded field that a method comes from, as far as it is known what
// is put into that: srv.Server, for srv.Serve.
func (f *flow) promoted(x ast.Expr, s *types.Selection) ast.Expr {
	if s == nil || len(s.Index()) == 1 {
		return x
	}
	if known, ok := f.embedded[s]; ok {
		return known
	}
	t := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] {
		field := structType(t).Field(i).Origin()
		if len(f.sources[field]) == 0 {
			break
		}
		name := &ast.Ident{NamePos: x.Pos(), Name: field.Name()}
		x = &ast.SelectorExpr{X: x, Sel: name}
		t = field.Type()
		f.info.Uses[name] = field
		f.info.Types[x] = types.TypeAndValue{Type: t}
	}
	f.embedded[s] = x
	return x
}
