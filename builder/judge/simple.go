package judge

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A call is one program, or built-in command, with what it is called with.
type call struct {
	*shell
	scene
	words []string         // the name and the arguments
	open  bool             // there may be more of them, or fewer
	at    int              // offset of the call in the script
	first int              // which of the node's arguments, or of the test's, the name is
	node  *syntax.CallExpr // nil for a call that the test is
}

func (c *call) name() string   { return c.words[0] }
func (c *call) args() []string { return c.words[1:] }

// shifted is the call of what follows the first n words.
func (c *call) shifted(n int) *call {
	inner := *c
	inner.words, inner.first = c.words[n:], c.first+n
	return &inner
}

// simple runs a simple command.
func (sh *shell) simple(s *syntax.CallExpr, ctx scene) result {
	sh.hasSubstituted, sh.unsets = false, nil
	words, open := sh.fields(s.Args, ctx)
	if sh.aborted {
		return result{}
	}
	before := maps.Clone(sh.vars)
	for _, a := range s.Assigns {
		if a.Append && sh.dialect == ash {
			sh.cause(ctx, "bash-only", sh.script.offset(a), "+= is bash's: BusyBox, which is the shell here, runs it as a command")
			return notFound
		}
		sh.assign(a, ctx)
	}
	if sh.aborted {
		return result{}
	}
	c := &call{shell: sh, scene: ctx, words: words, open: open, at: sh.script.offset(s), node: s}
	switch {
	case len(words) == 0 && open:
		return unclear
	case len(words) == 0 && len(s.Args) > 0 && !sh.hasSubstituted:
		return succeeds
	case len(words) == 0 && sh.hasSubstituted:
		r := sh.substituted
		if r.status == 0 {
			r.status = fails // never: what it waits for does not end
		}
		return result{status: r.status, code: r.code}
	case len(words) == 0:
		return succeeds
	case !isKnown(c.name()) || open && words[0] == Unknown:
		if _, printed := s.Args[0].Parts[0].(*syntax.CmdSubst); printed && len(s.Args[0].Parts) == 1 {
			sh.tell("no-program", c.at, "what a program prints is run as a command", nil)
		}
		return sh.anyCommand()
	}
	r := sh.run1(c)
	if len(s.Assigns) > 0 && !isSpecial(c.name()) {
		sh.restore(s.Assigns, before)
	}
	return r
}

// anyCommand is the result of a command whose name is not known.
func (sh *shell) anyCommand() result {
	sh.ignored = true
	return unclear
}

// restore undoes what was assigned for one command only.
func (sh *shell) restore(assigns []*syntax.Assign, before map[string]string) {
	for _, a := range assigns {
		if a.Name == nil {
			continue
		}
		if value, ok := before[a.Name.Value]; ok {
			sh.vars[a.Name.Value] = value
		} else {
			delete(sh.vars, a.Name.Value)
		}
	}
}

func (sh *shell) assign(a *syntax.Assign, ctx scene) {
	if a.Name == nil {
		return
	}
	name := a.Name.Value
	if slices.Contains(sh.readonly, name) {
		sh.exits = sh.exits.or(failsWith("2"))
		if sh.dialect != bash {
			sh.aborted = true
		}
		return
	}
	switch value := sh.text(a.Value, ctx); {
	case a.Array != nil || a.Index != nil || slices.Contains(sh.changed, name):
		sh.vars[name] = Unknown
	case a.Append && sh.value(name) == unset:
		sh.vars[name] = value
	case a.Append:
		sh.vars[name] = together(sh.value(name), value)
	default:
		sh.vars[name] = value
	}
}

// run1 runs a function, a built-in command or a program.
func (sh *shell) run1(c *call) result {
	if body, ok := sh.funcs[c.name()]; ok && body != nil && !isSpecial(c.name()) {
		return sh.function(body, c)
	} else if ok {
		return sh.anything()
	}
	if f := sh.builtin(c.name()); f != nil {
		return f(c)
	}
	sh.lacksVariable(c)
	return sh.program(c)
}

