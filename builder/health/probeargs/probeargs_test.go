package probeargs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// environment is a Lookup like the probe's.
func environment(vars map[string]string) Lookup {
	return func(name, def string) (string, error) {
		if v := vars[name]; v != "" {
			return v, nil
		}
		if def == "" {
			return "", errors.New("variable " + name + " is not set")
		}
		return def, nil
	}
}

var vars = environment(map[string]string{
	"PORT": "8080", "HOST": "localhost", "FLAG": "-log=false", "DOLLAR": "$PORT", "EVIL": "x\r\nX: y", "HEADER": "X-A: b", "LOGIN": "user:pw@x", "LAST": "up",
})

var up = Target{Scheme: "http", Port: 8080, Path: "/up"}

func TestParse(t *testing.T) {
	shown := func(path string) Target { t := up; t.Shown = path; return t }
	targets := []Target{up}
	tests := []struct {
		args []string
		want Command
	}{
		{[]string{"http://:8080/up"}, Command{Targets: targets, Log: true}},
		{[]string{"-status", "200-299,301", "http://:8080/up"},
			Command{Targets: targets, Status: []StatusRange{{200, 299}, {301, 301}}, Log: true}},
		{[]string{"http://:8080/up", "--status=204", "-log=false"}, Command{Targets: targets, Status: []StatusRange{{204, 204}}}},
		{[]string{"-header", "A: b:c ", "--header=d:", "http://:8080/up"},
			Command{Targets: targets, Header: []Header{{"A", "b:c"}, {"d", ""}}, Log: true}},
		{[]string{"-method=POST", "-body", "-ok-", "-timeout", "1m30.5s", "-log", "http://:8080/up"},
			Command{Targets: targets, Method: "POST", Body: "-ok-", Timeout: 90500 * Millisecond, Log: true}},
		{[]string{"-log=0", "--", "http://:8080/up"}, Command{Targets: targets}},
		{[]string{"http://:8080/up", "tcp://:1", "http://:8080/up"}, Command{Targets: []Target{up, {Scheme: "tcp", Port: 1}, up}, Log: true}},

		{[]string{"-http2", "-header=a: b", "http://:8080/up", "grpc://:1"}, Command{Targets: []Target{up, {Scheme: "grpc", Port: 1}},
			HTTP2: true, Header: []Header{{"a", "b"}}, Log: true}},
		{[]string{"-header=a: b", "grpc://:1/svc"}, Command{Targets: []Target{{Scheme: "grpc", Port: 1, Path: "svc"}}, Header: []Header{{"a", "b"}}, Log: true}},
		{[]string{"-insecure", "-servername=app.example.org", "-cert=/c", "-key", "/k", "https://:1"}, Command{
			Targets: []Target{{Scheme: "https", Port: 1, Path: "/"}}, Insecure: true, ServerName: "app.example.org", Cert: "/c", Key: "/k", Log: true}},
		{[]string{"-insecure=false", "-cacert=/ca", "-http2=false", "grpcs://:1", "http://:8080/up"}, Command{
			Targets: []Target{{Scheme: "grpcs", Port: 1}, up}, CACert: "/ca", Log: true}},
		{[]string{"auto"}, Command{Targets: []Target{{Scheme: "auto"}}, Log: true}},
		{[]string{"-path=${NONE:-/up}?x", "-status=200", "auto", "-json", "-v"}, Command{Targets: []Target{{Scheme: "auto"}}, Path: "/up?x", Shown: "${NONE:-/up}?x",
			Status: []StatusRange{{200, 200}}, Log: true, JSON: true, Verbose: true}},
		{[]string{"http://:8080/up", "-json=false", "-v=1"}, Command{Targets: targets, Log: true, Verbose: true}},

		{[]string{"http://$HOST:$PORT/up"}, Command{Targets: targets, Log: true}},
		{[]string{"http://${HOST}:${PORT:-1}/${NONE:-up}"}, Command{Targets: []Target{shown("/${NONE:-up}")}, Log: true}},
		{[]string{"http://:8080/$LAST?$$"}, Command{Targets: []Target{{Scheme: "http", Port: 8080, Path: "/up?$", Shown: "/$LAST?$"}}, Log: true}},
		{[]string{"http://:8080?t=$PORT"}, Command{Targets: []Target{{Scheme: "http", Port: 8080, Path: "/?t=8080", Shown: "?t=$PORT"}}, Log: true}},
		{[]string{"http+unix:///${LAST}:/$LAST"}, Command{Targets: []Target{{Scheme: "http+unix", Socket: "/up", Path: "/up", Shown: "/$LAST"}}, Log: true}},
		{[]string{"file:///$LAST"}, Command{Targets: []Target{{Scheme: "file", Path: "/up"}}, Log: true}},
		{[]string{"-path=/$LAST", "auto"}, Command{Targets: []Target{{Scheme: "auto"}}, Path: "/up", Shown: "/$LAST", Log: true}},
		{[]string{"-header=$HEADER", "-body", "$$PORT", "http://:8080/up"},
			Command{Targets: targets, Header: []Header{{"X-A", "b"}}, Body: "$PORT", Wanted: "$$PORT", Log: true}},
		{[]string{"-body", "$DOLLAR", "http://:8080/up"}, Command{Targets: targets, Body: "$PORT", Wanted: "$DOLLAR", Log: true}},
		{[]string{"-body", "$FLAG", "http://:8080/up"}, Command{Targets: targets, Body: "-log=false", Wanted: "$FLAG", Log: true}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got, err := Parse(tt.args, vars)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const known = ": there are -status -header -method -body -http2 -insecure -cacert -servername -cert -key -path -timeout -log -json -v"
	tests := []struct {
		args string // separated by |
		want string
	}{
		{"-stats|200|http://:1", `unknown flag "-stats"` + known},
		{"-|http://:1", `unknown flag "-"` + known},
		{"---status=200|http://:1", `unknown flag "--status"` + known},
		{"-$FLAG|http://:1", `unknown flag "-$FLAG"` + known},
		{"-json=yes|http://:1", `parsing flag -json: "yes" is neither true nor false`},
		{"-path=healthz|auto", `parsing flag -path: the request path does not begin with /`},
		{"-path=/a b|auto", `parsing flag -path: the request path holds a character that must be percent-encoded`},
		{"-path=/a|http://:1", `flag -path needs the target auto: other targets hold their path, as in http://:8080/healthz`},
		{"-status=200|auto", `flag -status needs a target that answers HTTP, such as http://:8080/healthz or, with -path, auto`},
		{"auto:/healthz", `parsing target "auto:/healthz": port "/healthz" is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz`},
		{"auto:", `parsing target "auto:": port "" is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz`},
		{"auto:1,", `parsing target "auto:1,": port "" is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz`},
		{"auto:1,65536", `parsing target "auto:1,65536": port "65536" is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz`},
		{"http://:1|-status", `flag -status needs a value`},
		{"-status=|http://:1", `parsing flag -status: the value is empty`},
		{"-status=200|-status=201|http://:1", `flag -status is given twice`},
		{"-log|-log=false|http://:1", `flag -log is given twice`},
		{"-log=maybe|http://:1", `parsing flag -log: "maybe" is neither true nor false`},
		{"-log|false|http://:1", `parsing target "false": it is no target: a flag that can stand alone has its value behind =, as in -log=false`},
		{"-status=20|http://:1", `parsing flag -status: "20" is neither a status from 200 to 599 nor a range of them such as 200-299`},
		{"-status=299-200|http://:1", `parsing flag -status: "299-200" is neither a status from 200 to 599 nor a range of them such as 200-299`},
		{"-status=200,|http://:1", `parsing flag -status: "" is neither a status from 200 to 599 nor a range of them such as 200-299`},
		{"-status=200-600|http://:1", `parsing flag -status: "200-600" is neither a status from 200 to 599 nor a range of them such as 200-299`},
		{"-status=100|http://:1", `parsing flag -status: "100" is neither a status from 200 to 599 nor a range of them such as 200-299`},
		{"-header=X|http://:1", `parsing flag -header: there is no colon: write "Name: value"`},
		{"-header=: x|http://:1", `parsing flag -header: what stands before the colon is not the name of a header`},
		{"-header=X Y: z|http://:1", `parsing flag -header: what stands before the colon is not the name of a header`},
		{"-header=X: $EVIL|http://:1", `parsing flag -header: the value of X holds a control character`},
		{"-header=content-length: 1|http://:1", `parsing flag -header: the request has no body, so it has no content-length`},
		{"-method=GET /|http://:1", `parsing flag -method: "GET /" is not an HTTP method`},
		{"-method=HEAD|-body=x|http://:1", `flag -body does not go with -method HEAD, whose responses have no body`},
		{"-body=" + strings.Repeat("x", MaxBody+1) + "|http://:1", `parsing flag -body: it is longer than the part of a body that is searched`},
		{"-timeout=5|http://:1", `parsing flag -timeout: "5" is not a duration such as 2s or 500ms`},
		{"-timeout=0s|http://:1", `parsing flag -timeout: "0s" is not between 1ms and 24h`},
		{"-timeout=25h|http://:1", `parsing flag -timeout: "25h" is not between 1ms and 24h`},
		{"-timeout=-1s|http://:1", `parsing flag -timeout: "-1s" is not a duration such as 2s or 500ms`},
		{"", `no target is given: write one, such as http://:8080/healthz`},
		{"-status=200", `no target is given: write one, such as http://:8080/healthz`},
		{strings.Repeat("tcp://:1|", 16) + "tcp://:1", `too many targets: the probe checks at most 16`},
		{"-status=200|tcp://:1", `flag -status needs a target that answers HTTP, such as http://:8080/healthz or, with -path, auto`},
		{"-body=x|grpc://:1", `flag -body needs a target that answers HTTP, such as http://:8080/healthz or, with -path, auto`},
		{"-http2|grpc://:1", `flag -http2 needs a target that answers HTTP, such as http://:8080/healthz or, with -path, auto`},
		{"-http2=yes|http://:1", `parsing flag -http2: "yes" is neither true nor false`},
		{"-header=a: b|tcp://:1", `flag -header needs a target that answers HTTP, such as http://:8080/healthz or, with -path, auto`},
		{"-insecure|http://:1|grpc://:1", `flag -insecure needs a target that speaks TLS, such as https://:8080/healthz`},
		{"-cacert=/ca|tcp://:1", `flag -cacert needs a target that speaks TLS, such as https://:8080/healthz`},
		{"-cacert=ca.pem|https://:1", `parsing flag -cacert: "ca.pem" does not begin with /`},
		{"-key=/a\nb|https://:1", `parsing flag -key: it holds a control character`},
		{"-servername=a b|https://:1", `parsing flag -servername: "a b" is not the name of a server`},
		{"-cert=/c|https://:1", `flags -cert and -key go together: the certificate and its key`},
		{"-key=/k|grpcs://:1", `flags -cert and -key go together: the certificate and its key`},
		{"-insecure|-cacert=/ca|https://:1", `flag -cacert does not go with -insecure, which verifies nothing`},

		{"--|-log|http://:1", `parsing target "-log": there is no scheme: write one, such as http://:8080/healthz or tcp://:8080`},

		{"http://:$NONE/", `parsing target "http://:$NONE/": variable NONE is not set`},
		{"$FLAG", `parsing target "-log=false": there is no scheme: write one, such as http://:8080/healthz or tcp://:8080 (it was written "$FLAG")`},
		{"http://:1/$EVIL", `parsing target "http://:1/$EVIL": it holds a control character`},
		{"http://$LOGIN@:1/", `parsing target "http://...@:1/": a target holds no user: write -header "Authorization: …" (it was written "http://...@:1/")`},
		{"http://user:pw@:$NONE/", `parsing target "http://...@:$NONE/": variable NONE is not set`},
		{"http://:1/$", `parsing target "http://:1/$": malformed variable "$": write $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar`},
		{"http://:1/$1", `parsing target "http://:1/$1": malformed variable "$1": write $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar`},
		{"-body=${PORT|http://:1", `parsing flag -body: malformed variable "${PORT": write $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar`},
	}
	for _, v := range []string{"${}", "${:-x}", "${1}", "${A B}", "${A-x}", "${A:x}", "${A:-}", "${A:-$B}", "${A:-${B}}"} {
		tests = append(tests, struct{ args, want string }{"-body|" + v + "|http://:1",
			`parsing flag -body: malformed variable "` + v + `": write $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar`})
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var args []string
			if tt.args != "" {
				args = strings.Split(tt.args, "|")
			}
			got, err := Parse(args, vars)
			if err == nil {
				t.Fatalf("no error, but %+v", got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestHealthy(t *testing.T) {
	def, list := &Command{}, &Command{Status: []StatusRange{{200, 204}, {404, 404}}}
	for status, want := range map[int][2]bool{
		101: {false, false}, 199: {false, false}, 200: {true, true}, 204: {true, true}, 205: {true, false},
		399: {true, false}, 400: {false, false}, 404: {false, true}, 999: {false, false},
	} {
		if got := [2]bool{def.Healthy(status), list.Healthy(status)}; got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
}

func TestNeedsTLS(t *testing.T) {
	for args, want := range map[string]bool{
		"http://:1 tcp://:1 grpc://:1 unix:///a": false, "http://:1 https://:1": true, "grpcs://:1": true, "http://:1/https://": false,
	} {
		cmd, err := Parse(strings.Split(args, " "), vars)
		if err != nil || cmd.NeedsTLS() != want {
			t.Errorf("%s: %v, want %v", args, err, want)
		}
	}
}
