package judge

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// maxText bounds what words expand to and what commands print, in bytes: Linux starts no
// program with a longer argument (MAX_ARG_STRLEN). What is longer is not known.
const maxText = 128 << 10

// together returns two texts in one, or [Unknown] if it is too long.
func together(a, b string) string {
	if len(a)+len(b) > maxText {
		return Unknown
	}
	return a + b
}

// An expander collects the fields that words become.
type expander struct {
	*shell
	ctx    scene
	words  []string
	field  strings.Builder
	begun  bool // a field is being written, be it empty
	open   bool // there may be more fields, or fewer
	globs  bool // the field may name files
	quoted bool
	whole  bool // fields are not split
	quote  func(string) string
	size   int // of what stood for something, in bytes
}

// fields expands words. open tells that it is not known how many there are.
func (sh *shell) fields(words []*syntax.Word, ctx scene) (fields []string, open bool) {
	e := &expander{shell: sh, ctx: ctx}
	for _, w := range words {
		e.parts(w.Parts)
		e.end()
	}
	return e.words, e.open
}

// text expands a word that stays one.
func (sh *shell) text(w *syntax.Word, ctx scene) string {
	return sh.expanded(w, ctx, func(s string) string { return s })
}

// pattern expands a word to a pattern, in which quoted text stands for itself.
func (sh *shell) pattern(w *syntax.Word, ctx scene) string {
	return sh.expanded(w, ctx, func(s string) string { return pattern.QuoteMeta(s, 0) })
}

func (sh *shell) expanded(w *syntax.Word, ctx scene, quote func(string) string) string {
	if w == nil {
		return ""
	}
	e := &expander{shell: sh, ctx: ctx, whole: true, quote: quote}
	e.parts(w.Parts)
	return asReturned(e.field.String())
}

// asReturned writes carriage returns as they were.
func asReturned(text string) string { return strings.ReplaceAll(text, returned, "\r") }

// end ends a field.
func (e *expander) end() {
	if !e.begun {
		return
	}
	field := e.field.String()
	if e.globs && !strings.Contains(field, "://") {
		field, e.open = Unknown, true
	}
	e.words = append(e.words, asReturned(field))
	e.field.Reset()
	e.begun, e.globs = false, false
}

func (e *expander) parts(parts []syntax.WordPart) {
	for i, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			e.literal(p.Value, i == 0)
		case *syntax.SglQuoted:
			e.single(p)
		case *syntax.DblQuoted:
			e.double(p)
		case *syntax.ParamExp:
			e.parameter(p)
		case *syntax.CmdSubst:
			e.add(e.substitute(p))
		case *syntax.ArithmExp:
			e.add(e.arithmetic(p))
		default:
			e.add(Unknown)
		}
	}
}

func (e *expander) double(p *syntax.DblQuoted) {
	outer := e.quoted
	e.quoted, e.begun = true, true
	if p.Dollar && e.dialect != bash {
		e.literal("$", false)
	}
	e.parts(p.Parts)
	e.quoted = outer
}

func (e *expander) single(p *syntax.SglQuoted) {
	e.begun = true
	switch {
	case p.Dollar && e.dialect == dash:
		e.write("$" + p.Value)
	case p.Dollar:
		e.write(Unknown)
	default:
		e.write(p.Value)
	}
}

// write adds text that is quoted.
func (e *expander) write(text string) {
	if e.quote != nil {
		text = e.quote(text)
	}
	e.field.WriteString(text)
}

// literal adds text as it stands in the script.
func (e *expander) literal(text string, first bool) {
	e.begun = true
	if first && strings.HasPrefix(text, "~") && !e.quoted {
		e.field.WriteString(Unknown)
		return
	}
	special := ""
	if e.quoted {
		special = "$`\"\\\n"
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && (special == "" || strings.IndexByte(special, text[i+1]) >= 0) {
			if i++; text[i] != '\n' {
				e.write(text[i : i+1])
			}
			continue
		}
		e.globs = e.globs || !e.quoted && !e.whole && (c == '*' || c == '?' || c == '[' && strings.Contains(text[i:], "]"))
		if e.quoted || e.quote == nil {
			e.write(text[i : i+1])
			continue
		}
		e.field.WriteByte(c)
	}
	if e.dialect != dash && !e.quoted && !e.whole && braces.MatchString(text) {
		e.open = e.open || e.dialect != ash
	}
}

// braces are those that bash expands to several words.
var braces = regexp.MustCompile(`\{[^{}]*(,|\.\.)[^{}]*\}`)

// add adds what stood for something, and splits it where that is done.
func (e *expander) add(value string) {
	if e.size += len(value); e.size > maxText {
		value = Unknown
	}
	if e.quoted || e.whole {
		e.begun = e.begun || e.quoted || value != ""
		e.write(value)
		return
	}
	if e.value("IFS") != Unknown && e.value("IFS") != unset {
		value = Unknown
	}
	if strings.Contains(value, Unknown) {
		e.open = e.open || value == Unknown || strings.ContainsAny(value, " \t\n")
	}
	if strings.ContainsAny(value, "*?[") {
		e.globs = true
	}
	words := strings.Fields(value)
	leads := value != "" && strings.TrimLeft(value, " \t\n") != value
	trails := value != "" && strings.TrimRight(value, " \t\n") != value
	if leads {
		e.end()
	}
	for i, w := range words {
		if i > 0 {
			e.end()
		}
		e.begun = true
		e.field.WriteString(w)
	}
	if trails {
		e.end()
	}
}

// substitute runs $( ).
func (e *expander) substitute(c *syntax.CmdSubst) string {
	ctx := e.ctx
	ctx.tested, ctx.read = false, true
	sub := e.fork()
	if sub.errexit == yes { // in which shells differ
		sub.errexit = perhaps
	}
	out := sub.list(c.Stmts, ctx)
	for _, r := range sub.jumps {
		out = out.or(r)
	}
	out = out.or(sub.exits)
	e.substituted, e.hasSubstituted = out, true
	e.code = same(e.code, out.exitCode()) // shells differ in when it counts
	if out.status == 0 {
		return Unknown
	}
	if isRead(c) && e.dialect != dash {
		return strings.TrimRight(e.textOf(e.text(c.Stmts[0].Redirs[0].Word, ctx)), "\n")
	}
	return strings.TrimRight(out.out, "\n")
}

// isRead reports whether a substitution only names a file, as in $(<file): bash reads it.
func isRead(c *syntax.CmdSubst) bool {
	return len(c.Stmts) == 1 && c.Stmts[0].Cmd == nil && len(c.Stmts[0].Redirs) == 1 && c.Stmts[0].Redirs[0].Op == syntax.RdrIn
}

// matchRegexp reports whether all of a text matches.
func matchRegexp(expr, text string) (bool, error) {
	re, err := regexp.Compile(expr)
	return err == nil && re.MatchString(text), err
}

// could reports whether a text that may hold [Unknown] can be another, which may hold it,
// too: surely not if what is known at either end differs.
func could(a, b string) bool {
	if isKnown(a) && isKnown(b) {
		return a == b
	}
	if !isKnown(a) && !isKnown(b) {
		return true
	}
	if isKnown(a) {
		a, b = b, a
	}
	parts := strings.Split(a, Unknown)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	ok, err := matchRegexp(`(?s)^`+strings.Join(parts, `.*`)+`$`, b)
	return ok || err != nil
}
