package judge

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A shell interprets one script.
type shell struct {
	*run
	dialect
	script
	state
	place
	depth          int    // of scripts that are started by scripts
	calls          int    // of functions that have not returned
	exits          result // of what ends the script before its end
	readonly       []string
	changed        []string // variables that take what is assigned as something else
	exported       []string
	exportsAll     bool // whatever is set, or may be
	inLoop         bool
	shellPath      string   // of the program that the shell is, in the image
	isExec         bool     // there is no shell: the runtime starts the program
	aborted        bool     // an expansion has ended it
	hardly         string   // a file that was asked for, and hardly is there
	unsets         []string // variables that were expanded and are set nowhere
	substituted    result   // of the last $( ), if there was one
	hasSubstituted bool
	jumps          map[jump]result // out of loops and functions
}

// A place is where in the check's test a script stands.
type place struct {
	arg   int
	base  int  // of the script, in bytes
	fixed bool // everything is at base: the script is not written there as it is
}

func (p place) of(offset int) int {
	if p.fixed {
		return p.base
	}
	return p.base + offset
}

// A jump is break, continue or return.
type jump string

// A state is what commands change.
type state struct {
	vars     map[string]string // that were set; [unset] is one that was removed
	errexit  maybe
	nounset  maybe
	pipefail maybe
	dir      string // the working directory
	code     string // $?
	args     []string
	argsOpen bool                    // $1 and so on are not known
	lost     bool                    // any variable may have been changed
	funcs    map[string]*syntax.Stmt // of functions; nil for one that may be there, or be another
}

// unset is the value of a variable that was removed. No text of a script holds it.
const unset = "\x00"

func (s state) clone() state {
	s.vars, s.args, s.funcs = maps.Clone(s.vars), slices.Clone(s.args), maps.Clone(s.funcs)
	return s
}

// or returns the state after one of two ways.
func (s state) or(o state, initial func(name string) string) state {
	joined := s.clone()
	for name := range o.vars {
		if _, ok := joined.vars[name]; !ok {
			joined.vars[name] = initial(name)
		}
	}
	for name, value := range joined.vars {
		other, ok := o.vars[name]
		if !ok {
			other = initial(name)
		}
		joined.vars[name] = same(value, other)
	}
	joined.errexit, joined.nounset, joined.pipefail = s.errexit.or(o.errexit), s.nounset.or(o.nounset), s.pipefail.or(o.pipefail)
	joined.dir, joined.code = same(s.dir, o.dir), same(s.code, o.code)
	joined.lost = s.lost || o.lost
	for _, funcs := range []map[string]*syntax.Stmt{s.funcs, o.funcs} {
		for name := range funcs {
			if s.funcs[name] != o.funcs[name] {
				joined.funcs[name] = nil
			}
		}
	}
	joined.argsOpen = s.argsOpen || o.argsOpen || !slices.Equal(s.args, o.args)
	return joined
}

// initial returns the value that the environment has, or [unset].
func (sh *shell) initial(name string) string {
	if _, ok := sh.container.Env[name]; !ok && sh.sets(name) {
		return Unknown
	}
	if value, set := sh.container.variable(name); set {
		return value
	}
	return unset
}

// value returns the value of a variable, or [unset]; it is [Unknown] if it may be unset.
func (sh *shell) value(name string) string {
	if v, ok := sh.vars[name]; ok {
		return v
	}
	if sh.lost {
		return Unknown
	}
	return sh.initial(name)
}

// newShell returns a shell for a script at a place in the test.
func (r *run) newShell(d dialect, at place) *shell {
	return &shell{run: r, dialect: d, place: at, jumps: map[jump]result{},
		state: state{vars: map[string]string{}, funcs: map[string]*syntax.Stmt{}, dir: r.workingDir(), code: "0"}}
}

func (r *run) workingDir() string {
	if r.container.WorkingDir == "" && r.container.Files != nil {
		return "/"
	}
	return r.container.WorkingDir
}

