package composefile

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/tree"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// variables replaces Compose's variables, and keeps what stood in their place.
type variables struct {
	unknown     string // stands for what nothing sets
	environment map[string]string
	unset       map[string]bool   // names that nothing sets, and that have no default
	used        map[string]int    // in how many texts a name is used
	written     map[string][]Part // by what became of it
	count       int64             // of variables that were replaced in one go through the file
}

func newVariables(environment map[string]string) *variables {
	return &variables{Unknown, environment, map[string]bool{}, map[string]int{}, map[string][]Part{}, 0}
}

// A Part of a text is a variable, or what lies between two.
type Part struct {
	Written string // as in the file: ${PORT:-8080}, or text in which $$ stands for $
	Value   string // what Compose makes of it; Unknown if nothing sets it
	Name    string // of the variable; "" for text
	Default bool   // it says what to put in the place of what is not set
}

// Parts returns what a text of the project was written as, or nil if it has no variables.
func (p *Project) Parts(text string) []Part { return p.variables.written[text] }

// Uses returns how many texts of the file use a variable.
func (p *Project) Uses(name string) int { return p.variables.used[name] }

// Environment returns the value that a variable has for Compose.
func (p *Project) Environment(name string) (string, bool) {
	value, ok := p.variables.environment[name]
	return value, ok
}

// Variables returns the variables that Compose has, with their values.
func (p *Project) Variables() map[string]string { return p.variables.environment }

func (v *variables) names() []string { return slices.Sorted(maps.Keys(v.unset)) }

// lookup looks a variable up where no included file has an environment of its own.
func (v *variables) lookup(name string) (string, bool) {
	value, ok := v.environment[name]
	return value, ok
}

// substitute replaces the variables in a text. Where nothing sets one, [Unknown] stands.
func (v *variables) substitute(text string, lookup template.Mapping) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	if err := v.bounded(text); err != nil {
		return "", err
	}
	var b strings.Builder
	parts := split(text)
	for i := range parts {
		if err := v.value(&parts[i], lookup); err != nil {
			return "", err
		}
		b.WriteString(parts[i].Value)
	}
	for i := range parts {
		parts[i].Value = strings.ReplaceAll(parts[i].Value, aNumber, Unknown)
	}
	v.written[unknown(b.String())] = parts
	return b.String(), nil
}

// bounded counts the variables in a text, those in their defaults included. For each the
// library goes through all that is in its braces.
func (v *variables) bounded(text string) error {
	v.count += int64(strings.Count(text, "$"))
	var depth, deepest int64
	for i := range len(text) {
		switch {
		case text[i] == '{' && i > 0 && text[i-1] == '$':
			depth++
			deepest = max(deepest, depth)
		case text[i] == '}':
			depth = max(depth-1, 0)
		}
	}
	return cmp.Or(limits.Variables.Check(v.count), limits.VariableDepth.Check(deepest))
}

// value finds the value of a part.
func (v *variables) value(p *Part, lookup template.Mapping) (err error) {
	if p.Name == "" {
		p.Value = strings.ReplaceAll(p.Written, "$$", "$")
		return nil
	}
	v.used[p.Name]++
	p.Value, err = template.SubstituteWithOptions(p.Written, lookup, template.WithoutLogging)
	var required *template.MissingRequiredError
	_, set := lookup(p.Name)
	if errors.As(err, &required) || err == nil && !set && !p.Default {
		p.Value = v.unknown
		v.unset[p.Name] = true
		return nil
	}
	return err
}

// split cuts a text at its variables.
func split(text string) (parts []Part) {
	begin := 0
	for i := 0; i < len(text); {
		length, name := variable(text[i:])
		if name == "" {
			i += length
			continue
		}
		if begin < i {
			parts = append(parts, Part{Written: text[begin:i]})
		}
		written := text[i : i+length]
		inner := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(written, "$"), "{"), name)
		parts = append(parts, Part{Written: written, Name: name, Default: inner != "" && strings.ContainsAny(inner[:min(2, len(inner))], "-+")})
		i += length
		begin = i
	}
	if begin < len(text) {
		parts = append(parts, Part{Written: text[begin:]})
	}
	return parts
}

// variable returns how long what begins a text is, and the name if it is a variable.
func variable(text string) (length int, name string) {
	switch {
	case text[0] != '$' || len(text) == 1:
		return 1, ""
	case text[1] == '$':
		return 2, ""
	case text[1] != '{':
		name = leadingName(text[1:])
		return 1 + len(name), name
	}
	name = leadingName(text[2:])
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1, name
			}
		}
	}
	return len(text), name // the library says that the brace is missing
}

func leadingName(text string) string {
	for i, r := range text {
		isLetter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !isLetter && (i == 0 || r < '0' || r > '9') {
			return text[:i]
		}
	}
	return text
}

// aNumber stands for an unknown value where Compose takes nothing but a number or a
// duration. No file has it.
const aNumber = "61803"

// casts lets values pass that are not known.
func casts(known map[tree.Path]interpolation.Cast) map[tree.Path]interpolation.Cast {
	all := map[tree.Path]interpolation.Cast{}
	for path, cast := range known {
		all[path] = func(text string) (any, error) {
			if !strings.Contains(text, Unknown) {
				return cast(text)
			}
			if n, err := cast(strings.ReplaceAll(text, Unknown, aNumber)); err == nil {
				return n, nil
			}
			return cast("true")
		}
	}
	number := func(text string) (any, error) { return strings.ReplaceAll(text, Unknown, aNumber), nil }
	seconds := func(text string) (any, error) {
		if strings.Contains(text, Unknown) {
			return aNumber + "s", nil
		}
		return text, nil
	}
	for _, key := range []string{"ports", "expose"} {
		all[tree.NewPath("services", tree.PathMatchAll, key, tree.PathMatchList)] = number
	}
	for _, key := range []string{"interval", "timeout", "start_period", "start_interval"} {
		all[tree.NewPath("services", tree.PathMatchAll, "healthcheck", key)] = seconds
	}
	all[tree.NewPath("services", tree.PathMatchAll, "stop_grace_period")] = seconds
	return all
}

// unknown puts [Unknown] in the place of what casts has let pass.
func unknown(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, aNumber+"s", Unknown), aNumber, Unknown)
}

// plain returns the documents with their variables replaced, the fields of later ones
// behind those of earlier ones: what the file says by itself.
func (v *variables) plain(docs []*doctree.Node) *doctree.Node {
	root := &doctree.Node{Kind: doctree.Map, Pos: firstPos(docs)}
	for _, doc := range docs {
		root.Fields = append(root.Fields, v.replaced(doc).Fields...)
	}
	return root
}

// replaced returns a value with the variables in it replaced. What cannot be replaced
// stays.
func (v *variables) replaced(n *doctree.Node) *doctree.Node {
	c := *n
	if c.Kind == doctree.Unknown && c.Inside != nil { // !override
		return v.replaced(c.Inside)
	}
	if c.Kind == doctree.Scalar {
		if text, err := v.substitute(c.Text, v.lookup); err == nil {
			c.Text = text
		}
	}
	c.Items, c.Fields = slices.Clone(c.Items), slices.Clone(c.Fields)
	for i, item := range c.Items {
		c.Items[i] = v.replaced(item)
	}
	for i, f := range c.Fields {
		c.Fields[i].Value = v.replaced(f.Value)
	}
	return &c
}
