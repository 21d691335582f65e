package limits_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
)

func TestReader(t *testing.T) {
	max := limits.Key.Max()
	for n, want := range map[int64]bool{0: true, max - 1: true, max: true, max + 1: false, 2 * max: false} {
		data, err := limits.Key.ReadAll(strings.NewReader(strings.Repeat("x", int(n))))
		if (err == nil) != want || err == nil && int64(len(data)) != n || err != nil && !limits.IsExceeded(err) {
			t.Errorf("%d bytes: got %d, %v", n, len(data), err)
		}
	}
	if _, err := limits.Key.ReadAll(io.MultiReader(strings.NewReader("x"), failing{})); !errors.Is(err, errFailing) {
		t.Errorf("error %v", err)
	}
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFailing }

func TestWords(t *testing.T) {
	for limit, want := range map[limits.Limit]string{
		limits.Key:     "more than 64 KiB, the limit for a public key",
		limits.Layer:   "more than 32 GiB, the limit for a layer, unpacked",
		limits.Entries: "more than 500,000, the limit for files, directories and links in the layers of an image",
		limits.Stall:   "more than 60 s, the limit for time in which a server neither sends nor takes a byte",
	} {
		if got := limit.Exceeded().Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, l := range limits.All() {
		if l.What() == "" || l.Max() <= 0 {
			t.Errorf("row %d of the table is %q, %d", l, l.What(), l.Max())
		}
	}
}

func TestCheckJSON(t *testing.T) {
	most := int(limits.ImageValues.Max())
	for text, want := range map[string]bool{
		"[" + strings.Repeat("1,", most-2) + "1]": true,
		"[" + strings.Repeat("1,", most-1) + "1]": false,
		strings.Repeat("{},", most):               false,
		`"` + strings.Repeat(`\",[{`, most) + `"`: true, // one string
		`"\\"` + strings.Repeat(",", most+1):      false,
		"\"":                                      true,
		"\\":                                      true,
	} {
		if err := limits.CheckJSON([]byte(text)); (err == nil) != want {
			t.Errorf("%.20q…: %v", text, err)
		}
	}
}

func TestPause(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for said, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "60": time.Minute, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got, err := limits.Pause(http.Header{"Retry-After": {said}}, now); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", said, got, err, want)
		}
	}
	for _, said := range []string{"61", "4294967295", "Fri, 02 Jan 2027 03:04:15 GMT"} {
		if _, err := limits.Pause(http.Header{"Retry-After": {said}}, now); !limits.IsExceeded(err) {
			t.Errorf("%q: %v", said, err)
		}
	}
}

// TestEveryLimit checks that there is code that holds to each limit, and a test of it.
func TestEveryLimit(t *testing.T) {
	source, err := os.ReadFile("limits.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\t(\w+):\s+\{"`).FindAllStringSubmatch(string(source), -1)
	if len(rows) != len(limits.All()) {
		t.Fatalf("found %d rows of %d", len(rows), len(limits.All()))
	}
	code, tests := usage(t)
	for _, row := range rows {
		if !code["limits."+row[1]] && !code[row[1]+".Check("] {
			t.Errorf("nothing holds to the limit %s", row[1])
		}
		if !tests["limits."+row[1]] {
			t.Errorf("no test looks at the limit %s", row[1])
		}
	}
}

// usage returns how all of the project's Go code, and all of its tests, use limits.
func usage(t *testing.T) (code, tests map[string]bool) {
	t.Helper()
	code, tests = map[string]bool{}, map[string]bool{}
	use := regexp.MustCompile(`\blimits\.\w+|\b\w+\.Check\(`)
	for _, dir := range []string{"../../builder", "../../layers", "../../cmd"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			in := code
			if strings.HasSuffix(path, "_test.go") {
				in = tests
			}
			for _, found := range use.FindAll(text, -1) {
				in[string(found)] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return code, tests
}
