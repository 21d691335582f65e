package discover

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// options are what the command line, the environment and configuration decide, as far as
// the app says so by the libraries that are used for it.
type options struct {
	flags    map[string][]definition
	literals map[*ast.CompositeLit]definition // flags that have a destination
	viper    viper
	prefix   map[string][]ast.Expr        // of variables, by the library that reads them
	specs    map[*types.Struct][]ast.Expr // prefixes of what envconfig fills
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
		specs:    map[*types.Struct][]ast.Expr{},
		viper:    viper{defaults: map[string][]ast.Expr{}, flags: map[string]ast.Expr{}, env: map[string][]ast.Expr{}},
	}
}

const (
	viperPackage     = "github.com/spf13/viper"
	kingpinPackage   = "github.com/alecthomas/kingpin"
	envconfigPackage = "github.com/kelseyhightower/envconfig"
	caarlosPackage   = "github.com/caarlos0/env"
	sethvargoPackage = "github.com/sethvargo/go-envconfig"

	envPrefix = "env" // stands for the libraries whose tags begin so
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
		f.readEnvconfig(call, fn.Name())
	case sethvargoPackage:
		if fn.Name() == "PrefixLookuper" {
			f.options.prefix[envPrefix] = append(f.options.prefix[envPrefix], argument(call, 0))
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
					f.options.prefix[envPrefix] = append(f.options.prefix[envPrefix], value)
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

// isDecoder reports whether a function of others puts what it reads where its arguments
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
