package lint

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/judge"
)

// formRules judge how a check's command is written.
func formRules() []Rule {
	return []Rule{
		{"pasted-brackets", Error, "An element of the command holds brackets, quotes or commas that belong to the list: only the ECS console takes them.", srcECS, pastedBrackets, healthchecks()},
		{"command-kind", Error, "A command begins with CMD or CMD-SHELL; except on ECS, NONE stands for no check.", srcECS, commandKind, healthchecks()},
		{"no-command", Error, "Nothing follows CMD or CMD-SHELL, so every check fails.", srcMoby, noCommand, healthchecks()},
		{"exit-code-2", Info, "Docker reserves exit codes other than 0 and 1.", srcDocker, exitCode2, healthchecks()},
	}
}

var (
	pastedKind = regexp.MustCompile(`^[\["'\s]*(CMD-SHELL|CMD|NONE)["'\],\s]`)
	beginsList = regexp.MustCompile(`^\[["']\w`) // no command begins like this: [ is followed by a space
	pastedArg  = regexp.MustCompile(`^\[\s*["']|["'],$|["']\]$`)
)

func pastedBrackets(c *container) []problem {
	if c.Check == nil {
		return nil
	}
	for i, arg := range c.Check.Test {
		if i == 0 && pastedKind.MatchString(arg.Text) || pastedArg.MatchString(arg.Text) && !c.Check.isCommand(i) {
			if c.Runtime == onBuild && i == 1 {
				meant := unpaste(&check{Test: c.Check.Test[1:]})
				return at(arg.Pos, c.whole(append([]string{"CMD"}, meant...)...), "what follows CMD is no list of JSON's, so it is a shell command that begins with [")
			}
			fix := ""
			if meant := unpaste(c.Check); c.isClean(meant) {
				fix = c.whole(meant...)
			}
			return at(arg.Pos, fix, "%s holds what belongs around and between the elements of a list", encode(arg.Text))
		}
	}
	return nil
}

// isCommand reports whether an element is a shell command, in which brackets and quotes
// are its own, or an argument of a program's.
func (c *check) isCommand(i int) bool {
	if i > 1 && c.form() == "CMD" {
		return !strings.HasSuffix(c.Test[i].Text, `"]`) && !strings.HasSuffix(c.Test[i].Text, `",`)
	}
	if i != 1 || c.form() != "CMD-SHELL" || beginsList.MatchString(c.Test[i].Text) {
		return false
	}
	_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(c.Test[i].Text), "")
	return err == nil
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
	return withKind(test)
}

// kindInScript returns what was meant by a script that begins with CMD or CMD-SHELL, or nil.
func (c *container) kindInScript() []string {
	if c.Check.form() != "CMD-SHELL" || len(c.Check.Test) != 2 || c.Check.Test[1].Open ||
		slices.ContainsFunc(c.Verdicts, func(v judge.Verdict) bool { return v.Rule == "always-healthy" }) {
		return nil
	}
	m := kindAndRest.FindStringSubmatch(c.Check.Test[1].Text)
	switch {
	case m == nil:
		return nil
	case c.Runtime == onRun: // whose flag takes no other
		return []string{"CMD-SHELL", m[2]}
	}
	return withKind(m[:1])
}

// kindAndRest matches a kind that stands in one element with the command.
var kindAndRest = regexp.MustCompile(`(?s)^(CMD-SHELL|CMD)\s+(.*)$`)

// withKind writes the first element of a test as Docker does, where it was meant to be one
// of its kinds.
func withKind(test []string) []string {
	if len(test) == 0 {
		return test
	}
	if m := kindAndRest.FindStringSubmatch(test[0]); m != nil && len(test) == 1 {
		if words, ok := judge.Words(m[2]); ok && m[1] == "CMD" {
			return append([]string{"CMD"}, words...)
		}
		return []string{"CMD-SHELL", m[2]}
	}
	switch strings.Trim(strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToUpper(test[0])), ":") {
	case "CMDSHELL", "SHELLCMD", "SHELL":
		return append([]string{"CMD-SHELL"}, test[1:]...)
	case "CMD":
		return append([]string{"CMD"}, test[1:]...)
	case "NONE":
		return []string{"NONE"}
	}
	return test
}

func isPasted(c *container) bool { return len(pastedBrackets(c)) > 0 }

func commandKind(c *container) []problem {
	if c.Check == nil || len(c.Check.Test) == 0 || c.Check.Test[0].Open || isPasted(c) {
		return nil
	}
	if meant := c.kindInScript(); meant != nil {
		fix := ""
		if c.isClean(meant) {
			fix = c.command(meant)
		}
		return at(c.Check.at(1), fix, "the shell looks for a program %s: a kind stands in a list only", strings.Fields(c.Check.Test[1].Text)[0])
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
	meant := withKind(args)
	switch {
	case slices.Contains(kinds, meant[0]):
	case len(args) == 1 && strings.Contains(args[0], " "):
		meant = []string{"CMD-SHELL", args[0]}
	default:
		meant = append([]string{"CMD"}, args...)
	}
	fix := ""
	if c.isClean(meant) {
		fix = c.whole(meant...)
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
		return at(c.Check.Pos, c.useProbe(), "there is no command")
	case len(test) == 1 && (c.Check.form() == "CMD" || c.Check.form() == "CMD-SHELL"),
		len(test) > 1 && c.Check.form() == "CMD" && !test[1].Open && strings.TrimSpace(test[1].Text) == "":
		return at(c.Check.at(0), c.useProbe(), "nothing follows %s", c.Check.form())
	}
	return nil
}

func exitCode2(c *container) []problem {
	if c.Check.form() != "CMD-SHELL" || len(c.Check.Test) < 2 {
		return nil
	}
	for _, m := range exit.FindAllStringSubmatch(c.Check.Test[1].Text, -1) {
		if code, err := strconv.Atoi(m[1]); err == nil && code > 1 {
			return at(c.Check.at(1), "exit 1", "exit code %d is reserved: 1 is unhealthy", code)
		}
	}
	return nil
}

var exit = regexp.MustCompile(`(?:^|[\s;|&({])exit\s+(\d+)\s*(?:$|[\s;|&)}])`)

// isTemplate matches an expression that Terraform and the like replace, and no shell's:
// ${var.port}, ${lookup(a, b)}, ${ports["app"]}.
var isTemplate = regexp.MustCompile(`[$%]\{~?\s*(\w+(\.\w|\(|\[")|(if|for)\s)[^}]*\}`)

// expands reports whether what runs the check expands variables.
func (c *check) expands() bool {
	if c.form() != "CMD" || len(c.Test) < 2 {
		return c.form() == "CMD-SHELL"
	}
	program := c.Test[1].Text
	return health.IsProbe(program) || slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(program))
}
