package discover

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// readEnvconfig notes what github.com/kelseyhightower/envconfig is called to fill.
func (f *flow) readEnvconfig(call *ast.CallExpr, name string) {
	if name != "Process" && name != "MustProcess" || len(call.Args) != 2 {
		return
	}
	if t := f.info.TypeOf(call.Args[1]); t != nil {
		if st := structType(t); st != nil {
			f.options.specs[st] = append(f.options.specs[st], call.Args[0])
		}
	}
}

// envconfigNames returns the variables that envconfig fills a field with: that of its
// place, and then that of its tag alone.
func (f *flow) envconfigNames(field types.Object) []string {
	v, ok := field.(*types.Var)
	if !ok || len(f.options.specs) == 0 || !isText(v.Type()) {
		return nil
	}
	names := f.envconfigKeys(v, "", 0)
	if own := strings.ToUpper(f.tags[v].Get("envconfig")); len(names) > 0 && own != "" {
		names = append(names, own)
	}
	slices.Sort(names)
	return slices.Compact(slices.DeleteFunc(names, func(name string) bool { return !isVariable(name) }))
}

// envconfigKeys returns the names that envconfig makes of a field's place: prefix, the
// structs around it, and what stands for the field.
func (f *flow) envconfigKeys(field *types.Var, rest string, depth int) (keys []string) {
	st, tag := f.within[field], f.tags[field]
	if st == nil || depth > maxDepth || !field.Exported() || tag.Get("ignored") == "true" {
		return nil
	}
	name := tag.Get("envconfig")
	switch {
	case name != "" || field.Anonymous():
	case tag.Get("split_words") == "true":
		name = strings.Join(wordsOf(field.Name()), "_")
	default:
		name = field.Name()
	}
	name = joined(name, rest)
	for _, prefix := range f.options.specs[st] {
		keys = append(keys, strings.ToUpper(joined(f.word(prefix), name)))
	}
	for _, holder := range f.holders[st] {
		keys = append(keys, f.envconfigKeys(holder, name, depth+1)...)
	}
	return keys
}

// joined returns what is there of two words, with a line between them.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "_" + b
}

// wordsOf returns the words of a name, as envconfig's split_words finds them: HTTPPort is
// HTTP and Port.
func wordsOf(name string) (words []string) {
	for i := 0; i < len(name); {
		end := i + 1
		for end < len(name) && isUpper(name[end]) == isUpper(name[i]) {
			end++
		}
		if isUpper(name[i]) && end < len(name) { // the last of several begins the next word
			if end-i > 1 {
				words = append(words, name[i:end-1])
				i = end - 1
			}
			for end < len(name) && !isUpper(name[end]) {
				end++
			}
		}
		words = append(words, name[i:end])
		i = end
	}
	return words
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
