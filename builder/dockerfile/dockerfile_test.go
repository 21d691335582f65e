package dockerfile_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/dockerfile"
	"github.com/ko-health/kohealth/builder/doctree"
)

func parse(t *testing.T, text string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever a HEALTHCHECK is written like, its words stand where they are.
func TestPositions(t *testing.T) {
	for name, text := range map[string]string{
		"list":     "FROM scratch\nHEALTHCHECK CMD [\"äpp\", \"two words\",\"c\"]\n",
		"lines":    "FROM scratch\n  HEALTHCHECK --interval=1s \\\n\n # no\n\t--timeout=2s\\\n CMD [ \"äpp\" \\\n ,\"two words\",\\\n\"c\"]",
		"backtick": "# escape=`\nFROM scratch\nHEALTHCHECK `\r\n  CMD [\"äpp\", `\r\n\"two words\",\"c\"]\r\n",
		"mark":     "\uFEFFFROM scratch\nHEALTHCHECK\tCMD\t[\"äpp\",\t\"two words\", \"c\"]",
	} {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(text, "\n")
			check := parse(t, text).Last().Checks[0]
			if len(check.Test) != 4 {
				t.Fatalf("test %v", check.Test)
			}
			words := append([]dockerfile.Word{}, check.Test[1:]...)
			for _, o := range check.Options {
				words = append(words, o.Word)
			}
			for i, w := range words {
				want := w.Text
				if i < 3 {
					want = `"` + w.Text + `"`
				}
				line := []rune(lines[w.Pos.Line-1])
				if got := string(line[min(w.Pos.Column-1, len(line)):]); !strings.HasPrefix(got, want) {
					t.Errorf("%q stands at %v, where the file has %q", want, w.Pos, got)
				}
			}
		})
	}
}

func TestEvaluate(t *testing.T) {
	f := parse(t, `ARG TAG=3
ARG OPEN
FROM base:$TAG AS first
ARG OPEN
ENV A=1 B=$A PATH=/x:$PATH O=$OPEN
WORKDIR /srv
WORKDIR app
USER "me"
COPY a b c/
RUN ["apk", "add", "curl"]
FROM first
COPY --from=first x ${A}/y
EXPOSE 80 $B/udp
CMD ["run"]
`)
	base := &dockerfile.Base{Env: []string{"PATH=/bin", "A=0"}, Dir: "/"}
	got := f.Evaluate(f.Last(), base)
	want := &dockerfile.State{
		Env: map[string]string{"A": "1", "B": "0", "PATH": "/x:/bin", "O": dockerfile.Unknown}, User: &dockerfile.Word{Text: "me", Pos: doctree.Pos{Line: 8, Column: 1}},
		Dir: "/srv/app", Ports: []string{"0/udp", "80"}, Command: []string{"run"},
		Dirs:  []string{"/srv", "/srv/app"},
		Added: []string{"/srv/app/c", "/srv/app/1/y"}, Runs: []string{"apk add curl"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if image := f.Last().Image(); image != "base:3" {
		t.Errorf("begins with %q", image)
	}
	if got := f.Evaluate(f.Last(), nil); got.Env["PATH"] != "/x:"+dockerfile.Unknown || !got.EnvOpen || got.Dir != "/srv/app" {
		t.Errorf("without the image: %+v", got)
	}
}

// A RUN may bring a program, unless it is known that it does not.
func TestMayBring(t *testing.T) {
	for script, want := range map[string]bool{
		"mkdir -p /x && chown a:b /x":                               false,
		"apt-get update && apt-get install -y git gcc && rm -rf /x": false,
		"if [ -n \"$DEV\" ]; then pip install .[dev]; fi":           false,
		"apk add --no-cache curl":                                   true,
		"apk add --no-cache $PACKAGES":                              true,
		"apt-get install -y /tmp/x.deb":                             true,
		"./install.sh":                                              true,
		"wget -O- https://example.com | tar xz":                     true,
		"$X":                                                        true,
		"apk add postgresql-client":                                 true,
		"( :":                                                       true,
		"echo hello > /bin/hello":                                   false,
	} {
		f := parse(t, "FROM base\nRUN "+script+"\n")
		if got := f.Evaluate(f.Last(), nil).MayBring("curl"); got != want {
			t.Errorf("%s: %v", script, got)
		}
	}
	f := parse(t, "FROM base\nRUN mkdir /x\nCOPY bin /usr/local/bin/\n")
	if !f.Evaluate(f.Last(), nil).MayBring("curl") {
		t.Error("COPY into /usr/local/bin brings nothing")
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{"ok", "err"} {
		archive, err := txtar.ParseFile(filepath.Join("..", "..", "testdata", "lint", kind, "dockerfile.txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Add([]byte("FROM 0\nHEALTHCHECK --retries=\\\" CMD 0"))
	f.Add([]byte("FROM 0\nHEALTHCHECK -- CMD 0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := dockerfile.Parse(data)
		lines := strings.Count(string(data), "\n") + 1
		inFile := func(p doctree.Pos) bool { return p.Line >= 1 && p.Line <= lines && p.Column >= 1 }
		var at *doctree.Error
		if errors.As(err, &at) && !inFile(at.Pos) {
			t.Errorf("%v", err)
		}
		if err != nil {
			return
		}
		for _, s := range file.Stages {
			file.Evaluate(s, nil)
			file.Evaluate(s, &dockerfile.Base{}).MayBring("curl")
			for _, c := range s.Checks {
				for _, w := range c.Test {
					if !inFile(w.Pos) {
						t.Errorf("%+v is not in the file", w)
					}
				}
			}
		}
	})
}
