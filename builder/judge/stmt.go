package judge

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// list runs commands one after the other.
func (sh *shell) list(stmts []*syntax.Stmt, ctx scene) result {
	all := result{status: passes}
	if len(stmts) > 0 {
		all.status = 0
	}
	out := ""
	for _, s := range stmts {
		all = sh.stmt(s, ctx)
		out = together(out, all.out)
		all.out = out
		if all.status == 0 {
			break
		}
	}
	return all
}

// stmt runs one command, with what stands around it: !, &, redirections.
func (sh *shell) stmt(s *syntax.Stmt, ctx scene) result {
	if sh.steps++; sh.steps > maxSteps || sh.ctx.Err() != nil {
		sh.exits = sh.exits.or(unclear)
		return unclear
	}
	if s.Background || s.Coprocess {
		sh.fork().stmt(foreground(s), scene{tested: true, spare: true, in: ""})
		sh.ignored = sh.ignored || sh.startsProgram(s)
		sh.code = "0"
		return succeeds
	}
	inner := ctx
	inner.tested = ctx.tested || s.Negated
	inner.spare = ctx.spare || s.Negated
	inner.negated = s.Negated
	inner.turned = ctx.turned || s.Negated
	r := sh.redirected(s, inner)
	if sh.aborted {
		sh.aborted = false
		return result{}
	}
	if s.Negated {
		r.status, r.code = r.status.negated(), ""
	}
	if r.status != 0 {
		sh.code = r.exitCode()
	}
	if !s.Negated && !ctx.tested && isChecked(s.Cmd) {
		r = sh.checked(r)
	}
	return r
}

func foreground(s *syntax.Stmt) *syntax.Stmt {
	f := *s
	f.Background, f.Coprocess = false, false
	return &f
}

// isChecked reports whether set -e heeds a command's own status, and not only those of
// the commands within.
func isChecked(cmd syntax.Command) bool {
	switch cmd := cmd.(type) {
	case *syntax.BinaryCmd:
		return cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll
	case *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseClause, *syntax.Block:
		return false
	}
	return true
}

// checked ends the shell where set -e does.
func (sh *shell) checked(r result) result {
	if sh.errexit == no || r.status&fails == 0 {
		return r
	}
	sh.exits = sh.exits.or(result{status: fails, code: r.code, out: r.out})
	if sh.errexit == yes {
		r.status &^= fails
	}
	return r
}

// redirected runs a command with its redirections.
func (sh *shell) redirected(s *syntax.Stmt, ctx scene) (r result) {
	if s.Cmd == nil {
		st, _ := sh.redirect(s.Redirs, &ctx)
		return result{status: st}
	}
	before := sh.state.clone()
	sh.comparesFiles(s)
	ctx.fresh = false
	opened, special := sh.redirect(s.Redirs, &ctx)
	if opened != passes && ctx.negated && (sh.dialect == bash || sh.dialect == anyShell) {
		defer func() { r.status = either }() // bash does not negate that
	}
	if opened == fails {
		return sh.notOpened(s, special)
	}
	_, isCall := s.Cmd.(*syntax.CallExpr)
	ctx.fresh = ctx.fresh && isCall
	r = sh.command(s.Cmd, ctx)
	switch {
	case printsErrors(s.Redirs):
		r.out = Unknown
	case writesElsewhere(s.Redirs):
		r.out = ""
	}
	if opened == either {
		failed := sh.notOpened(s, special)
		sh.state = sh.state.or(before, sh.initial)
		r = r.or(failed)
	}
	return r
}

// notOpened is what becomes of a command whose redirection fails: POSIX's special
// built-in commands end the shell.
func (sh *shell) notOpened(s *syntax.Stmt, special bool) result {
	failed := result{status: fails}
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !special || !ok || len(call.Args) == 0 || !isSpecial(call.Args[0].Lit()) {
		return failed
	}
	sh.exits = sh.exits.or(failed)
	if sh.dialect == anyShell || sh.dialect == bash { // which does so as sh only
		return failed
	}
	return result{}
}

// isSpecial reports whether a command is one of POSIX's special built-in ones.
func isSpecial(name string) bool {
	return name != "" && strings.Contains(" : . break continue eval exec exit export readonly return set shift times trap unset ", " "+name+" ")
}

