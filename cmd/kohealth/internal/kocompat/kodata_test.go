package kocompat

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
)

// kodata makes a directory: names that end in / are directories, and those with an arrow
// links.
func kodata(t *testing.T, names ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "kodata")
	for _, name := range append([]string{"/"}, names...) {
		name, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestKodata(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kodata []string
		want   string // of the error; "" if there is none
	}{
		{"files", []string{"a", "b/c"}, ""},
		{"links", []string{"a", "b/c", "l -> a", "m -> b", "b/n -> ../a"}, ""},
		{"one directory twice", []string{"b/c", "m -> b", "n -> b"}, ""},
		{"leads nowhere", []string{"l -> nowhere", "m -> m"}, ""}, // ko says so
		{"leads out", []string{"l -> /", "m -> ../.."}, ""},
		{"itself", []string{"l -> ."}, `l" never ends`},
		{"above", []string{"a/b/l -> ../.."}, `a/b/l" never ends`},
		{"another link", []string{"a/l -> ../b", "b/m -> ../a"}, `b/m" never ends`},
		{"the one above a link's target", []string{"a/l -> ../b/c", "b/c/m -> .."}, `b/c/m" never ends`},
	} {
		err := checkKodata(t.Context(), kodata(t, tt.kodata...))
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || hint.Of(err) == "") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if err := checkKodata(t.Context(), "/nowhere/kodata"); err != nil {
		t.Error(err)
	}
}

func TestKodataLimits(t *testing.T) {
	linked := func(before int64) error {
		dir := kodata(t, "a", "l -> a")
		w := &kodataWalk{ctx: t.Context(), root: dir, linked: before}
		return w.dir(dir)
	}
	limitstest.Check(t, limits.KodataLinked, linked(limits.KodataLinked.Max()-1), linked(limits.KodataLinked.Max()))

	size := func(n int64) error {
		dir := kodata(t, "a")
		if err := os.Truncate(filepath.Join(dir, "a"), n); err != nil {
			t.Fatal(err)
		}
		return checkKodata(t.Context(), dir)
	}
	limitstest.Check(t, limits.Kodata, size(limits.Kodata.Max()), size(limits.Kodata.Max()+1))
}

// Links that lead to the next directory twice have no circle, and no end either.
func TestKodataDoubled(t *testing.T) {
	var names []string
	for i := range 39 {
		names = append(names, fmt.Sprintf("d%d/a -> ../d%d", i, i+1), fmt.Sprintf("d%d/b -> ../d%d", i, i+1))
	}
	limitstest.Check(t, limits.KodataLinked, nil, checkKodata(t.Context(), kodata(t, append(names, "d39/f")...)))
}
