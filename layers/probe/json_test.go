package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A jsonResult is what -json prints.
type jsonResult struct {
	Healthy bool
	Error   string
	Targets []jsonTarget
}

type jsonTarget struct {
	Target    string
	Healthy   bool
	Status    int
	Addresses []string
	Error     string
	Duration  float64 `json:"duration_ms"`
}

// parseJSON parses a line that holds nothing else.
func parseJSON(t *testing.T, line string) (r jsonResult) {
	t.Helper()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || !utf8.ValidString(line) {
		t.Errorf("not a line: %q", line)
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || !json.Valid([]byte(line)) {
		t.Errorf("%v in %q", err, line)
	}
	return r
}

func TestJSON(t *testing.T) {
	tests := []struct {
		name  string
		args  string // separated by |; UP, DOWN and EVIL are ports
		want  jsonResult
		lines int // on stderr
	}{
		{"healthy", "-json|http://:UP/", jsonResult{Healthy: true, Targets: []jsonTarget{{Target: "http://:UP/", Healthy: true, Status: 200}}}, 0},
		{"several", "http://:EVIL/|-json|tcp://:UP|tcp://:DOWN", jsonResult{Targets: []jsonTarget{
			{Target: "http://:EVIL/", Status: 500, Error: `500 "\x1b[31m": "a\"b\\\n\xffé"`},
			{Target: "tcp://:UP", Healthy: true},
			{Target: "tcp://:DOWN", Error: "connecting to 127.0.0.1:DOWN and [::1]:DOWN: connection refused"}}}, 2},
		{"command line", "-json|-stats|http://:UP/", jsonResult{Error: `unknown flag "-stats"` + known, Targets: []jsonTarget{}}, 1},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				up, evil := listen(t, "tcp4"), listen(t, "tcp4")
				serve(t, up, answer(ok200))
				serve(t, evil, answer("HTTP/1.1 500 \x1b[31m\r\n\r\na\"b\\\n\xff\u00e9"))
				ports := strings.NewReplacer("UP", port(up), "DOWN", closedPort(t), "EVIL", port(evil))
				var stdout bytes.Buffer
				cmd := v.command(nil, strings.Split(ports.Replace(tt.args), "|")...)
				cmd.Stdout = &stdout
				r := execute(t, cmd)
				got := parseJSON(t, stdout.String())
				for i := range got.Targets {
					if got.Targets[i].Duration <= 0 {
						t.Errorf("target %d took %v", i, got.Targets[i].Duration)
					}
					got.Targets[i].Duration = 0
				}
				want := tt.want
				want.Targets = slices.Clone(want.Targets)
				for i, target := range want.Targets {
					want.Targets[i].Target, want.Targets[i].Error = ports.Replace(target.Target), ports.Replace(target.Error)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if lines := strings.Count(r.stderr, "\n"); lines != tt.lines || (r.code == healthy) != tt.want.Healthy {
					t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
				}
			})
		}
	}
}

// FuzzJSON shows that whatever an app or a command line makes the probe say is one
// line of JSON that holds it.
func FuzzJSON(f *testing.F) {
	f.Add("http://:1/", "500 No: \"x\\", 500, int64(1))
	f.Add("file:///\xff\u2028", "\r\n\t\x00\x7f\ufffd\xed\xa0\x80", -1, int64(2_700_000_001))
	f.Fuzz(func(t *testing.T, target, text string, status int, took int64) {
		well := &outcome{target: target, status: status, took: max(0, probeargs.Duration(took)) % (48 * 3600 * probeargs.Second)}
		ill := &outcome{target: target, err: errors.New(text)}
		got := parseJSON(t, jsonLine([]*outcome{well, ill}, ""))
		want := []jsonTarget{{Target: strings.ToValidUTF8(target, "?"), Healthy: true, Status: status},
			{Target: strings.ToValidUTF8(target, "?"), Error: strings.ToValidUTF8(text, "?")}}
		for i := range got.Targets {
			got.Targets[i].Duration = 0
			// Each byte that is not UTF-8 is replaced for itself.
			if utf8.ValidString(target) && utf8.ValidString(text) {
				if diff := cmp.Diff(want[i], got.Targets[i]); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		}
		if refused := parseJSON(t, jsonLine(nil, text)); text != "" && (refused.Healthy || refused.Error == "") {
			t.Errorf("%+v of %q", refused, text)
		}
	})
}

// TestVerbose shows what -v says.
func TestVerbose(t *testing.T) {
	for _, v := range systems() {
		l := listen(t, "tcp4")
		serve(t, l, answer(ok200))
		url, closed := "http://:"+port(l)+"/healthz", "tcp://:"+closedPort(t)
		for args, want := range map[string]string{
			url:                     `^healthy: GET http://127\.0\.0\.1:\d+/healthz: 200 "OK" \([^ ]+\)\n$`,
			"tcp://:" + port(l):     `^healthy: tcp://:\d+ \([^ ]+\)\n$`,
			url + "|" + closed:      `^healthy: GET .*\nunhealthy: tcp.*: connecting to .* refused \([^ ]+\)\n$`,
			closed + "|" + url:      `^unhealthy: .*\nhealthy: GET .*\n$`,
			url + "|-log|-log=true": `^unhealthy: flag -log is given twice\n$`,
		} {
			r := v.run(t, nil, append([]string{"-v"}, strings.Split(args, "|")...)...)
			if !regexp.MustCompile(want).MatchString(r.stderr) {
				t.Errorf("%s %s: stderr %q does not match %q", v.name, args, r.stderr, want)
			}
		}
	}
}
