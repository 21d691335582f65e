package judge

import (
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// conditional runs if, with its elif and else.
func (sh *shell) conditional(c *syntax.IfClause, ctx scene) result {
	condition := ctx
	condition.tested, condition.spare, condition.read = true, true, ctx.read
	if len(c.Cond) == 0 { // else
		return sh.list(c.Then, ctx)
	}
	cond := sh.list(c.Cond, condition)
	before := sh.state.clone()
	var then, otherwise result
	if cond.status&passes != 0 {
		then = sh.list(c.Then, ctx)
		if cond.status == passes {
			then.out = together(cond.out, then.out)
			return then
		}
	}
	after := sh.state
	sh.state = before
	if cond.status&fails != 0 {
		otherwise = succeeds
		if c.Else != nil {
			otherwise = sh.conditional(c.Else, ctx)
		}
	}
	if then.status != 0 {
		sh.meet(otherwise, after)
	}
	out := then.or(otherwise)
	out.out = together(cond.out, out.out)
	return out
}

// while runs a loop: condition and body once, in a state in which every round may begin.
func (sh *shell) while(w *syntax.WhileClause, ctx scene) result {
	sh.forget(w)
	outer := sh.enterLoop()
	condition := ctx
	condition.tested, condition.spare = true, true
	cond := sh.list(w.Cond, condition)
	goes, ends := passes, fails
	if w.Until {
		goes, ends = fails, passes
	}
	out := result{out: cond.out}
	if cond.status&ends != 0 {
		out.status = passes // if the body never ran
	}
	if cond.status&goes != 0 {
		body := sh.list(w.Do, ctx)
		if body.status&fails != 0 && cond.status&ends != 0 {
			out.status |= fails
		}
		out.out = same(out.out, body.out)
	}
	out = out.or(sh.jumps["break"])
	sh.leaveLoop(outer)
	sh.forget(w)
	return out
}

// enterLoop begins to collect break and continue.
func (sh *shell) enterLoop() (outer loop) {
	outer = loop{sh.jumps, sh.inLoop}
	sh.jumps, sh.inLoop = map[jump]result{}, true
	return outer
}

// A loop is what is collected of one.
type loop struct {
	jumps  map[jump]result
	inLoop bool
}

// leaveLoop hands on what leaves an outer loop or a function.
func (sh *shell) leaveLoop(outer loop) {
	for _, j := range []jump{"return", "outer"} {
		if r, ok := sh.jumps[j]; ok {
			outer.jumps[j] = outer.jumps[j].or(r)
		}
	}
	if r, ok := outer.jumps["outer"]; ok { // of break 2: how far it goes is not followed
		outer.jumps["break"] = outer.jumps["break"].or(r)
	}
	sh.jumps, sh.inLoop = outer.jumps, outer.inLoop
}

// forget makes all variables unknown that a command may set, and how it leaves the rest.
func (sh *shell) forget(n syntax.Node) {
	for a := range nodes[*syntax.Assign](n) {
		if a.Name != nil {
			sh.vars[a.Name.Value] = Unknown
		}
	}
	for f := range nodes[*syntax.ForClause](n) {
		if w, ok := f.Loop.(*syntax.WordIter); ok {
			sh.vars[w.Name.Value] = Unknown
		}
	}
	for f := range nodes[*syntax.FuncDecl](n) {
		sh.funcs[f.Name.Value] = nil
	}
	for range nodes[*syntax.ArithmExp](n) {
		sh.forgetAssigned(n)
	}
	for a := range nodes[*syntax.ArithmCmd](n) {
		sh.forgetAssigned(a)
	}
	for range nodes[*syntax.LetClause](n) {
		sh.forgetAll()
	}
	for c := range nodes[*syntax.CallExpr](n) {
		sh.forgetCall(c)
	}
	sh.code = Unknown
}

// forgetCall makes unknown what a built-in command may change.
func (sh *shell) forgetCall(c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		return
	}
	switch name := c.Args[0].Lit(); name {
	case "read", "unset", "getopts", "local", "export", "readonly", "let", "printf":
		for _, w := range c.Args[1:] {
			if syntax.ValidName(w.Lit()) {
				sh.vars[w.Lit()] = Unknown
			}
		}
	case "cd":
		sh.dir = Unknown
	case "set":
		sh.errexit, sh.nounset, sh.pipefail, sh.argsOpen = perhaps, perhaps, perhaps, true
	case "shift":
		sh.argsOpen = true
	case "eval", ".", "source":
		sh.forgetAll()
	default:
		if body, ok := sh.funcs[name]; ok && body != nil && sh.steps < maxSteps {
			sh.steps += 10 // functions may call each other
			sh.forget(body)
		}
	}
}

