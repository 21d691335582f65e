package judge_test

import (
	"slices"
	"testing"

	"github.com/ko-health/kohealth/builder/judge"
)

// added is a container whose image has a shell and an app, and more that is put on top.
func added(paths ...string) judge.Container {
	return judge.Container{
		Files: judge.NewFiles(memory{"/bin/sh": "-> dash", "/bin/dash": anELF, "/bin/test": anELF, "/usr/bin/app": anELF, "/srv/x": ""}),
		Env:   map[string]judge.Variable{}, Added: paths,
	}
}

// rulesOf returns the rules that a command is found to break.
func rulesOf(t *testing.T, c judge.Container, test ...string) (rules []string) {
	t.Helper()
	found, err := judge.Judge(t.Context(), judge.Check{Test: test}, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		rules = append(rules, v.Severity.String()+" "+v.Rule)
	}
	return rules
}

// At and below what is added, and of the directories above it, nothing is said.
func TestAdded(t *testing.T) {
	for _, tc := range []struct {
		added  []string
		script string
		want   []string
	}{
		{nil, "/usr/local/bin/tool", []string{"error no-program"}},
		{[]string{"/usr/local/bin/tool"}, "/usr/local/bin/tool", nil},
		{[]string{"/usr/local"}, "/usr/local/bin/tool", nil},
		{[]string{"/usr/local/bin"}, "tool", nil},
		{[]string{"/usr/local/bin"}, "/opt/tool", []string{"error no-program"}},
		{[]string{"/bin"}, "/usr/bin/tool", nil}, // the one may be a link to the other
		{[]string{"/usr/bin"}, "/bin/tool", nil},
		{[]string{"/usr/binary"}, "/usr/bin/tool", []string{"error no-program"}},
		{nil, "[ -d /srv/app ] || exit 1", []string{"warning no-file"}},
		{[]string{"/srv/app/bin"}, "[ -d /srv/app ] || exit 1", nil},
		{nil, "echo x > /data/x", []string{"warning no-file"}},
		{[]string{"/data"}, "echo x > /data/x", nil},
		{[]string{"/data/app/x"}, "echo x > /data/x", nil},
		{[]string{"/"}, "curl -f http://127.0.0.1/ > /data/x", nil},
	} {
		if got := rulesOf(t, added(tc.added...), "CMD-SHELL", tc.script); !slices.Equal(got, tc.want) {
			t.Errorf("%s, to which %q are added: %q, want %q", tc.script, tc.added, got, tc.want)
		}
	}
}

// The directories are there that whoever runs the container makes, and those above them.
func TestDirs(t *testing.T) {
	c := added()
	c.WorkingDir, c.Volumes, c.Dirs = "/opt/app/data", []string{"/state"}, []string{"/opt/dir/"}
	for script, want := range map[string][]string{
		"[ -d /opt/app ] && [ -d /opt/app/data ] && [ -d /opt/dir ] && cd /state": nil,
		"echo x > y && echo x > /state/y":                                         nil,
		"[ -d /opt/app/other ]":                                                   {"warning no-file"},
		"./tool":                                                                  {"error no-program"},
	} {
		if got := rulesOf(t, c, "CMD-SHELL", script); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

// What is known not to be brought is missing for all that may be added, unless the image
// has it.
func TestLacks(t *testing.T) {
	c := added("/")
	c.Lacks = func(program string) bool { return program != "curl" }
	for script, want := range map[string][]string{
		"curl -f http://127.0.0.1/":                   nil,
		"wget -q -O - http://127.0.0.1/ | grep -q ok": {"error no-program", "error no-program"},
		"/usr/bin/tool":                               {"error no-program"},
		"app":                                         nil,
		"/usr/bin/app":                                nil,
		"curl -f 127.0.0.1 || tool":                   {"warning no-program"}, // curl may pass
	} {
		if got := rulesOf(t, c, "CMD-SHELL", script); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
	c.Added = nil
	c.Lacks = func(string) bool { return false }
	if got := rulesOf(t, c, "CMD-SHELL", "/usr/bin/tool"); !slices.Equal(got, []string{"error no-program"}) {
		t.Errorf("nothing is added, and what is not lacked is taken for there: %q", got)
	}
}
