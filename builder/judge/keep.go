package judge

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// withVariables returns the probe's arguments for a check with the variables of the check
// in them, and not the values that these have now: they may be secrets, and others in the
// next container. It returns nil where that is not sure.
func (r *run) withVariables(probe []string) ([]string, error) {
	written, ok := r.variables()
	if !ok {
		return nil, nil
	}
	if len(written) > 0 {
		var back []string
		c := *r.container
		c.Env, back = marked(c.Env, written, r.check.Test)
		other, err := judge(r.ctx, r.check, c)
		if err != nil || len(other.asked) != 1 {
			return nil, err
		}
		probe = slices.Clone(other.asked[0].probe)
		for i := range probe {
			probe[i] = strings.NewReplacer(back...).Replace(probe[i])
		}
	}
	if slices.ContainsFunc(probe, func(arg string) bool { return !isKnown(arg) }) {
		return nil, nil
	}
	return probe, nil
}

// variables returns the variables that the check's script uses, as the probe takes them:
// ${NAME}, or ${NAME:-VALUE}. ok is false if there are others.
func (r *run) variables() (written map[string]string, ok bool) {
	written = map[string]string{}
	if r.check.Test[0] != "CMD-SHELL" {
		return written, true
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(r.check.Test[1]), "")
	if err != nil {
		return nil, false
	}
	for p := range nodes[*syntax.ParamExp](file) {
		m := probesVariable.FindStringSubmatch(r.check.Test[1][p.Pos().Offset():p.End().Offset()])
		if m == nil {
			return nil, false
		}
		name := m[1] + m[2]
		text := "${" + name + m[3] + "}"
		if written[name] != "" && written[name] != text {
			return nil, false
		}
		written[name] = text
	}
	return written, true
}

// probesVariable matches a shell's variable that means the same to the probe.
var probesVariable = regexp.MustCompile(`^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(:-[\w./-]+)?\})$`)

// marked returns an environment in which variables have values that stand nowhere else, and
// pairs of these with what the variables are written as. A value may have to be a port. A
// variable that names a host keeps its value.
func marked(env map[string]Variable, written map[string]string, test []string) (_ map[string]Variable, back []string) {
	env = maps.Clone(env)
	value := 61803
	for _, name := range slices.Sorted(maps.Keys(written)) {
		v, set := env[name]
		if isHere(v.Value) || !set && !strings.Contains(written[name], ":-") {
			continue
		}
		for strings.Contains(strings.Join(test, " "), strconv.Itoa(value)) {
			value++
		}
		env[name] = Variable{Value: strconv.Itoa(value)}
		back = append(back, strconv.Itoa(value), written[name])
		value++
	}
	return env, back
}