func (sh *shell) forgetAll() {
	for name := range sh.vars {
		sh.vars[name] = Unknown
	}
	for name := range sh.container.Env {
		sh.vars[name] = Unknown
	}
	sh.dir, sh.errexit, sh.nounset, sh.pipefail, sh.argsOpen, sh.code = Unknown, perhaps, perhaps, perhaps, true, Unknown
	sh.lost = true
}

// maxRounds is how many rounds of a loop over known words are run one by one.
const maxRounds = 8

// forEach runs a loop over words.
func (sh *shell) forEach(f *syntax.ForClause, ctx scene) result {
	over, ok := f.Loop.(*syntax.WordIter)
	if !ok || f.Select {
		sh.forget(f)
		return unclear
	}
	words, open := sh.args, sh.argsOpen
	if over.InPos.IsValid() {
		words, open = sh.fields(over.Items, ctx)
	}
	if open || len(words) > maxRounds || hasJump(f) {
		return sh.forAny(f, over, len(words) > 0 && !open, ctx)
	}
	out := succeeds
	for _, word := range words {
		sh.vars[over.Name.Value] = word
		round := sh.list(f.Do, ctx)
		round.out = together(out.out, round.out)
		if out = round; out.status == 0 {
			break
		}
	}
	return out
}

func hasJump(n syntax.Node) bool {
	for c := range nodes[*syntax.CallExpr](n) {
		if len(c.Args) > 0 && (c.Args[0].Lit() == "break" || c.Args[0].Lit() == "continue") {
			return true
		}
	}
	return false
}

// forAny runs a loop of which any number of rounds may be run.
func (sh *shell) forAny(f *syntax.ForClause, over *syntax.WordIter, once bool, ctx scene) result {
	sh.forget(f)
	outer := sh.enterLoop()
	sh.vars[over.Name.Value] = Unknown
	out := result{out: Unknown}
	body := sh.list(f.Do, ctx)
	out.status = body.status | sh.jumps["break"].status | sh.jumps["continue"].status
	if !once {
		out.status |= passes
	}
	sh.leaveLoop(outer)
	sh.forget(f)
	return out
}

// choose runs case.
func (sh *shell) choose(c *syntax.CaseClause, ctx scene) result {
	word := sh.text(c.Word, ctx)
	before, all := sh.state.clone(), result{}
	var after *state
	for _, item := range c.Items {
		matches := sh.matches(word, item.Patterns, ctx)
		if matches == no {
			continue
		}
		sh.state = before.clone()
		r := sh.list(item.Stmts, ctx)
		if item.Op != syntax.Break {
			r = unclear
		}
		after = sh.joinInto(after, r)
		if all = all.or(r); matches == yes {
			return sh.settle(after, all)
		}
	}
	sh.state = before
	after = sh.joinInto(after, succeeds)
	return sh.settle(after, all.or(succeeds))
}

func (sh *shell) joinInto(after *state, r result) *state {
	if r.status == 0 {
		return after
	}
	joined := sh.state
	if after != nil {
		joined = after.or(sh.state, sh.initial)
	}
	return &joined
}

func (sh *shell) settle(after *state, r result) result {
	if after != nil {
		sh.state = *after
	}
	return r
}

// matches reports whether a text matches one of a case's patterns.
func (sh *shell) matches(text string, patterns []*syntax.Word, ctx scene) maybe {
	found := no
	for _, w := range patterns {
		p := sh.pattern(w, ctx)
		if p == "*" {
			return yes
		}
		m := perhaps
		if isKnown(text) && isKnown(p) {
			m = matchPattern(text, p)
		}
		if m == yes {
			return yes
		}
		if m == perhaps {
			found = perhaps
		}
	}
	return found
}

func matchPattern(text, p string) maybe {
	expr, err := pattern.Regexp(p, pattern.EntireString)
	if err != nil {
		return perhaps
	}
	ok, err := matchRegexp(expr, text)
	if err != nil {
		return perhaps
	}
	if ok {
		return yes
	}
	return no
}
