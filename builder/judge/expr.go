package judge

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expr prints what an expression comes to, and fails where that is nothing or 0.
func (c *call) expr() result {
	args := c.args()
	if c.open || !isKnown(strings.Join(args, "")) || len(args) > 0 && strings.HasPrefix(args[0], "--") {
		return unclear
	}
	e := &exprReader{rest: args}
	value := e.either(0)
	switch {
	case e.unclear:
		return unclear
	case e.wrong || len(e.rest) > 0:
		return failsWith("2")
	case isNull(value):
		return result{status: fails, code: "1", out: value + "\n"}
	}
	return result{status: passes, out: value + "\n"}
}

// An exprReader reads an expression of expr's.
type exprReader struct {
	rest    []string
	wrong   bool // it is none
	unclear bool // programs differ in it, or it is not followed
}

// exprOperators are expr's, those that bind least first.
var exprOperators = [][]string{{"|"}, {"&"}, {"<", "<=", "=", "==", "!=", ">=", ">"}, {"+", "-"}, {"*", "/", "%"}, {":"}}

// either reads operands that operators of a level, or of those that bind more, join.
func (e *exprReader) either(level int) string {
	if level == len(exprOperators) {
		return e.operand()
	}
	value := e.either(level + 1)
	for len(e.rest) > 0 && slices.Contains(exprOperators[level], e.rest[0]) && !e.wrong {
		op := e.rest[0]
		e.rest = e.rest[1:]
		value = e.apply(value, op, e.either(level+1))
	}
	return value
}

// exprWords are functions of which only length is followed.
var exprWords = []string{"match", "substr", "index", "length", "quote", "+"}

func (e *exprReader) operand() string {
	if len(e.rest) == 0 {
		e.wrong = true
		return ""
	}
	word := e.rest[0]
	e.rest = e.rest[1:]
	switch {
	case word == "(":
		value := e.either(0)
		e.wrong = e.wrong || len(e.rest) == 0 || e.rest[0] != ")"
		e.rest = e.rest[min(1, len(e.rest)):]
		return value
	case word == "length" && len(e.rest) == 1:
		value := e.rest[0]
		e.rest = nil
		return strconv.Itoa(len(value))
	case slices.Contains(exprWords, word):
		e.unclear = true
	}
	return word
}

func isNull(value string) bool { return value == "" || value == "0" }

var (
	exprNumber  = regexp.MustCompile(`^(0|-?[1-9]\d*)$`)
	exprPattern = regexp.MustCompile(`^\w*$`)
)

func (e *exprReader) apply(a, op, b string) string {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	numbers := exprNumber.MatchString(a) && exprNumber.MatchString(b) && errX == nil && errY == nil
	switch op {
	case "|":
		return map[bool]string{true: b, false: a}[isNull(a)]
	case "&":
		return map[bool]string{true: "0", false: a}[isNull(a) || isNull(b)]
	case ":":
		return e.matched(a, b)
	case "+", "-", "*", "/", "%":
		if !numbers || y == 0 && (op == "/" || op == "%") {
			e.wrong = true
			e.unclear = e.unclear || errX == nil && errY == nil && !numbers
			return ""
		}
		return strconv.FormatInt(map[string]func() int64{"+": func() int64 { return x + y }, "-": func() int64 { return x - y },
			"*": func() int64 { return x * y }, "/": func() int64 { return x / y }, "%": func() int64 { return x % y }}[op](), 10)
	}
	return e.compare(a, op, b, x, y, numbers)
}

func (e *exprReader) compare(a, op, b string, x, y int64, numbers bool) string {
	is := map[string]bool{"=": a == b, "==": a == b, "!=": a != b, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]
	if !numbers && strings.ContainsAny(op, "<>") {
		e.unclear = true // by the order of letters
	}
	if is {
		return "1"
	}
	return "0"
}

// matched is the length of what a pattern matches at the start.
func (e *exprReader) matched(text, pattern string) string {
	e.unclear = e.unclear || !exprPattern.MatchString(pattern)
	if strings.HasPrefix(text, pattern) {
		return strconv.Itoa(len(pattern))
	}
	return "0"
}
