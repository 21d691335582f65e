package judge_test

import (
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/judge"
)

// check makes a check of the kinds that people write: requests, what is around them, and
// scripts of the shells' grammar.
func (g *grammar) check() []string {
	request := func() string {
		return g.of("curl", "curl -f", "curl -fsS", "curl -s -o /dev/null", "curl -m 60 -f", "wget", "wget -q", "wget -q --spider", "wget -qO-", "wget -T 9 -O /dev/null",
			"wget --max-redirect=0", "/bin/curl -kf", "timeout 3 curl -f", "busybox wget -q", "curl -f -H 'Host: localhost'") + " " +
			g.of("http://localhost:8080/healthz", "http://127.0.0.1/", "localhost:8080", "http://127.0.0.1:$PORT/", `"http://localhost:${PORT:-8080}/up"`, "http://:8080/", "", "https://localhost/x?a=b")
	}
	switch g.IntN(7) {
	case 0:
		return []string{"CMD-SHELL", g.script()}
	case 6:
		return []string{"CMD-SHELL", g.of("ps aux | grep ", "ps -ef | grep ", "pgrep -f ", "pgrep -x ", "pidof ", "su app -c ", "timeout --foreground 3 ", "timeout -t 3 ", "find /data -newermt ", "grep -P ", "curl --tries=1 ", "wget --fail ", "cat /opt/missing | grep ",
			"! curl -f ", "wget -q && exit 1 || exit ", "[ 1 < ", "curl -m 3s ") + g.of("app", "0", "'[a]pp'", "http://localhost/", "x ]", "'x y'") + g.of("", " || exit 1", " | grep -v grep")}
	case 1:
		return append([]string{"CMD"}, strings.Fields(request())...)
	case 2:
		return append([]string{"CMD"}, append(strings.Fields(request()), g.of("||", ">", "2>&1", "&&"), g.of("exit 1", "/dev/null", "exit"))...)
	case 3:
		return []string{g.of("CMD", "CMD-SHELL"), request()}
	case 4:
		return append([]string{"CMD-SHELL"}, strings.Fields(request())...)
	}
	return []string{"CMD-SHELL", g.of("", "[ ", "set -o pipefail; ", "! ", "[[ 1 == 1 ]] && ") + request() +
		g.of("", " || exit 1", " || true", "; true", " | grep -q ok", " | tr a b", " &> /dev/null", " > /dev/null || exit 1", " && { echo ok }", " &")}
}

// TestFixesAreClean shows that of random checks in several containers none makes the judge
// panic, that what cannot pass is an error, and that nothing is found about what is
// proposed instead.
func TestFixesAreClean(t *testing.T) {
	g := &grammar{rand.New(rand.NewPCG(1, seed(t)))}
	var containers []judge.Container
	for _, programs := range [][]string{{"/bin/busybox", "/bin/wget", "/bin/grep"}, {"/bin/dash", "/bin/curl", "/bin/bash", "/bin/grep"}, {"/bin/dash", "/bin/wget"}, {}} {
		files := memory{}
		for _, p := range programs {
			files[p] = anELF
		}
		if len(programs) > 0 {
			files["/bin/sh"] = "-> " + programs[0]
			if programs[0] == "/bin/busybox" {
				files["/bin/wget"] = "-> busybox"
			}
		}
		containers = append(containers, judge.Container{Files: judge.NewFiles(files), Env: map[string]judge.Variable{"PORT": {Value: "8080"}}})
	}
	containers = append(containers, judge.Container{EnvOpen: true, UserOpen: true})
	proposed := 0
	for range 4000 {
		check := judge.Check{Test: g.check(), Timeout: 5 * time.Second}
		c := containers[g.IntN(len(containers))]
		pass, _, err := judge.Status(t.Context(), check, c)
		if err != nil {
			t.Fatal(err)
		}
		found, err := judge.Judge(t.Context(), check, c)
		if err != nil {
			t.Fatal(err)
		}
		refused := false
		for _, v := range found {
			refused = refused || v.Severity == judge.Error
			clean(t, check, v.Test, c)
			if v.Test != nil || v.Probe != nil {
				proposed++
			}
			if v.Probe != nil {
				ours := c
				ours.Files, ours.Kohealth = nil, true
				clean(t, check, append([]string{"CMD", health.ProbePath}, v.Probe...), ours)
			}
		}
		if refused == pass {
			t.Errorf("%q can pass: %v, and what is found: %+v", check.Test, pass, found)
		}
	}
	if proposed < 100 {
		t.Errorf("only %d were proposed", proposed)
	}
}

