package discover

import (
	"go/token"
	"slices"
	"strings"
)

// A value is text as far as it is known: literal text, environment variables, holes.
type value struct {
	pieces []piece
	flag   bool        // it is a flag's default
	either bool        // it may be something else, if a file or the like says so
	doubt  bool        // it may be something else, which is unknown
	parted bool        // it is that of one of several callers, or objects
	from   []token.Pos // where it comes from
}

// A piece of a value is text, a variable with its default, or unknown.
type piece struct {
	text    string
	env     string // the name of an environment variable
	def     string // what stands in for the variable
	unknown bool
}

func text(s string, at ...token.Pos) value {
	return value{pieces: []piece{{text: s}}, from: at}
}

func unknown() value { return value{pieces: []piece{{unknown: true}}} }

func variable(name, def string, at token.Pos) value {
	return value{pieces: []piece{{env: name, def: def}}, from: []token.Pos{at}}
}

// plain returns the value's text; ok is false if it is not all known.
func (v value) plain() (s string, ok bool) {
	for _, p := range v.pieces {
		if p.unknown || p.env != "" {
			return "", false
		}
		s += p.text
	}
	return s, true
}

func (v value) isUnknown() bool {
	return slices.ContainsFunc(v.pieces, func(p piece) bool { return p.unknown })
}

// then returns v with w behind it.
func (v value) then(w value) value {
	out := value{flag: v.flag || w.flag, either: v.either || w.either, doubt: v.doubt || w.doubt, parted: v.parted || w.parted}
	out.from = append(slices.Clone(v.from), w.from...)
	out.pieces = slices.Clone(v.pieces)
	for _, p := range w.pieces {
		if last := len(out.pieces) - 1; last >= 0 && out.pieces[last].isText() && p.isText() {
			out.pieces[last].text += p.text
			continue
		}
		out.pieces = append(out.pieces, p)
	}
	return out
}

func (p piece) isText() bool { return !p.unknown && p.env == "" }

// An expression with more values, pieces or bytes counts as unknown.
const (
	maxValues = 64
	maxPieces = 32
	maxText   = 4096
)

// product returns each of a with each of b behind it.
func product(a, b []value) (out []value) {
	if len(a)*len(b) > maxValues {
		return []value{unknown()}
	}
	for _, v := range a {
		for _, w := range b {
			next := v.then(w)
			if len(next.pieces) > maxPieces || slices.ContainsFunc(next.pieces, func(p piece) bool { return len(p.text) > maxText }) {
				next = unknown()
			}
			out = append(out, next)
		}
	}
	return out
}

// unify makes one value of several where they belong together: a variable and what
// stands in for it, a default and what may replace it. Those of several callers do not.
func unify(values []value) []value {
	out := distinct(values)
	if slices.ContainsFunc(out, func(v value) bool { return v.parted }) {
		return out
	}
	out = drop(out, func(v value) bool { s, ok := v.plain(); return ok && s == "" })
	if slices.ContainsFunc(out, func(v value) bool { return v.flag }) { // its default replaces what was there
		out = drop(out, func(v value) bool { _, ok := v.plain(); return ok && !v.flag })
	}
	if known := drop(out, value.isUnknown); len(known) < len(out) {
		doubt := slices.ContainsFunc(out, func(v value) bool { return v.isUnknown() && !v.either })
		out = known
		for i := range out {
			out[i].either, out[i].doubt = true, out[i].doubt || doubt
		}
	}
	if len(out) == 2 {
		for i := range out {
			if v, ok := out[i].withDefault(out[1-i]); ok {
				return []value{v}
			}
		}
	}
	return out
}

// distinct returns values, each once.
func distinct(values []value) (out []value) {
	for _, v := range values {
		if !slices.ContainsFunc(out, func(w value) bool {
			return slices.Equal(v.pieces, w.pieces) && (v.either == w.either || !v.isUnknown())
		}) {
			out = append(out, v)
		}
	}
	return out
}

// apart returns values that do not belong together.
func apart(values []value) []value {
	out := distinct(values)
	for i := range out {
		out[i].parted = out[i].parted || len(out) > 1
	}
	return out
}

// drop leaves out what drops, unless nothing would be left.
func drop(values []value, drops func(value) bool) []value {
	kept := slices.DeleteFunc(slices.Clone(values), drops)
	if len(kept) == 0 {
		return values
	}
	return kept
}

// withDefault returns v with def in the place of its only variable, if that has no
// default: ":" and PORT with ":8080", or with "localhost:8080".
func (v value) withDefault(def value) (value, bool) {
	s, ok := def.plain()
	if !ok {
		return v, false
	}
	hole := slices.IndexFunc(v.pieces, func(p piece) bool { return p.env != "" })
	if hole < 0 || v.pieces[hole].def != "" {
		return v, false
	}
	before, okBefore := value{pieces: v.pieces[:hole]}.plain()
	after, okAfter := value{pieces: v.pieces[hole+1:]}.plain()
	if colon := strings.LastIndex(s, ":"); before == ":" && colon > 0 { // which has a host
		if _, ok := judgeHost(text(s[:colon])); !ok {
			return v, false
		}
		s = s[colon:]
	}
	s, hasBefore := strings.CutPrefix(s, before)
	s, hasAfter := strings.CutSuffix(s, after)
	if !okBefore || !okAfter || !hasBefore || !hasAfter {
		return v, false
	}
	v.pieces = slices.Clone(v.pieces)
	v.pieces[hole].def = s
	v.either, v.doubt = v.either || def.either, v.doubt || def.doubt
	v.from = append(slices.Clone(def.from), v.from...)
	return v, true
}
