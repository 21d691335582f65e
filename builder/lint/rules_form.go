package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/health"
)

// formRules judge how a check's command is written.
func formRules() []Rule {
	return []Rule{
		{"pasted-brackets", Error, "An element of the command holds brackets, quotes or commas that belong to the list: only the ECS console takes them.", srcECS, pastedBrackets},
		{"command-kind", Error, "A command begins with CMD or CMD-SHELL; except on ECS, NONE stands for no check.", srcECS, commandKind},
		{"no-command", Error, "Nothing follows CMD or CMD-SHELL, so every check fails.", srcMoby, noCommand},
		{"one-string", Error, "The whole command is one string after CMD, so a program of that name is looked for.", srcMoby, oneString},
		{"needs-shell", Error, "CMD starts a program without a shell, so ||, &&, > and $VAR are plain arguments.", srcECSDoc, needsShell},
		{"exec-redirect", Error, "CMD starts a program without a shell, so nothing is redirected to /proc/1/fd/1.", srcECSView, execRedirect},
		{"shell-arguments", Error, "The shell runs the first string after CMD-SHELL only; the others become $0, $1 and so on.", srcMoby, shellArguments},
		{"shell-parse", Error, "The shell cannot parse the command, so every check fails.", "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html", shellParse},
		{"bash-only", Error, "/dev/tcp is bash's own, as is [[ where dash is the shell, and the command's shell is another one.", "https://www.gnu.org/software/bash/manual/html_node/Redirections.html", bashOnly},
		{"always-healthy", Warning, "The command ends with what always succeeds, so the container is healthy whatever its programs say.", srcDocker, alwaysHealthy},
		{"exit-code-2", Info, "Docker reserves exit codes other than 0 and 1.", srcDocker, exitCode2},
	}
}

var (
	pastedKind = regexp.MustCompile(`^[\["'\s]*(CMD-SHELL|CMD|NONE)["'\],\s]`)
	pastedArg  = regexp.MustCompile(`^\[\s*["']|["'],$|["']\]$`)
)

func pastedBrackets(c *container) []problem {
	if c.Check == nil {
		return nil
	}
	for i, arg := range c.Check.Test {
		if i == 0 && pastedKind.MatchString(arg.Text) || pastedArg.MatchString(arg.Text) {
			return at(arg.Pos, c.whole(unpaste(c.Check)...), "%s holds what belongs around and between the elements of a list", encode(arg.Text))
		}
	}
	return nil
}

// unpaste guesses what was meant.
func unpaste(check *check) []string {
	var words []string
	for _, arg := range check.Test {
		words = append(words, arg.Text)
	}
	text := strings.Trim(strings.Join(words, ","), "[] ")
	var test []string
	for _, word := range strings.Split(text, ",") {
		if word = strings.Trim(word, `"' `); word != "" {
			test = append(test, word)
		}
	}
	return test
}

func isPasted(c *container) bool { return len(pastedBrackets(c)) > 0 }

func commandKind(c *container) []problem {
	if c.Check == nil || len(c.Check.Test) == 0 || c.Check.Test[0].Open || isPasted(c) {
		return nil
	}
	kinds := []string{"CMD", "CMD-SHELL"}
	if c.Runtime != onECS {
		kinds = append(kinds, "NONE")
	}
	switch {
	case slices.Contains(kinds, c.Check.form()):
		return nil
	case c.Check.form() == "NONE":
		return at(c.Check.at(0), "", "ECS has no NONE: without healthCheck there is no check")
	}
	var args []string
	for _, a := range c.Check.Test {
		args = append(args, a.Text)
	}
	fix := c.whole(append([]string{"CMD"}, args...)...)
	if len(args) == 1 && strings.Contains(args[0], " ") {
		fix = c.whole("CMD-SHELL", args[0])
	}
	outcome := "it is ignored, nothing is checked"
	if c.Runtime == onCompose {
		outcome = "Compose refuses it"
	}
	return at(c.Check.at(0), fix, "the command begins with %s, not with %s: %s", encode(c.Check.form()), strings.Join(kinds, " or "), outcome)
}

func noCommand(c *container) []problem {
	if c.Check == nil || isPasted(c) {
		return nil
	}
	test := c.Check.Test
	switch {
	case len(test) == 0 && c.Runtime == onECS:
		return at(c.Check.Pos, c.bareProbe(), "there is no command")
	case len(test) == 1 && (c.Check.form() == "CMD" || c.Check.form() == "CMD-SHELL"),
		len(test) > 1 && !test[1].Open && strings.TrimSpace(test[1].Text) == "":
		return at(c.Check.at(0), c.bareProbe(), "nothing follows %s", c.Check.form())
	}
	return nil
}

// bareProbe writes a check by kohealth's probe, where the image may have it.
func (c *container) bareProbe() string {
	if !c.mayHaveProbe() {
		return ""
	}
	return c.whole("CMD", health.ProbePath)
}

func isOneString(c *container) bool {
	return c.Check.form() == "CMD" && len(c.Check.Test) == 2 && strings.Contains(strings.TrimSpace(c.Check.Test[1].Text), " ")
}

