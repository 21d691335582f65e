package judge

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/quote"
)

// An edit changes a test. It returns nil if it cannot.
type edit func(test []string) []string

// insert adds arguments after a program's name.
func (c *call) insert(args ...string) edit {
	if c.node == nil {
		if !c.isExec || c.fixed {
			return nil
		}
		at := c.first + 1
		return func(test []string) []string {
			if at > len(test) {
				return nil
			}
			return slices.Insert(slices.Clone(test), at, args...)
		}
	}
	if c.fixed || c.first >= len(c.node.Args) || len(c.node.Args) != c.first+len(c.words) {
		return nil
	}
	w := c.node.Args[c.first]
	at, arg := c.of(c.script.offset(w))+int(w.End().Offset()-w.Pos().Offset()), c.arg
	var text strings.Builder
	for _, a := range args {
		text.WriteString(" " + quote.Shell(a))
	}
	return func(test []string) []string {
		if arg >= len(test) || at > len(test[arg]) {
			return nil
		}
		changed := slices.Clone(test)
		changed[arg] = test[arg][:at] + text.String() + test[arg][at:]
		return changed
	}
}

// replace changes an argument of a program, perhaps into several.
func (c *call) replace(old string, words ...string) edit {
	if c.node == nil {
		return func(test []string) []string {
			if i := slices.Index(test, old); i > 0 {
				return slices.Replace(slices.Clone(test), i, i+1, words...)
			}
			return nil
		}
	}
	new := strings.Join(words, " ")
	if c.fixed {
		return nil
	}
	from, to, arg := c.of(c.at), c.of(c.at)+int(c.node.End().Offset()-c.node.Pos().Offset()), c.arg
	return func(test []string) []string {
		if arg >= len(test) || to > len(test[arg]) || !strings.Contains(test[arg][from:to], old) {
			return nil
		}
		changed := slices.Clone(test)
		changed[arg] = test[arg][:from] + strings.Replace(test[arg][from:to], old, new, 1) + test[arg][to:]
		return changed
	}
}

// replaceIn changes a part of an argument that need not stand in the script as it is.
func (c *call) replaceIn(old, new, arg string) edit {
	if isKnown(arg) || c.node == nil {
		if e := c.replace(arg, strings.Replace(arg, old, new, 1)); e != nil && (c.node == nil || c.standsIn(arg)) {
			return e
		}
	}
	for _, w := range c.node.Args {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok && strings.Contains(lit.Value, old) && strings.HasPrefix(arg, lit.Value) {
			return c.replace(lit.Value, strings.Replace(lit.Value, old, new, 1))
		}
		if q, ok := w.Parts[0].(*syntax.DblQuoted); ok && len(q.Parts) > 0 {
			if lit, ok := q.Parts[0].(*syntax.Lit); ok && strings.Contains(lit.Value, old) && strings.HasPrefix(arg, lit.Value) {
				return c.replace(lit.Value, strings.Replace(lit.Value, old, new, 1))
			}
		}
	}
	return nil
}

// standsIn reports whether an argument is in the script as it is.
func (c *call) standsIn(arg string) bool {
	if c.fixed || c.arg >= len(c.check.Test) {
		return false
	}
	return strings.Contains(c.check.Test[c.arg], arg)
}

// maxEdits is how many edits one after the other are tried.
const maxEdits = 6

// mend adds to verdicts what to write instead, as far as that is sure: what is found
// nothing about when it is judged.
func (r *run) mend(found []Verdict) error {
	if len(found) == 0 {
		return nil
	}
	all, err := r.editAll()
	if err != nil {
		return err
	}
	probe, err := r.probeInstead()
	if err != nil {
		return err
	}
	for i := range found {
		if found[i].Severity == Error {
			found[i].Probe = probe
		}
		if found[i].Test, err = r.clean(append(r.candidates(found[i]), all)); err != nil {
			return err
		}
	}
	return nil
}

// candidates are what may be written instead, the best first.
func (r *run) candidates(v Verdict) (tests [][]string) {
	for _, n := range r.notes {
		if n.edit != nil && n.Rule == v.Rule && n.Arg == v.Arg && n.Offset == v.Offset {
			tests = append(tests, n.edit(r.check.Test))
		}
	}
	switch v.Rule {
	case "always-healthy":
		tests = append(tests, strict(r.check.Test))
	case "bash-only", "shell-parse":
		tests = append(tests, inBash(r.check.Test))
	case "no-program":
		tests = append(tests, r.otherTool())
	}
	return tests
}

// clean returns the first test about which nothing is found.
func (r *run) clean(tests [][]string) ([]string, error) {
	for _, t := range tests {
		if t == nil || slices.Equal(t, r.check.Test) {
			continue
		}
		found, err := r.findIn(t)
		if err != nil {
			return nil, err
		}
		if isClean(found.verdicts()) && found.result&passes != 0 {
			return t, nil
		}
	}
	return nil, nil
}

// isClean reports whether nothing is found that is more than good to know.
func isClean(found []Verdict) bool {
	return !slices.ContainsFunc(found, func(v Verdict) bool { return v.Severity > Info })
}

// findIn judges another test in the same container.
func (r *run) findIn(test []string) (*run, error) {
	return judge(r.ctx, Check{test, r.check.Timeout}, *r.container)
}

// editAll applies one edit after the other, as long as something is found.
func (r *run) editAll() ([]string, error) {
	at := r
	for range maxEdits {
		var next []string
		for _, v := range at.verdicts() {
			for _, t := range at.candidates(v) {
				if t != nil && !slices.Equal(t, at.check.Test) {
					next = t
					break
				}
			}
			if next != nil {
				break
			}
		}
		if next == nil {
			return nil, nil
		}
		var err error
		if at, err = r.findIn(next); err != nil {
			return nil, err
		}
		if isClean(at.verdicts()) {
			return next, nil
		}
	}
	return nil, nil
}

// strict cuts off what makes a script succeed whatever was before.
func strict(test []string) []string {
	at := len(test) - 1
	if _, isShell := shellNames[baseName(test[1])]; !isShell && (test[0] != "CMD-SHELL" || at != 1) {
		return nil
	}
	script := test[at]
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil || len(file.Stmts) == 0 || file.Stmts[len(file.Stmts)-1].Negated {
		return nil
	}
	list, end := file.Stmts, 0
	last := list[len(list)-1]
	switch or, ok := last.Cmd.(*syntax.BinaryCmd); {
	case ok && or.Op == syntax.OrStmt && isSuccess(or.Y):
		end = int(or.X.End().Offset())
	case last.Background && len(list) == 1:
		end = int(last.Cmd.End().Offset())
	case len(list) > 1 && isSuccess(last):
		end = int(list[len(list)-2].End().Offset())
	default:
		return nil
	}
	changed := slices.Clone(test)
	changed[at] = strings.TrimRight(script[:end], "; \n") + " || exit 1"
	return changed
}

// isSuccess reports whether a command does nothing but succeed.
func isSuccess(s *syntax.Stmt) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || s.Negated || len(c.Args) == 0 {
		return false
	}
	switch c.Args[0].Lit() {
	case "true", ":", "echo":
		return true
	case "exit":
		return len(c.Args) == 2 && c.Args[1].Lit() == "0"
	}
	return false
}

// inBash writes a shell command for bash.
func inBash(test []string) []string {
	if test[0] != "CMD-SHELL" || len(test) != 2 {
		return nil
	}
	return []string{"CMD", "bash", "-c", test[1]}
}
