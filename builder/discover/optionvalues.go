package discover

import (
	"go/ast"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// option returns the value of an option for which a call asks, or that it defines.
func (e *evaluation) option(call *ast.CallExpr, fn *types.Func) []value {
	switch pkg := packagePath(fn); {
	case pkg == "flag", pkg == "github.com/spf13/pflag":
		if d, name, _ := e.flag(call, fn); name != "" {
			return e.defined(d)
		}
		fallthrough
	case pkg == "github.com/urfave/cli":
		if fn.Signature().Recv() != nil {
			return e.named(e.word(argument(call, 0)))
		}
	case pkg == kingpinPackage:
		return e.kingpin(call)
	case pkg == viperPackage && strings.HasPrefix(fn.Name(), "Get"):
		return e.key(e.word(argument(call, 0)))
	}
	return nil
}

// named returns the value of the flag with a name.
func (e *evaluation) named(name string) (out []value) {
	for _, d := range e.options.flags[name] {
		out = append(out, e.defined(d)...)
	}
	return unify(out)
}

func (e *evaluation) defined(d definition) []value {
	defaults := []value{text("")}
	if d.def != nil {
		defaults = e.expr(d.def)
	}
	for i := range defaults {
		defaults[i].flag = true
		defaults[i].from = append(slices.Clone(defaults[i].from), d.at.Pos())
	}
	out := defaults
	for _, env := range d.env {
		for _, name := range e.names(env) {
			if isVariable(name) {
				v := variable(name, "", env.Pos())
				v.flag = true
				out = append(out, v)
			}
		}
	}
	return unify(out)
}

func (e *evaluation) cliFlag(lit *ast.CompositeLit) []value {
	if d, ok := e.options.literals[lit]; ok {
		return e.defined(d)
	}
	return []value{unknown()}
}

// names returns the strings of a list, be it a literal or the arguments of a call.
func (e *evaluation) names(x ast.Expr) (names []string) {
	var values []value
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		for _, arg := range x.Args {
			values = append(values, e.expr(arg)...)
		}
	case *ast.CompositeLit:
		values = e.elements(x, element)
	default:
		values = e.expr(x)
	}
	for _, v := range values {
		if s, ok := v.plain(); ok {
			names = append(names, s)
		}
	}
	return names
}

// kingpin returns the value of app.Flag(…).Default(…).Envar(…).String().
func (e *evaluation) kingpin(call *ast.CallExpr) []value {
	d := definition{at: call}
	for x := e.receiver(call); x != nil; {
		inner, ok := ast.Unparen(x).(*ast.CallExpr)
		if !ok {
			break
		}
		switch fn := e.callee(inner); {
		case fn != nil && fn.Name() == "Default":
			d.def = argument(inner, 0)
		case fn != nil && fn.Name() == "Envar":
			d.env = inner.Args
		}
		x = e.receiver(inner)
	}
	return e.defined(d)
}

// key returns the value of a key of viper's.
func (e *evaluation) key(name string) (out []value) {
	v, name := e.options.viper, strings.ToLower(name)
	if name == "" {
		return nil
	}
	out = append(out, e.keyVariables(name)...)
	for _, def := range v.defaults[name] {
		out = append(out, e.expr(def)...)
	}
	if flag := v.flags[name]; flag != nil {
		out = append(out, e.named(e.word(flag))...)
	} else if v.allFlags {
		out = append(out, e.named(name)...)
	}
	for i := range out {
		out[i].flag = false // a flag's default does not go over a variable
	}
	return unify(out)
}

// keyVariables returns the variables that viper asks for a key.
func (e *evaluation) keyVariables(key string) (out []value) {
	v, prefix := e.options.viper, ""
	if p := e.options.prefix[viperPackage]; len(p) == 1 && e.word(p[0]) != "" {
		prefix = strings.ToUpper(e.word(p[0])) + "_"
	}
	at := v.automatic
	if args := v.env[key]; len(args) > 0 {
		for _, arg := range args[1:] {
			if name := e.word(arg); isVariable(name) {
				out = append(out, variable(name, "", arg.Pos()))
			} else {
				out = append(out, unknown())
			}
		}
		if len(out) > 0 {
			return out
		}
		at = args[0]
	}
	if at == nil {
		return nil
	}
	name := prefix + strings.ToUpper(key)
	if v.replaced {
		name = strings.NewReplacer("-", "_", ".", "_").Replace(name)
	}
	if isVariable(name) {
		out = append(out, variable(name, "", at.Pos()))
	}
	return out
}