// command runs a command of any kind.
func (sh *shell) command(cmd syntax.Command, ctx scene) result {
	switch cmd := cmd.(type) {
	case *syntax.CallExpr:
		return sh.simple(cmd, ctx)
	case *syntax.BinaryCmd:
		return sh.binary(cmd, ctx)
	case *syntax.Block:
		return sh.list(cmd.Stmts, ctx)
	case *syntax.Subshell:
		return sh.subshell(cmd.Stmts, ctx)
	case *syntax.IfClause:
		return sh.conditional(cmd, ctx)
	case *syntax.WhileClause:
		return sh.while(cmd, ctx)
	case *syntax.ForClause:
		return sh.forEach(cmd, ctx)
	case *syntax.CaseClause:
		return sh.choose(cmd, ctx)
	case *syntax.FuncDecl:
		sh.funcs[cmd.Name.Value] = cmd.Body
		_, joined := cmd.Body.Cmd.(*syntax.BinaryCmd)    // which the parser has made of function f { …; } | …
		if joined || !syntax.ValidName(cmd.Name.Value) { // which bash does not take as sh
			sh.exits = sh.exits.or(failsWith("2"))
			return unclear
		}
		return succeeds
	case *syntax.TestClause:
		return sh.testClause(cmd, ctx)
	case *syntax.TimeClause:
		return sh.time(cmd, ctx)
	case *syntax.DeclClause:
		return sh.declare(cmd, ctx)
	case *syntax.LetClause:
		return sh.let(cmd, ctx)
	case *syntax.ArithmCmd:
		if sh.dialect == bash {
			return sh.evaluated(ctx, cmd.X)
		}
		sh.forgetAssigned(cmd)
		sh.exits = sh.exits.or(unclear)
		return result{status: either}
	}
	return unclear
}

// time runs a command that bash's own time measures; to others, time is a program.
func (sh *shell) time(t *syntax.TimeClause, ctx scene) result {
	if sh.dialect != bash {
		if _, is := sh.find("time"); is == no && sh.dialect != anyShell && !(sh.dialect == ash && sh.isApplet("time")) {
			sh.cause(ctx, "no-program", sh.script.offset(t), "time is not in the image's PATH")
			return notFound
		}
	}
	r := succeeds
	if t.Stmt != nil {
		r = sh.stmt(t.Stmt, ctx)
	}
	if r.status == fails && sh.dialect == bash {
		return r
	}
	return r.or(failsWith("127")) // in a pipe, bash looks for a program, too
}

// binary runs two commands that &&, || or | joins.
func (sh *shell) binary(b *syntax.BinaryCmd, ctx scene) result {
	if b.Op == syntax.Pipe || b.Op == syntax.PipeAll {
		return sh.pipe(b, ctx)
	}
	left := ctx
	left.tested = true
	left.spare = ctx.spare || b.Op == syntax.OrStmt && sh.startsProgram(b.Y)
	x := sh.stmt(b.X, left)
	goesOn := passes
	if b.Op == syntax.OrStmt {
		goesOn = fails
	}
	if x.status&goesOn == 0 {
		return x
	}
	stays := x
	stays.status &^= goesOn
	before := sh.state.clone()
	y := sh.stmt(b.Y, ctx)
	y.out = together(x.out, y.out)
	if stays.status == 0 {
		return y
	}
	if b.Op == syntax.OrStmt && y.status == passes {
		sh.ignored = sh.ignored || sh.startsProgram(b.X)
	}
	sh.meet(y, before)
	return stays.or(y)
}

// meet is the state where what has run meets the way around it.
func (sh *shell) meet(ran result, before state) {
	if ran.status == 0 {
		sh.state = before
		return
	}
	sh.state = sh.state.or(before, sh.initial)
}

// pipe runs two commands side by side: the status is the last one's.
func (sh *shell) pipe(b *syntax.BinaryCmd, ctx scene) result {
	sh.findsItself(b, ctx)
	left := sh.fork().piped(b.X, scene{tested: true, spare: ctx.spare, read: true, in: ctx.in, from: ctx.from})
	right := ctx
	right.in, right.tested = left.out, true
	if b.Op == syntax.PipeAll {
		right.in = Unknown
	}
	y := sh.fork().piped(b.Y, right)
	if y.status == passes && sh.startsProgram(b.X) && sh.pipefail == no {
		sh.ignored = true
	}
	switch {
	case sh.pipefail == no || left.status == passes:
		return y
	case left.status == 0 || y.status == 0: // one of them never ends
		return result{status: y.status & left.status, out: y.out}
	case left.status == fails && sh.pipefail == yes:
		return result{status: fails, out: y.out}
	}
	y.status |= fails
	y.code = ""
	return y
}

// piped runs a part of a pipe, which is a process of its own.
func (sh *shell) piped(s *syntax.Stmt, ctx scene) result {
	return sh.subshell([]*syntax.Stmt{s}, ctx)
}

// startsProgram reports whether a command starts a program, and is not only exit 1.
func (sh *shell) startsProgram(n syntax.Node) bool {
	for c := range nodes[*syntax.CallExpr](n) {
		if len(c.Args) > 0 && !sh.isBuiltin(c.Args[0].Lit()) {
			return true
		}
	}
	return false
}