func oneString(c *container) []problem {
	if !isOneString(c) {
		return nil
	}
	text := c.Check.Test[1].Text
	fix := c.whole("CMD-SHELL", text)
	if words, ok := simpleWords(text); ok {
		fix = c.whole(append([]string{"CMD"}, words...)...)
	}
	return at(c.Check.at(1), fix, "%s is looked for as one program", encode(text))
}

// simpleWords splits a command that needs no shell.
func simpleWords(text string) (words []string, ok bool) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 || len(file.Stmts[0].Redirs) > 0 {
		return nil, false
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 {
		return nil, false
	}
	for _, w := range call.Args {
		words = append(words, literal(w))
	}
	return words, !strings.Contains(text, "$")
}

var (
	operator = regexp.MustCompile(`^(\|\|?|&&?|;|\d?>>?(&\d)?|<|\d?>>?&?\S+)$`)
	variable = regexp.MustCompile(`\$(\w|\{|\()`)
	isCode   = regexp.MustCompile(`^(-[ceprE]|--?eval|--command|--print)$`) // node -e, python -c, mongosh --eval: what follows has its own $
)

func needsShell(c *container) []problem {
	if c.Check.form() != "CMD" || isPasted(c) || isOneString(c) || len(execRedirect(c)) > 0 || c.hasShellScript() {
		return nil
	}
	for i, arg := range c.Check.Test[1:] {
		asked := variable.MatchString(arg.Text) && !isTemplate.MatchString(arg.Text) && !c.callsProbe() && !isCode.MatchString(c.Check.Test[i].Text)
		if operator.MatchString(arg.Text) || asked {
			return at(c.Check.at(i+1), c.asShell(), "%s is an argument of %s: there is no shell", encode(arg.Text), c.Check.Test[1].Text)
		}
	}
	return nil
}

// hasShellScript tells whether a CMD starts a shell itself.
func (c *container) hasShellScript() bool {
	var args []string
	for _, a := range c.Check.Test[min(2, len(c.Check.Test)):] {
		args = append(args, a.Text)
	}
	if len(c.Check.Test) < 2 {
		return false
	}
	_, ok := shellScript(c.Check.Test[1].Text, args)
	return ok
}

// callsProbe tells whether the probe is started, which knows variables itself.
func (c *container) callsProbe() bool {
	return slices.ContainsFunc(c.Command.Calls, func(call call) bool { return call.Name == health.ProbePath }) ||
		slices.ContainsFunc(c.Programs, func(p *program) bool { return p.IsProbe })
}

// asShell writes a CMD as a CMD-SHELL.
func (c *container) asShell() string {
	if c.Image != nil && c.Image.Ko {
		return c.useProbe()
	}
	var words []string
	for _, a := range c.Check.Test[1:] {
		words = append(words, shellWord(a.Text))
	}
	return c.whole("CMD-SHELL", strings.Join(words, " "))
}

// shellWord writes an argument for a shell, where operators and variables work.
func shellWord(arg string) string {
	switch {
	case operator.MatchString(arg):
		return arg
	case variable.MatchString(arg):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(arg) + `"`
	}
	return quote(arg)
}

func execRedirect(c *container) []problem {
	if c.Check.form() != "CMD" || isOneString(c) || c.hasShellScript() {
		return nil
	}
	for i, arg := range c.Check.Test {
		if i > 1 && strings.Contains(arg.Text, "/proc/1/fd/") {
			return at(arg.Pos, c.asShell(), "%s is an argument of %s: there is no shell", encode(arg.Text), c.Check.Test[1].Text)
		}
	}
	return nil
}

func shellArguments(c *container) []problem {
	if c.Check.form() != "CMD-SHELL" || len(c.Check.Test) < 3 || isPasted(c) {
		return nil
	}
	var words []string
	for _, a := range c.Check.Test[1:] {
		words = append(words, a.Text)
	}
	return at(c.Check.at(2), c.whole("CMD-SHELL", strings.Join(words, " ")), "the shell runs %s alone, without %s", encode(words[0]), encode(words[1]))
}

func shellParse(c *container) []problem {
	if c.Command.Invalid == nil {
		return nil
	}
	return at(c.Check.at(1), "", "the shell cannot parse the command: %v", c.Command.Invalid)
}

func bashOnly(c *container) []problem {
	shell := c.Shell
	if shell == nil && len(c.Programs) > 0 && c.hasShellScript() {
		shell = c.Programs[0]
	}
	if shell == nil || shell.Path == "" || path.Base(shell.Path) == "bash" {
		return nil
	}
	switch {
	case c.Command.DevTCP:
		return at(c.Check.at(1), c.useProbe(), "/dev/tcp is bash's, and %s is %s here", shell.Name, shell.Path)
	case c.Command.Double && path.Base(shell.Path) == "dash": // BusyBox's shell has it
		return at(c.Check.at(1), "", "[[ is bash's, and %s is %s here: write [", shell.Name, shell.Path)
	}
	return nil
}

func alwaysHealthy(c *container) []problem {
	if c.Command.Strict == "" {
		return nil
	}
	return at(c.Check.at(1), c.rewritten(c.Command.Script, c.Command.Strict+" || exit 1"), "the command succeeds whatever its programs say")
}

func exitCode2(c *container) []problem {
	for _, code := range c.Command.Exits {
		if code > 1 {
			return at(c.Check.at(1), "exit 1", "exit code %d is reserved: 1 is unhealthy", code)
		}
	}
	return nil
}