// clean checks that nothing is found about a test.
func clean(t *testing.T, of judge.Check, test []string, c judge.Container) {
	t.Helper()
	if test == nil {
		return
	}
	found, err := judge.Judge(t.Context(), judge.Check{Test: test, Timeout: of.Timeout}, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("%q is proposed for %q: %+v", test, of.Test, found)
	}
}

// TestUnknownIsNoError shows that what is not known is never a reason to refuse.
func TestUnknownIsNoError(t *testing.T) {
	for _, test := range [][]string{
		{"CMD", "curl", "-f", judge.Unknown},
		{"CMD", judge.Unknown, "-f"},
		{"CMD-SHELL", "curl -f http://127.0.0.1:" + judge.Unknown + "/healthz"},
		{"CMD-SHELL", judge.Unknown},
		{"CMD-SHELL", "if " + judge.Unknown},
		{"CMD-SHELL", "[ \"$TOKEN\" = x ]"},
		{"CMD", health.ProbePath, "http://:$TOKEN/"},
	} {
		c := judge.Container{Kohealth: true, Env: map[string]judge.Variable{"TOKEN": {Open: true}}, EnvOpen: true}
		found, err := judge.Judge(t.Context(), judge.Check{Test: test}, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			if v.Severity == judge.Error {
				t.Errorf("%q: %+v", test, v)
			}
		}
	}
}

// TestTextsThatGrow judges commands whose texts double with every step: they are bounded,
// and what was too long is not known, so it is no reason to refuse.
func TestTextsThatGrow(t *testing.T) {
	for name, script := range map[string]string{
		"variable":     "A=1; " + strings.Repeat("A=$A$A; ", 60) + "test $A = 1",
		"append":       "A=1; " + strings.Repeat("A+=$A; ", 60) + "test $A = 1",
		"quoted":       "A=1; " + strings.Repeat(`A="$A$A"; `, 60) + "test $A = 1",
		"default":      "A=1; " + strings.Repeat("A=$A${B:-$A}; ", 60) + "test $A = 1",
		"output":       "A=1; " + strings.Repeat("A=$(echo $A; echo $A); ", 60) + "test $A = 1",
		"branches":     "A=1; " + strings.Repeat("A=$(if echo $A; then echo $A; fi); ", 60) + "test $A = 1",
		"arguments":    "set -- 1; " + strings.Repeat(`set -- "$@" "$@"; `, 60) + "test $1$# = 11",
		"many words":   "A=1; " + strings.Repeat("A=\"$A $A\"; ", 16) + "echo " + strings.Repeat("$A ", 10_000),
		"cut off":      "A=" + strings.Repeat("a", 60_000) + "; test ${A%%*b*b*b*c} = 1",
		"cut off each": "A=" + strings.Repeat("a", 500) + strings.Repeat("; B=${A%%*b}", 10_000) + "; test $B = 1",
	} {
		t.Run(name, func(t *testing.T) {
			c := judge.Container{Kohealth: true, EnvOpen: true}
			found, err := judge.Judge(t.Context(), judge.Check{Test: []string{"CMD-SHELL", script}}, c)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range found {
				if v.Severity == judge.Error {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// Linux starts nothing with an argument of 128 KiB, and a shell is asked what it makes of
// one that is a byte shorter.
func TestLongestArgument(t *testing.T) {
	for _, n := range []int{128<<10 - 1, 128 << 10} {
		script := "true " + strings.Repeat("x", n-len("true "))
		pass, fail, err := judge.Status(t.Context(), judge.Check{Test: []string{"CMD-SHELL", script}}, judge.Container{})
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "linux" {
			continue // which has other bounds
		}
		if starts := exec.Command("/bin/sh", "-c", script).Run() == nil; starts != pass || starts == fail {
			t.Errorf("%d bytes: starts %v, judged can pass %v, can fail %v", n, starts, pass, fail)
		}
	}
}

// What many commands cost is bounded by their number.
func TestManyCommands(t *testing.T) {
	script := strings.Repeat("if $(a); then b || c; fi\n", 4000)
	if _, _, err := judge.Status(t.Context(), judge.Check{Test: []string{"CMD-SHELL", script}}, judge.Container{}); err != nil {
		t.Error(err)
	}
}
