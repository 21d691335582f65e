package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/trial"
)

// TestTryView shows what a terminal and a pipe get of a trial.
func TestTryView(t *testing.T) {
	for _, tt := range []struct {
		name string
		live bool
		want string
	}{
		{"pipe", false, "0.2s starting: refused (1.1ms)\n" +
			"app: listening\n" +
			"0.2s failure 1 of 3: as before\n" +
			"0.2s failure 2 of 3: reset (1ms)\n" +
			"0.2s healthy in 3ms\n" +
			"app: more\n"},
		{"terminal", true, "<0.1s running" +
			"<0.2s running" +
			"<0.2s starting: refused (1.1ms)\n0.2s running" +
			"<app: listening\n0.2s running" +
			"<0.2s failure 1 of 3: as before\n0.2s running" +
			"<0.2s failure 2 of 3: reset (1ms)\n0.2s running" +
			"<0.2s healthy in 3ms\n0.2s running" +
			"<app: more\n0.2s running" +
			"<"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var shown bytes.Buffer
				v := &tryView{out: &shown, err: &shown, live: tt.live, over: make(chan struct{})}
				v.app = &appOutput{show: func(line string) { v.above(v.err, line) }}
				v.started()
				time.Sleep(250 * time.Millisecond)
				v.check(trial.Check{At: 240 * time.Millisecond, Cause: "refused (1.1ms)"})
				fmt.Fprint(v.app, "liste")
				fmt.Fprint(v.app, "ning\nmore")
				v.check(trial.Check{At: 245 * time.Millisecond, Cause: "refused (0.9ms)", Failures: 1, Retries: 3})
				v.check(trial.Check{At: 246 * time.Millisecond, Cause: "reset (1ms)", Failures: 2, Retries: 3})
				v.check(trial.Check{At: 249 * time.Millisecond, Took: 2100 * time.Microsecond})
				v.stop()
				if diff := cmp.Diff(tt.want, strings.ReplaceAll(shown.String(), clearLine, "<")); diff != "" {
					t.Errorf("shown (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What the app writes may come while the line begins.
func TestTryViewBegins(t *testing.T) {
	v := &tryView{out: io.Discard, err: io.Discard, live: true, over: make(chan struct{})}
	v.app = &appOutput{show: func(line string) { v.above(v.err, line) }}
	written := make(chan struct{})
	go func() {
		defer close(written)
		fmt.Fprintln(v.app, "listening")
	}()
	v.started()
	<-written
	v.stop()
}

func TestAppOutput(t *testing.T) {
	var a appOutput
	for i := range 30 {
		fmt.Fprintf(&a, "line %d\r\n", i)
	}
	long := strings.Repeat("x", maxAppLine)
	fmt.Fprint(&a, long, long, "\n", "no end")
	a.end()
	got := a.last()
	if len(got) != maxAppLines || got[0] != "app: line 12" {
		t.Errorf("%d lines from %q on", len(got), got[0])
	}
	if diff := cmp.Diff([]string{"app: line 29", "app: " + long, "app: no end"}, got[maxAppLines-3:]); diff != "" {
		t.Errorf("last lines (-want +got):\n%s", diff)
	}
}

// The line for a certificate that nobody vouches for holds the person's own port and path.
func TestFailureOfCertificate(t *testing.T) {
	o := trial.Outcome{Last: trial.Check{Cause: "GET https://127.0.0.1:9443/up: the certificate is self-signed: give it with -cacert, or do not verify it with -insecure (1ms)"}}
	for in, want := range map[string]string{
		"https://:9443/up": `test: ["-insecure", "https://:9443/up"]`,
		`["-status", "200", "https://:${PORT:-9443}/up"]`: `test: ["-insecure", "-status", "200", "https://:${PORT:-9443}/up"]`,
		"grpcs://:9443":                       `test: ["-insecure", "grpcs://:9443"]`,
		`["-insecure", "https://:9443/up"]`:   "auto would pass",
		`["CMD", "/ko-app/app", "-insecure"]`: "auto would pass",
	} {
		test, err := health.ParseTest(in)
		if err != nil {
			t.Fatal(err)
		}
		o.Auto.Addresses = []string{"[::]:9443"}
		if got := hint.Of(failure(o, test, func() []string { return nil })); !strings.Contains(got, want) {
			t.Errorf("%s: hint %q, want %q", in, got, want)
		}
	}
}

func TestFailure(t *testing.T) {
	for _, tt := range []struct {
		outcome trial.Outcome
		want    string // in the hint
	}{
		{trial.Outcome{Auto: trial.Auto{Addresses: []string{"127.0.0.1:9090", "[::]:80"}}}, "auto would pass: the app accepts connections on 127.0.0.1:9090 [::]:80"},
		{trial.Outcome{Auto: trial.Auto{Cause: "auto: it listens on no TCP port"}}, "auto would not pass either: it listens on no TCP port; -v shows"},
		{trial.Outcome{Last: trial.Check{Cause: "auto: no process runs"}, Auto: trial.Auto{Cause: "no process runs"}}, giveSettings},
		{trial.Outcome{End: "with code 1"}, "-e NAME"},
		{trial.Outcome{Last: trial.Check{Cause: "sh: curl: not found"}}, "--health-package"},
		{trial.Outcome{Last: trial.Check{Cause: `GET http://127.0.0.1:80/: 404 Not Found: "404 page not found"`}, Auto: trial.Auto{Addresses: []string{"[::]:80"}}},
			"the app's source speaks for http://:80/healthz or http://:80/; auto would pass"},
	} {
		routes := func() []string { return []string{"http://:80/healthz", "http://:80/"} }
		if got := hint.Of(failure(tt.outcome, health.Test{}, routes)); !strings.Contains(got, tt.want) {
			t.Errorf("hint of %+v: %q, want it to name %q", tt.outcome, got, tt.want)
		}
	}
}

func TestUnproven(t *testing.T) {
	for addresses, want := range map[string]struct {
		warned bool
		ports  string
	}{
		"":                                  {false, ""},
		"127.0.0.1:6060":                    {true, ""},
		"[::1]:8080 127.9.9.9:80":           {true, ""},
		"0.0.0.0:6060 127.0.0.1:8080":       {true, ""},
		"127.0.0.1:6060 [::]:8080":          {false, "8080"},
		"0.0.0.0:80 [::]:80 10.0.0.1:9090":  {false, "80,9090"},
		"[::]:40000 [::]:6060 0.0.0.0:8080": {false, "8080"},
	} {
		listens := strings.Fields(addresses)
		if got := unproven(trial.Outcome{Auto: trial.Auto{Addresses: listens}}); (got != "") != want.warned {
			t.Errorf("%s: warning %q", addresses, got)
		}
		if got := strings.Join(ownPorts(listens, asNumber), ","); got != want.ports {
			t.Errorf("%s: ports %s, want %s", addresses, got, want.ports)
		}
	}
}
