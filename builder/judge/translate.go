package judge

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/quote"
)

// otherTool writes a check with curl for wget, or wget for curl, if only that one is in
// the image, and it says the same.
func (r *run) otherTool() []string {
	test := r.check.Test
	words := test[1:]
	if test[0] == "CMD-SHELL" {
		text, suffix := test[1], ""
		if cut, ok := strings.CutSuffix(strings.TrimSpace(text), "|| exit 1"); ok {
			text, suffix = strings.TrimSpace(cut), " || exit 1"
		}
		simple, ok := Words(text)
		if !ok {
			return nil
		}
		if other := otherWords(simple); other != nil {
			for i := range other {
				other[i] = quote.Shell(other[i])
			}
			return []string{"CMD-SHELL", strings.Join(other, " ") + suffix}
		}
		return nil
	}
	if other := otherWords(words); other != nil {
		return append([]string{"CMD"}, other...)
	}
	return nil
}

// otherWords is a call of curl for one of wget, or the other way round; nil if it is not
// known to do the same.
func otherWords(words []string) []string {
	switch baseName(words[0]) {
	case "curl":
		o := curlSyntax.parse(words[1:])
		if !o.only("f", "s", "S", "L", "fail", "silent", "show-error", "location", "o", "output") || len(o.operands) != 1 {
			return nil
		}
		if file, ok := o.value("o", "output"); ok && file != "/dev/null" {
			return nil
		}
		u := parseURL(words[1+o.operands[0]])
		return []string{"wget", "-q", "-O", "/dev/null", u.String()}
	case "wget":
		o := wgetSyntax.parse(words[1:])
		if !o.only("q", "O", "nv", "n", "quiet", "spider", "no-verbose", "output-document", "t", "tries") || len(o.operands) != 1 {
			return nil
		}
		return []string{"curl", "-fsS", "-o", "/dev/null", parseURL(words[1+o.operands[0]]).String()}
	}
	return nil
}

// only reports whether no options but these are given.
func (o options) only(names ...string) bool {
	return !slices.ContainsFunc(o.given, func(g given) bool { return !slices.Contains(names, g.name) })
}

// String returns the URL with its scheme.
func (u webURL) String() string {
	s := u.scheme + "://"
	if u.user != "" {
		s += u.user + "@"
	}
	s += u.host
	if u.port != "" {
		s += ":" + u.port
	}
	if u.path == "" {
		return s + "/"
	}
	return s + u.path
}

// probeInstead returns the arguments with which kohealth's probe checks the same, if
// that is sure: the check does nothing but to ask one thing.
func (r *run) probeInstead() ([]string, error) {
	if len(r.asked) != 1 || r.asked[0].probe == nil || !r.isOneCall() {
		return nil, nil
	}
	probe, err := r.withVariables(r.asked[0].probe)
	if err != nil || probe == nil {
		return nil, err
	}
	c := *r.container
	c.Files, c.Kohealth = nil, true
	found, err := judge(r.ctx, Check{append([]string{"CMD", health.ProbePath}, probe...), r.check.Timeout}, c)
	if err != nil || !isClean(found.verdicts()) {
		return nil, err
	}
	return probe, nil
}

// isOneCall reports whether the check is a single call, and fails when that does.
func (r *run) isOneCall() bool {
	test := r.check.Test
	if test[0] == "CMD" {
		d, isShell := shellNames[baseName(test[1])]
		return !isShell || d == ash && baseName(test[1]) == "busybox"
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(test[1]), "")
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Negated || file.Stmts[0].Background {
		return false
	}
	cmd := file.Stmts[0].Cmd
	if or, ok := cmd.(*syntax.BinaryCmd); ok && or.Op == syntax.OrStmt && !or.X.Negated && isFailure(or.Y) {
		cmd = or.X.Cmd
	}
	for range nodes[*syntax.CmdSubst](cmd) {
		return false
	}
	_, ok := cmd.(*syntax.CallExpr)
	return ok
}

// isFailure reports whether a command does nothing but fail.
func isFailure(s *syntax.Stmt) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(c.Args) == 0 {
		return false
	}
	return c.Args[0].Lit() == "false" || len(c.Args) == 2 && c.Args[0].Lit() == "exit" && c.Args[1].Lit() != "0"
}

// curlProbe returns the arguments with which the probe asks what curl asks, or nil.
func curlProbe(u webURL, o options) []string {
	var args []string
	for _, g := range o.given {
		switch g.name {
		case "f", "fail", "s", "silent", "S", "show-error", "L", "location", "g", "globoff", "i", "include", "no-progress-meter":
		case "o", "output":
			if g.value != "/dev/null" {
				return nil
			}
		case "k", "insecure":
			args = append(args, "-insecure")
		case "H", "header":
			args = append(args, "-header", dollars(g.value))
		case "X", "request":
			args = append(args, "-method", g.value)
		case "I", "head":
			args = append(args, "-method", "HEAD")
		case "m", "max-time":
			args = append(args, "-timeout", g.value+"s")
		case "connect-timeout", "retry", "retry-delay", "noproxy":
		default:
			return nil
		}
	}
	return append(args, u.target())
}

// wgetProbe is curlProbe for wget.
func wgetProbe(u webURL, o options) []string {
	var args []string
	for _, g := range o.given {
		switch g.name {
		case "q", "quiet", "nv", "n", "no-verbose", "t", "tries", "Y", "no-proxy", "S", "server-response", "no-cache":
		case "spider":
			args = append(args, "-method", "HEAD")
		case "O", "output-document":
			if g.value != "/dev/null" && g.value != "-" {
				return nil
			}
		case "no-check-certificate":
			args = append(args, "-insecure")
		case "header":
			args = append(args, "-header", dollars(g.value))
		case "T", "timeout":
			args = append(args, "-timeout", g.value+"s")
		default:
			return nil
		}
	}
	return append(args, u.target())
}

// dollars writes a text for the probe, which expands variables.
func dollars(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// target returns a URL as a target of the probe.
func (u webURL) target() string {
	host := ""
	if strings.Contains(u.host, ":") {
		host = u.host
	}
	port := u.port
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.scheme]
	}
	path, _, _ := strings.Cut(u.path, "#")
	return u.scheme + "://" + host + ":" + port + dollars(path)
}