// lacksVariable tells of a variable that is set nowhere. What it is to a program that is
// not known here, such as the name of a topic, that program knows.
func (sh *shell) lacksVariable(c *call) {
	if len(sh.unsets) == 0 {
		return
	}
	v := Verdict{Rule: "no-variable", Severity: Info, Arg: sh.arg, Offset: sh.of(c.at), Message: "the variable " + sh.unsets[0] + ", which " + c.name() + " gets, is set nowhere"}
	if slices.Contains(heedful, path.Base(c.name())) {
		v.Severity = Warning
	}
	sh.note(note{Verdict: v})
}

// heedful are programs that a variable's name, in their arguments, is hardly meant for.
var heedful = []string{"curl", "wget", "nc", "grpc_health_probe", "healthcheck"}

// anything is the result of a command that may do anything to the shell.
func (sh *shell) anything() result {
	sh.forgetAll()
	for name := range sh.funcs {
		sh.funcs[name] = nil
	}
	sh.exits = sh.exits.or(unclear)
	return unclear
}

// maxDepth bounds how deep functions and scripts call each other.
const maxDepth = 12

// function runs a function's body.
func (sh *shell) function(body *syntax.Stmt, c *call) result {
	if sh.depth++; sh.depth > maxDepth {
		sh.exits = sh.exits.or(unclear)
		return unclear
	}
	sh.calls++
	outer, args, open := sh.jumps, sh.args, sh.argsOpen
	sh.jumps, sh.args, sh.argsOpen = map[jump]result{}, c.args(), c.open
	r := sh.stmt(body, c.scene)
	if returned, ok := sh.jumps["return"]; ok {
		sh.forget(body)
		r = r.or(returned)
		r.out = same(r.out, returned.out)
	}
	for range nodes[*syntax.DeclClause](body) {
		sh.forget(body) // local variables are not told from others
	}
	sh.jumps, sh.args, sh.argsOpen = outer, args, open
	sh.depth--
	sh.calls--
	return r
}

// declare runs export, local, readonly and declare as bash's syntax has them.
func (sh *shell) declare(d *syntax.DeclClause, ctx scene) result {
	name := d.Variant.Value
	if (name == "declare" || name == "typeset" || name == "nameref") && sh.dialect != bash {
		if sh.dialect == anyShell {
			return unclear
		}
		sh.cause(ctx, "bash-only", sh.script.offset(d), name+" is bash's, and the shell is "+sh.dialect.String()+" here")
		return notFound
	}
	if name == "local" && sh.calls == 0 {
		return sh.notInFunction(ctx, sh.script.offset(d))
	}
	sh.hasSubstituted = false
	changes := false // what is assigned, as -i and -u do
	for _, a := range d.Args {
		if changes = changes || a.Name == nil && a.Value.Lit() != "-x"; changes && a.Name != nil {
			sh.changed = append(slices.Clone(sh.changed), a.Name.Value)
			sh.vars[a.Name.Value] = Unknown
		}
		if !a.Naked && a.Name != nil {
			sh.assign(a, ctx)
		}
		if a.Name != nil && name == "export" {
			sh.exported = append(slices.Clone(sh.exported), a.Name.Value)
		}
		if a.Name != nil && name == "readonly" {
			sh.readonly = append(slices.Clone(sh.readonly), a.Name.Value)
		}
	}
	if sh.aborted {
		return result{}
	}
	return succeeds
}

// notInFunction is local outside of functions, which ends shells but for bash.
func (sh *shell) notInFunction(ctx scene, at int) result {
	switch sh.dialect {
	case anyShell:
		sh.exits = sh.exits.or(failsWith("2"))
		return result{status: either}
	case bash:
		return failsWith("1")
	}
	sh.cause(ctx, "shell-parse", at, "local stands outside of functions, which "+sh.dialect.String()+", the shell here, does not take")
	sh.exits = sh.exits.or(failsWith("2"))
	return result{}
}

