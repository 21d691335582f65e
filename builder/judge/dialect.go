package judge

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A dialect is a shell, as far as shells differ.
type dialect int

const (
	anyShell dialect = iota // not known: what shells differ in may be either way
	dash
	ash // BusyBox's
	bash
)

func (d dialect) String() string { return [...]string{"the shell", "dash", "BusyBox", "bash"}[d] }

// shellNames are the programs that are shells of a kind that is known.
var shellNames = map[string]dialect{"sh": anyShell, "dash": dash, "ash": ash, "busybox": ash, "bash": bash, "rbash": bash}

// dialectOf tells which shell a program is: by its own name, links followed, or else by
// what it says of itself.
func (r *run) dialectOf(p *program) dialect {
	if d := shellNames[path.Base(p.Path)]; d != anyShell || p.Path == "" {
		return d
	}
	for _, s := range []struct {
		says string
		dialect
	}{{"BusyBox v", ash}, {"GNU bash", bash}, {"DASH_VERSION", dash}, {"Illegal option -%c", dash}} {
		if r.holds(p.Path, s.says) {
			return s.dialect
		}
	}
	return anyShell
}

// fail keeps the first error.
func (r *run) fail(err error) {
	r.err = cmp.Or(r.err, err)
}

// A script is a parsed shell script.
type script struct {
	stmts []*syntax.Stmt
	wrong *wrong // what ends it once all of stmts have run; nil is nothing
	added []int  // offsets in the parsed text of what is not in the script's
	twice []int  // offsets of (( ))
	joins bool   // the parser has taken what follows a function for a part of it
}

// offset returns where in the script's text a node stands.
func (s script) offset(n syntax.Node) int {
	at := int(n.Pos().Offset())
	for _, a := range slices.Backward(s.added) {
		if at > a {
			at--
		}
	}
	return at
}

// wrong is something that a shell does not take.
type wrong struct {
	offset  int
	message string
	sure    bool // that shell, for sure
	bash    bool // it is bash's
}

// parse parses a script as a shell does: one line after the other, so that what stands
// before a mistake is run.
func parse(text string, d dialect) script {
	var s script
	text = strings.ReplaceAll(text, "\r", returned)
	file, added, err := parseAs(text, d)
	if m := unclosed.FindStringSubmatch(fmt.Sprint(err)); m != nil { // which ends with the text, too
		text += "\n" + m[1] + "\n"
		file, added, err = parseAs(text, d)
	}
	if err == nil {
		s.stmts, s.added = file.Stmts, added
		s.twice = doubled(text)
		for f := range nodes[*syntax.FuncDecl](file) {
			_, joined := f.Body.Cmd.(*syntax.BinaryCmd)
			s.joins = s.joins || joined
		}
		s.joins = s.joins || d == ash && len(s.twice) > 0 // which are commands within ( ( ) ), and may be no syntax
		s.wrong = firstWrong(file, d)
	} else {
		s.wrong = wrongOf(text, err, d)
	}
	if s.wrong == nil || !s.wrong.sure {
		return s
	}
	s.stmts = nil
	for end := min(s.wrong.offset, len(text)); end > 0 && s.stmts == nil; {
		end = strings.LastIndexByte(text[:end], '\n')
		if before, added, err := parseAs(text[:max(end, 0)], d); err == nil && firstWrong(before, d) == nil {
			s.stmts, s.added = before.Stmts, added
			break
		}
	}
	return s
}

// unclosed matches what the parser says of a here-document without an end.
var unclosed = regexp.MustCompile("unclosed here-document `(.+)`")

// returned stands for a carriage return while a script is parsed: the parser takes it for
// the end of a line, and shells take it for a letter.
const returned = "\x01"

// doubled returns where a script has (( )), which only bash takes for arithmetic.
func doubled(text string) (at []int) {
	if !strings.Contains(text, "((") {
		return nil
	}
	file, _, err := parseAs(text, bash)
	if err != nil {
		return nil
	}
	for a := range nodes[*syntax.ArithmCmd](file) {
		at = append(at, int(a.Pos().Offset()))
	}
	return at
}

