package kocompat

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/layers/cache"
)

// unsetKoCache takes the user's word on ko's cache away for the time of a test.
func unsetKoCache(t *testing.T) {
	t.Helper()
	t.Setenv(KoCacheVariable, "")
	if err := os.Unsetenv(KoCacheVariable); err != nil {
		t.Fatal(err)
	}
}

// another opens a cache as another process would.
func another(t *testing.T, user cache.Dir) *KoCache {
	t.Helper()
	unsetKoCache(t)
	c := UseKoCache(user)
	if c == nil {
		t.Fatal("no cache")
	}
	return c
}

// TestKoCacheOfEachProcess checks that two at a time have a cache each, and that one
// after the other has the same.
func TestKoCacheOfEachProcess(t *testing.T) {
	user := cache.Dir(t.TempDir())
	first := another(t, user)
	second := another(t, user)
	if first.dir == second.dir {
		t.Errorf("two processes have the cache %s", first.dir)
	}
	first.Close(true)
	third := another(t, user)
	if third.dir != first.dir {
		t.Errorf("the third process has %s, want that of the first, %s", third.dir, first.dir)
	}
	second.Close(true)
	third.Close(true)
}

// TestKoCacheAfterFailure checks that what a process wrote that did not end well is
// gone, and what was there before is not.
func TestKoCacheAfterFailure(t *testing.T) {
	user := cache.Dir(t.TempDir())
	c := another(t, user)
	old, young := filepath.Join(c.dir, "bin", "old"), filepath.Join(c.dir, "bin", "young")
	writeFile(t, old, time.Now().Add(-time.Minute))
	c.Close(true)

	c = another(t, user)
	writeFile(t, young, time.Now())
	c.Close(false)
	another(t, user).Close(true)
	if _, err := os.Stat(old); err != nil {
		t.Error("what was whole is gone")
	}
	if _, err := os.Stat(young); err == nil {
		t.Error("what may not be whole is there")
	}

	c = another(t, user)
	writeFile(t, young, time.Now())
	c.Close(true)
	another(t, user).Close(true)
	if _, err := os.Stat(young); err != nil {
		t.Error("what a process wrote that ended well is gone")
	}
}

// TestDropKoCache checks that programs that ko's cache could not tell apart are not
// kept in it.
func TestDropKoCache(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	for flags, want := range map[string]bool{
		"-buildid=abc":                 true,
		"-buildid='abc'":               true,
		"-s -w -buildid=abc":           true,
		"-s -w -buildid abc":           true,
		"-ldflags=-buildid=abc":        true,
		"-linkmode=external":           true,
		"-linkmode external -extld=cc": true,
		"-buildid=":                    false,
		"'-ldflags=-s -buildid='":      false,
		"-s -w -buildid= -X main.a":    false,
		"-X main.buildid=abc":          false,
		"-linkmode=internal":           false,
	} {
		bo := &options.BuildOptions{BuildConfigs: map[string]build.Config{"x": {Ldflags: build.StringArray{flags}}}}
		if dropped := drops(t, bo); dropped != want {
			t.Errorf("with %q there is no cache: %v, want %v", flags, dropped, want)
		}
	}
	separate := build.Config{Ldflags: build.StringArray{"-s", "-buildid", "abc"}}
	if !drops(t, &options.BuildOptions{BuildConfigs: map[string]build.Config{"x": separate}}) {
		t.Error("with -buildid and abc, separately, there is a cache")
	}
}

// TestDropKoCacheForVariables is the same for variables.
func TestDropKoCacheForVariables(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"CGO_ENABLED", "0", false},
		{"CGO_ENABLED", "1", true},
		{"CGO_ENABLED", "", true}, // that is go's default
		{"GOFLAGS", "-ldflags=-buildid=abc", true},
		{"LDFLAGS", "-s -w -buildid=abc", true}, // as in {{.Env.LDFLAGS}}
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			t.Setenv("CGO_ENABLED", "0")
			config := &options.BuildOptions{DefaultEnv: []string{test.name + "=" + test.value}}
			if dropped := drops(t, config); dropped != test.want {
				t.Errorf("with it in .ko.yaml there is no cache: %v, want %v", dropped, test.want)
			}
			t.Setenv(test.name, test.value)
			if dropped := drops(t, &options.BuildOptions{}); dropped != test.want {
				t.Errorf("there is no cache: %v, want %v", dropped, test.want)
			}
		})
	}
}

func drops(t *testing.T, bo *options.BuildOptions) bool {
	t.Helper()
	t.Setenv(KoCacheVariable, "somewhere")
	if err := DropKoCache(bo); err != nil {
		t.Fatal(err)
	}
	return os.Getenv(KoCacheVariable) == ""
}

func writeFile(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}
