package judge

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// parameter expands $X and its kin.
func (e *expander) parameter(p *syntax.ParamExp) {
	if p.Param == nil {
		e.add(Unknown)
		return
	}
	name := p.Param.Value
	switch {
	case name == "@" || name == "*":
		e.positional(name)
		return
	case e.isBad(p):
		e.abort(p, "bash-only", "${"+name+"…} as it is written is bash's, and the shell is "+e.dialect.String()+" here: bad substitution")
		e.add(Unknown)
		return
	case p.Index != nil || p.Excl || p.Slice != nil || p.Repl != nil || p.Names != 0 || p.Width || p.Flags != nil:
		e.add(Unknown)
		return
	}
	value := e.parameterValue(name)
	if value == Unknown && strings.Contains("?$!#", name) && p.Exp == nil { // a number, which is not split
		e.begun = true
		e.write(value)
		return
	}
	if p.Length {
		if value == unset {
			value = ""
		}
		if isKnown(value) {
			e.add(strconv.Itoa(len(value)))
		} else {
			e.add(Unknown)
		}
		return
	}
	if p.Exp != nil {
		e.operate(p, name, value)
		return
	}
	if value == unset {
		e.unsetParameter(p, name)
		value = ""
	} else if !isKnown(value) && e.nounset != no {
		e.exits = e.exits.or(failsWith("2"))
	}
	e.add(value)
}

// unsetParameter is what becomes of a variable that is set nowhere.
func (e *expander) unsetParameter(p *syntax.ParamExp, name string) {
	switch e.nounset {
	case yes:
		e.abort(p, "no-variable", "the variable "+name+" is set nowhere, which set -u does not take")
		return
	case perhaps:
		e.exits = e.exits.or(failsWith("2"))
	}
	if syntax.ValidName(name) && e.dialect != anyShell {
		e.unsets = append(e.unsets, name)
	}
}

// abort ends the script, and its shell.
func (e *expander) abort(p *syntax.ParamExp, rule, message string) {
	e.cause(e.ctx, rule, e.script.offset(p), message)
	e.exits = e.exits.or(failsWith("2"))
	e.aborted = true
}

// isBad reports whether dash or BusyBox calls an expansion a bad substitution.
func (e *expander) isBad(p *syntax.ParamExp) bool {
	if e.dialect != dash && e.dialect != ash {
		return false
	}
	caseOp := p.Exp != nil && (p.Exp.Op == syntax.UpperFirst || p.Exp.Op == syntax.UpperAll || p.Exp.Op == syntax.LowerFirst ||
		p.Exp.Op == syntax.LowerAll || p.Exp.Op == syntax.OtherParamOps)
	return caseOp || e.dialect == dash && (p.Excl || p.Slice != nil || p.Repl != nil || p.Index != nil)
}

func (e *expander) parameterValue(name string) string {
	switch name {
	case "?":
		return e.code
	case "$", "!", "-", "#", "0":
		return e.special(name)
	}
	if n, err := strconv.Atoi(name); err == nil {
		switch {
		case e.argsOpen:
			return Unknown
		case n > len(e.args):
			return unset
		}
		return e.args[n-1]
	}
	return e.value(name)
}

func (e *expander) special(name string) string {
	if name == "#" && !e.argsOpen {
		return strconv.Itoa(len(e.args))
	}
	return Unknown
}

func (e *expander) positional(name string) {
	switch {
	case e.argsOpen:
		e.add(Unknown)
		e.open = true
	case !e.quoted || name == "*" || e.whole:
		e.add(strings.Join(e.args, " "))
	default:
		if len(e.args) == 0 && e.field.Len() == 0 {
			e.begun = false
		}
		for i, a := range e.args {
			if i > 0 {
				e.end()
			}
			if e.size += len(a) + 1; e.size > maxText {
				e.add(Unknown)
				e.open = true
				return
			}
			e.begun = true
			e.write(a)
		}
	}
}

// operate expands ${X:-word} and the others.
func (e *expander) operate(p *syntax.ParamExp, name, value string) {
	colon := p.Exp.Op == syntax.AlternateUnsetOrNull || p.Exp.Op == syntax.DefaultUnsetOrNull ||
		p.Exp.Op == syntax.ErrorUnsetOrNull || p.Exp.Op == syntax.AssignUnsetOrNull
	given := yes
	switch {
	case value == unset, value == "" && colon:
		given = no
	case value == Unknown:
		given = perhaps
	case !isKnown(value) && colon && strings.Trim(value, Unknown) == "":
		given = perhaps
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		e.either(given, value, p.Exp.Word)
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		e.assignDefault(name, given, value, p.Exp.Word)
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		switch given {
		case yes:
			e.nested(p.Exp.Word)
		case perhaps:
			e.add(Unknown)
		}
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		e.orError(p, name, given, value)
	default:
		e.add(e.trimmed(p.Exp, value))
	}
}

func (e *expander) either(given maybe, value string, def *syntax.Word) {
	switch given {
	case yes:
		e.add(value)
	case no:
		e.nested(def)
	default:
		e.add(Unknown)
	}
}

// nested expands the word of an operator in its place.
func (e *expander) nested(w *syntax.Word) {
	if w != nil {
		e.add(e.text(w, e.ctx))
	} else {
		e.add("")
	}
}

func (e *expander) assignDefault(name string, given maybe, value string, def *syntax.Word) {
	switch given {
	case no:
		value = e.text(def, e.ctx)
		e.vars[name] = value
	case perhaps:
		value = Unknown
		e.vars[name] = Unknown
	}
	e.add(value)
}

func (e *expander) orError(p *syntax.ParamExp, name string, given maybe, value string) {
	switch given {
	case no:
		e.abort(p, "no-variable", "the variable "+name+" is set nowhere")
		value = ""
	case perhaps:
		e.exits = e.exits.or(failsWith("2"))
	}
	e.add(value)
}

// maxTrimmed bounds, in bytes, what a pattern is cut off.
const maxTrimmed = 512

// trimmed is ${X#word} and the like. Each way to cut a value is tried, which takes steps.
func (e *expander) trimmed(exp *syntax.Expansion, value string) string {
	if value == unset || value == "" {
		return ""
	}
	p := e.pattern(exp.Word, e.ctx)
	if !isKnown(value) || !isKnown(p) {
		return Unknown
	}
	if e.steps += len(value) / 4; e.steps > maxSteps || len(value) > maxTrimmed {
		return Unknown
	}
	cut := func(i int) (rest, part string) { return value[i:], value[:i] }
	order := forwards
	switch exp.Op {
	case syntax.RemSmallPrefix:
	case syntax.RemLargePrefix:
		order = backwards
	case syntax.RemSmallSuffix:
		order, cut = backwards, func(i int) (string, string) { return value[:i], value[i:] }
	case syntax.RemLargeSuffix:
		cut = func(i int) (string, string) { return value[:i], value[i:] }
	default:
		return Unknown
	}
	for _, i := range order(len(value)) {
		if rest, part := cut(i); matchPattern(part, p) == yes {
			return rest
		}
	}
	return value
}

func forwards(n int) (order []int) {
	for i := range n + 1 {
		order = append(order, i)
	}
	return order
}

func backwards(n int) (order []int) {
	for i := range n + 1 {
		order = append(order, n-i)
	}
	return order
}