// parseAs parses with the syntax of a shell, or with one that has it all. Bash's is a
// superset of what BusyBox takes; what that lacks is found in the tree.
func parseAs(text string, d dialect) (file *syntax.File, added []int, err error) {
	file, err = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if d != dash || err != nil {
		return file, nil, err
	}
	text, added = splitBoth(text, file)
	strict, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err != nil {
		return file, nil, nil // with a mistake only when it is come to, or one that firstWrong finds
	}
	return strict, added, nil
}

// splitBoth writes &> as dash reads it: & and >.
func splitBoth(text string, file *syntax.File) (split string, added []int) {
	for redirect := range nodes[*syntax.Redirect](file) {
		if redirect.Op == syntax.RdrAll || redirect.Op == syntax.AppAll {
			added = append(added, int(redirect.OpPos.Offset())+1)
		}
	}
	for _, at := range slices.Backward(added) {
		text = text[:at] + " " + text[at:]
	}
	return text, added
}

func wrongOf(text string, err error, d dialect) *wrong {
	var parsing syntax.ParseError
	var lang syntax.LangError
	w := &wrong{message: err.Error(), sure: !strings.Contains(text, Unknown)}
	switch {
	case errors.As(err, &parsing):
		w.offset, w.message = int(parsing.Pos.Offset()), parsing.Text
		w.sure = w.sure && !inArithmetic(text, w.offset)
		if d != bash && d != anyShell || strings.Contains(parsing.Text, "!") { // bash takes ! ! and some more
			break
		}
		w.sure = w.sure && !strings.Contains(parsing.Text, "`!`")
	case errors.As(err, &lang):
		w.offset, w.sure = int(lang.Pos.Offset()), false
	}
	return w
}

// inArithmetic reports whether something stands in (( )), where shells find mistakes only
// when they come to it.
func inArithmetic(text string, offset int) bool {
	text = text[:min(len(text), offset+2)]
	at := strings.LastIndex(text, "((")
	return at >= 0 && !strings.Contains(text[at:], "))") || strings.Contains(text, "let ")
}

// firstWrong finds the first thing that bash takes and another shell does not.
func firstWrong(file *syntax.File, d dialect) (first *wrong) {
	if d == bash {
		return nil
	}
	for n := range nodes[syntax.Node](file) {
		what, has := bashSyntax(n)
		if what == "" || has&has.of(d) != 0 {
			continue
		}
		if w := (&wrong{int(n.Pos().Offset()), what + " is bash's", d != anyShell, true}); first == nil || w.offset < first.offset {
			first = w
		}
	}
	return first
}

// takers are the shells beside bash that take something.
type takers uint8

const (
	ashTakes takers = 1 << iota
	dashTakes
)

func (takers) of(d dialect) takers {
	return map[dialect]takers{dash: dashTakes, ash: ashTakes}[d]
}

// bashSyntax names what is a mistake of syntax in other shells.
func bashSyntax(n syntax.Node) (what string, has takers) {
	switch n := n.(type) {
	case *syntax.ArrayExpr:
		return "an array", 0
	case *syntax.ProcSubst:
		return "<( )", ashTakes
	case *syntax.CStyleLoop:
		return "for ((…))", 0
	case *syntax.ForClause:
		if n.Select {
			return "select", 0
		}
	case *syntax.FuncDecl:
		if n.RsrvWord {
			return "the word function", ashTakes
		}
		if n.Name != nil && !syntax.ValidName(n.Name.Value) {
			return "a function name such as " + n.Name.Value, 0
		}
	case *syntax.Redirect:
		switch n.Op {
		case syntax.WordHdoc:
			return "<<<", 0
		case syntax.AppAll:
			return "&>>", dashTakes
		case syntax.DplOut:
			if to := n.Word.Lit(); to != "" && to != "-" && !syntaxDigits(strings.TrimSuffix(to, "-")) {
				return ">& with a file", ashTakes
			}
		}
	case *syntax.BinaryCmd:
		if n.Op == syntax.PipeAll {
			return "|&", 0
		}
	case *syntax.CaseItem:
		if n.Op != syntax.Break {
			return n.Op.String(), 0
		}
	}
	return "", 0
}

// nodes yields the nodes of one type.
func nodes[T syntax.Node](root syntax.Node) func(yield func(T) bool) {
	return func(yield func(T) bool) {
		more := true
		syntax.Walk(root, func(n syntax.Node) bool {
			if t, ok := n.(T); ok && more && n != nil {
				more = yield(t)
			}
			return more
		})
	}
}
