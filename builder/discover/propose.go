package discover

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/health"
)

// A Proposal is a check that would suit the app.
type Proposal struct {
	Test     health.Test
	Evidence []Evidence // what speaks for it, in the order of weight
	Notes    []string   // what to know before it is taken
	Weak     []string   // why the evidence is not enough to take it unseen, if it is not
	score    int
}

// Evidence is a place in the source that a proposal rests on.
type Evidence struct {
	Position
	Source string // what stands there, shortened to a line
}

// Proposals returns the checks that suit the app, best first; none if it is not known
// to listen anywhere. Those that are weak come behind auto.
func (a *App) Proposals() []Proposal { return a.proposals }

func (f *flow) proposals() []Proposal {
	p := &proposer{flow: f, servers: f.servers()}
	var routes []route
	routes, p.mounts = f.routes()
	for _, r := range routes {
		places := p.places(r, p.mounts)
		p.all = append(p.all, places...)
		if rank, ok := healthRank(r.path); ok && !r.other && r.runs != off {
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

// How much speaks for a kind of proposal. A route that only reports whether the app is
// ready counts 50 less, 10 for each step of its rank.
const (
	scoreRoute  = 100 // a health route on a server that is known to have it
	scoreGRPC   = 95
	scoreGuess  = 90 // a health route, and a server that may have it
	scoreUnix   = 20
	scoreListen = 15 // the only port
	scoreAuto   = 10
	scoreOne    = 5 // of several ports

	scoreAutoUnknown = 25 // if there are servers of which it is not known where they listen
	scoreWeak        = -200
)

// A candidate is a server that listens somewhere, with what is to be said about that.
type candidate struct {
	server
	listening
	at       string // where the probe reaches it, or ""
	tls      state
	evidence []Evidence
	notes    []string
	weak     []string
}

// propose adds what a server that listens somewhere speaks for.
func (p *proposer) propose(s server, l listening) {
	c := candidate{server: s, listening: l, tls: max(l.tls, s.tls), evidence: p.evidence(s, l)}
	if l.tls > s.tls {
		c.versions = versions{} // the listener decides
	}
	c.at, c.notes = p.address(l)
	if len(l.addr) == 1 && l.addr[0].doubt {
		c.weak = append(c.weak, "the address may be another one")
	}
	if s.runs == maybe {
		c.weak = append(c.weak, "whether the app serves there depends on what is not known")
	}
	if c.tls == maybe || p.hasBoth(c) {
		c.weak = append(c.weak, "whether there is TLS depends on what is not known")
	}
	if c.at != "" && !l.unix && p.proposeGRPC(c) && s.speaks == overGRPC {
		return
	}
	if s.speaks == overHTTP {
		for _, r := range p.routes {
			p.proposeRoute(c, r)
		}
	}
	p.proposeListen(c)
}

// proposeListen adds a check whether somebody listens. Auto asks all ports, and is better
// than one of several.
func (p *proposer) proposeListen(c candidate) {
	switch {
	case c.at == "":
	case c.unix:
		p.add(scoreUnix-len(c.notes), []string{"unix://" + c.at}, c.evidence, c.notes, nil)
	case p.count() > 1 || len(c.weak) > 0 || p.isDebugging(c.server):
		p.add(scoreOne-len(c.notes), []string{"tcp://" + c.at}, c.evidence, c.notes, nil)
	default:
		p.add(scoreListen-len(c.notes), []string{"tcp://" + c.at}, c.evidence, c.notes, nil)
	}
}

// hasBoth reports whether another server listens at the same address, and differs in
// whether it has TLS.
func (p *proposer) hasBoth(c candidate) bool {
	return c.at != "" && slices.ContainsFunc(p.servers, func(s server) bool {
		return slices.ContainsFunc(s.addrs, func(l listening) bool {
			at, _ := p.address(l)
			return at == c.at && s.speaks == c.speaks && max(s.tls, l.tls) != c.tls
		})
	})
}

// proposeGRPC adds a check of gRPC's health service, and reports whether the server has it
// and speaks HTTP/2.
func (p *proposer) proposeGRPC(c candidate) bool {
	pos, ok := p.grpcHealth(c.server, p.mounts)
	if !ok || c.speaks == overHTTP && !c.versions.with2 {
		return false
	}
	secure := c.tls
	if c.speaks == overGRPC {
		secure = max(secure, p.grpcTLS(c.grpc))
	}
	weak := c.weak
	if secure == maybe {
		weak = append(slices.Clone(weak), "whether there is TLS depends on what is not known")
	}
	evidence := append([]Evidence{p.source(pos)}, c.evidence...)
	if secure == on {
		p.add(scoreGRPC, []string{"-insecure", "grpcs://" + c.at}, evidence, append(slices.Clone(c.notes), noteTLS), weak)
	} else {
		p.add(scoreGRPC, []string{"grpc://" + c.at}, evidence, c.notes, weak)
	}
	return true
}

// isAside reports whether a server has nothing but metrics or what serves debugging.
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

// isDebugging reports whether a server has nothing but what net/http/pprof and expvar add to
// http.DefaultServeMux where they are imported.
func (p *proposer) isDebugging(s server) bool {
	if s.speaks != overHTTP || slices.ContainsFunc(s.handlers, func(o origin) bool { return o != defaultMux }) ||
		slices.ContainsFunc(p.all, func(pl place) bool { return pl.router == defaultMux }) {
		return false
	}
	return slices.ContainsFunc(p.files, func(f *ast.File) bool {
		return slices.ContainsFunc(f.Imports, func(spec *ast.ImportSpec) bool {
			return spec.Path.Value == `"net/http/pprof"` || spec.Path.Value == `"expvar"`
		})
	})
}

const noteTLS = "the certificate is not verified: -servername instead of -insecure, with a name that it is good for, has it verified"

// proposeRoute adds a check of a route, if the server may have it.
func (p *proposer) proposeRoute(c candidate, r healthRoute) {
	path, score, known := r.path, scoreGuess, false
	weak := slices.Concat(c.weak, r.weak)
	if len(r.places) > 0 {
		i := slices.IndexFunc(r.places, func(pl place) bool { return slices.Contains(c.handlers, pl.router) })
		switch {
		case i >= 0:
			path, score, known = r.places[i].path, scoreRoute, true
		case p.isServed(r) || p.isAside(c.server) || p.isKnown(c.handlers):
			return // by another one
		}
	}
	if !known && p.count() > 1 {
		weak = append(weak, "which of the app's servers has this route is not known")
	}
	if isReadiness(path) {
		weak = append(weak, "it may tell whether what the app needs is there, and a restart does not bring that back")
	}
	if isVague(path) {
		weak = append(weak, "the path may be about something else than the app's health")
	}
	if p.isProtected(c.handler) {
		weak = append(weak, "requests may have to be authenticated")
	}
	score -= 10*r.rank + strings.Count(path, "/")
	evidence := append(p.sources(append([]token.Pos{r.pos}, r.from...)), c.evidence...)
	if c.at == "" && !c.unix {
		if c.tls == off && known && p.count() == 1 {
			p.add(score-30, []string{"-path", path, "auto"}, evidence,
				append(slices.Clone(c.notes), "where the app listens is not known from its source: auto asks the lowest of its ports"), weak)
		}
		return
	}
	if c.at != "" {
		args, less, notes := p.asking(c, path)
		p.add(score-less, args, evidence, notes, weak)
	}
}

// asking returns the arguments of the probe that ask a server for a path, how much less
// that is worth than another way to ask, and what to know about it.
func (p *proposer) asking(c candidate, path string) (args []string, less int, notes []string) {
	switch {
	case c.unix && p.anyUnknown():
		return []string{"http+unix://" + c.at + ":" + path}, 80, c.notes
	case c.unix:
		return []string{"http+unix://" + c.at + ":" + path}, 0, c.notes
	case c.tls == on:
		return []string{"-insecure", "https://" + c.at + path}, 1, append(slices.Clone(c.notes), noteTLS)
	case c.versions.only2:
		return []string{"-http2", "http://" + c.at + path}, 0, c.notes
	}
	return []string{"http://" + c.at + path}, 0, c.notes
}

// anyUnknown reports whether the app listens on TCP where it is not known, so that what is
// known may be an option that nobody takes.
func (p *proposer) anyUnknown() bool {
	return slices.ContainsFunc(p.servers, func(s server) bool {
		return slices.ContainsFunc(s.addrs, func(l listening) bool {
			at, _ := p.address(l)
			return at == "" && !l.unix
		})
	})
}

// isKnown reports whether handlers are routers whose routes are known, all of them.
func (p *proposer) isKnown(handlers []origin) bool {
	return len(handlers) > 0 && !slices.ContainsFunc(handlers, func(o origin) bool { return o != defaultMux && !p.isRouterMade(o) })
}

// count returns on how many addresses the app listens on TCP. One that is not known is
// another one each time.
func (p *proposer) count() (n int) {
	var known []string
	for _, s := range p.servers {
		for _, l := range s.addrs {
			at, _ := p.address(l)
			switch {
			case l.unix:
			case at == "":
				n++
			case !slices.Contains(known, at):
				known, n = append(known, at), n+1
			}
		}
	}
	return n
}

// isServed reports whether a server is known to have a route.
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
		p.add(score, []string{health.DefaultTest}, []Evidence{p.source(at)}, nil, nil)
	}
}

// add adds a check that the probe takes. One that it would not take, such as of an
// address that is a variable without a default, is no proposal.
func (p *proposer) add(score int, args []string, evidence []Evidence, notes, weak []string) {
	test, err := health.ParseTestList(args)
	if err != nil {
		return
	}
	if len(weak) > 0 {
		score += scoreWeak
	}
	slices.Sort(weak)
	p.found = append(p.found, Proposal{Test: test, Evidence: unique(evidence), Notes: notes, Weak: slices.Compact(weak), score: score})
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
