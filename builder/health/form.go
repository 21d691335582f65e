package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/probeargs"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/quote"
)

// Kind tells who does the checking.
type Kind int

const (
	Probe Kind = iota // kohealth's probe, with the arguments in Args
	Exec              // the program Args[0] with the arguments Args[1:]
	Shell             // the shell command Args[0]
	None              // nobody: switches off a check that the base image has
)

// Where the probe and its arguments are in an image for Linux.
const (
	ProbePath = "/usr/bin/healthcheck"
	ArgsPath  = "/etc/healthcheck" // one argument a line; what the probe reads when it has none
)

// The same in an image for Windows: in the root of its only drive, whose owner and rights no
// layer of kohealth's then changes.
const (
	WindowsProbePath = `C:\healthcheck.exe`
	WindowsArgsPath  = `C:\healthcheck.args`
)

// ProbePathOn returns where the probe is in images for an operating system, as image configs
// name it.
func ProbePathOn(os string) string {
	if os == "windows" {
		return WindowsProbePath
	}
	return ProbePath
}

// IsProbe reports whether a program of a command is the probe.
func IsProbe(program string) bool {
	return program == ProbePath || program == WindowsProbePath || program == path.Base(ProbePath)
}

// Author is the author of the history entries of layers that kohealth added.
const Author = "kohealth"

// A Test says how health is tested.
type Test struct {
	Kind Kind
	Args []string
}

// ParseTest parses a test as a flag or a YAML string holds it: a target of the
// probe, a list in JSON, or, as in Compose, a shell command.
func ParseTest(s string) (Test, error) {
	t := strings.TrimSpace(s)
	if err := checkText(t); err != nil {
		return Test{}, err
	}
	switch {
	case t == "":
		return Test{}, errors.New("parsing health check: it is empty")
	case strings.HasPrefix(t, "[") && !isTestCommand(t) && !isAddress(t):
		list := parseList(t)
		if list == nil {
			return Test{}, hint.With(fmt.Errorf("parsing health check %q: it begins with [ and is no JSON list of strings", s),
				`write every word in double quotes, as in ["-status", "200", "http://:8080/"] or ["CMD", "/ko-app/app", "check"]`)
		}
		return ParseTestList(list)
	case headOf(t) != "":
		return Test{}, wordsAfterHead(s, headOf(t))
	case noCheck.MatchString(t):
		return Test{}, hint.With(fmt.Errorf("parsing health check %q: no check is written as a list", s),
			`write ["NONE"], or --no-healthcheck to leave the image as ko makes it`)
	case upperScheme.MatchString(t):
		return Test{}, addressError(s, t, "schemes are written in lower case")
	case isTarget(t) && strings.Count(t, "://") > 1 && strings.Contains(t, " "):
		return Test{}, hint.With(fmt.Errorf("parsing health check %q: several targets in one string", s),
			`write them as a list: ["http://:8080/healthz", "tcp://:9090"]`)
	case isTarget(t):
		return probeTest(t)
	case isAddress(t):
		return Test{}, addressError(s, t, "it has no scheme")
	case strings.HasPrefix(t, "-"):
		return Test{}, hint.With(fmt.Errorf("parsing health check %q: it begins with a flag", s),
			`write the probe's arguments as a list: ["-status", "200", "http://:8080/healthz"]`)
	}
	return Test{Shell, []string{t}}, nil
}

// noCheck matches what can only mean that there is to be none.
var noCheck = regexp.MustCompile(`^(?i)(none|no|off|false|disabled?)$`)

// parseList parses a list of strings in JSON. It returns nil for anything else.
func parseList(t string) (list []string) {
	if err := json.Unmarshal([]byte(t), &list); err != nil {
		return nil
	}
	return list
}

// isTestCommand reports whether text that begins with a bracket is the shell's
// test command, as in [ -f /tmp/alive ], and no list: an operator stands in it as a
// word of its own, and words of a JSON list are in quotes.
func isTestCommand(t string) bool {
	words := strings.Fields(t)
	return (words[0] == "[" || words[0] == "[[") && slices.ContainsFunc(words[1:], testOperator.MatchString)
}

// testOperator matches what the test command, and no word of a JSON list, can be.
var testOperator = regexp.MustCompile(`^(-[a-zA-Z]{1,2}|=|==|=~|!=|!|<|>)$`)

// headOf returns the word with which a text begins, if that is the first element of
// a list in Docker's form, or what is easily taken for one: CMD_SHELL, cmd-shell.
func headOf(t string) string {
	word, _, _ := strings.Cut(t, " ")
	if head := strings.ToUpper(strings.ReplaceAll(word, "_", "-")); head == "CMD-SHELL" || word == "CMD" {
		return word
	}
	return ""
}

// wordsAfterHead returns the error of a test that is one string, a head and a command.
func wordsAfterHead(s, head string) error {
	err := fmt.Errorf("parsing health check %q: %s and its command are one string", s, head)
	command := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), head))
	list := []string{"CMD-SHELL", command}
	switch words := parseList(command); {
	case command == "":
		list = []string{"CMD", "/ko-app/app", "check"}
	case len(words) > 0: // as in a Dockerfile
		list = append([]string{"CMD"}, words...)
	}
	return hint.With(err, "write a list: "+quote.JSON(list))
}

