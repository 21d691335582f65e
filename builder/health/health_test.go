package health_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

func TestParseTest(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want health.Test
		out  string // what it prints as; "" means in
	}{
		{"http://:8080/healthz", health.Test{Kind: health.Probe, Args: []string{"http://:8080/healthz"}}, ""},
		{" tcp://:${PORT:-8080} ", health.Test{Kind: health.Probe, Args: []string{"tcp://:${PORT:-8080}"}}, "tcp://:${PORT:-8080}"},
		{`["-status", "200", "http://:80/"]`, health.Test{Kind: health.Probe, Args: []string{"-status", "200", "http://:80/"}}, `["-status","200","http://:80/"]`},
		{`["http://:80/"]`, health.Test{Kind: health.Probe, Args: []string{"http://:80/"}}, "http://:80/"},
		{`["CMD", "/app", "-x"]`, health.Test{Kind: health.Exec, Args: []string{"/app", "-x"}}, `["CMD","/app","-x"]`},
		{`["CMD-SHELL", "a && b < c"]`, health.Test{Kind: health.Shell, Args: []string{"a && b < c"}}, `["CMD-SHELL","a && b < c"]`},
		{"curl -f http://localhost/ || exit 1", health.Test{Kind: health.Shell, Args: []string{"curl -f http://localhost/ || exit 1"}}, `["CMD-SHELL","curl -f http://localhost/ || exit 1"]`},
		{"[ -f /tmp/alive ]", health.Test{Kind: health.Shell, Args: []string{"[ -f /tmp/alive ]"}}, `["CMD-SHELL","[ -f /tmp/alive ]"]`},
		{`[ "$(wget -qO- localhost)" = ok ]`, health.Test{Kind: health.Shell, Args: []string{`[ "$(wget -qO- localhost)" = ok ]`}}, `["CMD-SHELL","[ \"$(wget -qO- localhost)\" = ok ]"]`},
		{`[ "CMD", "/app", "-f", "=" ]`, health.Test{Kind: health.Exec, Args: []string{"/app", "-f", "="}}, `["CMD","/app","-f","="]`},
		{`["NONE"]`, health.Test{Kind: health.None}, ""},
		{`["CMD","auto"]`, health.Test{Kind: health.Exec, Args: []string{"auto"}}, ""},
		{`["tcp://:1","tcp://:2"]`, health.Test{Kind: health.Probe, Args: []string{"tcp://:1", "tcp://:2"}}, ""},
	} {
		got, err := health.ParseTest(tt.in)
		if err != nil {
			t.Errorf("ParseTest(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseTest(%q) (-want +got):\n%s", tt.in, diff)
		}
		want := tt.out
		if want == "" {
			want = tt.in
		}
		if got.String() != want {
			t.Errorf("ParseTest(%q) prints as %q, want %q", tt.in, got, want)
		}
	}
}

func TestParseTestErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "it is empty",
		"[":                         "is no JSON list of strings",
		"[http://:8080/]":           "it begins with [ and is no JSON list of strings",
		`["-status", 200]`:          "is no JSON list of strings",
		"[]":                        "the list is empty",
		`["CMD"]`:                   "CMD needs a program",
		`["CMD", ""]`:               "CMD needs a program",
		`["CMD-SHELL"]`:             "CMD-SHELL needs one command",
		`["CMD-SHELL", "a", "b"]`:   "CMD-SHELL needs one command",
		`["NONE", "x"]`:             "NONE stands alone",
		`["CMD", "a\u0000"]`:        "NUL",
		`["-header", "a\nb"]`:       "line break",
		"htp://:80/":                "htp",
		"http://:80x":               "80x",
		"http:///x":                 "port",
		"http://example.com:80/":    "example.com",
		"tcp://10.0.0.1:80":         "10.0.0.1",
		"-status 200 http://:80/":   "it begins with a flag",
		`["-stats", "http://:80/"]`: "-stats",
		`["-status", "200"]`:        "target",
		":8080/healthz":             "it has no scheme",
		"localhost:8080":            "it has no scheme",
		"8080":                      "it has no scheme",
		"/healthz":                  "it has no scheme",
		"http:/:8080/healthz":       "it has no scheme",
		"NONE":                      "no check is written as a list",
		"http://:1/ tcp://:2":       "several targets",
		"[::1]:$PORT":               "it has no scheme",
		`[ "CMD" "/app", "-f" ]`:    "JSON list",
		"CMD-SHELL curl -f x":       "CMD-SHELL and its command are one string",
		"CMD curl -f x":             "CMD and its command are one string",
		`["CMD-SHELL curl -f x"]`:   "CMD-SHELL and its command are one string",
		`["CMD_SHELL", "curl x"]`:   "unknown form \"CMD_SHELL\"",
		`["cmd-shell", "curl x"]`:   "unknown form \"cmd-shell\"",
	} {
		_, err := health.ParseTest(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseTest(%q): error %v, want one with %q", in, err, want)
		}
	}
}

