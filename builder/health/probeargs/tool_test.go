package probeargs

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestParseAs(t *testing.T) {
	all, noErrors := []StatusRange{{200, 999}}, []StatusRange{{200, 399}}
	local := func(scheme string, port uint16, path string) []Target {
		return []Target{{Scheme: scheme, Port: port, Path: path}}
	}
	root := local("http", 80, "/")
	curl := func(cmd Command) Command {
		cmd.Tool, cmd.Log, cmd.Whole = "curl", true, cmd.Method != "HEAD"
		return cmd
	}
	wget := func(cmd Command) Command {
		cmd.Tool, cmd.Log, cmd.Whole, cmd.Status, cmd.Follow = "wget", true, cmd.Method != "HEAD", []StatusRange{{200, 300}}, 20
		return cmd
	}
	tests := []struct {
		line string
		want Command
	}{
		{"curl localhost", curl(Command{Targets: root, Status: all})},
		{"curl -f http://localhost:8080/", curl(Command{Targets: local("http", 8080, "/"), Status: noErrors})},
		{"curl -fsS -o /dev/null http://localhost:8080/healthz", curl(Command{Targets: local("http", 8080, "/healthz"), Status: noErrors})},
		{"curl --fail --silent --show-error --max-time 2 localhost", curl(Command{Targets: root, Status: noErrors, Timeout: 2 * Second})},
		{"curl -sf -H Host:x localhost", curl(Command{Targets: root, Status: noErrors, Header: []Header{{"Host", "x"}}})},
		{"curl -f -u user:pass:word localhost", curl(Command{Targets: root, Status: noErrors, Header: []Header{{"Authorization", "Basic dXNlcjpwYXNzOndvcmQ="}}})},
		{"curl -uu: -H authorization:x --tlsv1.2 --http2 localhost", curl(Command{Targets: root, Status: all, Header: []Header{{"authorization", "x"}}})},
		{"wget -qO- --user=u --http-password p localhost", wget(Command{Targets: root, Header: []Header{{"Authorization", "Basic dTpw"}}})},
		{"wget -qO- --http-user u --password=p localhost", wget(Command{Targets: root, Header: []Header{{"Authorization", "Basic dTpw"}}})},
		{"curl -k https://localhost", curl(Command{Targets: local("https", 443, "/"), Status: all, Insecure: true})},
		{"curl -kf https://localhost:8443/up", curl(Command{Targets: local("https", 8443, "/up"), Status: noErrors, Insecure: true})},
		{"curl --cacert ca.pem -E c.pem HTTPS://127.0.0.1", curl(Command{Targets: []Target{{Scheme: "https", Host: "127.0.0.1", Port: 443, Path: "/"}},
			Status: all, CACert: "ca.pem", Cert: "c.pem", Key: "c.pem"})},
		{"curl --cert c.pem --key k.pem --cacert ca.pem --insecure https://[::1]:1", curl(Command{Targets: []Target{{Scheme: "https", Host: "::1", Port: 1, Path: "/"}},
			Status: all, Insecure: true, Cert: "c.pem", Key: "k.pem"})},
		{"curl -I localhost", curl(Command{Targets: root, Status: all, Method: "HEAD"})},
		{"curl -m.5 -A a localhost -A b", curl(Command{Targets: root, Status: all, Timeout: 500 * Millisecond, Header: []Header{{"User-Agent", "b"}}})},
		{"curl -m 2 -m 0 localhost", curl(Command{Targets: root, Status: all})},
		{"curl -L localhost -X PUT", curl(Command{Targets: root, Status: all, Method: "PUT", AsTool: AsTool{Follow: 50}})},
		{"curl -L --max-redirs 3 -4 localhost", curl(Command{Targets: root, Status: all, AsTool: AsTool{Follow: 3, Family: 4}})},
		{"curl -gfm2 http://localhost/{a}", curl(Command{Targets: local("http", 80, "/{a}"), Status: noErrors, Timeout: 2 * Second})},
		{"curl --unix-socket /run/app.sock http://localhost/", curl(Command{Targets: []Target{{Scheme: "http+unix", Socket: "/run/app.sock", Path: "/"}}, Status: all})},
		{"curl --abstract-unix-socket app http://app:1/x", curl(Command{Targets: []Target{{Scheme: "http+unix", Socket: "@app", Path: "/x"}}, Status: all,
			Header: []Header{{"Host", "app:1"}}})},
		{"curl localhost/../a/./b/../c/?d=/../#e", curl(Command{Targets: local("http", 80, "/a/c/?d=/../"), Status: all})},

		{"wget -q --spider localhost", func() Command {
			cmd := wget(Command{Targets: root, Method: "HEAD"})
			cmd.OrGet = true
			return cmd
		}()},
		{"wget --no-verbose --tries=1 --spider localhost", wget(Command{Targets: root, Method: "HEAD"})},
		{"wget -qO- localhost", wget(Command{Targets: root})},
		{"wget -T 2 -t 1 -O /dev/null localhost", wget(Command{Targets: root, Timeout: 2 * Second})},
		{"wget --no-check-certificate https://localhost/up", wget(Command{Targets: local("https", 443, "/up"), Insecure: true})},
		{"wget --ca-certificate=ca.pem --certificate=c.pem --private-key k.pem https://localhost", wget(Command{Targets: local("https", 443, "/"),
			CACert: "ca.pem", Cert: "c.pem", Key: "k.pem"})},
		{"wget -qnv --header=A:b --method=PUT --user-agent u localhost", wget(Command{Targets: root, Method: "PUT",
			Header: []Header{{"A", "b"}, {"User-Agent", "u"}}})},
		{"wget --header=user-agent:h -U u -6 localhost localhost:1", func() Command {
			cmd := wget(Command{Targets: append(local("http", 80, "/"), local("http", 1, "/")...), Header: []Header{{"user-agent", "h"}}})
			cmd.Family = 6
			return cmd
		}()},
		{"wget --max-redirect=0 -- localhost", func() Command {
			cmd := wget(Command{Targets: root})
			cmd.Follow = 0
			return cmd
		}()},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			argv := strings.Fields(tt.line)
			got, known, err := ParseAs("/usr/bin/"+argv[0], argv[1:])
			if err != nil || !known {
				t.Fatalf("known %v, error %v", known, err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNoProxy(t *testing.T) {
	if _, _, err := ParseAs("curl", []string{"-x", "", "--proxy", "", "localhost"}); err != nil {
		t.Error(err)
	}
}

func TestParseAsErrors(t *testing.T) {
	tests := []struct{ line, want string }{ // arguments are separated by |
		{"curl", "no URL is given"},
		{"curl|-f", "no URL is given"},
		{"curl|a|b", "several URLs are given, of which only the last would count: write one"},
		{"curl|-z|x", `option "-z" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|-fz", `option "-z" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|-f\x00", `option "-\x00" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|-O", `option "-O" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|--no-such", `option "--no-such" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|--version", `option "--version" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|--max-time=2", `option "--max-time=2" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"curl|--", "no URL is given"},
		{"curl|--|-f", `URL "-f": host "-f" is not this container: write localhost`},
		{"curl|-", `URL "-": host "-" is not this container: write localhost`},
		{"curl|", `URL "": the host is missing: write localhost`},
		{"curl|-m", "option -m needs a value"},
		{"curl|-m|1m", `option -m: "1m" is not a number of seconds`},
		{"curl|-m|", `option -m: "" is not a number of seconds`},
		{"curl|-m|1h2", `option -m: "1h2" is not a number of seconds`},
		{"curl|-m|-1", `option -m: "-1" is not a number of seconds`},
		{"curl|-m|1e0", `option -m: "1e0" is not a number of seconds`},
		{"curl|-m|0.0001", `option -m: "0.0001s" is not between 1ms and 24h`},
		{"curl|--max-time|86401", `option --max-time: "86401s" is not between 1ms and 24h`},
		{"curl|--retry|x", `option --retry: "x" is not a number`},
		{"curl|-o|out", `option -o: the probe writes no files, and "out" is neither /dev/null nor -`},
		{"curl|-w|%{http_code}", "option -w: the probe prints nothing when all is well"},
		{"curl|-X|HEAD", "option -X: curl would wait for a body, which an answer to HEAD does not have: write -I"},
		{"curl|-X|A B", `option -X: "A B" is not an HTTP method`},
		{"curl|-H|Accept:", `option -H: leaving out the field "Accept" is not supported`},
		{"curl|-H|X", `option -H: there is no colon: write "Name: value"`},
		{"curl|-u|s3cret", "option -u: there is no password: write user:password"},
		{"curl|--user|\n:s3cret", "option --user: it holds a control character"},
		{"curl|-u|:s3cret", "option -u: the value is empty"},
		{"curl|-x|http://proxy:1", "option -x: the probe asks no proxy"},
		{"curl|-A|", "option -A: the value is empty"},
		{"curl|-A|a\r\nX: y", "option -A: it holds a control character"},
		{"curl|-L|--max-redirs|0|localhost", "option --max-redirs 0 forbids what -L is for: leave one out"},
		{"curl|--max-redirs|51", `option --max-redirs: "51" is not a number from 0 to 50`},
		{"curl|--max-redirs|-1", `option --max-redirs: "-1" is not a number from 0 to 50`},
		{"curl|--cert|c.pem:pw", "option --cert: passwords are not supported"},
		{"curl|--cacert|", "option --cacert: the value is empty"},
		{"curl|--unix-socket|run/s", "option --unix-socket: the socket's name does not begin with /"},
		{"curl|--unix-socket|", "option --unix-socket: the value is empty"},
		{"curl|--abstract-unix-socket|", "option --abstract-unix-socket: the value is empty"},
		{"curl|--unix-socket|@s", "option --unix-socket: the socket's name does not begin with /"},
		{"curl|--unix-socket|/a:b", "option --unix-socket: the socket's name holds one of :, % and #, or a control character"},
		{"curl|--unix-socket|/" + strings.Repeat("x", 107), "option --unix-socket: the socket's name is longer than 107 bytes"},
		{"curl|--unix-socket|/s|https://localhost", `URL "https://localhost": scheme "https" is not supported here`},
		{"curl|--unix-socket|/s|http:///", `URL "http:///": the host is missing: write localhost`},
		{"curl|ftp://localhost", `URL "ftp://localhost": scheme "ftp" is not supported here`},
		{"curl|http://:80/", `URL "http://:80/": the host is missing: write localhost`},
		{"curl|http://app/", `URL "http://app/": host "app" is not this container: write localhost`},
		{"curl|http://10.0.0.1/", `URL "http://10.0.0.1/": host "10.0.0.1" is not this container: write localhost`},
		{"curl|http://u:p@localhost/", `URL "http://...@localhost/": it holds a user: send a header Authorization`},
		{"curl|u:p@app/", `URL "...@app/": it holds a user: send a header Authorization`},
		{"curl|localhost:0", `URL "localhost:0": port "0" is not a number from 1 to 65535`},
		{"curl|localhost:x", `URL "localhost:x": port "x" is not a number from 1 to 65535`},
		{"curl|localhost/a b", `URL "localhost/a b": the request path holds a character that must be percent-encoded`},
		{"curl|localhost/a\n", `URL "localhost/a\n": it holds a control character`},
		{"curl|localhost/{a,b}", `URL "localhost/{a,b}": it stands for several, or is malformed: write -g to mean it as it is`},
		{"curl|-4|http://[::1]/", `URL "http://[::1]/": the host is not an address of IPv4`},
		{"curl|-6|127.0.0.1", `URL "127.0.0.1": the host is not an address of IPv6`},

		{"curl|-4|-6|localhost", "options -4 and -6 exclude each other"},

		{"wget", "no URL is given"},
		{"wget|-6|--inet4-only|localhost", "options -4 and -6 exclude each other"},
		{"wget|--spider=on|x", "option --spider takes no value"},
		{"wget|--=x", `option "--" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"wget|-nd", `option -n: "d" is not supported`},
		{"wget|-t|x", `option -t: "x" is not a number`},
		{"wget|--tries=", `option --tries: "" is not a number`},
		{"wget|-T|1m", `option -T: "1m" is not a number of seconds`},
		{"wget|-Y|maybe", `option -Y: "maybe" is not supported`},
		{"wget|-O|index.html", `option -O: the probe writes no files, and "index.html" is neither /dev/null nor -`},
		{"wget|--post-data=x", `option "--post-data" is not supported: leave it out, or call healthcheck with flags of its own`},
		{"wget" + strings.Repeat("|localhost", 17), "too many URLs: the probe checks at most 16"},
		{"wget|localhost|app", `URL "app": host "app" is not this container: write localhost`},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			argv := strings.Split(tt.line, "|")
			cmd, known, err := ParseAs(argv[0], argv[1:])
			if err == nil || !known {
				t.Fatalf("no error, but %+v, %v", cmd, known)
			}
			if diff := cmp.Diff(argv[0]+": "+tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFlag(t *testing.T) {
	for name, want := range map[string][3]string{
		"-cacert":     {"-cacert", "--cacert", "--ca-certificate"},
		"-insecure":   {"-insecure", "--insecure", "--no-check-certificate"},
		"-cert":       {"-cert", "--cert", "--certificate"},
		"-key":        {"-key", "--key", "--private-key"},
		"-servername": {"-servername", "healthcheck's -servername", "healthcheck's -servername"},
	} {
		for i, tool := range []string{"", "curl", "wget"} {
			if got := (AsTool{Tool: tool}).Flag(name); got != want[i] {
				t.Errorf("%s: %s is %s, want %s", tool, name, got, want[i])
			}
		}
	}
}

func TestParseAsNames(t *testing.T) {
	for name, want := range map[string]bool{
		"curl": true, "/usr/bin/curl": true, "./wget": true, `C:\bin\wget.exe`: true, "curl.exe": true,
		"": false, "healthcheck": false, "/usr/bin/healthcheck": false, "mycurl": false, "curl/": false, "curl2": false, "CURL": false,
	} {
		if _, known, _ := ParseAs(name, []string{"localhost"}); known != want {
			t.Errorf("%q: %v", name, known)
		}
	}
}

func TestRedirect(t *testing.T) {
	from := Target{Scheme: "http", Host: "127.0.0.1", Port: 8080, Path: "/a/b?c"}
	socket := Target{Scheme: "http+unix", Socket: "/s", Path: "/a/b?c"}
	tests := []struct {
		from     Target
		to, want string
	}{
		{from, "/x?y#z", "http://127.0.0.1:8080/x?y"},
		{from, "x", "http://127.0.0.1:8080/a/x"},
		{from, "../x/./y/..", "http://127.0.0.1:8080/x/"},
		{from, "../../..", "http://127.0.0.1:8080/"},
		{from, ".", "http://127.0.0.1:8080/a/"},
		{from, "?x=/..", "http://127.0.0.1:8080/a/b?x=/.."},
		{from, "#x", "http://127.0.0.1:8080/a/b?c"},
		{from, "x?u=http://y", "http://127.0.0.1:8080/a/x?u=http://y"},
		{from, "//localhost:1", "http://:1/"},
		{from, "HTTP://[::1]/x", "http://[::1]:80/x"},
		{from, "http://localhost:9090/x", "http://:9090/x"},
		{from, "https://localhost/x", "https://:443/x"},
		{from, "//example.org/", `host "example.org" is not this container: write localhost`},
		{from, "http:///x", "the host is missing: write localhost"},
		{from, "ftp://localhost/", `scheme "ftp" is not supported here`},
		{from, "/a b", `the request path holds a character that must be percent-encoded`},
		{from, "x\x01", `the request path holds a character that must be percent-encoded`},
		{socket, "/x", "http+unix:///s:/x"},
		{socket, "http://any/x", "http+unix:///s:/x"},
		{socket, "//any:1", "http+unix:///s:/"},
		{socket, "https://any/x", `scheme "https" is not supported here`},
	}
	for _, tt := range tests {
		got := tt.from
		err := got.Redirect(tt.to)
		text := got.String()
		if err != nil {
			text = err.Error()
		}
		if text != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.from, tt.to, text, tt.want)
		}
	}
}

// checkSafe checks that a target stays in the container, cannot break a request apart
// and is read the same again from what it prints.
func checkSafe(t *testing.T, target Target) {
	t.Helper()
	checkRoundTrip(t, target)
	if !loopbackOnly(target) {
		t.Errorf("%+v leaves the container", target)
	}
	if target.Path[0] != '/' || strings.ContainsAny(target.Path, " \r\n#") {
		t.Errorf("%+v breaks the request apart", target)
	}
}

func loopbackOnly(t Target) bool {
	return t.Host == "" || t.Host == "::1" || strings.HasPrefix(t.Host, "127.")
}

func fuzzTool(f *testing.F, tool string) {
	f.Fuzz(func(t *testing.T, args string) {
		cmd, known, err := ParseAs(tool, strings.Split(args, "\n"))
		if err != nil || !known {
			if msg := err.Error(); !strings.HasPrefix(msg, tool+": ") || strings.ContainsFunc(msg, unicode.IsControl) {
				t.Errorf("not a harmless line: %q", msg)
			}
			return
		}
		if len(cmd.Targets) == 0 || len(cmd.Targets) > maxTargets || len(cmd.Status) == 0 {
			t.Errorf("%+v checks nothing", cmd)
		}
		for _, target := range cmd.Targets {
			checkSafe(t, target)
		}
		for _, h := range cmd.Header {
			if strings.ContainsAny(h.Name, ": \r\n") || strings.ContainsAny(h.Value, "\r\n\x00") {
				t.Errorf("%+v breaks the request apart", h)
			}
		}
		if cmd.Timeout < 0 || cmd.Timeout > maxTimeout || cmd.Follow < 0 || cmd.Follow > maxFollow {
			t.Errorf("%+v has no end", cmd)
		}
	})
}

// FuzzCurl shows that a command line of curl is refused in one harmless line that
// begins with its name, or else stays in the container.
func FuzzCurl(f *testing.F) {
	for _, seed := range []string{
		"-fsSo/dev/null\n-m2.5\nhttp://localhost:8080/../x?y#z", "-H\nHost: x\n-XPOST\nlocalhost", "-L4g\n--max-redirs\n3\nHTTP://[::1]:/",
		"--unix-socket\n/run/a\nhttp://any:1/", "--abstract-unix-socket\na\n--\nany", "-kE\nc\n--key\nk\nhttps://127.0.0.1",
	} {
		f.Add(seed)
	}
	fuzzTool(f, "curl")
}

// FuzzWget is FuzzCurl for wget.
func FuzzWget(f *testing.F) {
	for _, seed := range []string{
		"-qO-\n-T\n2\n-t1\nhttp://localhost:8080/./x?y#z\nlocalhost", "-qnv\n--spider\n--header=X: y\n--user-agent=\nlocalhost",
		"--max-redirect=0\n--proxy=off\n-6\nhttp://[::1]:1", "--no-check-certificate\n--tries=inf\nhttps://127.0.0.1/a/../..",
	} {
		f.Add(seed)
	}
	fuzzTool(f, "wget")
}

// FuzzRedirect shows that no server can lead the probe out of the container.
func FuzzRedirect(f *testing.F) {
	for _, seed := range []string{"/x?y#z", "../a/./b", "?q", "//localhost:1/", "HTTPS://[::1]/x", "http://example.org", "a?b=http://c", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, location string) {
		for _, s := range []string{"http://:8080/a/b?c", "http+unix:///run/app.sock:/a"} {
			target, err := parseTarget(s)
			if err != nil {
				t.Fatal(err)
			}
			socket := target.Socket
			if target.Redirect(location) != nil {
				continue
			}
			checkSafe(t, target)
			if target.Socket != socket {
				t.Errorf("%q leads from %s to %s", location, s, target)
			}
		}
	})
}
