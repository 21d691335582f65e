package discover

import (
	"go/ast"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// options are what the command line, the environment and configuration decide, as far as
// the app says so by the libraries that are used for it.
type options struct {
	flags    map[string][]definition
	literals map[*ast.CompositeLit]definition // flags that have a destination
	viper    viper
	prefix   map[string][]ast.Expr // of variables, by the library that reads them
}

// A definition says what an option is if nothing is said about it.
type definition struct {
	at  ast.Node
	def ast.Expr
	env []ast.Expr // variables that are asked first, or lists of them
}

// viper is what the app says to github.com/spf13/viper.
type viper struct {
	defaults  map[string][]ast.Expr
	flags     map[string]ast.Expr   // the name of the flag, by key
	env       map[string][]ast.Expr // by key
	allFlags  bool                  // each is bound to the key of its name
	automatic ast.Expr              // the call of AutomaticEnv, or nil

	replaced   bool // dots and dashes, in names of variables
	unmarshals bool
}

func newOptions() options {
	return options{
		flags:    map[string][]definition{},
		literals: map[*ast.CompositeLit]definition{},
		prefix:   map[string][]ast.Expr{},
		viper:    viper{defaults: map[string][]ast.Expr{}, flags: map[string]ast.Expr{}, env: map[string][]ast.Expr{}},
	}
}

const (
	viperPackage     = "github.com/spf13/viper"
	kingpinPackage   = "github.com/alecthomas/kingpin"
	envconfigPackage = "github.com/kelseyhightower/envconfig"
	caarlosPackage   = "github.com/caarlos0/env"
)

// word returns a constant string, or "".
func (f *flow) word(x ast.Expr) string {
	if x == nil {
		return ""
	}
	if c := f.info.Types[x].Value; c != nil {
		return constantText(c)
	}
	return ""
}

// readOption remembers what a call says about options.
func (f *flow) readOption(call *ast.CallExpr) {
	fn := f.callee(call)
	if fn == nil {
		return
	}
	switch packagePath(fn) {
	case "flag", "github.com/spf13/pflag":
		if d, name, to := f.flag(call, fn); name != "" {
			f.options.flags[name] = append(f.options.flags[name], d)
			if to != nil {
				f.put(to, source{expr: call})
			}
		}
	case kingpinPackage:
		if strings.HasSuffix(fn.Name(), "Var") {
			f.put(argument(call, 0), source{expr: call})
		}
	case envconfigPackage:
		if (fn.Name() == "Process" || fn.Name() == "MustProcess") && len(call.Args) > 0 {
			f.options.prefix[envconfigPackage] = append(f.options.prefix[envconfigPackage], call.Args[0])
		}
	case viperPackage:
		f.readViper(call, fn.Name())
	}
}

// flag returns what a call of package flag or pflag defines, and where that is put.
func (f *flow) flag(call *ast.CallExpr, fn *types.Func) (d definition, name string, to ast.Expr) {
	kind, at := fn.Name(), 0
	kind, short := strings.CutSuffix(kind, "P")
	kind, isVar := strings.CutSuffix(kind, "Var")
	if !slices.Contains([]string{"Bool", "String", "Int", "Int32", "Int64", "Uint", "Uint16", "Uint32", "Uint64"}, kind) {
		return d, "", nil
	}
	if isVar {
		to, at = argument(call, 0), 1
	}
	name = f.word(argument(call, at))
	if at++; short {
		at++
	}
	return definition{at: call, def: argument(call, at)}, name, to
}

// readCLIFlag remembers a flag of github.com/urfave/cli.
func (f *flow) readCLIFlag(lit *ast.CompositeLit) {
	if t := namedType(f.info.TypeOf(lit)); t == nil || packagePath(t.Obj()) != "github.com/urfave/cli" {
		if t != nil && packagePath(t.Obj()) == caarlosPackage {
			for field, value := range f.fields(lit) {
				if field.Name() == "Prefix" {
					f.options.prefix[caarlosPackage] = append(f.options.prefix[caarlosPackage], value)
				}
			}
		}
		return
	}
	d, name := definition{at: lit}, ""
	var to ast.Expr
	for field, value := range f.fields(lit) {
		switch field.Name() {
		case "Name":
			name = f.word(value)
		case "Value":
			d.def = value
		case "EnvVars", "EnvVar", "Sources":
			d.env = append(d.env, value)
		case "Destination":
			to = value
		}
	}
	if name == "" {
		return
	}
	f.options.flags[name] = append(f.options.flags[name], d)
	if to != nil {
		f.put(to, source{expr: lit})
		f.options.literals[lit] = d
	}
}

func (f *flow) readViper(call *ast.CallExpr, name string) {
	v, key := &f.options.viper, strings.ToLower(f.word(argument(call, 0)))
	switch name {
	case "SetDefault":
		v.defaults[key] = append(v.defaults[key], argument(call, 1))
	case "BindPFlag":
		if lookup, ok := ast.Unparen(argument(call, 1)).(*ast.CallExpr); ok {
			v.flags[key] = argument(lookup, 0)
		}
	case "BindPFlags":
		v.allFlags = true
	case "BindEnv":
		v.env[key] = call.Args
	case "AutomaticEnv":
		v.automatic = call
	case "SetEnvPrefix":
		f.options.prefix[viperPackage] = append(f.options.prefix[viperPackage], argument(call, 0))
	case "SetEnvKeyReplacer":
		v.replaced = true
	case "Unmarshal", "UnmarshalExact":
		v.unmarshals = true
	}
}

// isDecoder tells whether a function of others puts what it reads where its arguments
// point to. What viper decodes is known by its keys.
func isDecoder(fn *types.Func) bool {
	return packagePath(fn) != viperPackage && slices.ContainsFunc([]string{"Unmarshal", "Decode", "Sscan"}, func(prefix string) bool {
		return strings.HasPrefix(fn.Name(), prefix)
	})
}

// fill says that what an argument points to may become something that is not known.
func (f *flow) fill(arg ast.Expr) {
	t := f.info.TypeOf(arg)
	if t == nil {
		return
	}
	p, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return
	}
	if isText(p.Elem()) {
		f.put(arg, source{expr: &ast.BadExpr{}, from: byDecoding})
	}
	f.fillFields(p.Elem(), map[types.Type]bool{})
}

