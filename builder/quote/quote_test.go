package quote_test

import (
	"encoding/json"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/quote"
)

// TestShell has a shell read what is quoted for it.
func TestShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("Windows has no POSIX shell of its own")
	}
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"", "a b", "it's", `"$HOME" \n`, "''", "`id`\nx", "%s", "a=b", "~", "#", "!x", "*", "\x1b", "\u00a0", "if", "\x7f'"}
	for _, word := range words {
		out, err := exec.Command(sh, "-c", "printf %s "+quote.Shell(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("Shell(%q) is %q to the shell, %v", word, out, err)
		}
	}
	out, err := exec.Command(sh, "-c", `printf '%s\0' `+quote.ShellWords(words)).Output()
	if want := strings.Join(words, "\x00") + "\x00"; err != nil || string(out) != want {
		t.Errorf("ShellWords(%q) is %q to the shell, %v", words, out, err)
	}
	if got := quote.ShellWords([]string{"build", "--health=http://:8080/", "./cmd/app"}); got != "build --health=http://:8080/ ./cmd/app" {
		t.Errorf("words that need no quotes are %s", got)
	}
}

// FuzzJSON has JSON's and YAML's libraries read what is quoted.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "a&b<c>", "\x7f", "\u0080\ufeff\u2028", "\U000e0001\U0001f600", `\"`, "\t\n\r\b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("JSON holds UTF-8 alone")
		}
		text := quote.JSON(s)
		if strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("JSON(%q) = %q holds control characters", s, text)
		}
		for name, read := range map[string]func([]byte, any) error{"JSON": json.Unmarshal, "YAML": yaml.Unmarshal} {
			var got string
			if err := read([]byte(text), &got); err != nil || got != s {
				t.Errorf("JSON(%q) = %s is %q to %s, %v", s, text, got, name, err)
			}
		}
	})
}

func TestJSON(t *testing.T) {
	for want, v := range map[string]any{
		`["CMD","curl -f \"<a>&b\""]`: []string{"CMD", `curl -f "<a>&b"`},
		`3`:                           3,
		`"\u007f\ufeffé😀"`:            "\x7f\ufeffé😀",
	} {
		if got := quote.JSON(v); got != want {
			t.Errorf("JSON(%q) = %s, want %s", v, got, want)
		}
	}
}
