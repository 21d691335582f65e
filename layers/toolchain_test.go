package layers

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/hint"
)

// TestProbeOldGo has a go that is too old to compile the probe select another one, as it
// does for the app, or not.
func TestProbeOldGo(t *testing.T) {
	root := strings.TrimSpace(string(must(exec.Command("go", "env", "GOROOT").Output())))
	for _, tt := range []struct{ version, selects, hint string }{
		{"go1.21.13", root + "\n" + runtime.Version(), ""},
		{"go1.21.13", "/usr/lib/go\ngo1.21.13", "set GOTOOLCHAIN=go1.22.0 or newer"},
		{"go1.20", "", "KO_GO_PATH"},
	} {
		tc := newToolchain(t, tt.version, fmt.Sprintf(`[ "$1" = env ] && [ -z "$GOTOOLCHAIN" ] && echo '%s' && exit; exit 1`, tt.selects))
		t.Setenv("GOTOOLCHAIN", "")
		_, err := (&Compiler{Go: tc.goCmd()}).Probe(t.Context(), linux("amd64"), Plain)
		if (err == nil) != (tt.hint == "") || !strings.Contains(hint.Of(err), tt.hint) {
			t.Errorf("%s that selects %q: error %v, hint %q", tt.version, tt.selects, err, hint.Of(err))
		}
		if err != nil && !strings.Contains(err.Error(), "is older than 1.22") {
			t.Error(err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
