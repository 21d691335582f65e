package probeargs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in, out string // out is the canonical form; "" means in
		want    Target
	}{
		{"http://:8080", "http://:8080/", Target{Scheme: "http", Port: 8080, Path: "/"}},
		{"http://localhost:8080/", "http://:8080/", Target{Scheme: "http", Port: 8080, Path: "/"}},
		{"http://LocalHost:08080/", "http://:8080/", Target{Scheme: "http", Port: 8080, Path: "/"}},
		{"http://127.0.0.1:80/a:b/%20@?c=[d]&e=/", "", Target{Scheme: "http", Host: "127.0.0.1", Port: 80, Path: "/a:b/%20@?c=[d]&e=/"}},
		{"http://[::1]:65535?x", "http://[::1]:65535/?x", Target{Scheme: "http", Host: "::1", Port: 65535, Path: "/?x"}},
		{"tcp://:1", "", Target{Scheme: "tcp", Port: 1}},
		{"http://0.0.0.0:80", "http://127.0.0.1:80/", Target{Scheme: "http", Host: "127.0.0.1", Port: 80, Path: "/"}},
		{"tcp://[::]:80", "tcp://[::1]:80", Target{Scheme: "tcp", Host: "::1", Port: 80}},
		{"tcp://127.255.0.9:1", "", Target{Scheme: "tcp", Host: "127.255.0.9", Port: 1}},
		{"https://:8443/up?x", "", Target{Scheme: "https", Port: 8443, Path: "/up?x"}},
		{"https://[::1]:8443", "https://[::1]:8443/", Target{Scheme: "https", Host: "::1", Port: 8443, Path: "/"}},
		{"grpc://:50051", "", Target{Scheme: "grpc", Port: 50051}},
		{"grpc://localhost:50051/", "grpc://:50051", Target{Scheme: "grpc", Port: 50051}},
		{"grpcs://127.0.0.1:443/my.package.Service", "", Target{Scheme: "grpcs", Host: "127.0.0.1", Port: 443, Path: "my.package.Service"}},
		{"grpc://:1//a/b", "", Target{Scheme: "grpc", Port: 1, Path: "/a/b"}},
		{"auto", "", Target{Scheme: "auto"}},
		{"auto:8080,1,65535", "", Target{Scheme: "auto", Path: "8080,1,65535"}},
		{"unix:///run/app.sock", "", Target{Scheme: "unix", Socket: "/run/app.sock"}},
		{"unix:///run/my app:é.sock", "", Target{Scheme: "unix", Socket: "/run/my app:é.sock"}},
		{"unix://@name", "", Target{Scheme: "unix", Socket: "@name"}},
		{"http+unix:///run/app.sock:/a:b?c", "", Target{Scheme: "http+unix", Socket: "/run/app.sock", Path: "/a:b?c"}},
		{"http+unix:///run/d.sock/s:/x", "", Target{Scheme: "http+unix", Socket: "/run/d.sock/s", Path: "/x"}},
		{"http+unix:///run/app.sock", "http+unix:///run/app.sock:/", Target{Scheme: "http+unix", Socket: "/run/app.sock", Path: "/"}},
		{"http+unix://@name:?x", "http+unix://@name:/?x", Target{Scheme: "http+unix", Socket: "@name", Path: "/?x"}},
		{"file:///tmp/a live", "", Target{Scheme: "file", Path: "/tmp/a live"}},
		{"file:///tmp/alive?max_age=1m30s", "file:///tmp/alive?max_age=90s", Target{Scheme: "file", Path: "/tmp/alive", MaxAge: 90 * Second}},
		{"file:///tmp/alive?max_age=1.5s", "file:///tmp/alive?max_age=1500ms", Target{Scheme: "file", Path: "/tmp/alive", MaxAge: 1500 * Millisecond}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := parseTarget(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if tt.out == "" {
				tt.out = tt.in
			}
			if got.String() != tt.out {
				t.Errorf("String() = %q, want %q", got, tt.out)
			}
			checkRoundTrip(t, got)
		})
	}
}

func checkRoundTrip(t *testing.T, target Target) {
	t.Helper()
	target.Shown = ""
	again, err := parseTarget(target.String())
	if err != nil || again != target {
		t.Errorf("%+v is written %q and read %+v, %v", target, target, again, err)
	}
}

