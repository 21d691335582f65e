package judge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/judge"
)

// A realShell is one that is asked what scripts do.
type realShell struct {
	name string
	args []string
	file string // what /bin/sh is in the image
}

func realShells(t *testing.T) (found []realShell) {
	t.Helper()
	for _, s := range []realShell{
		{"dash", []string{"dash"}, "/bin/dash"},
		{"busybox", []string{"busybox", "sh"}, "/bin/busybox"},
		{"bash", []string{"bash", "--posix"}, "/bin/bash"},
	} {
		path, err := exec.LookPath(s.args[0])
		if err != nil {
			if os.Getenv("KOHEALTH_TEST_ENGINES") != "" {
				t.Fatalf("%s is not installed: see .ci/run", s.args[0])
			}
			t.Logf("left out: %s is not installed", s.args[0])
			continue
		}
		s.args[0] = path
		found = append(found, s)
	}
	if len(found) == 0 {
		t.Skip("neither dash nor BusyBox nor bash is installed; with KOHEALTH_TEST_ENGINES, as in .ci/run, each must be")
	}
	return found
}

// stand is what scripts find: the same for a real shell and for the judge.
type stand struct {
	dir   string // of programs, for the real shell
	files memory
}

// programs are what scripts can start: with what they do, or "" for what the judge does
// not know.
var programs = map[string]string{
	"pass":   "#!/bin/sh\nexit 0\n",
	"fail":   "#!/bin/sh\nexit 3\n",
	"ok":     "#!/bin/sh\necho ok\n",
	"broken": "#!/nowhere/sh\n",
	"maybe":  "",
	"tr":     "", "cat": "", "grep": "", "env": "", "timeout": "", "head": "", "sleep": "", "date": "", "sed": "", "expr": "", "awk": "",
}

