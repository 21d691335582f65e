package health_test

import (
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// The hint names what was meant, with the user's own host, port and path, and what it
// names is a check.
func TestMeant(t *testing.T) {
	for in, want := range map[string]string{
		":3000/up":                  "http://:3000/up",
		":3000":                     "http://:3000/ or tcp://:3000",
		"3000":                      "http://:3000/ or tcp://:3000",
		"$PORT":                     "http://:$PORT/ or tcp://:$PORT",
		":${PORT:-8080}":            "http://:${PORT:-8080}/ or tcp://:${PORT:-8080}",
		"localhost:8080/x":          "http://localhost:8080/x",
		"127.0.0.1:$PORT/x":         "http://127.0.0.1:$PORT/x",
		"[::1]:8080":                "http://[::1]:8080",
		"Auto":                      "auto",
		"AUTO":                      "auto",
		"Auto:8080,$PORT":           "auto:8080,$PORT",
		"healthz":                   `["-path","/healthz","auto"]`,
		"/livez":                    `["-path","/livez","auto"]`,
		"unix:/run/x":               "unix:///run/x",
		"file:/tmp/x":               "file:///tmp/x",
		"file:/tmp/x?max_age=1m":    "file:///tmp/x?max_age=1m",
		"http+unix:/run/a.sock:/up": "http+unix:///run/a.sock:/up",
		"http:/:8080/x":             "http://:8080/x",
		"http//:8080/x":             "http://:8080/x",
		"http:8080":                 "http://:8080",
		"http:8080/x":               "http://:8080/x",
		"tcp:5432":                  "tcp://:5432",
		"grpc:9090":                 "grpc://:9090",
		"HTTP://:8080/x":            "http://:8080/x",
		"Tcp://:8080":               "tcp://:8080",
		"example.com:8080/x":        "http://:8080/healthz or tcp://:8080",
		"http:/example.com:8080/up": "http://:8080/healthz or tcp://:8080",
	} {
		_, err := health.ParseTest(in)
		if err == nil || hint.Of(err) != "write "+want {
			t.Errorf("ParseTest(%q): %v, hint %q, want %q", in, err, hint.Of(err), "write "+want)
			continue
		}
		for _, target := range strings.Split(want, " or ") {
			if _, err := health.ParseTest(target); err != nil {
				t.Errorf("ParseTest(%q) names %q: %v", in, target, err)
			}
		}
	}
	for _, shell := range []string{"up --check", "/healthz.sh", "ping localhost", "test -f /tmp/x", "/app/http:check"} {
		if got, err := health.ParseTest(shell); err != nil || got.Kind != health.Shell {
			t.Errorf("ParseTest(%q) = %v, %v, want a shell command", shell, got, err)
		}
	}
}
