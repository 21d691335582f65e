package hclfile

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/ko-health/kohealth/builder/limits"
)

// A module is a directory of Terraform's files.
type module struct {
	name  string // of the file that is read
	data  []byte
	dir   string
	files int64
	steps int

	locals    map[string]definition
	variables map[string]definition // what they are set to, or their defaults
	templates map[string]*hclsyntax.Block
	values    map[string]cty.Value // of locals and variables; what is not yet known while it is evaluated
}

// A definition is an expression that a name stands for.
type definition struct {
	expr  hclsyntax.Expression
	isOwn bool // it stands in the file that is read
}

func newModule(name string, data []byte, dir string) *module {
	return &module{name: name, data: data, dir: dir,
		locals: map[string]definition{}, variables: map[string]definition{}, templates: map[string]*hclsyntax.Block{}, values: map[string]cty.Value{}}
}

// add notes what a file defines.
func (m *module) add(body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		switch {
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				m.define(m.locals, name, a)
			}
		case b.Type == "variable" && len(b.Labels) == 1:
			if a := b.Body.Attributes["default"]; a != nil {
				m.define(m.variables, b.Labels[0], a)
			}
		case b.Type == "data" && len(b.Labels) == 2 && b.Labels[0] == "template_file":
			m.templates[b.Labels[1]] = b
		}
	}
}

func (m *module) define(names map[string]definition, name string, a *hclsyntax.Attribute) {
	if _, ok := names[name]; !ok {
		names[name] = definition{a.Expr, a.SrcRange.Filename == m.name}
	}
}

// readOthers reads the other files of the directory: those with definitions, and then those
// with values of variables, as Terraform does without being told of any. What cannot be read
// leaves names unknown.
func (m *module) readOthers() {
	if m.dir == "" {
		return
	}
	for _, path := range m.glob("*.tf") {
		if filepath.Base(path) == filepath.Base(m.name) {
			continue
		}
		if body := m.parse(path); body != nil {
			m.add(body)
		}
	}
	automatic := append(m.glob("*.auto.tfvars"), m.glob("*.auto.tfvars.json")...)
	slices.Sort(automatic)
	for _, path := range slices.Concat(m.glob("terraform.tfvars"), m.glob("terraform.tfvars.json"), automatic) {
		m.assign(path)
	}
}

// assign sets variables to what a file says, in HCL or in JSON.
//
// https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
func (m *module) assign(path string) {
	if filepath.Ext(path) == ".json" {
		if data, ok := m.read(path); ok {
			for name, value := range valuesIn(data) {
				m.variables[name] = definition{&hclsyntax.LiteralValueExpr{Val: value}, false}
			}
		}
		return
	}
	if body := m.parse(path); body != nil {
		for name, a := range body.Attributes {
			m.variables[name] = definition{a.Expr, false}
		}
	}
}

// valuesIn returns the values of an object in JSON, or nothing.
func valuesIn(data []byte) map[string]cty.Value {
	if limits.ExpressionDepth.Check(nesting(data)) != nil {
		return nil
	}
	of, err := ctyjson.ImpliedType(data)
	if err != nil || !of.IsObjectType() {
		return nil
	}
	object, err := ctyjson.Unmarshal(data, of)
	if err != nil {
		return nil
	}
	return object.AsValueMap()
}

func (m *module) glob(pattern string) []string {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(m.dir), pattern))
	if err != nil {
		return nil // of a bad pattern, which there is not
	}
	slices.Sort(paths)
	return paths
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func (m *module) parse(path string) *hclsyntax.Body {
	data, ok := m.read(path)
	if !ok {
		return nil
	}
	body, _ := parseBody(path, data) // names that one defines that is wrong are not known
	return body
}

// read reads a file of the directory, or one that a file there names.
func (m *module) read(path string) (data []byte, ok bool) {
	if m.dir == "" {
		return nil, false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.dir, path)
	}
	m.files++
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || limits.TerraformFiles.Check(m.files) != nil {
		return nil, false
	}
	data, err = limits.Document.ReadFile(path)
	return data, err == nil
}

// sorted returns attributes in the order of the file.
func sorted(attributes hclsyntax.Attributes) (list []*hclsyntax.Attribute) {
	for _, a := range attributes {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int { return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte) })
	return list
}
