package probeargs

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzParse shows that a command line is refused in one harmless line, or else that
// each of its targets is read the same again from what it prints, stays in the
// container, and cannot break a request apart.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"-status\n200-299,301\n-header\nA: b\nhttp://localhost:8080/x?y",
		"-timeout=2s\n--log=false\n--\ntcp://[::1]:1\nhttp+unix://@a:/b",
		"http://:${PORT:-8080}/$A$$\nunix:///a",
		"auto\n-path=/up\n-json\n-v",
		"file:///a?max_age=1.5h\n-body=$",
		"-servername=a.b\n-cert=/c\n-key=/k\nhttps://:1/a\ngrpcs://:2",
		"-http2\n-insecure\n-header=a:b\ngrpc://[::1]:1/a.B\nhttps://:1",
		"http://127.0.0.1:80#\nhttp+unix://%2fa/b",
	} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, args, value string) {
		cmd, err := Parse(strings.Split(args, "\n"), func(name, def string) (string, error) { return value + def, nil })
		if err != nil {
			if msg := err.Error(); msg == "" || strings.ContainsFunc(msg, unicode.IsControl) {
				t.Errorf("not a harmless line: %q", msg)
			}
			return
		}
		for _, target := range cmd.Targets {
			checkRoundTrip(t, target)
			if target.Host != "" && target.Host != "::1" && !strings.HasPrefix(target.Host, "127.") {
				t.Errorf("%+v leaves the container", target)
			}
			if target.isHTTP() && (target.Path[0] != '/' || strings.ContainsAny(target.Path, " \r\n")) {
				t.Errorf("%+v breaks the request apart", target)
			}
			if target.IsGRPC() && (len(target.Path) > maxService || strings.ContainsFunc(target.Path, unicode.IsSpace)) {
				t.Errorf("%+v is not a service", target)
			}
		}
		if strings.ContainsAny(cmd.Path, " \r\n") {
			t.Errorf("path %q breaks the request apart", cmd.Path)
		}
		for _, h := range cmd.Header {
			if strings.ContainsAny(h.Name, ": \r\n") || strings.ContainsAny(h.Value, "\r\n\x00") {
				t.Errorf("%+v breaks the request apart", h)
			}
		}
	})
}
