package discover

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ko-health/kohealth/builder/health"
)

// A Proposal is a check that would suit the app.
type Proposal struct {
	Test     health.Test
	Evidence []Evidence // what speaks for it, in the order of weight
	Notes    []string   // what to know before it is taken
	score    int
}

// Evidence is a place in the source that a proposal rests on.
type Evidence struct {
	Position
	Source string // what stands there, shortened to a line
}

// Proposals returns the checks that suit the app, best first; none if it is not known
// to listen anywhere.
func (a *App) Proposals() []Proposal {
	p := &proposer{flow: a.flow, servers: a.flow.servers()}
	var routes []route
	routes, p.mounts = a.flow.routes()
	for _, r := range routes {
		places := p.places(r, p.mounts)
		p.all = append(p.all, places...)
		if rank, ok := healthRank(r.path); ok && !r.other {
			p.routes = append(p.routes, healthRoute{route: r, rank: rank, places: places})
		}
	}
	for _, s := range p.servers {
		for _, l := range s.addrs {
			p.propose(s, l)
		}
	}
	p.auto()
	slices.SortStableFunc(p.found, func(a, b Proposal) int { return cmp.Compare(b.score, a.score) })
	return p.merged()
}

// A proposer collects proposals.
type proposer struct {
	*flow
	servers []server
	mounts  []mount
	routes  []healthRoute
	all     []place // where there are routes of any kind
	found   []Proposal
}

// A healthRoute is a route that looks like one for health checks.
type healthRoute struct {
	route
	rank   int
	places []place
}

// How much speaks for a kind of proposal. A route that only tells whether the app is
// ready counts 50 less, 10 for each step of its rank.
const (
	scoreRoute  = 100 // a health route on a server that is known to have it
	scoreGRPC   = 95
	scoreGuess  = 90 // a health route, and a server that may have it
	scoreUnix   = 20
	scoreListen = 15
	scoreAuto   = 10

	scoreAutoUnknown = 25 // if there are servers of which it is not known where they listen
)

// propose adds what a server that listens somewhere speaks for.
func (p *proposer) propose(s server, l listening) {
	if l.tls && !s.tls {
		s.tls, s.versions = true, versions{} // the listener decides
	}
	at, notes := p.address(l)
	evidence := p.evidence(s, l)
	if at != "" && !l.unix && p.proposeGRPC(s, at, evidence, notes) && s.speaks == overGRPC {
		return
	}
	if s.speaks == overHTTP {
		for _, r := range p.routes {
			p.proposeRoute(s, l, r, at, evidence, notes)
		}
	}
	switch {
	case at == "":
	case l.unix:
		p.add(scoreUnix-len(notes), []string{"unix://" + at}, evidence, notes)
	case p.isAside(s):
		p.add(scoreListen-3, []string{"tcp://" + at}, evidence, notes)
	default:
		p.add(scoreListen-len(notes), []string{"tcp://" + at}, evidence, notes)
	}
}

// proposeGRPC adds a check of gRPC's health service, and tells whether the server has it
// and speaks HTTP/2.
func (p *proposer) proposeGRPC(s server, at string, evidence []Evidence, notes []string) bool {
	pos, ok := p.grpcHealth(s, p.mounts)
	if !ok || s.speaks == overHTTP && !s.versions.with2 {
		return false
	}
	scheme := "grpc"
	if s.tls || s.speaks == overGRPC && p.grpcTLS(s.grpc) {
		scheme, notes = "grpcs", append(slices.Clone(notes), noteTLS)
	}
	p.add(scoreGRPC, []string{scheme + "://" + at}, append([]Evidence{p.source(pos)}, evidence...), notes)
	return true
}

// isAside tells whether a server has nothing but metrics or what serves debugging.
func (p *proposer) isAside(s server) (aside bool) {
	for _, o := range s.handlers {
		if call, ok := o.(*ast.CallExpr); ok && strings.HasSuffix(packagePath(p.callee(call)), "/promhttp") {
			aside = true
		}
		for _, pl := range p.all {
			switch {
			case pl.router != o:
			case pl.path == "/metrics", strings.HasPrefix(pl.path, "/debug/"):
				aside = true
			default:
				return false
			}
		}
	}
	return aside
}

