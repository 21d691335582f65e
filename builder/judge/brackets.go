package judge

import (
	"archive/tar"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// test runs test and [.
func (c *call) test() result {
	args := c.args()
	if c.name() == "[" {
		if !c.open && (len(args) == 0 || args[len(args)-1] != "]") {
			if len(args) > 0 && !isKnown(args[len(args)-1]) {
				return result{status: either}
			}
			return failsWith("2")
		}
		args = args[:max(0, len(args)-1)]
	}
	if c.open {
		return result{status: either}
	}
	if len(args) == 2 && (args[0] == "-f" || args[0] == "-e") && strings.HasPrefix(args[1], "/") && isKnown(args[1]) {
		a := asked{arg: c.arg, offset: c.of(c.at), tool: c.name(), scheme: "file", path: args[1]}
		if _, is := c.exists(args[1]); is != no { // else the probe does not find it either
			a.probe = []string{"file://" + dollars(args[1])}
		}
		c.asks(a)
	}
	is, wrong := c.evaluate(args)
	switch is = c.guessed(is, c.scene, c.at); {
	case is == perhaps:
		return result{status: either}
	case is == no && len(c.unsets) > 0:
		c.cause(c.scene, "no-variable", c.at, "the variable "+c.unsets[0]+", which "+c.name()+" gets, is set nowhere")
	}
	if wrong {
		return failsWith("2")
	}
	return result{status: statusOf(is == yes), code: "1"}
}

// comparesFiles tells of < and > in a test, which are redirections there.
func (sh *shell) comparesFiles(s *syntax.Stmt) {
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 || call.Args[0].Lit() != "[" && call.Args[0].Lit() != "test" {
		return
	}
	for _, r := range s.Redirs {
		if to := r.Word.Lit(); (r.Op == syntax.RdrIn || r.Op == syntax.RdrOut) && r.N == nil && to != "" && !strings.Contains(to, "/") {
			sh.tell("no-file", sh.script.offset(r), r.Op.String()+" in a test is a redirection, and "+shown(to)+" a file: write -lt or -gt to compare numbers", nil)
		}
	}
}

// evaluate evaluates an expression of test. What is none is a mistake, which has a status
// of its own and is no truth either.
func (sh *shell) evaluate(args []string) (is maybe, wrong bool) {
	if len(args) == 0 {
		return no, false
	}
	e := &expression{shell: sh, rest: args}
	is = e.whole()
	switch {
	case e.wrong:
		return no, true
	case len(e.rest) == 0:
		return is, false
	case slices.ContainsFunc(args, func(a string) bool { return !isKnown(a) }): // which may be an operator
		return perhaps, false
	}
	return no, true
}

// An expression is one of test that is being read.
type expression struct {
	*shell
	rest  []string
	wrong bool // it is none
}

// whole reads what is left: POSIX says what up to four words mean, whatever they are.
func (e *expression) whole() maybe {
	switch args := e.rest; {
	case len(args) == 1:
		return e.take(1, isText(args[0]))
	case len(args) > 1 && len(args) < 5 && args[0] == "!" && (len(args) != 3 || !isBinary(args[1])):
		e.rest = args[1:]
		return opposite(e.whole())
	case len(args) == 2:
		e.wrong = isKnown(args[0]) && (!isUnary(args[0]) || e.dialect == dash && slices.Contains([]string{"-v", "-R", "-N"}, args[0]))
		return e.take(2, e.unary(args[0], args[1]))
	case len(args) == 3 && isBinary(args[1]):
		return e.binary(args[0], args[1], args[2])
	}
	return e.or()
}

// take takes words away.
func (e *expression) take(n int, is maybe) maybe {
	e.rest = e.rest[n:]
	return is
}

// binary reads an operator with two operands.
func (e *expression) binary(a, op, b string) maybe {
	e.wrong = e.wrong || op == "==" && e.dialect == dash
	if slices.Contains(numeric, op) {
		_, x := integer(a)
		_, y := integer(b)
		e.wrong = e.wrong || x == no || y == no || e.dialect != anyShell && (a == "" || b == "")
	}
	if e.wrong {
		return e.take(3, no)
	}
	return e.take(3, e.compare(a, op, b))
}

func (e *expression) or() maybe {
	is := e.and()
	for len(e.rest) > 1 && e.rest[0] == "-o" && !e.wrong {
		e.rest = e.rest[1:]
		is = opposite(both(opposite(is), opposite(e.and())))
	}
	return is
}

func (e *expression) and() maybe {
	is := e.primary()
	for len(e.rest) > 1 && e.rest[0] == "-a" && !e.wrong {
		e.rest = e.rest[1:]
		is = both(is, e.primary())
	}
	return is
}

func (e *expression) primary() maybe {
	switch args := e.rest; {
	case len(args) == 0:
		e.wrong = true
		return perhaps
	case len(args) > 2 && isBinary(args[1]):
		return e.binary(args[0], args[1], args[2])
	case len(args) > 1 && args[0] == "!":
		e.rest = args[1:]
		return opposite(e.primary())
	case len(args) > 1 && isUnary(args[0]):
		return e.take(2, e.unary(args[0], args[1]))
	case args[0] == "(": // in which shells differ where words are few
		e.rest = nil
		return perhaps
	default:
		return e.take(1, isText(args[0]))
	}
}

func opposite(m maybe) maybe {
	switch m {
	case yes:
		return no
	case no:
		return yes
	}
	return perhaps
}

// isText reports whether a text is not empty.
func isText(s string) maybe {
	switch {
	case s == "":
		return no
	case strings.Trim(s, Unknown) == "":
		return perhaps
	}
	return yes
}

// unary evaluates an operator with one operand.
func (sh *shell) unary(op, operand string) maybe {
	switch op {
	case "-n":
		return isText(operand)
	case "-z":
		return opposite(isText(operand))
	case "-e", "-f", "-x", "-r", "-s", "-d", "-L", "-h", "-w", "-c", "-b", "-p", "-S":
		return sh.testFile(op, operand)
	case "-t", "-u", "-g", "-k", "-O", "-G", "-N", "-v", "-R", "-o", "-a", "(", Unknown:
		return perhaps
	}
	if !isKnown(op) {
		return perhaps
	}
	return no // a mistake
}

func isUnary(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.Contains("nzefxrsdLhwcbpStugkOGNvR", op[1:])
}

// testFile evaluates an operator on a file.
func (sh *shell) testFile(op, name string) maybe {
	if name == "" {
		return no
	}
	if !isKnown(name) {
		return perhaps
	}
	e, is := sh.exists(name)
	if sh.hardly == sh.absolute(name) {
		return no // and guessed has the last word
	}
	if is != yes {
		return is
	}
	switch op {
	case "-e":
		return yes
	case "-d":
		return truth(e.Type == tar.TypeDir)
	case "-f":
		return truth(e.Type == tar.TypeReg)
	case "-s":
		if e.Type == tar.TypeReg {
			return truth(sh.readFile(e.Path) != "")
		}
	case "-x":
		if e.Mode&0o111 == 0 {
			return no
		}
		if e.Mode&0o001 != 0 {
			return yes
		}
	}
	return perhaps
}

func truth(is bool) maybe {
	if is {
		return yes
	}
	return no
}

var numeric = []string{"-eq", "-ne", "-lt", "-le", "-gt", "-ge"}

func isBinary(op string) bool {
	return slices.Contains([]string{"=", "!=", "==", "<", ">", "-nt", "-ot", "-ef"}, op) || slices.Contains(numeric, op)
}

// compare evaluates an operator with two operands.
func (sh *shell) compare(a, op, b string) maybe {
	switch op {
	case "==":
		switch sh.dialect {
		case dash:
			return no // an unexpected operator: status 2
		case anyShell:
			if equal(a, b) == no {
				return no
			}
			return perhaps
		}
		return equal(a, b)
	case "=":
		return equal(a, b)
	case "!=":
		return opposite(equal(a, b))
	case "<", ">":
		if !wordLike(a+b) || strings.ToLower(a+b) != a+b || !isKnown(a+b) { // of which the order depends on the locale
			return perhaps
		}
		return truth((a < b) == (op == "<") && a != b)
	case "-nt", "-ot", "-ef":
		return perhaps
	}
	return compareNumbers(a, op, b)
}

func equal(a, b string) maybe {
	switch {
	case !could(a, b):
		return no
	case isKnown(a) && isKnown(b):
		return yes
	}
	return perhaps
}

// compareNumbers compares numbers; what is none is a mistake, with status 2.
func compareNumbers(a, op, b string) maybe {
	x, okX := integer(a)
	y, okY := integer(b)
	switch {
	case okX == no || okY == no:
		return no
	case okX == perhaps || okY == perhaps:
		return perhaps
	}
	return truth(map[string]bool{"-eq": x == y, "-ne": x != y, "-lt": x < y, "-le": x <= y, "-gt": x > y, "-ge": x >= y}[op])
}

func integer(s string) (n int64, is maybe) {
	if strings.Trim(s, " \t\n0123456789+-"+Unknown) != "" {
		return 0, no
	}
	if !isKnown(s) {
		return 0, perhaps
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, perhaps // shells differ in what is out of range, and in what is empty
	}
	return n, yes
}

// testClause runs [[ ]].
func (sh *shell) testClause(t *syntax.TestClause, ctx scene) result {
	if sh.dialect == dash {
		sh.cause(ctx, "bash-only", sh.script.offset(t), "[[ is bash's, and the shell is dash here")
		return notFound
	}
	for a := range nodes[*syntax.Word](t) {
		sh.text(a, ctx)
	}
	is := sh.guessed(sh.clause(t.X, ctx), ctx, sh.script.offset(t))
	if is == perhaps {
		return result{status: either}
	}
	return result{status: statusOf(is == yes)}
}

// clause evaluates what stands within [[ ]].
func (sh *shell) clause(x syntax.TestExpr, ctx scene) maybe {
	switch x := x.(type) {
	case *syntax.Word:
		return isText(sh.text(x, ctx))
	case *syntax.ParenTest:
		return sh.clause(x.X, ctx)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return opposite(sh.clause(x.X, ctx))
		}
		if w, ok := x.X.(*syntax.Word); ok {
			return sh.unary(x.Op.String(), sh.text(w, ctx))
		}
	case *syntax.BinaryTest:
		return sh.binaryClause(x, ctx)
	}
	return perhaps
}