// interpret runs a script to its end.
func (sh *shell) interpret(text string, ctx scene) result {
	sh.script = parse(text, sh.dialect)
	sh.returns(text, ctx)
	if len(sh.added) > 0 {
		sh.tell("bash-only", sh.added[0]-1, "&> is bash's: dash, which is the shell here, runs what is before it in the background, and it succeeds", nil)
	}
	for _, at := range sh.twice {
		if sh.dialect == dash || sh.dialect == ash {
			sh.tell("bash-only", at, "(( )) is bash's: "+sh.dialect.String()+", which is the shell here, runs what is in it as a command", nil)
		}
	}
	if sh.joins {
		sh.exits = unclear
	}
	out := sh.list(sh.stmts, ctx)
	if w := sh.wrong; w != nil && out.status != 0 {
		out = sh.syntaxError(w, ctx)
	}
	for _, r := range sh.jumps { // return outside of functions
		out = out.or(r)
	}
	out = out.or(sh.exits)
	return out
}

// returns tells of carriage returns at the ends of lines, which are a part of the words that
// they end. Those in quotes are meant.
func (sh *shell) returns(text string, ctx scene) {
	at := strings.IndexByte(text, '\r')
	if at < 0 {
		return
	}
	if sh.wrong == nil {
		at = firstReturn(sh.stmts)
	}
	if at >= 0 {
		sh.note(note{Verdict: Verdict{Rule: "carriage-return", Arg: sh.arg, Offset: sh.of(at), Message: "a carriage return is a part of the command: its lines end with CR LF"},
			cause: true, spare: ctx.spare, edit: withoutReturns})
	}
}

// firstReturn returns where a word outside of quotes holds a carriage return, or -1.
func firstReturn(stmts []*syntax.Stmt) (at int) {
	at = -1
	for _, s := range stmts {
		syntax.Walk(s, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.DblQuoted:
				return false
			case *syntax.Redirect:
				return n.Hdoc == nil
			case *syntax.Lit:
				if i := strings.Index(n.Value, returned); i >= 0 && at < 0 {
					at = int(n.Pos().Offset()) + i
				}
			}
			return true
		})
	}
	return at
}

// withoutReturns ends lines as shells do.
func withoutReturns(test []string) (changed []string) {
	for _, arg := range test {
		changed = append(changed, strings.TrimRight(strings.ReplaceAll(arg, "\r\n", "\n"), "\r"))
	}
	return changed
}

func (sh *shell) syntaxError(w *wrong, ctx scene) result {
	if !w.sure {
		return unclear
	}
	rule := "shell-parse"
	message := "the shell cannot parse the command: " + w.message
	if w.bash {
		rule, message = "bash-only", w.message+", and the shell is "+sh.dialect.String()+" here: it cannot parse the command"
	}
	sh.cause(ctx, rule, w.offset, message)
	return failsWith("2")
}

// fork returns a shell that changes nothing of this one's.
func (sh *shell) fork() *shell {
	f := *sh
	f.state, f.jumps, f.exits = sh.state.clone(), map[jump]result{}, result{}
	return &f
}

// subshell runs commands in a process of their own.
func (sh *shell) subshell(stmts []*syntax.Stmt, ctx scene) result {
	f := sh.fork()
	out := f.list(stmts, ctx)
	for _, r := range f.jumps {
		out = out.or(r)
	}
	return out.or(f.exits)
}

// cause notes a reason to fail, at an offset in the script.
func (sh *shell) cause(ctx scene, rule string, offset int, message string) {
	sh.note(note{Verdict: Verdict{Rule: rule, Arg: sh.arg, Offset: sh.of(offset), Message: message}, cause: true, spare: ctx.spare})
}

// tell notes something that is no reason to fail.
func (sh *shell) tell(rule string, offset int, message string, e edit) {
	sh.note(note{Verdict: Verdict{Rule: rule, Severity: Warning, Arg: sh.arg, Offset: sh.of(offset), Message: message}, edit: e})
}

// A scene is what a command stands in.
type scene struct {
	tested  bool   // its status decides what is next, so set -e does not heed it
	spare   bool   // if it fails, another takes its place
	negated bool   // ! stands before it
	turned  bool   // ! stands before it, or before what it is in
	read    bool   // something reads its output
	in      string // its standard input
	fresh   bool   // nothing of the input was read before
	from    int    // where a program's call stands, for what is not in the script itself
}