const noteTLS = "the certificate has to be good for localhost: name another with -servername, or give -insecure"

// proposeRoute adds a check of a route, if the server may have it.
func (p *proposer) proposeRoute(s server, l listening, r healthRoute, at string, evidence []Evidence, notes []string) {
	path, score := r.path, scoreGuess
	if len(r.places) > 0 {
		i := slices.IndexFunc(r.places, func(pl place) bool { return slices.Contains(s.handlers, pl.router) })
		if i < 0 && (p.isServed(r) || p.isAside(s)) {
			return // by another one
		}
		if i < 0 && p.countHTTP() > 1 {
			notes = append(slices.Clone(notes), "which of the app's servers has this route is not known")
		}
		if i >= 0 {
			path, score = r.places[i].path, scoreRoute
		}
	}
	score -= 10*r.rank + strings.Count(path, "/")
	if isReadiness(path) {
		notes = append(slices.Clone(notes), "it may tell whether what the app needs is there, and a restart does not bring that back")
	}
	evidence = append(p.sources(append([]token.Pos{r.pos}, r.from...)), evidence...)
	path = strings.ReplaceAll(path, "$", "$$")
	switch {
	case at == "" && l.unix:
	case at == "" && s.tls:
	case at == "" && p.anyKnown():
	case at == "":
		p.add(score-30, []string{"-path", path, "auto"}, evidence,
			append(slices.Clone(notes), "where the app listens is not known from its source: auto asks the lowest of its ports"))
	case l.unix && p.anyUnknown():
		p.add(score-80, []string{"http+unix://" + at + ":" + path}, evidence, notes)
	case l.unix:
		p.add(score, []string{"http+unix://" + at + ":" + path}, evidence, notes)
	case s.tls:
		p.add(score-1, []string{"https://" + at + path}, evidence, append(slices.Clone(notes), noteTLS))
	case s.versions.only2:
		p.add(score, []string{"-http2", "http://" + at + path}, evidence, notes)
	default:
		p.add(score, []string{"http://" + at + path}, evidence, notes)
	}
}

// anyKnown tells whether it is known of any server where it listens, so that the lowest
// port may be that one's.
func (p *proposer) anyKnown() bool {
	return slices.ContainsFunc(p.servers, func(s server) bool {
		return slices.ContainsFunc(s.addrs, func(l listening) bool {
			at, _ := p.address(l)
			return at != "" && !l.unix
		})
	})
}

// anyUnknown tells whether the app listens on TCP where it is not known, so that what is
// known may be an option that nobody takes.
func (p *proposer) anyUnknown() bool {
	return slices.ContainsFunc(p.servers, func(s server) bool {
		return slices.ContainsFunc(s.addrs, func(l listening) bool {
			at, _ := p.address(l)
			return at == "" && !l.unix
		})
	})
}

