package judge

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A number is what arithmetic comes to. It is known only if is is yes; no is a mistake,
// such as a division by zero.
type number struct {
	n  int64
	is maybe
}

func known(n int64) number { return number{n, yes} }

// counted is the number of a truth.
func counted(truth bool) number {
	if truth {
		return known(1)
	}
	return known(0)
}

var (
	anyNumber = number{is: perhaps}
	mistake   = number{is: no}
)

// text is the number as an expansion has it.
func (n number) text() string {
	if n.is != yes {
		return Unknown
	}
	return strconv.FormatInt(n.n, 10)
}

// A calculator evaluates an expression whose words have been expanded.
type calculator struct {
	*shell
	operands map[*syntax.Word]number
}

// calculate evaluates arithmetic, and assigns what it assigns. What an expansion gives is a
// part of the expression as it is written, which need not be a number; one such as 08 is a
// mistake wherever it stands.
func (sh *shell) calculate(x syntax.ArithmExpr, ctx scene) number {
	c := calculator{sh, map[*syntax.Word]number{}}
	clear, wrong := true, false
	for w := range nodes[*syntax.Word](x) {
		if syntax.ValidName(w.Lit()) {
			continue
		}
		n := parseNumber(sh.text(w, ctx))
		c.operands[w] = n
		clear, wrong = clear && n.is == yes, wrong || n.is == no
	}
	switch {
	case clear:
		return c.number(x)
	case wrong:
		sh.forgetAssigned(x)
		return mistake
	}
	sh.forgetAssigned(x)
	return anyNumber
}

func (c *calculator) number(x syntax.ArithmExpr) number {
	switch x := x.(type) {
	case *syntax.Word:
		if name := x.Lit(); syntax.ValidName(name) {
			return c.variableNumber(name)
		}
		return c.operands[x]
	case *syntax.ParenArithm:
		return c.number(x.X)
	case *syntax.UnaryArithm:
		return c.unaryNumber(x)
	case *syntax.BinaryArithm:
		return c.binaryNumber(x)
	}
	return anyNumber
}

// variableNumber is the number that a variable holds. Shells differ in what is none.
func (sh *shell) variableNumber(name string) number {
	value := sh.value(name)
	if value == unset || value == "" {
		if sh.nounset != no {
			return anyNumber
		}
		return known(0)
	}
	if n := parseNumber(strings.TrimPrefix(value, "-")); n.is == yes {
		if strings.HasPrefix(value, "-") {
			n.n = -n.n
		}
		return n
	}
	if sh.dialect == dash && isKnown(value) && !maybeNumber.MatchString(strings.TrimSpace(value)) {
		return mistake
	}
	return anyNumber
}