func TestParseTargetErrors(t *testing.T) {
	const (
		inPath = `holds a character that must be percent-encoded`
	)
	tests := []struct{ in, want string }{
		{"", "there is no scheme: write one, such as http://:8080/healthz or tcp://:8080"},
		{"localhost:8080", "there is no scheme: write one, such as http://:8080/healthz or tcp://:8080"},
		{"http:/:8080", "there is no scheme: write one, such as http://:8080/healthz or tcp://:8080"},
		{"ftp://:21", `unknown scheme "ftp": there are auto, http, https, tcp, unix, http+unix, grpc, grpcs and file`},
		{"HTTP://:80", `unknown scheme "HTTP": there are auto, http, https, tcp, unix, http+unix, grpc, grpcs and file`},
		{"auto://:80", `port "//:80" is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz`},

		{"http://app:8080/up", `host "app" is not this container: leave it out, as in "http://:8080/up"`},
		{"tcp://9090", `a colon stands before the port: write "tcp://:9090"`},
		{"http://9090/up", `a colon stands before the port: write "http://:9090/up"`},
		{"http://example.org/up", `host "example.org" is not this container: leave it out, as in "http://:8080/up"`},
		{"http://10.0.0.1:80", `host "10.0.0.1" is not this container: leave it out, as in "http://:80"`},
		{"tcp://::0:80", `host "::0" is not this container: leave it out, as in "tcp://:80"`},
		{"tcp://::1:80", `host "::1" is not this container: leave it out, as in "tcp://:80"`},
		{"tcp://[::1", `host "[:" is not this container: leave it out, as in "tcp://:1"`},
		{"tcp://127.0.0.1.:80", `host "127.0.0.1." is not this container: leave it out, as in "tcp://:80"`},
		{"tcp://127.0.1:80", `host "127.0.1" is not this container: leave it out, as in "tcp://:80"`},
		{"tcp://127.0.0.256:80", `host "127.0.0.256" is not this container: leave it out, as in "tcp://:80"`},
		{"tcp://127.0.0.01:80", `host "127.0.0.01" is not this container: leave it out, as in "tcp://:80"`},
		{"http:///up", `the port is missing: write "http://:8080/up"`},
		{"http://:/up", `the port is missing: write "http://:8080/up"`},
		{"http://localhost/up", `the port is missing: write "http://:8080/up"`},
		{"tcp://[::1]", `the port is missing: write "tcp://:8080"`},
		{"tcp://:0", `port "0" is not a number from 1 to 65535`},
		{"tcp://:65536", `port "65536" is not a number from 1 to 65535`},
		{"tcp://:99999999999999999999", `port "99999999999999999999" is not a number from 1 to 65535`},
		{"tcp://:+1", `port "+1" is not a number from 1 to 65535`},
		{"http://:http/", `port "http" is not a number from 1 to 65535`},
		{"http://user:pw@localhost:80/", `a target holds no user: write -header "Authorization: …"`},
		{"http://:80/#top", "a check has no fragment: leave out what begins with #"},
		{"http://:80/a b", `the request path ` + inPath},
		{"http://:80/é", `the request path ` + inPath},
		{"http://:80/\r\nX: y", "it holds a control character"},
		{"http://:80/\x7f", "it holds a control character"},
		{"tcp://:80/", "tcp:// has no path: it only connects"},

		{"https:///up", `the port is missing: write "https://:8080/up"`},
		{"grpc://:1?x", "grpc:// has no query: write grpc://:50051/my.package.Service"},
		{"grpcs://:1/svc?x", "grpcs:// has no query: write grpcs://:50051/my.package.Service"},
		{"grpc://app:1/svc", `host "app" is not this container: leave it out, as in "grpc://:1/svc"`},
		{"grpc://:1/" + strings.Repeat("x", 1001), `"` + strings.Repeat("x", 500) + `"... is not the name of a service`},
		{"grpc://:1/a b", `"a b" is not the name of a service`},
		{"grpc://:1/é", `"é" is not the name of a service`},

		{"unix://run/app.sock", "the socket is neither a path nor abstract: write unix:///run/app.sock or unix://@name"},
		{"unix://@", "the socket is neither a path nor abstract: write unix:///run/app.sock or unix://@name"},
		{"unix://", "the socket is neither a path nor abstract: write unix:///run/app.sock or unix://@name"},
		{"true", "it is no target: a flag that can stand alone has its value behind =, as in -log=false"},
		{"unix:///run/app.sock:/healthz", `unix:// has no path: it only connects: write "http+unix:///run/app.sock:/healthz"`},
		{"http+unix:///run/app.sock/healthz?a", `a colon stands before the request path: write "http+unix:///run/app.sock:/healthz?a"`},
		{"unix:///a?b", "unix:// has no query: it only connects"},
		{"unix:///" + strings.Repeat("x", 107), "the socket's name is longer than 107 bytes"},
		{"http+unix://%2Frun%2Fapp.sock/up", "sockets are not percent-encoded: write http+unix:///run/app.sock:/healthz"},
		{"http+unix:///run/app.sock:80", `the request path does not begin with /`},
		{"http+unix://run/app.sock:/", "the socket is neither a path nor abstract: write http+unix:///run/app.sock or http+unix://@name"},

		{"file://tmp/alive", "the file's path does not begin with /: write file:///tmp/alive"},
		{"file:///tmp/alive?age=60s", `unknown option "age": file:// has max_age`},
		{"file:///tmp/alive?", `unknown option "": file:// has max_age`},
		{"file:///tmp/alive?max_age=60", `max_age "60" is not a duration such as 60s`},
		{"file:///tmp/alive?max_age=0s", `max_age "0s" is not a duration such as 60s`},
		{"file:///tmp/alive?max_age=1s&x=y", `max_age "1s&x=y" is not a duration such as 60s`},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := parseTarget(tt.in)
			if err == nil {
				t.Fatalf("no error, but %+v", got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
