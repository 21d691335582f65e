package term_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

const hostile = "denied\n::error::x\nHint: run this \x1b[2J\u202e\u061c##[error]"

const harmless = `denied\n::error::x\nHint: run this \x1b[2J\u202e\u061c\x23#[error]`

type stringer struct{}

func (stringer) String() string { return hostile }

func TestPrintf(t *testing.T) {
	var out bytes.Buffer
	err := term.Printf(&out, "%s: %v\n%3d %-4s|%q\n%v\n", hostile, stringer{}, 7, "é", "a\n", []string{"\x1b"})
	if err != nil {
		t.Fatal(err)
	}
	want := harmless + ": " + harmless + "\n" + `  7 é   |"a\n"` + "\n" + `[\x1b]` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	_ = term.Printf(&out, "%s\n", "::error::x")
	if got := out.String(); got != `\x3a:error::x`+"\n" {
		t.Errorf("a word at the beginning of a line: %s", got)
	}
}

func TestError(t *testing.T) {
	exit := exec.Command("false").Run()
	foreign := errors.New(hostile)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"foreign": {foreign, harmless},
		"wrapped": {fmt.Errorf("pushing \x07: %w", foreign), `pushing \a: ` + harmless},
		"joined":  {errors.Join(foreign, errors.New("b")), harmless + "\n    b"},
		"joined in one that is joined": {
			errors.Join(errors.New("a"), fmt.Errorf("b: %w", errors.Join(foreign, errors.New("::d")))),
			"a\n    b: " + harmless + "\n    \\x3a:d"},
		"with more behind it": {fmt.Errorf("%w; and more", errors.Join(foreign, foreign)), harmless + `\n` + harmless + "; and more"},
		"two of them":         {fmt.Errorf("%w\n%w", foreign, foreign), harmless + "\n    " + harmless},
		"a program's output":  {fmt.Errorf("go build: %w: %s", exit, "# app\n\t::x \x1b\n"), "go build: exit status 1: # app\n    \t\\x3a:x \\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := term.Printf(&out, "%v", test.err); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log.New(term.Log(&out), "", 0).Printf("Loaded %s\n\n", hostile)
	if diff := cmp.Diff("Loaded "+harmless+"\n", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDump(t *testing.T) {
	var out bytes.Buffer
	log.New(term.Dump(&out), "", 0).Printf("GET / HTTP/1.1\r\nHost: x\r\n\r\n::error::\x1b")
	if diff := cmp.Diff("GET / HTTP/1.1\n    Host: x\n    \n    \\x3a:error::\\x1b\n", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResults(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out := term.Results(w, w)
	if _, err := out.Write([]byte("a\x1b\n")); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "a\x1b\n" {
		t.Errorf("a pipe gets %q, %v", got, err)
	}
}

func TestOutput(t *testing.T) {
	if got, want := term.Output("\x1b[1;31mERROR\x1b[0m\tx\x1b]0;t\x07 \x1b[2J"), "ERROR\tx\\x1b]0;t\\a \\x1b[2J"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