func newStand(t *testing.T, s realShell, maybe string) stand {
	st := stand{t.TempDir(), memory{"/bin/sh": "-> " + s.file, s.file: anELF, "/tmp/x": "", "/usr/bin/x": ""}}
	if s.name == "busybox" {
		applets, err := exec.Command(s.args[0], "--list").Output()
		if err != nil {
			t.Fatal(err)
		}
		st.files[s.file] += "\x00[\x00[[\x00" + strings.ReplaceAll(string(applets), "\n", "\x00")
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(st.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range programs {
		st.files["/bin/"+name] = text
		if text != "" {
			write(name, text)
			continue
		}
		st.files["/bin/"+name] = anELF
		target, err := exec.LookPath(name)
		if name == "maybe" {
			target, err = exec.LookPath(maybe)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(st.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// run asks the real shell whether a script passes.
func (st stand) run(t *testing.T, s realShell, script string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.args[0], append(s.args[1:len(s.args):len(s.args)], "-c", script)...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"PATH=" + st.dir, "SET=value", "EMPTY="}
	cmd.WaitDelay = time.Second
	killGroup(cmd)
	// A random script may be a fork bomb: all of its processes go with it. Real shells have
	// taken down a machine with 2,000 processes here before this was so.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd.Process.Pid) }
	defer func() { _ = endGroup(cmd.Process.Pid) }()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s: %q: %v", s.name, script, err)
	}
	return cmd.ProcessState.Success()
}

// endGroup kills a process group until nobody is left in it: a fork bomb may have more
// processes by the time that the first kill returns.
func endGroup(pid int) error {
	for range 1000 {
		if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
			return nil // ESRCH: all are gone
		}
	}
	return errors.New("processes go on after being killed")
}

func (st stand) container() judge.Container {
	return judge.Container{Files: judge.NewFiles(st.files), WorkingDir: "/work",
		Env: map[string]judge.Variable{"PATH": {Value: "/bin"}, "SET": {Value: "value"}, "EMPTY": {}}}
}

// check compares what the judge says of a script with what a real shell does.
func (st stand) check(t *testing.T, s realShell, script string) (wrong string) {
	t.Helper()
	pass, fail, err := judge.Status(t.Context(), judge.Check{Test: []string{"CMD-SHELL", script}}, st.container())
	if err != nil {
		t.Fatal(err)
	}
	if pass && fail {
		return ""
	}
	if got := st.run(t, s, script); got != pass {
		return fmt.Sprintf("%s: passes %v, judged can pass %v, can fail %v:\n%s", s.name, got, pass, fail, script)
	}
	return ""
}

// TestShells holds the interpreter against real shells, script by script.
func TestShells(t *testing.T) {
	scripts, err := os.ReadFile(filepath.Join("testdata", "scripts.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range realShells(t) {
		for _, maybe := range []string{"true", "false"} {
			t.Run(s.name+"/"+maybe, func(t *testing.T) {
				t.Parallel()
				st := newStand(t, s, maybe)
				for script := range bytes.SplitSeq(scripts, []byte("\n---\n")) {
					if wrong := st.check(t, s, strings.TrimSuffix(string(script), "\n")); wrong != "" {
						t.Error(wrong)
					}
				}
			})
		}
	}
}

// TestRandomShells does the same with scripts of a grammar.
func TestRandomShells(t *testing.T) {
	n := 500
	if testing.Short() {
		n = 200
	}
	for i, s := range realShells(t) {
		for j, maybe := range []string{"true", "false"} {
			t.Run(s.name+"/"+maybe, func(t *testing.T) {
				t.Parallel()
				st := newStand(t, s, maybe)
				g := &grammar{rand.New(rand.NewPCG(uint64(i), uint64(j)+seed(t)))}
				shortest := ""
				for range n {
					if wrong := st.check(t, s, g.script()); wrong != "" && (shortest == "" || len(wrong) < len(shortest)) {
						shortest = wrong
					}
				}
				if shortest != "" {
					t.Error(shortest)
				}
			})
		}
	}
}

// seed is another one where SEED is set.
func seed(t *testing.T) (n uint64) {
	if text := os.Getenv("SEED"); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A grammar makes scripts.
type grammar struct{ *rand.Rand }

func (g *grammar) of(choices ...string) string { return choices[g.IntN(len(choices))] }

func (g *grammar) script() string { return g.list(g.IntN(3)) }

func (g *grammar) list(depth int) string {
	var b strings.Builder
	for i := range 1 + g.IntN(1+depth) {
		if i > 0 {
			b.WriteString(g.of("; ", "; ", "\n"))
		}
		b.WriteString(g.andOr(depth))
	}
	return b.String()
}

func (g *grammar) andOr(depth int) string {
	s := g.pipeline(depth)
	for g.IntN(3) == 0 {
		s += g.of(" && ", " || ") + g.pipeline(depth)
	}
	return s
}

func (g *grammar) pipeline(depth int) string {
	s := g.command(depth)
	for g.IntN(5) == 0 {
		s += " | " + g.command(depth)
	}
	return g.of("", "", "", "! ") + s
}

func (g *grammar) command(depth int) string {
	if depth <= 0 || g.IntN(2) == 0 {
		return g.simple()
	}
	list := func() string { return g.list(depth - 1) }
	switch g.IntN(11) {
	case 0:
		return "if " + list() + "; then " + list() + "; fi"
	case 1:
		return "if " + list() + "; then " + list() + "; else " + list() + "; fi"
	case 2:
		return "( " + list() + " )" + g.redirect()
	case 3:
		return "{ " + list() + "; }" + g.redirect()
	case 4:
		return "for i in " + g.of("", "a", "a b", "$SET", "$(maybe && echo a)", `"$NONE"`) + "; do " + list() + g.of("", "; break", "; maybe && break", "; continue") + "; done"
	case 5:
		return "while " + g.of("false", "false", "fail", "maybe && false") + "; do " + list() + "; done"
	case 6:
		return "until " + g.of("true", "pass", "maybe || true") + "; do " + list() + "; done"
	case 7:
		return "case " + g.word() + " in " + g.of("value", "*", "o*", `""`, "$SET", "a|value") + ") " + list() + ";; " + g.of("", "*) "+list()+";; ", "ok) "+list()+";; ") + "esac"
	case 8:
		f := fmt.Sprint("f", g.IntN(1<<30)) // no function calls itself: that would be a fork bomb
		return f + "() { " + list() + g.of("", "; return", "; return 1", "; maybe && return 0; fail") + "; }; " + f + " " + g.word()
	case 9:
		return g.of("x=$( "+list()+" )", "x=\"$(maybe && echo a)\"", "set -e", "set -u", "set +e", "set -- a b", "unset x", "x="+g.word())
	}
	return "while maybe && [ -z $once ]; do once=1; " + list() + g.of("", "; break") + "; done"
}

func (g *grammar) simple() string {
	switch g.IntN(12) {
	case 0:
		return g.of("true", "false", ":", "pass", "fail", "absent", "broken") + g.redirect()
	case 1:
		return g.of("maybe", "maybe", "ok") + g.redirect()
	case 2:
		return g.of("[ ", "test -n ", "[ -z ", "[ ! ") + g.word() + g.of(" ]", "")
	case 3:
		return "[ " + g.word() + g.of(" = ", " != ", " -eq ", " == ") + g.word() + " ]"
	case 4:
		return g.of("command -v ", "type ", "hash ") + g.of("pass", "absent", "maybe", "true", "tr") + " >/dev/null 2>&1"
	case 5:
		return g.of("exit", "exit 0", "exit 1", "exit 7", "exit $?", "exit 256", "exit -1", "exit abc", "return 2", "break")
	case 6:
		return g.of("pass & ", "fail &> /dev/null", "source /dev/null", "[[ -n $SET ]]", "[[ a == b ]]", "set -o pipefail", "y=${SET:0:2}", "y=$((1+1))",
			"echo $((SET))", "local y=1", "y=a; readonly y; y=b", "trap 'exit 0' EXIT", "eval fail", "eval 'exit 3'", "let y=1", "(( 1 ))", "wait", "kill -0 $$",
			"exec pass", "exec absent", "exec fail", "command fail", "command -v pass absent", "cd /nope", "cd /usr", ". /nope", "shift", "read y", "read y < /dev/null",
			"function g { true; }", "a=(1 2)", "cat <<< ok", "true |& cat", "printf ok", "printf", "true ${x?bad}", "echo ${NONE:?bad}", "type -p pass", "hash absent",
			"trap 'fail' EXIT", "trap 'exit 1' ERR", "set -z", "exit +0", "exit -0", "let 'y = 2 * 3'", "(( y = 0 ))", "(( 1 / 0 ))", "[ 1 < 2 ]", "[ 2 > 1 ]", "[[ 10 > 9 ]]", "[[ 010 -eq 8 ]]",
			"read y <<EOF\na b\nEOF\n[ \"$y\" = 'a b' ]", "cat <<EOF\n\\t $SET\nEOF\n", "grep -q value <<EOF\n$SET\nEOF\n", "declare -i y=3", "time true", "declare y=1", "shopt -s extglob", "f-x() { true; }", "case a in a) false ;& *) true ;; esac", "select y in a; do break; done < /dev/null", "export y=1", "unset SET")
	case 7:
		return g.of("ok", "fail", "echo ok", "absent", "maybe", "printf ok") + " | " + g.of("grep ok", "grep -q ok", "grep -q nope", "grep -qv ok", "tr a b", "cat", "head -1", "grep -c ok") + g.redirect()
	}
	switch g.IntN(4) {
	case 0:
		return g.of("[ $((", "exit $((", "(( ", "echo $((", "x=$((") + g.arithmetic(2) + g.of(")) -eq 2 ]", "))", "))", "))", "))")
	case 1:
		return g.of("expr ", "expr ", "[ \"$(expr ") + g.of("1 + 1", "1 - 1", "2 \\* 0", "1 / 0", "3 % 2 = 1", "1 \\> 2", "a = a", "abc : ab", "length ab", "'' \\| 0", "1 \\& 2", "1 +", "$SET", "") +
			g.of("", " >/dev/null", ")\" -eq 2 ]")
	case 2:
		return g.of("echo ", "echo -n ", "echo -e ", "printf ", "printf '%s\\n' ", "printf '%d,' ", "printf '%3s|' ") + g.of("ok", `'a\nb'`, "'o+'", "12", "abc", "''", `"$SET"`, "a b", "'50%'", "007") +
			" | " + g.of("grep -qx ok", "grep -q '^b$'", "grep -q 'o+'", "grep -qE '(^12|a.ue)'", "grep -qF 'a\\nb'", "sed 's/o/x/' | grep -q o", "sed -n '/b/p' | grep -q .", "sed '$d' | grep -q .",
			"awk '{exit 1}'", "awk 'END{exit 0}'", "awk '/o/{exit 1} END{exit 2}'", "awk '/b/{exit 1}'", "grep -c . | grep -qx 1")
	}
	return g.of("env ", "timeout 5 ", "Y=1 ", "exec ", "command ", "env Y=1 ") + g.of("pass", "fail", "absent", "maybe", "broken", "ok") + g.redirect()
}

func (g *grammar) arithmetic(depth int) string {
	if depth == 0 || g.IntN(4) == 0 {
		return g.of("0", "1", "2", "10", "010", "08", "0x1f", "x", "y", "SET", "$x", "NONE", "EMPTY", "$#", "${#SET}", "$(echo 2)")
	}
	inner := func() string { return g.arithmetic(depth - 1) }
	switch g.IntN(6) {
	case 0:
		return g.of("-", "!", "~", "+", "++", "--") + " " + inner()
	case 1:
		return "(" + inner() + ")"
	case 2:
		return g.of("x", "y") + g.of(" = ", " += ", " *= ", " -= ") + inner()
	case 3:
		return inner() + " ? " + inner() + " : " + inner()
	}
	return inner() + g.of(" + ", " - ", " * ", " / ", " % ", " == ", " < ", " >= ", " && ", " || ", " & ", " << ", ", ", " ** ") + inner()
}

func (g *grammar) word() string {
	return g.of("ok", `"$SET"`, "$SET", "$NONE", `"$NONE"`, `"$EMPTY"`, "${NONE:-ok}", `"${NONE-}"`, "${SET:+ok}", "$?", "1", "0", `"$(ok)"`, "$(echo ok)", `"$(absent)"`,
		`"$(maybe && echo ok)"`, "value", `''`, "$x", `"$x"`, "$#", "${#SET}", "${SET%ue}", "${SET#*l}", `"$1"`, `"a b"`, "'*'", `\$SET`, "`ok`", `"$@"`, "$$")
}

func (g *grammar) redirect() string {
	return g.of("", "", "", "", " >/dev/null", " 2>&1", " >/dev/null 2>&1", " </dev/null", " >/usr/nope/x", " </usr/nope", " 2>/dev/null")
}