// countHTTP returns on how many addresses there is HTTP.
func (p *proposer) countHTTP() int {
	var all []string
	for _, s := range p.servers {
		for _, l := range s.addrs {
			if at, _ := p.address(l); s.speaks == overHTTP && !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return len(all)
}

// isServed tells whether a server is known to have a route.
func (p *proposer) isServed(r healthRoute) bool {
	return slices.ContainsFunc(p.servers, func(s server) bool {
		return slices.ContainsFunc(r.places, func(pl place) bool { return slices.Contains(s.handlers, pl.router) })
	})
}

// auto adds the check that needs nothing known, for an app that listens on TCP. It is
// better than to ask a port of several, if the others are not known: that may be the one
// for metrics.
func (p *proposer) auto() {
	score, at := scoreAuto, token.NoPos
	if p.anyUnknown() {
		score = scoreAutoUnknown
	}
	for _, s := range p.servers {
		if !at.IsValid() && slices.ContainsFunc(s.addrs, func(l listening) bool { return !l.unix }) {
			at = s.pos
		}
	}
	if at.IsValid() {
		p.add(score, []string{health.DefaultTest}, []Evidence{p.source(at)}, nil)
	}
}

// add adds a check that the probe takes. One that it would not take, such as of an
// address that is a variable without a default, is no proposal.
func (p *proposer) add(score int, args []string, evidence []Evidence, notes []string) {
	test, err := health.ParseTestList(args)
	if err != nil {
		return
	}
	p.found = append(p.found, Proposal{Test: test, Evidence: unique(evidence), Notes: notes, score: score})
}

// merged returns what was found, each check once.
func (p *proposer) merged() (out []Proposal) {
	for _, next := range p.found {
		i := slices.IndexFunc(out, func(q Proposal) bool { return slices.Equal(q.Test.Args, next.Test.Args) })
		if i < 0 {
			out = append(out, next)
			continue
		}
		if next.Test.String() != health.DefaultTest {
			out[i].Evidence = unique(append(out[i].Evidence, next.Evidence...))
		}
	}
	return out
}

func unique(list []Evidence) (out []Evidence) {
	for _, e := range list {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// evidence returns the places that say that and where a server listens.
func (p *proposer) evidence(s server, l listening) []Evidence {
	places := []token.Pos{s.pos}
	if call, ok := l.call.(*ast.CallExpr); ok {
		places = append(places, call.Pos())
	}
	for _, v := range l.addr {
		for _, pos := range slices.Backward(v.from) {
			if pos.IsValid() {
				places = append(places, pos)
			}
		}
	}
	return p.sources(places)
}

// sources returns places with what stands there, but for those that lie within others.
func (p *proposer) sources(places []token.Pos) (out []Evidence) {
	var shown []ast.Node
	for _, pos := range places {
		n := p.at(pos)
		if n == nil || slices.ContainsFunc(shown, func(m ast.Node) bool { return m.Pos() <= pos && pos < m.End() }) {
			continue
		}
		if lit, ok := n.(*ast.BasicLit); ok && !strings.ContainsFunc(lit.Value, unicode.IsLetter) && !strings.ContainsFunc(lit.Value, unicode.IsDigit) {
			continue // ":"
		}
		shown = append(shown, n)
		out = append(out, p.source(pos))
	}
	return out
}

// source returns a place with what stands there.
func (p *proposer) source(pos token.Pos) Evidence {
	e := Evidence{Position: p.position(pos)}
	switch n := p.at(pos).(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if name.Pos() == pos && i < len(n.Values) {
				e.Source = name.Name + " = " + types.ExprString(n.Values[i])
			}
		}
	case *ast.Field:
		e.Source = n.Names[0].Name + " " + types.ExprString(n.Type)
		if n.Tag != nil {
			e.Source += " " + n.Tag.Value
		}
	case ast.Expr:
		e.Source = types.ExprString(n)
	}
	e.Source = shorten(e.Source)
	return e
}

// at returns the outermost expression that begins at a place, or what declares the name
// there.
func (p *proposer) at(pos token.Pos) (found ast.Node) {
	for _, f := range p.files {
		if pos < f.FileStart || pos >= f.FileEnd {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil || found != nil || pos < n.Pos() || pos >= n.End() {
				return false
			}
			switch n := n.(type) {
			case *ast.ValueSpec:
				if slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Pos() == pos }) {
					found = n
				}
			case *ast.Field:
				if len(n.Names) > 0 && n.Names[0].Pos() == pos {
					found = n
				}
			case ast.Expr:
				if n.Pos() == pos {
					found = n
				}
			}
			return found == nil
		})
	}
	return found
}

// functionText is how go/types writes a function without a name.
var functionText = regexp.MustCompile(`\(func\([^()]*\)[^()]* literal\)`)

// shorten makes one line of an expression, which is not too long.
func shorten(s string) string {
	const most = 90
	s = functionText.ReplaceAllString(strings.Join(strings.Fields(s), " "), "func…")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