func (sh *shell) binaryClause(x *syntax.BinaryTest, ctx scene) maybe {
	switch x.Op {
	case syntax.AndTest:
		return both(sh.clause(x.X, ctx), sh.clause(x.Y, ctx))
	case syntax.OrTest:
		return opposite(both(opposite(sh.clause(x.X, ctx)), opposite(sh.clause(x.Y, ctx))))
	}
	a, okA := x.X.(*syntax.Word)
	b, okB := x.Y.(*syntax.Word)
	if !okA || !okB {
		return perhaps
	}
	text, is := sh.text(a, ctx), perhaps
	if p := sh.pattern(b, ctx); isKnown(text) && isKnown(p) {
		is = matchPattern(text, p)
	}
	switch x.Op {
	case syntax.TsMatch, syntax.TsMatchShort:
		return is
	case syntax.TsNoMatch:
		return opposite(is)
	case syntax.TsReMatch:
		return sh.matchRegexp(text, sh.expanded(b, ctx, regexp.QuoteMeta))
	case syntax.TsBefore, syntax.TsAfter:
		if sh.dialect != bash {
			sh.tell("bash-only", sh.script.offset(x), x.Op.String()+" in [[ is a redirection in "+sh.dialect.String()+", which is the shell here", nil)
			return perhaps
		}
		return sh.compare(text, x.Op.String(), sh.text(b, ctx))
	}
	other := sh.text(b, ctx)
	if !slices.Contains(numeric, x.Op.String()) || !exprNumber.MatchString(text) || !exprNumber.MatchString(other) {
		return perhaps // it may be arithmetic
	}
	return compareNumbers(text, x.Op.String(), other)
}

// matchRegexp reports whether bash finds an extended regular expression in a text.
func (sh *shell) matchRegexp(text, expression string) maybe {
	re := regexps{extended: true}.compile(expression)
	if sh.dialect != bash || !isKnown(text) || re == nil {
		return perhaps
	}
	return truth(re.MatchString(text))
}

// both is a and b.
func both(a, b maybe) maybe {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return perhaps
}