// redirect opens what redirections name. special tells that it is the shell that cannot
// go on if they fail.
func (sh *shell) redirect(redirects []*syntax.Redirect, ctx *scene) (opened status, special bool) {
	opened = passes
	for _, r := range redirects {
		switch st := sh.openFile(r, ctx); {
		case st == fails && opened != either:
			return fails, true
		case st != passes:
			opened = either
		}
	}
	return opened, true
}

// openFile opens what one redirection names.
func (sh *shell) openFile(r *syntax.Redirect, ctx *scene) status {
	feeds := r.N == nil || r.N.Value == "0"
	switch r.Op {
	case syntax.Hdoc:
		return ctx.reads(sh.hereDoc(r, *ctx), feeds)
	case syntax.DashHdoc:
		return ctx.reads(tabs.ReplaceAllString(sh.hereDoc(r, *ctx), ""), feeds)
	case syntax.WordHdoc:
		return ctx.reads(sh.text(r.Word, *ctx)+"\n", feeds)
	case syntax.DplIn, syntax.DplOut:
		to := sh.text(r.Word, *ctx)
		if r.Op == syntax.DplIn && to != "0" {
			ctx.in = Unknown
		}
		if to == "-" || to == "1" || to == "2" || to == "0" {
			return passes
		}
		if syntaxDigits(to) {
			return either // whether it is open is not followed
		}
		return sh.file(r, to, r.Op == syntax.DplOut, *ctx)
	}
	name := sh.text(r.Word, *ctx)
	reads := r.Op == syntax.RdrIn
	if reads || r.Op == syntax.RdrInOut {
		ctx.reads(sh.textOf(name), feeds || reads)
	}
	return sh.file(r, name, !reads, *ctx)
}

// hereDoc is the text of a here-document, which stands for itself if a part of the word
// that ends it is quoted.
func (sh *shell) hereDoc(r *syntax.Redirect, ctx scene) string {
	if r.Hdoc == nil { // the script ends on the line that it begins on
		return ""
	}
	if text := r.Hdoc.Lit(); r.Word.Lit() == "" || strings.Contains(r.Word.Lit(), `\`) {
		return asReturned(text)
	} else if strings.Contains(text, `\"`) { // which stays, other than in quotes
		return Unknown
	}
	e := &expander{shell: sh, ctx: ctx, whole: true, quoted: true}
	e.parts(r.Hdoc.Parts)
	return asReturned(e.field.String())
}

// reads sets the standard input, if it is that which is set.
func (ctx *scene) reads(text string, feeds bool) status {
	if feeds {
		ctx.in, ctx.fresh = text, true
	}
	return passes
}

// textOf is what reading a file gives: what it holds in the image, if that is expected.
func (sh *shell) textOf(name string) string {
	if name == "/dev/null" {
		return ""
	}
	if text, ok := sh.imageText(sh.absolute(name)); ok && sh.expected {
		return text
	}
	return Unknown
}

// tabs are those that <<- takes away.
var tabs = regexp.MustCompile(`(?m)^\t+`)

func syntaxDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// printsErrors reports whether redirections send the standard error to what was the
// standard output, as in 2>&1 >/dev/null; the other way round, it is gone as well.
func printsErrors(redirects []*syntax.Redirect) bool {
	for i, r := range redirects {
		if to := r.Word.Lit(); r.N != nil && r.N.Value == "2" && (r.Op == syntax.DplOut && to == "1" || to != "/dev/null" && isStream(to)) {
			return !writesElsewhere(redirects[:i])
		}
	}
	return false
}

// writesElsewhere reports whether redirections take away the standard output.
func writesElsewhere(redirects []*syntax.Redirect) bool {
	for _, r := range redirects {
		fd := ""
		if r.N != nil {
			fd = r.N.Value
		}
		switch r.Op {
		case syntax.RdrIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc, syntax.DplIn, syntax.RdrInOut:
		default:
			if fd == "" || fd == "1" {
				return true
			}
		}
	}
	return false
}
