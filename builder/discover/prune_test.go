package discover

import (
	"context"
	"fmt"
	goimporter "go/importer"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrune compares what others see of the standard library's packages with what they see
// of all that is in them.
func TestPrune(t *testing.T) {
	main, all := listed(t)
	c := newChecker(context.Background(), main, all)
	c.check(main)
	whole := goimporter.ForCompiler(token.NewFileSet(), "source", nil)
	count := 0
	for id, p := range c.done {
		if id == main.ID || id == "unsafe" || strings.Contains(id, "internal/") || strings.HasPrefix(id, "vendor/") {
			continue
		}
		want, err := whole.Import(id)
		if err != nil {
			t.Fatal(err)
		}
		count++
		if diff := cmp.Diff(seen(want), seen(p)); diff != "" {
			t.Errorf("%s (-whole +pruned):\n%s", id, diff)
		}
	}
	if count < 20 {
		t.Errorf("only %d packages", count)
	}
}

// seen returns what others see of a package.
func seen(p *types.Package) (lines []string) {
	for _, name := range p.Scope().Names() {
		obj := p.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		lines = append(lines, fmt.Sprintf("%T %s", obj, name))
		if _, isType := obj.(*types.TypeName); !isType {
			lines = append(lines, name+" "+obj.Type().String())
			continue
		}
		if st, ok := obj.Type().Underlying().(*types.Struct); ok {
			for field := range st.Fields() {
				if field.Exported() {
					lines = append(lines, name+"."+field.Name()+" "+field.Type().String())
				}
			}
		}
		set := types.NewMethodSet(types.NewPointer(obj.Type()))
		for method := range set.Methods() {
			if method.Obj().Exported() {
				lines = append(lines, name+"."+method.Obj().Name()+" "+method.Type().String())
			}
		}
	}
	slices.Sort(lines)
	return lines
}
