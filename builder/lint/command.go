package lint

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/source"
)

// A command is what a check runs.
type command struct {
	Calls   []call
	Exits   []int    // of exit N in a shell command
	Files   []string // that output is redirected to
	DevTCP  bool     // bash's /dev/tcp is used
	Double  bool     // [[ is used
	Strict  string   // a script that succeeds whatever its programs say, without what makes it so
	Script  string   // that script
	Invalid error    // of the shell's syntax
}

// A call is one program that a check starts.
type call struct {
	Name string
	Args []string // what variables stand for is not known: they are as written
	Pos  source.Pos
	// Spare tells that another command is run if this one fails, as after ||, so it need
	// not be there.
	Spare bool
	// Piped tells that another program reads the output and judges it.
	Piped bool
}

// parseCommand finds the programs that a check starts.
func parseCommand(check *check) command {
	if check == nil || len(check.Test) < 2 || check.Test[1].Text == "" {
		return command{}
	}
	switch program := check.Test[1]; check.form() {
	case "CMD":
		var args []string
		for _, a := range check.Test[2:] {
			args = append(args, a.Text)
		}
		cmd := command{Calls: []call{{Name: program.Text, Args: args, Pos: program.Pos}}}
		if script, ok := shellScript(program.Text, args); ok {
			own := parseScriptOf(program.Text, script, program.Pos)
			cmd = cmd.join(own)
			cmd.Script, cmd.Strict = own.Script, own.Strict
		}
		return cmd
	case "CMD-SHELL":
		return parseScript(program.Text, program.Pos)
	}
	return command{}
}

func (c command) join(d command) command {
	c.Calls = append(c.Calls, d.Calls...)
	c.Exits, c.Files = append(c.Exits, d.Exits...), append(c.Files, d.Files...)
	c.DevTCP, c.Double, c.Invalid = c.DevTCP || d.DevTCP, c.Double || d.Double, d.Invalid
	return c
}

// shellScript returns the script of sh -c SCRIPT.
func shellScript(program string, args []string) (string, bool) {
	i := slices.IndexFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c")
	})
	ok := i >= 0 && i+1 < len(args) && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(program))
	if !ok {
		return "", false
	}
	return args[i+1], true
}

// parseScriptOf parses the script that a shell is started with by name.
func parseScriptOf(shell, script string, at source.Pos) command {
	cmd := parseScript(script, at)
	if path.Base(shell) == "bash" {
		cmd.DevTCP, cmd.Double = false, false
	}
	return cmd
}

// parseScript parses a shell command. It takes bash's syntax: /bin/sh may be bash.
func parseScript(script string, at source.Pos) command {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	switch {
	case err != nil && isTemplate.MatchString(script):
		return command{} // what it will be is not known
	case err != nil:
		return command{Invalid: err}
	}
	w := &walker{at: at, own: map[string]bool{}}
	syntax.Walk(file, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok {
			w.own[f.Name.Value] = true
		}
		return true
	})
	syntax.Walk(file, w.visit)
	if w.path {
		w.command.Calls = slices.DeleteFunc(w.command.Calls, func(c call) bool { return !strings.Contains(c.Name, "/") })
	}
	if len(w.command.Calls) > 0 && !w.decides {
		w.command.Script, w.command.Strict = script, strict(script, file.Stmts)
	}
	return w.command
}

// isTemplate matches an expression that Terraform and the like replace, and no shell's:
// ${var.port}, ${lookup(a, b)}, ${ports["app"]}.
var isTemplate = regexp.MustCompile(`[$%]\{~?\s*(\w+(\.\w|\(|\[")|(if|for)\s)`)

// strict returns what is left of a script without an end that succeeds whatever was
// before it, or nothing if it has no such end.
func strict(script string, list []*syntax.Stmt) string {
	if len(list) == 0 || list[len(list)-1].Negated {
		return ""
	}
	last := list[len(list)-1]
	end := 0
	if or, ok := last.Cmd.(*syntax.BinaryCmd); ok && or.Op == syntax.OrStmt && succeeds(or.Y) {
		end = int(or.X.End().Offset())
	} else if len(list) > 1 && succeeds(last) {
		end = int(list[len(list)-2].End().Offset())
	}
	return strings.TrimRight(script[:end], "; \n")
}

// succeeds tells whether a command cannot fail.
func succeeds(s *syntax.Stmt) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || s.Negated || len(c.Args) == 0 {
		return false
	}
	switch literal(c.Args[0]) {
	case "true", ":", "echo":
		return true
	case "exit":
		return len(c.Args) == 2 && literal(c.Args[1]) == "0"
	}
	return false
}

// A walker collects what a script does.
type walker struct {
	command command
	at      source.Pos
	own     map[string]bool // the script's own functions
	spare   []syntax.Node   // left sides of ||
	piped   []syntax.Node   // left sides of |
	path    bool            // PATH is set: where programs are is not known
	decides bool            // it may end with another status than its last command's
}

func (w *walker) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.BinaryCmd:
		switch {
		case n.Op == syntax.OrStmt && startsProgram(n.Y):
			w.spare = append(w.spare, n.X)
		case n.Op == syntax.Pipe || n.Op == syntax.PipeAll:
			w.piped = append(w.piped, n.X)
		}
	case *syntax.Redirect:
		w.redirect(literal(n.Word))
	case *syntax.TestClause:
		w.command.Double = true
	case *syntax.Assign:
		w.path = w.path || n.Name != nil && n.Name.Value == "PATH"
	case *syntax.CallExpr:
		w.call(n)
	}
	return true
}