// parseNumber parses a number as the language C writes it.
func parseNumber(text string) number {
	if !isKnown(text) || text == "" || strings.Trim(text, "0123456789abcdefABCDEFx") != "" {
		return anyNumber
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && !strings.HasPrefix(text, "0b") {
		return known(n)
	}
	if text[0] == '0' && syntaxDigits(text) && len(text) < 20 { // such as 08
		return mistake
	}
	return anyNumber
}

func (c *calculator) unaryNumber(u *syntax.UnaryArithm) number {
	n := c.number(u.X)
	if n.is != yes {
		c.forgetAssigned(u)
		return n
	}
	switch u.Op {
	case syntax.Not:
		return counted(n.n == 0)
	case syntax.BitNegation:
		return known(^n.n)
	case syntax.Minus:
		return known(-n.n)
	case syntax.Plus:
		return n
	case syntax.Inc, syntax.Dec:
		return c.step(u, n)
	}
	return anyNumber
}

// step is ++ or --.
func (c *calculator) step(u *syntax.UnaryArithm, n number) number {
	w, ok := u.X.(*syntax.Word)
	if !ok || !syntax.ValidName(w.Lit()) {
		return anyNumber
	}
	after := known(n.n + 1)
	if u.Op == syntax.Dec {
		after = known(n.n - 1)
	}
	c.vars[w.Lit()] = after.text()
	if u.Post {
		return n
	}
	return after
}

func (c *calculator) binaryNumber(b *syntax.BinaryArithm) number {
	switch b.Op {
	case syntax.AndArit, syntax.OrArit, syntax.TernQuest:
		return c.branchNumber(b)
	}
	if op, ok := assigning[b.Op]; ok {
		return c.assignedNumber(b, op)
	}
	x, y := c.number(b.X), c.number(b.Y)
	if b.Op == syntax.Comma && x.is != no {
		return y
	}
	return operate(b.Op, x, y)
}

// branchNumber evaluates &&, || and ?:, which evaluate what they need.
func (c *calculator) branchNumber(b *syntax.BinaryArithm) number {
	x := c.number(b.X)
	arms, isTernary := b.Y.(*syntax.BinaryArithm)
	isTernary = isTernary && b.Op == syntax.TernQuest
	switch {
	case x.is == no:
		return mistake
	case x.is == perhaps:
		c.forgetAssigned(b.Y)
		return anyNumber
	case isTernary && x.n != 0:
		return c.number(arms.X)
	case isTernary:
		return c.number(arms.Y)
	case b.Op == syntax.TernQuest:
		return anyNumber
	case (x.n != 0) == (b.Op == syntax.OrArit):
		return counted(x.n != 0)
	}
	y := c.number(b.Y)
	if y.is != yes {
		return y
	}
	return counted(y.n != 0)
}

// assigning are the operators that assign, with what they do first.
var assigning = map[syntax.BinAritOperator]syntax.BinAritOperator{
	syntax.Assgn: syntax.Assgn, syntax.AddAssgn: syntax.Add, syntax.SubAssgn: syntax.Sub, syntax.MulAssgn: syntax.Mul,
	syntax.QuoAssgn: syntax.Quo, syntax.RemAssgn: syntax.Rem, syntax.AndAssgn: syntax.And, syntax.OrAssgn: syntax.Or,
	syntax.XorAssgn: syntax.Xor, syntax.ShlAssgn: syntax.Shl, syntax.ShrAssgn: syntax.Shr,
}

func (c *calculator) assignedNumber(b *syntax.BinaryArithm, op syntax.BinAritOperator) number {
	n := c.number(b.Y)
	if op != syntax.Assgn {
		n = operate(op, c.number(b.X), n)
	}
	if w, ok := b.X.(*syntax.Word); ok && syntax.ValidName(w.Lit()) {
		c.vars[w.Lit()] = n.text()
		return n
	}
	return anyNumber
}

// operate evaluates an operator on numbers.
func operate(op syntax.BinAritOperator, x, y number) number {
	divides := op == syntax.Quo || op == syntax.Rem
	switch {
	case x.is == no || y.is == no || divides && y == known(0):
		return mistake
	case x.is == perhaps || y.is == perhaps:
		return anyNumber
	}
	a, b := x.n, y.n
	switch op {
	case syntax.Add:
		return known(a + b)
	case syntax.Sub:
		return known(a - b)
	case syntax.Mul:
		return known(a * b)
	case syntax.Quo:
		return known(a / b)
	case syntax.Rem:
		return known(a % b)
	case syntax.And:
		return known(a & b)
	case syntax.Or:
		return known(a | b)
	case syntax.Xor:
		return known(a ^ b)
	case syntax.Shl:
		return known(a << (b & 63))
	case syntax.Shr:
		return known(a >> (b & 63))
	}
	return compared(op, a, b)
}

func compared(op syntax.BinAritOperator, a, b int64) number {
	switch op {
	case syntax.Eql:
		return counted(a == b)
	case syntax.Neq:
		return counted(a != b)
	case syntax.Lss:
		return counted(a < b)
	case syntax.Leq:
		return counted(a <= b)
	case syntax.Gtr:
		return counted(a > b)
	case syntax.Geq:
		return counted(a >= b)
	}
	return anyNumber // such as **
}

// arithmetic expands $(( )). A mistake in it ends the shell.
func (e *expander) arithmetic(a *syntax.ArithmExp) string {
	if what := notDashs(a); what != "" && e.dialect == dash {
		e.cause(e.ctx, "bash-only", e.script.offset(a), what+" in $(( )) is bash's, and the shell is dash here: arithmetic expression: expecting primary")
		e.exits = e.exits.or(failsWith("2"))
		e.aborted = true
		return Unknown
	}
	n := e.calculate(a.X, e.ctx)
	if n.is == no && (e.dialect == dash || e.dialect == ash) {
		e.cause(e.ctx, "cannot-pass", e.script.offset(a), "arithmetic goes wrong here: it divides by zero, or what should be a number is none, such as 08, which is not octal")
		e.exits = e.exits.or(failsWith("2"))
		e.aborted = true
		return Unknown
	}
	if n.is != yes && (!isPlain(a) || n.is == no || e.dialect == dash) {
		e.exits = e.exits.or(failsWith("2"))
	}
	return n.text()
}

// evaluated is the result of (( )) or let, which fail where the last number is 0.
func (sh *shell) evaluated(ctx scene, expressions ...syntax.ArithmExpr) result {
	last := anyNumber
	for _, x := range expressions {
		if last = sh.calculate(sh.unquoted(x, ctx), ctx); last.is == no {
			return result{status: fails}
		}
	}
	switch {
	case last.is != yes:
		return result{status: either}
	case last.n == 0:
		return failsWith("1")
	}
	return succeeds
}

// let is a built-in command of bash's and BusyBox's.
func (sh *shell) let(l *syntax.LetClause, ctx scene) result {
	r := sh.evaluated(ctx, l.Exprs...)
	if sh.dialect == anyShell {
		return r.or(notFound)
	}
	return r
}

// unquoted parses arithmetic that let gets as a text.
func (sh *shell) unquoted(x syntax.ArithmExpr, ctx scene) syntax.ArithmExpr {
	w, ok := x.(*syntax.Word)
	if !ok || w.Lit() != "" {
		return x
	}
	text := sh.text(w, ctx)
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Arithmetic(strings.NewReader(text))
	if err != nil || !isKnown(text) {
		sh.forgetAll()
		return x
	}
	return parsed
}

// notDashs names an operator of arithmetic that dash lacks.
func notDashs(a *syntax.ArithmExp) string {
	for b := range nodes[*syntax.BinaryArithm](a) {
		if b.Op == syntax.Pow || b.Op == syntax.Comma {
			return b.Op.String()
		}
	}
	for u := range nodes[*syntax.UnaryArithm](a) {
		if u.Op == syntax.Inc || u.Op == syntax.Dec {
			return u.Op.String()
		}
	}
	return ""
}

// isPlain reports whether arithmetic can go wrong only by what variables hold.
func isPlain(a *syntax.ArithmExp) bool {
	for b := range nodes[*syntax.BinaryArithm](a) {
		if b.Op == syntax.Quo || b.Op == syntax.Rem {
			return false
		}
	}
	for range nodes[*syntax.ParamExp](a) {
		return false
	}
	return true
}

// forgetAssigned makes unknown what arithmetic may assign.
func (sh *shell) forgetAssigned(a syntax.Node) {
	for w := range nodes[*syntax.Word](a) {
		if name := w.Lit(); syntax.ValidName(name) {
			sh.vars[name] = Unknown
		}
	}
}
