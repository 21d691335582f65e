package judge

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/quote"
)

// shellForm runs CMD-SHELL: /bin/sh -c with the first argument.
func (r *run) shellForm() status {
	sh := r.newShell(anyShell, place{arg: 1})
	p, is := sh.find("/bin/sh")
	c := &call{shell: sh, words: []string{"/bin/sh"}}
	if is == no {
		sh.note(note{Verdict: Verdict{Rule: "no-shell", Message: "CMD-SHELL needs /bin/sh, which is not in the image: the check never runs"}, cause: true})
		sh.interpret(r.check.Test[1], scene{}) // which tells what it asks, and what else is not there
		return fails
	}
	if is == yes {
		if b, ok := sh.startable(p, c); !ok {
			return b.status
		}
		sh.dialect, sh.shellPath = sh.dialectOf(p), p.Path
	}
	r.ignored = r.ignored || strings.TrimSpace(r.check.Test[1]) == "" // nothing is asked
	sh.args = r.check.Test[2:]
	res := sh.interpret(r.check.Test[1], scene{}).status
	if len(sh.args) > 0 && len(r.check.Test) > 2 {
		text := r.check.Test[1]
		uses := strings.Contains(text, "$@") || strings.Contains(text, "$1") || strings.Contains(text, "$0") || strings.Contains(text, "$*")
		if !uses {
			sh.note(note{Verdict: Verdict{Rule: "shell-arguments", Arg: 2, Message: "the shell runs " + strconv.Quote(shown(text)) + " alone, without " + strconv.Quote(shown(r.check.Test[2]))},
				cause: true, edit: joined})
		}
	}
	return res
}

// joined writes the arguments of CMD-SHELL as one.
func joined(test []string) []string {
	return []string{"CMD-SHELL", strings.Join(test[1:], " ")}
}

// execForm runs CMD: a program without a shell.
func (r *run) execForm() status {
	sh := r.newShell(anyShell, place{arg: 1})
	sh.isExec = true
	c := &call{shell: sh, words: r.check.Test[1:], first: 1}
	if strings.TrimSpace(c.name()) == "" {
		return either // nothing follows CMD, which is told elsewhere
	}
	if !isKnown(c.name()) {
		r.ignored = true
		return either
	}
	if _, is := sh.find(c.name()); is != yes && strings.Contains(strings.TrimSpace(c.name()), " ") && len(c.args()) == 0 {
		sh.note(note{Verdict: Verdict{Rule: "one-string", Arg: 1, Message: strconv.Quote(c.name()) + " is run as a program name, not a command line"}, cause: true, edit: splitWords})
		return fails
	}
	res := sh.program(c)
	if res.status != fails {
		c.shellWords()
	}
	return res.or(sh.exits).status
}

// splitWords writes one string after CMD as words, or for a shell if it needs one.
func splitWords(test []string) []string {
	if words, ok := Words(test[1]); ok {
		return append([]string{"CMD"}, words...)
	}
	return []string{"CMD-SHELL", test[1]}
}

// Words splits a command line that needs no shell. ok is false for one that does.
func Words(text string) (words []string, ok bool) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 || len(file.Stmts[0].Redirs) > 0 || file.Stmts[0].Negated || file.Stmts[0].Background {
		return nil, false
	}
	c, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(c.Assigns) > 0 || strings.ContainsAny(text, "$`*?~") {
		return nil, false
	}
	sh := (&run{container: &Container{}}).newShell(anyShell, place{})
	words, open := sh.fields(c.Args, scene{})
	return words, !open && len(words) > 0 && !sh.isBuiltin(words[0])
}

var (
	operator = regexp.MustCompile(`^(\|\|?|&&?|;|\d?>>?(&\d)?|<|\d?>>?&?\S+)$`)
	variable = regexp.MustCompile(`\$(\w|\{|\()`)
	isCode   = regexp.MustCompile(`^(-[ceprE]+|--?eval|--command|--print)$`) // node -e, python -c, mongosh --eval: what follows has its own $
)

func isOperator(arg string) bool { return operator.MatchString(arg) }

// shellWords tells of arguments that only a shell would understand.
func (c *call) shellWords() {
	if _, isShell := shellNames[baseName(c.name())]; isShell || c.name() == health.ProbePath {
		return
	}
	for i, arg := range c.args() {
		asked := variable.MatchString(arg) && !isCode.MatchString(c.words[i])
		switch {
		case isOperator(arg), asked && c.meansVariable(arg):
			c.forShell(i+1, arg, false)
			return
		case asked:
			v := Verdict{Rule: "needs-shell", Severity: Info, Arg: c.first + i + 1, Message: strconv.Quote(shown(arg)) + " is an argument of " + c.name() + " as it is: there is no shell"}
			c.note(note{Verdict: v})
		}
	}
}

// meansVariable reports whether an argument with a $ is meant for a shell: it names a
// variable that the container has, or the program is one that has no use for a $.
func (c *call) meansVariable(arg string) bool {
	if slices.Contains(heedful, baseName(c.name())) || strings.Contains(arg, "$(") {
		return true
	}
	for _, m := range named.FindAllStringSubmatch(arg, -1) {
		if _, set := c.container.Env[m[1]]; set {
			return true
		}
	}
	return false
}

var named = regexp.MustCompile(`\$\{?(\w+)`)

func baseName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// forShell notes an argument that only a shell would understand. sure tells that the
// program fails with it.
func (c *call) forShell(i int, arg string, sure bool) {
	rule := "needs-shell"
	if slices.ContainsFunc(c.words, func(w string) bool { return strings.Contains(w, "/proc/1/fd/") }) {
		rule = "exec-redirect"
	}
	v := Verdict{Rule: rule, Severity: Warning, Arg: c.first + i, Message: strconv.Quote(shown(arg)) + " is an argument of " + c.name() + ": there is no shell"}
	c.note(note{Verdict: v, cause: sure, edit: forShell})
}

// forShell writes a CMD as a CMD-SHELL.
func forShell(test []string) []string {
	var words []string
	for _, a := range test[1:] {
		words = append(words, shellWord(a))
	}
	return []string{"CMD-SHELL", strings.Join(words, " ")}
}

// shellWord writes an argument for a shell, where operators and variables work.
func shellWord(arg string) string {
	switch {
	case isOperator(arg):
		return arg
	case variable.MatchString(arg):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(arg) + `"`
	}
	return quote.Shell(arg)
}