// ParseTestList parses a test as a list: Docker's ["CMD", …], ["CMD-SHELL", "…"]
// or ["NONE"], or else arguments for the probe.
//
// https://docs.docker.com/reference/compose-file/services/#healthcheck
func ParseTestList(list []string) (Test, error) {
	if len(list) == 0 {
		return Test{}, errors.New("parsing health check: the list is empty")
	}
	for _, s := range list {
		if err := checkText(s); err != nil {
			return Test{}, err
		}
	}
	args := list[1:]
	switch list[0] {
	case "CMD":
		if len(args) == 0 || args[0] == "" {
			return Test{}, fmt.Errorf("parsing health check %q: CMD needs a program", list)
		}
		return Test{Exec, slices.Clone(args)}, nil
	case "CMD-SHELL":
		if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
			return Test{}, fmt.Errorf("parsing health check %q: CMD-SHELL needs one command", list)
		}
		return Test{Shell, slices.Clone(args)}, nil
	case "NONE":
		if len(args) != 0 {
			return Test{}, fmt.Errorf("parsing health check %q: NONE stands alone", list)
		}
		return Test{Kind: None}, nil
	}
	switch head := headOf(list[0]); {
	case head == "":
	case head != list[0]:
		return Test{}, wordsAfterHead(list[0], head)
	default:
		return Test{}, hint.With(fmt.Errorf("parsing health check %q: unknown form %q", list, head),
			"write CMD-SHELL, in capitals and with a hyphen")
	}
	return probeTest(list...)
}

// checkText refuses text that JSON or a process's arguments cannot hold.
func checkText(s string) error {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return fmt.Errorf("parsing health check %q: it holds a NUL byte or is not UTF-8", s)
	}
	return nil
}

// isTarget reports whether s is meant as a target of the probe: a word that begins
// with a scheme, known or not, or names a check without one.
func isTarget(s string) bool {
	if s == DefaultTest || strings.HasPrefix(s, DefaultTest+":") && !strings.ContainsAny(s, " \t\n") {
		return true
	}
	scheme, _, ok := strings.Cut(s, "://")
	return ok && scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+-.", r))
	})
}

// probeTest judges the probe's arguments with the code that the probe itself runs.
func probeTest(args ...string) (Test, error) {
	if slices.ContainsFunc(args, func(s string) bool { return strings.ContainsAny(s, "\r\n") }) {
		return Test{}, fmt.Errorf("parsing health check %s: an argument of the probe cannot hold a line break", quote.JSON(args))
	}
	if _, err := probeargs.Parse(args, anyValue); err != nil {
		return Test{}, explainArgs(args, fmt.Errorf("parsing health check: %w", err))
	}
	return Test{Probe, slices.Clone(args)}, nil
}

// explainArgs adds the next step to the error of arguments that the probe does not take,
// unless it says so itself.
func explainArgs(args []string, err error) error {
	switch meant := mendArgs(args); {
	case meant != "" && !strings.Contains(err.Error(), strconv.Quote(meant)):
		return hint.With(err, "write "+meant)
	case meant == "" && slices.ContainsFunc(args, func(s string) bool { return strings.Contains(s, "$") }):
		return hint.With(err, "give variables a default, as in ${PORT:-8080}, that the check can be judged with")
	}
	return err
}

// anyValue stands in for the environment of a container that does not run yet: a
// variable has its default or else a value that is right in most places.
func anyValue(_, def string) (string, error) {
	if def != "" {
		return def, nil
	}
	return "1", nil
}

// String returns t as ParseTest reads it.
func (t Test) String() string {
	if t.Kind == Probe && len(t.Args) == 1 && isTarget(t.Args[0]) {
		return t.Args[0]
	}
	list := t.Args
	if head, ok := map[Kind]string{Exec: "CMD", Shell: "CMD-SHELL", None: "NONE"}[t.Kind]; ok {
		list = append([]string{head}, t.Args...)
	}
	return quote.JSON(list)
}

// AsProbe returns a test that runs the probe as a program as a test of the probe's.
// Other tests it returns as they are.
func (t Test) AsProbe() (Test, error) {
	if t.Kind != Exec || !t.UsesProbe() {
		return t, nil
	}
	if len(t.Args) == 1 {
		return Test{}, hint.With(fmt.Errorf("parsing health check %q: the probe would have no arguments", t),
			"name what to check, such as http://:8080/healthz")
	}
	return probeTest(t.Args[1:]...)
}

// UsesProbe reports whether the image needs the probe: the test is the probe's, or
// it calls the probe by name.
func (t Test) UsesProbe() bool {
	switch t.Kind {
	case Probe:
		return true
	case Exec:
		return IsProbe(t.Args[0])
	case Shell:
		return callsProbe(t.Args[0])
	}
	return false
}

// callsProbe reports whether a shell command names the probe: by its path anywhere, or
// by its name where a command begins.
func callsProbe(script string) bool {
	for _, command := range strings.FieldsFunc(script, func(r rune) bool { return strings.ContainsRune("\n;|&()`{}", r) }) {
		words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t'\"", r) })
		if slices.Contains(words, ProbePath) || slices.Contains(words, WindowsProbePath) || len(words) > 0 && IsProbe(words[0]) {
			return true
		}
	}
	return false
}

// NeedsTLS reports whether the probe that the image needs is one with TLS. What becomes
// of a command is for its shell to say, so its text decides.
func (t Test) NeedsTLS() bool {
	if t.Kind == Probe {
		cmd, err := probeargs.Parse(t.Args, anyValue)
		return err == nil && cmd.NeedsTLS() // a Test of ParseTest parses
	}
	return t.UsesProbe() && t.namesTLS()
}

func (t Test) namesTLS() bool {
	return slices.ContainsFunc(t.Args, func(s string) bool {
		return strings.Contains(s, "https://") || strings.Contains(s, "grpcs://")
	})
}