func (f *flow) fillFields(t types.Type, seen map[types.Type]bool) {
	key := t
	if named := namedType(t); named != nil { // however it is instantiated
		if !f.isOwn(named.Obj()) {
			return
		}
		key = named
	}
	if seen[key] {
		return
	}
	seen[key] = true
	switch t := t.Underlying().(type) {
	case *types.Pointer:
		f.fillFields(t.Elem(), seen)
	case *types.Slice:
		f.fillFields(t.Elem(), seen)
	case *types.Map:
		f.fillFields(t.Elem(), seen)
	case *types.Struct:
		for field := range t.Fields() {
			if isText(field.Type()) {
				f.sources[field.Origin()] = append(f.sources[field.Origin()], source{expr: &ast.BadExpr{}, from: byDecoding})
			}
			f.fillFields(field.Type(), seen)
		}
	}
}

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
	literal, ok := e.tags[obj]
	if !ok {
		return nil
	}
	unquoted, err := strconv.Unquote(literal)
	if err != nil {
		return nil
	}
	tag := reflect.StructTag(unquoted)
	if name, _, _ := strings.Cut(tag.Get("mapstructure"), ","); name != "" && e.options.viper.unmarshals {
		return e.key(e.fullKey(name))
	}
	name, def := e.tagged(tag)
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
func (e *evaluation) tagged(tag reflect.StructTag) (name, def string) {
	for _, key := range []string{"default", "envDefault", "env-default"} {
		if def == "" {
			def = tag.Get(key)
		}
	}
	if s := tag.Get("envconfig"); s != "" {
		return e.prefixed(envconfigPackage, "_", strings.ToUpper(s)), def
	}
	env, options, _ := strings.Cut(tag.Get("env"), ",")
	for option := range strings.SplitSeq(options, ",") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(option), "default="); ok {
			def = s
		}
	}
	for option := range strings.SplitSeq(tag.Get("arg"), ",") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(option), "env:"); ok {
			env = s
		}
	}
	if env != "" {
		env = e.prefixed(caarlosPackage, "", env)
	}
	return env, def
}

// prefixed returns the name of a variable with the prefix that a library puts before
// it; "" if the app uses several.
func (e *evaluation) prefixed(library, separator, name string) string {
	found := ""
	for _, x := range e.options.prefix[library] {
		s := e.word(x)
		if found != "" && s != found {
			return ""
		}
		found = s
	}
	if found == "" {
		return name
	}
	return strings.ToUpper(found) + separator + name
}