// filled returns what a library fills a field with, by the field's tag.
func (e *evaluation) filled(obj types.Object) (out []value) {
	tag := e.tags[obj]
	if names := e.envconfigNames(obj); len(names) > 0 {
		for _, name := range names {
			out = append(out, variable(name, tag.Get("default"), obj.Pos()))
		}
		return apart(out)
	}
	if tag == "" {
		return nil
	}
	if name, _, _ := strings.Cut(tag.Get("mapstructure"), ","); name != "" && e.options.viper.unmarshals {
		return e.key(e.fullKey(name))
	}
	name, def := tagged(tag)
	if name != "" {
		var known bool
		if name, known = e.withPrefix(obj, name); !known {
			return []value{unknown()}
		}
	}
	switch {
	case isVariable(name):
		return []value{variable(name, def, obj.Pos())}
	case def != "":
		return []value{text(def, obj.Pos())}
	}
	return nil
}

// fullKey returns the key of viper's that ends with a name, if there is one.
func (e *evaluation) fullKey(name string) string {
	v := e.options.viper
	known := slices.Concat(slices.Collect(maps.Keys(v.defaults)), slices.Collect(maps.Keys(v.flags)), slices.Collect(maps.Keys(v.env)))
	var found []string
	for _, key := range known {
		if strings.HasSuffix(key, "."+strings.ToLower(name)) && !slices.Contains(found, key) {
			found = append(found, key)
		}
	}
	if len(found) == 1 && !slices.Contains(known, strings.ToLower(name)) {
		return found[0]
	}
	return name
}

// tagged returns the variable and the default that a tag names, as envconfig, env,
// cleanenv, go-arg, kong, go-flags and others understand it.
func tagged(tag reflect.StructTag) (name, def string) {
	for _, key := range []string{"default", "envDefault", "env-default"} {
		if def == "" {
			def = tag.Get(key)
		}
	}
	if s := tag.Get("envconfig"); s != "" {
		return strings.ToUpper(s), def
	}
	name, options, _ := strings.Cut(tag.Get("env"), ",")
	if s, ok := option(options, "default="); ok {
		def = s
	}
	if s, ok := option(tag.Get("arg"), "env:"); ok {
		name = s
	}
	return strings.TrimSpace(name), def
}

// option returns what stands behind a word in a list.
func option(list, word string) (s string, ok bool) {
	for entry := range strings.SplitSeq(list, ",") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(entry), word); ok {
			return s, true
		}
	}
	return "", false
}

// withPrefix returns the name of a variable with the prefixes that the structs around its
// field put before it; known is false if there is more than one way to that.
func (e *evaluation) withPrefix(field types.Object, name string) (full string, known bool) {
	for range maxDepth {
		holders := e.holders[e.within[field]]
		if len(holders) == 0 {
			break
		}
		prefix := prefixOf(e.tags[holders[0]])
		for _, other := range holders[1:] {
			if prefixOf(e.tags[other]) != prefix {
				return "", false
			}
		}
		name, field = prefix+name, holders[0]
	}
	first := ""
	for i, x := range e.options.prefix[envPrefix] {
		if s := e.word(x); i > 0 && s != first {
			return "", false
		} else {
			first = s
		}
	}
	return first + name, true
}

// prefixOf returns what the tag of a struct puts before the names of variables in it.
func prefixOf(tag reflect.StructTag) string {
	for _, key := range []string{"envPrefix", "env-prefix", "envprefix"} {
		if s := tag.Get(key); s != "" {
			return s
		}
	}
	if s := tag.Get("env-namespace"); s != "" {
		return s + "_"
	}
	_, options, _ := strings.Cut(tag.Get("env"), ",")
	s, _ := option(options, "prefix=")
	return s
}
