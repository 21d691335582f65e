package probeargs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestEdges takes what is just allowed, and what just is not.
func TestEdges(t *testing.T) {
	for _, tt := range []struct {
		args []string
		ok   bool
	}{
		{[]string{"-body", strings.Repeat("x", MaxBody), "http://:1/"}, true},
		{[]string{"-body", strings.Repeat("x", MaxBody+1), "http://:1/"}, false},
		{[]string{"-header", "!X09-~: 1", "http://:1/"}, true},
		{[]string{"-header", "X<Y: 1", "http://:1/"}, false},
		{[]string{"-header", "X/Y: 1", "http://:1/"}, false},
		{[]string{"-status", "300-200", "http://:1/"}, false},
		{[]string{"-status", "200-200", "http://:1/"}, true},
		{[]string{"grpc://:1/a~"}, true},
		{[]string{"grpc://:1/a\x7f"}, false},
		{[]string{"grpc://:1/" + strings.Repeat("x", maxService)}, true},
		{[]string{"grpc://:1/" + strings.Repeat("x", maxService+1)}, false},
		{[]string{"http://:1/~"}, true},
		{[]string{"auto:1,65535"}, true},
		{[]string{"auto:0"}, false},
		{[]string{"auto:65536"}, false},
	} {
		if _, err := Parse(tt.args, vars); (err == nil) != tt.ok {
			t.Errorf("%.100q: %v", tt.args, err)
		}
	}
}

// TestVariableNames checks which characters belong to a variable's name.
func TestVariableNames(t *testing.T) {
	for text, want := range map[string]string{
		"$azAZ_09": "azAZ_09", "$A/b": "A", "$A@b": "A", "$A[b": "A", "$A`b": "A", "$A{b": "A", "$A:b": "A", "${_0}": "_0",
	} {
		var name string
		_, _, err := expand(text, func(n, _ string) (string, error) { name = n; return "", nil })
		if err != nil || name != want {
			t.Errorf("%s names %q, %v; want %q", text, name, err, want)
		}
	}
	for _, text := range []string{"$0", "${0A}", "${A-b}", "${}", "$"} {
		if _, _, err := expand(text, vars); err == nil {
			t.Errorf("%s names a variable", text)
		}
	}
}

// TestParseOver checks when more arguments are asked for, and which win.
func TestParseOver(t *testing.T) {
	failed := errors.New("no file")
	for _, tt := range []struct {
		args, more []string
		err        error // of asking for more
		asked      bool
		timeout    Duration
		want       error
	}{
		{[]string{"-timeout=1s", "tcp://:1"}, nil, nil, false, Second, nil},
		{[]string{"-timeout=1s"}, []string{"-timeout=2s", "tcp://:1"}, nil, true, Second, nil},
		{nil, []string{"-timeout=2s", "tcp://:1"}, nil, true, 2 * Second, nil},
		{nil, nil, failed, true, 0, failed},
	} {
		asked := false
		cmd, err := ParseOver(tt.args, func() ([]string, error) { asked = true; return slices.Clone(tt.more), tt.err }, vars)
		if !errors.Is(err, tt.want) || asked != tt.asked || err == nil && (cmd.Timeout != tt.timeout || len(cmd.Targets) != 1) {
			t.Errorf("%q over %q: %+v, %v, asked %v", tt.args, tt.more, cmd, err, asked)
		}
	}
}

// TestLoginIsNotShown checks that no error repeats what may be a password.
func TestLoginIsNotShown(t *testing.T) {
	for _, target := range []string{"//user:secret@localhost/", "http://user:secret@localhost:80/", "user:secret@localhost"} {
		if _, err := Parse([]string{target}, vars); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", target, err)
		}
	}
}