// startsProgram tells whether there is a program in a command, and not only exit 1.
func startsProgram(n syntax.Node) (found bool) {
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && !isBuiltin(literal(c.Args[0])) {
			found = true
		}
		return true
	})
	return found
}

func (w *walker) redirect(file string) {
	w.command.DevTCP = w.command.DevTCP || strings.HasPrefix(file, "/dev/tcp/")
	w.command.Files = append(w.command.Files, file)
}

func (w *walker) call(c *syntax.CallExpr) {
	var words []string
	for _, word := range c.Args {
		words = append(words, literal(word))
	}
	for len(words) > 1 && (words[0] == "exec" || words[0] == "command") {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	name, args := words[0], words[1:]
	w.decides = w.decides || slices.Contains([]string{"set", "kill", "trap", "return"}, name) || name == "exit" && !slices.Equal(args, []string{"0"})
	if name == "exit" && len(args) > 0 {
		if code, err := strconv.Atoi(args[0]); err == nil {
			w.command.Exits = append(w.command.Exits, code)
		}
	}
	if isBuiltin(name) || w.own[name] || strings.HasPrefix(name, "-") || strings.Contains(name, "$") {
		return
	}
	w.command.Calls = append(w.command.Calls, call{name, args, w.at, within(c, w.spare), within(c, w.piped)})
	if script, ok := shellScript(name, args); ok {
		w.command = w.command.join(parseScriptOf(name, script, w.at))
	}
}

// within tells whether a command stands within one of the nodes.
func within(c *syntax.CallExpr, nodes []syntax.Node) bool {
	return slices.ContainsFunc(nodes, func(n syntax.Node) bool {
		return c.Pos().Offset() >= n.Pos().Offset() && c.End().Offset() <= n.End().Offset()
	})
}

// isBuiltin tells whether a shell runs a command itself: what POSIX has built in, and
// what dash and BusyBox's ash have in common.
func isBuiltin(name string) bool {
	return name == "" || strings.Contains(" : . [ [[ alias bg break cd command continue echo eval exec exit export false fc fg getopts hash "+
		"jobs kill local printf pwd read readonly return set shift source test times trap true type ulimit umask unalias unset wait ",
		" "+name+" ")
}

// literal returns the text of a word without its quotes; variables and the like stay
// as they are written.
func literal(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	var b strings.Builder
	writeParts(&b, w.Parts)
	return b.String()
}

func writeParts(b *strings.Builder, parts []syntax.WordPart) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape.Replace(p.Value))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			writeParts(b, p.Parts)
		default:
			syntax.NewPrinter().Print(b, p) // a Builder takes everything
		}
	}
}

var unescape = strings.NewReplacer(`\\`, `\`, `\`, "")

// A url is where a check of curl's or wget's kind asks.
type url struct {
	scheme, host, port, path string
	text                     string // as it is written
}

// String returns the URL with its scheme.
func (u url) String() string {
	s := cmp.Or(u.scheme, "http") + "://" + cmp.Or(u.host, "127.0.0.1")
	if u.port != "" {
		s += ":" + u.port
	}
	return s + cmp.Or(u.path, "/")
}

var urlSyntax = regexp.MustCompile(`^(?:(https?)://)?([\w.-]+|\[[0-9a-f:]*\])?(?::(\d+))?([/?]\S*)?$`)

// url returns the URL among the arguments of a call. Without a scheme it is one only
// for curl and wget, and if it has a port or is this host's.
func (c call) url() (u url, ok bool) {
	tool := isTool(c.Name)
	for _, arg := range c.Args {
		m := urlSyntax.FindStringSubmatch(arg)
		if m == nil || m[1] == "" && !(tool && (m[3] != "" || m[2] == "localhost" || m[2] == "127.0.0.1")) {
			continue
		}
		return url{m[1], m[2], m[3], m[4], arg}, true
	}
	return url{}, false
}

// isTool tells whether a program is curl or wget.
func isTool(name string) bool {
	base := path.Base(name)
	return base == "curl" || base == "wget"
}

// portNumber returns the port, the scheme's own if none is written.
func (u url) portNumber() int {
	if port, err := strconv.Atoi(u.port); err == nil {
		return port
	}
	if u.scheme == "https" {
		return 443
	}
	return 80
}

// has tells whether an option is given, alone or among others: -f, -fsS, --fail.
func (c call) has(short byte, long string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool {
		if strings.HasPrefix(a, "--") {
			return a == long || strings.HasPrefix(a, long+"=") || strings.HasPrefix(a, long+"-")
		}
		return strings.HasPrefix(a, "-") && strings.IndexByte(a, short) > 0
	})
}

// option returns the value of an option: -m 5, -m5, --max-time 5, --max-time=5.
func (c call) option(names ...string) (string, bool) {
	for i, a := range c.Args {
		for _, name := range names {
			if rest, ok := strings.CutPrefix(a, name); ok && rest != "" && !strings.HasPrefix(name, "--") {
				return strings.TrimPrefix(rest, "="), true
			}
			if rest, ok := strings.CutPrefix(a, name+"="); ok {
				return rest, true
			}
			if a == name && i+1 < len(c.Args) {
				return c.Args[i+1], true
			}
		}
	}
	return "", false
}
