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
		":3000/up":                           "http://:3000/up",
		":3000":                              "http://:3000/ or tcp://:3000",
		"3000":                               "http://:3000/ or tcp://:3000",
		"$PORT":                              "http://:$PORT/ or tcp://:$PORT",
		":${PORT:-8080}":                     "http://:${PORT:-8080}/ or tcp://:${PORT:-8080}",
		"localhost:8080/x":                   "http://localhost:8080/x",
		"127.0.0.1:$PORT/x":                  "http://127.0.0.1:$PORT/x",
		"[::1]:8080":                         "http://[::1]:8080",
		"Auto":                               "auto",
		"AUTO":                               "auto",
		"Auto:8080,$PORT":                    "auto:8080,$PORT",
		"healthz":                            `["-path","/healthz","auto"]`,
		"/livez":                             `["-path","/livez","auto"]`,
		"unix:/run/x":                        "unix:///run/x",
		"file:/tmp/x":                        "file:///tmp/x",
		"file:/tmp/x?max_age=1m":             "file:///tmp/x?max_age=1m",
		"http+unix:/run/a.sock:/up":          "http+unix:///run/a.sock:/up",
		"http:/:8080/x":                      "http://:8080/x",
		"http//:8080/x":                      "http://:8080/x",
		"http:8080":                          "http://:8080",
		"http:8080/x":                        "http://:8080/x",
		"tcp:5432":                           "tcp://:5432",
		"grpc:9090":                          "grpc://:9090",
		"HTTP://:8080/x":                     "http://:8080/x",
		"Tcp://:8080":                        "tcp://:8080",
		"example.com:8080/x":                 "http://:8080/x",
		"http:/example.com:8080/up":          "http://:8080/up",
		"HTTP://":                            "http://:8080",
		"HTTPS://localhost:8443":             "https://localhost:8443",
		"localhost":                          "http://localhost:8080",
		"localhost/up":                       "http://localhost:8080/up",
		"8080/healthz":                       "http://:8080/healthz",
		"8080/tcp":                           "tcp://:8080",
		"api/v1/health":                      `["-path","/api/v1/health","auto"]`,
		`"http://:8080/"`:                    "http://:8080/",
		"unix:/run/x:/healthz":               "http+unix:///run/x:/healthz",
		"unix://run/app.sock":                "unix:///run/app.sock",
		"file://tmp/alive":                   "file:///tmp/alive",
		"http+unix://%2Frun%2Fa.sock:/up":    "http+unix:///run/a.sock:/up",
		"auto:8080/up":                       `["-path","/up","auto:8080"]`,
		"Auto/up":                            `["-path","/up","auto"]`,
		"auto:":                              "auto",
		"http://:PORT/x":                     "http://:$PORT/x",
		"http://:%PORT%/x":                   "http://:$PORT/x",
		"http://:{PORT}/x":                   "http://:$PORT/x",
		"http://:{{ PORT }}/x":               "http://:$PORT/x",
		"http://:$(PORT)/x":                  "http://:$PORT/x",
		"http://$PORT/x":                     "http://:$PORT/x",
		"http://localhost$PORT/x":            "http://localhost:$PORT/x",
		"http://:${PORT:8080}/x":             "http://:${PORT:-8080}/x",
		"http://:${PORT:=8080}/x":            "http://:${PORT:-8080}/x",
		"http://:8080/x || exit 1":           "http://:8080/x",
		"htp://:8080/x":                      "http://:8080/x",
		"ws://:8080/x":                       "http://:8080/x",
		"h2c://:8080/x":                      "http://:8080/x",
		`["-status","200","http://:PORT/x"]`: `["-status","200","http://:$PORT/x"]`,
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
	for _, shell := range []string{"up --check", "/healthz.sh", "ping localhost", "test -f /tmp/x", "/app/http:check", "true", "/app/health", "'/app/x'", "localhost --check"} {
		if got, err := health.ParseTest(shell); err != nil || got.Kind != health.Shell {
			t.Errorf("ParseTest(%q) = %v, %v, want a shell command", shell, got, err)
		}
	}
}