// TestScheme checks which characters before :// make a text a target, and no shell command:
// those of RFC 3986.
func TestScheme(t *testing.T) {
	for _, c := range "azAZ09+-." {
		if test, err := health.ParseTest(string(c) + "1://x"); err == nil {
			t.Errorf("an unknown scheme with %q is taken: %v", c, test)
		}
	}
	for _, c := range "`{@[/:_$" {
		if test, err := health.ParseTest("x" + string(c) + "1://x"); err != nil || test.Kind != health.Shell {
			t.Errorf("%q in a scheme: %v, %v; want a shell command", c, test, err)
		}
	}
}

// FuzzParseTest checks that what is parsed prints as something that parses to the
// same.
func FuzzParseTest(f *testing.F) {
	for _, s := range []string{"http://:80/", `["CMD","x"]`, `["NONE"]`, "a && b", `["-log=false","file:///x?max_age=1s"]`, `["\ud800"]`, "auto", "auto:8080,${PORT:-9090}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := health.ParseTest(s)
		if err != nil {
			return
		}
		second, err := health.ParseTest(first.String())
		if err != nil {
			t.Fatalf("%q prints as %q: %v", s, first, err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("%q prints as %q, which differs:\n%s", s, first, diff)
		}
	})
}

func set(t *testing.T, keys ...string) (s health.Settings) {
	t.Helper()
	for i := 0; i < len(keys); i += 2 {
		if err := s.Set(keys[i], keys[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestCheckConfig(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings health.Settings
		want     health.Config
	}{
		{"default", health.Settings{}, health.Config{
			Test:     []string{"CMD", "/usr/bin/healthcheck", "-timeout=2.7s", "auto"},
			Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second, StartInterval: time.Second, Retries: 3}},
		{"numbers", set(t, "test", "http://:1/", "interval", "1m", "timeout", "30s", "retries", "5", "start_period", "0s", "log", "false"), health.Config{
			Test:     []string{"CMD", "/usr/bin/healthcheck", "-timeout=29.5s", "-log=false", "http://:1/"},
			Interval: time.Minute, Timeout: 30 * time.Second, Retries: 5}},
		{"own timeout", set(t, "test", `["-timeout", "1s", "http://:1/"]`), health.Config{
			Test:     []string{"CMD", "/usr/bin/healthcheck", "-timeout", "1s", "http://:1/"},
			Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second, StartInterval: time.Second, Retries: 3}},
		{"shell", set(t, "test", "true"), health.Config{
			Test:     []string{"CMD-SHELL", "true"},
			Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second, StartInterval: time.Second, Retries: 3}},
		{"none", set(t, "test", `["NONE"]`, "interval", "1s"), health.Config{Test: []string{"NONE"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check, err := tt.settings.Check()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, check.Config()); diff != "" {
				t.Errorf("Config() (-want +got):\n%s", diff)
			}
			if w := check.Warnings(); len(w) > 0 {
				t.Errorf("Warnings() = %q", w)
			}
		})
	}
}

func TestConfigIsDockers(t *testing.T) {
	check, err := set(t, "test", "tcp://:1", "start_interval", "500ms").Check()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(check.Config())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Test":["CMD","/usr/bin/healthcheck","-timeout=2.7s","tcp://:1"],"Interval":10000000000,"Timeout":3000000000,` +
		`"StartPeriod":10000000000,"StartInterval":500000000,"Retries":3}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		settings health.Settings
		want     string
	}{
		{set(t, "interval", "1s", "timeout", "2s"), "timeout 2s is longer than interval 1s"},
		{set(t, "start_period", "0s", "start_interval", "1s"), "start_interval has no effect"},
		{set(t, "test", "true", "log", "false"), "log has no effect on a program of the image's own"},
		{set(t, "test", `["-timeout=3s","tcp://:1"]`), "-timeout 3s is not shorter than timeout 3s"},
	} {
		check, err := tt.settings.Check()
		if err != nil {
			t.Fatal(err)
		}
		if w := check.Warnings(); len(w) != 1 || !strings.Contains(w[0], tt.want) {
			t.Errorf("Warnings() = %q, want %q", w, tt.want)
		}
	}
	for _, none := range []health.Settings{
		set(t, "interval", "2s", "timeout", "2s"), set(t, "disable", "true"), set(t, "test", `["-timeout=2999ms","tcp://:1"]`),
	} {
		check, err := none.Check()
		if err != nil {
			t.Fatal(err)
		}
		if w := check.Warnings(); len(w) > 0 {
			t.Errorf("%v: Warnings() = %q", check, w)
		}
	}
}

// TestFileArgs shows what the file of arguments holds.
func TestFileArgs(t *testing.T) {
	for _, tt := range []struct {
		settings health.Settings
		want     string
	}{
		{set(t, "test", "tcp://:1", "log", "false"), "-timeout=2.7s -log=false tcp://:1"},
		{set(t, "test", "curl -f localhost", "tool", "busybox", "log", "false"), "-log=false"},
		{set(t, "test", "curl -f localhost", "tool", "busybox"), ""},
		{set(t, "test", "true", "log", "false"), ""},
		{set(t, "test", `["NONE"]`, "log", "false"), ""},
	} {
		check, err := tt.settings.Check()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(check.FileArgs(), " "); got != tt.want {
			t.Errorf("%v: %q, want %q", check.Test, got, tt.want)
		}
	}
}

func TestPackages(t *testing.T) {
	for _, tt := range []struct {
		settings   health.Settings
		want       []string
		probe, tls bool
	}{
		{set(t, "test", "auto"), nil, true, false},
		{set(t, "test", `["CMD-SHELL", "curl https://localhost/"]`), nil, false, false},
		{set(t, "test", `["CMD-SHELL", "curl -f http://localhost/"]`, "tool", "busybox"), []string{"busybox-static"}, true, false},
		{set(t, "test", `["CMD-SHELL", "curl -f https://localhost/"]`, "tool", "busybox"), []string{"busybox-static"}, true, true},
		{set(t, "test", `["NONE"]`, "tool", "busybox"), []string{"busybox-static"}, false, false},
		{set(t, "tool", "busybox", "packages", "curl,busybox-static=1.38.0-r1"), []string{"curl", "busybox-static=1.38.0-r1"}, true, false},
		{set(t, "tool", "busybox", "packages", "busybox-full"), []string{"busybox-full"}, true, false},
		{set(t, "tool", "busybox", "packages", "curl"), []string{"busybox-static", "curl"}, true, false},
		{set(t, "test", `["CMD", "curl"]`, "packages", "curl"), []string{"curl"}, false, false},
		{set(t, "tool", "busybox", "packages", "="), []string{"busybox-static", "="}, true, false},
	} {
		check, err := tt.settings.Check()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, check.AllPackages()); diff != "" {
			t.Errorf("packages of %+v (-want +got):\n%s", check, diff)
		}
		if check.UsesProbe() != tt.probe || check.NeedsTLS() != tt.tls {
			t.Errorf("%+v: UsesProbe %v, NeedsTLS %v; want %v, %v", check, check.UsesProbe(), check.NeedsTLS(), tt.probe, tt.tls)
		}
	}
}

// Where packages come from is not a choice of a check.
func TestChosen(t *testing.T) {
	for _, tt := range []struct {
		settings   health.Settings
		want, test bool
	}{
		{set(t, "repositories", "https://mirror.example.com", "keys", "a.pub", "offline", "true"), false, false},
		{set(t, "packages", "curl"), true, false},
		{set(t, "retries", "4"), true, false},
		{set(t, "test", "auto"), true, true},
	} {
		check, err := tt.settings.Check()
		if err != nil {
			t.Fatal(err)
		}
		if check.Chosen != tt.want || check.TestChosen != tt.test {
			t.Errorf("%+v: Chosen %v, TestChosen %v", tt.settings, check.Chosen, check.TestChosen)
		}
	}
}

func TestSetErrors(t *testing.T) {
	for _, tt := range []struct{ key, value, want, hint string }{
		{"interval", "10", "a duration needs a unit", "write 10s for seconds"},
		{"interval", "x", "want a duration such as", ""},
		{"interval", "0s", "want at least 1ms", ""},
		{"timeout", "999us", "shorter than 1ms", ""},
		{"timeout", "-1s", "negative", ""},
		{"start_period", "99999999h", "longer than Docker can hold", ""},
		{"retries", "0", "want at least 1", ""},
		{"retries", "1.5", "want a whole number", ""},
		{"retries", "99999999999", "want a whole number", ""},
		{"log", "yes", "want true or false", ""},
		{"Test", "auto", `unknown key "Test"`, `keys are in lower case: write "test"`},
		{"tool", "bash", "want probe or busybox", ""},
		{"packages", "a,,b", "a name is empty", ""},
		{"startPeriod", "1s", `unknown key "startPeriod"`, `did you mean "start_period"?`},
		{"intervall", "1s", `unknown key "intervall"`, `did you mean "interval"?`},
		{"zzzzzzzz", "1s", `unknown key "zzzzzzzz"`, "the keys are test, interval"},
	} {
		var s health.Settings
		err := s.Set(tt.key, tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Set(%q, %q): error %v, want one with %q", tt.key, tt.value, err, tt.want)
		}
		if got := hint.Of(err); !strings.HasPrefix(got, tt.hint) || tt.hint == "" && got != "" {
			t.Errorf("Set(%q, %q): hint %q, want %q", tt.key, tt.value, got, tt.hint)
		}
	}
}

func TestSetBool(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "1": true, "T": true, "false": false, "0": false} {
		if s := set(t, "log", value); *s.Log != want {
			t.Errorf("%s: %v", value, *s.Log)
		}
	}
}

func TestOver(t *testing.T) {
	top := set(t, "test", "tcp://:1", "interval", "1s", "retries", "1", "packages", "a", "log", "false")
	build := set(t, "test", "tcp://:2", "retries", "2")
	got := set(t, "retries", "3").Over(build).Over(top)
	if diff := cmp.Diff(set(t, "test", "tcp://:2", "interval", "1s", "retries", "3", "packages", "a", "log", "false"), got); diff != "" {
		t.Errorf("Over (-want +got):\n%s", diff)
	}
	if s := set(t, "test", "tcp://:1").Over(set(t, "disable", "true")); s.Disable != nil {
		t.Error("a test does not switch the check on again")
	}
	if s := set(t, "interval", "1s").Over(set(t, "disable", "true")); s.Disable == nil {
		t.Error("an interval alone switches the check on")
	}
}

func TestUsesProbe(t *testing.T) {
	for test, want := range map[string]bool{
		"http://:1/":                           true,
		`["CMD","/usr/bin/healthcheck"]`:       true,
		`["CMD","healthcheck"]`:                true,
		`["CMD","/app","healthcheck"]`:         false,
		`["NONE"]`:                             false,
		"healthcheck tcp://:1 || exit 1":       true,
		"test -e /x && /usr/bin/healthcheck":   true,
		"curl -f http://localhost/healthcheck": false,
		"/ko-app/app healthcheck":              false,
		"(healthcheck tcp://:1)":               true,
		"exec /usr/bin/healthcheck":            true,
		`start C:\healthcheck.exe`:             true,
		"true; ; true":                         false,
	} {
		parsed, err := health.ParseTest(test)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.UsesProbe(); got != want {
			t.Errorf("%s: UsesProbe() = %v", test, got)
		}
	}
}

func TestNeedsTLS(t *testing.T) {
	for test, want := range map[string]bool{
		"http://:1/":                                    false,
		"grpc://:${PORT:-1}/https":                      false,
		"https://:${PORT}/":                             true,
		`["-insecure", "tcp://:1", "grpcs://:1"]`:       true,
		`["CMD","/usr/bin/healthcheck"]`:                false,
		`["CMD","healthcheck","tcp://:1","https://:1"]`: true,
		`["CMD","/app","https://:1"]`:                   false,
		`["NONE"]`:                                      false,
		"healthcheck http://:1 || exit 1":               false,
		"test -e /x && healthcheck $FLAGS grpcs://:1":   true,
		"curl -f https://localhost/":                    false,
	} {
		parsed, err := health.ParseTest(test)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.NeedsTLS(); got != want {
			t.Errorf("%s: NeedsTLS() = %v", test, got)
		}
	}
}

func TestOfImage(t *testing.T) {
	for config, want := range map[string]*health.Config{
		`{}`:                            nil,
		`{"config":null}`:               nil,
		`{"config":{"Healthcheck":{}}}`: nil,
		`{"config":{"Healthcheck":{"Interval":1}}}`:                               nil,
		`{"config":{"Healthcheck":{"Test":["CMD","x"],"StartInterval":1000000}}}`: {Test: []string{"CMD", "x"}, StartInterval: time.Millisecond},
	} {
		got, err := health.OfImage([]byte(config))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("OfImage(%s): %v (-want +got):\n%s", config, err, diff)
		}
	}
	for _, config := range []string{"", "[]", `{"config":{"Healthcheck":{"Test":"x"}}}`} {
		if got, err := health.OfImage([]byte(config)); err == nil {
			t.Errorf("OfImage(%q) = %v", config, got)
		}
	}
}
