// Package judge answers whether a health check can pass in a container, and why not.
//
// A check is taken as the runtime gets it, and a container as it will be: file system,
// environment, user, ports, mounts, what starts in it. A shell command is interpreted
// with every status that its programs may end with, as the shell in the image would; see
// [Judge]. Nothing is run, no file is read but the container's, and whatever is not known
// beforehand may be anything. So a check is refused only if it cannot pass for sure.
package judge

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Unknown stands, within a text, for any text: what is known only when the check runs.
const Unknown = "\uFFFC"

// A Check is a health check as the runtime gets it.
type Check struct {
	Test    []string      // as in an image's config: CMD, CMD-SHELL; parts may be [Unknown]
	Timeout time.Duration // after which the runtime kills it; 0 is not known
}

// A Verdict is one reason why a check cannot pass, or will hardly do what it is for.
type Verdict struct {
	Rule     string
	Severity Severity // Error only if the check cannot pass
	Arg      int      // index in Check.Test
	Offset   int      // in bytes, within that argument
	Message  string

	// Test is what to write instead, or nil. It was judged, and nothing was found.
	Test []string
	// Probe holds arguments for kohealth's probe that check the same, or nil: then, too,
	// nothing was found.
	Probe []string
	// Advice says in words what to do instead, where it cannot be said exactly.
	Advice string
}

// Judge judges a check in a container. The error is that of reading the container's
// files; then nothing is concluded.
func Judge(ctx context.Context, check Check, c Container) ([]Verdict, error) {
	r, err := judge(ctx, check, c)
	if err != nil {
		return nil, err
	}
	found := r.verdicts()
	if err := r.mend(found); err != nil {
		return nil, err
	}
	return found, nil
}

// judge interprets a check.
func judge(ctx context.Context, check Check, c Container) (*run, error) {
	r := &run{ctx: ctx, check: check, container: &c}
	if len(check.Test) < 2 || !isCommand(check.Test[0]) {
		return r, nil // it is none, or the runtime's business
	}
	r.result = r.start()
	r.fail(ctx.Err())
	if r.result == either {
		usual := r.again(run{nominal: true})
		r.always = r.ignored && usual.ignored && usual.result == passes
		r.never = r.again(run{nominal: true, expected: true}).result == fails
	}
	if r.err != nil {
		return nil, fmt.Errorf("judging check: %w", r.err)
	}
	return r, nil
}

// again interprets the check once more, under other assumptions.
func (r *run) again(other run) *run {
	other.ctx, other.check, other.container, other.err = r.ctx, r.check, r.container, r.err
	other.result = other.start()
	r.fail(other.err)
	return &other
}

// A run is the interpretation of one check.
type run struct {
	ctx       context.Context
	check     Check
	container *Container
	result    status
	notes     []note
	asked     []asked // what programs ask, in order
	nominal   bool    // what succeeds unless it is called wrongly succeeds
	expected  bool    // what is asked answers well, and files are as they are in the image
	ignored   bool    // a program ran whose status may be another than the check's
	always    bool    // it usually passes, whatever its programs say
	never     bool    // it usually fails, even though all is as expected
	steps     int
	err       error // of reading files
}

// maxSteps bounds the interpretation: beyond it, everything is possible.
const maxSteps = 2_000

// A note is something that was come across.
type note struct {
	Verdict
	cause bool // a reason to fail, and not only something to be told of
	spare bool // failing is provided for, as by what follows ||
	edit  edit // of the test; nil if there is none
}

// note keeps a note, once.
func (r *run) note(n note) {
	same := func(o note) bool {
		return o.Rule == n.Rule && o.Arg == n.Arg && o.Offset == n.Offset && o.Message == n.Message
	}
	if i := slices.IndexFunc(r.notes, same); i >= 0 {
		r.notes[i].spare = r.notes[i].spare && n.spare
		return
	}
	r.notes = append(r.notes, n)
}

// verdicts makes of notes what they mean for the check as a whole.
func (r *run) verdicts() (found []Verdict) {
	hopeless := r.result&passes == 0 && len(r.check.Test) > 1 && isCommand(r.check.Test[0])
	for _, n := range r.notes {
		switch {
		case n.cause && hopeless:
			n.Severity = Error
		case n.cause && n.spare:
			continue
		case n.cause, n.Severity == Error:
			n.Severity = Warning
		}
		found = append(found, n.Verdict)
	}
	found = append(found, r.otherPorts()...)
	isError := func(v Verdict) bool { return v.Severity == Error }
	switch {
	case hopeless && !slices.ContainsFunc(found, isError):
		found = append(found, Verdict{Rule: "cannot-pass", Severity: Error, Arg: 1, Message: "the command cannot succeed, whatever its programs say"})
	case r.result == passes && r.ignored, r.always:
		found = append(found, Verdict{Rule: "always-healthy", Severity: Warning, Arg: 1, Message: "the command succeeds whatever its programs say"})
	case r.never && !slices.ContainsFunc(found, func(v Verdict) bool { return v.Severity >= Warning }):
		message := "the command fails where what it asks answers well, and the files of the image are as they are there"
		found = append(found, Verdict{Rule: "cannot-pass", Severity: Warning, Arg: 1, Message: message})
	}
	return found
}

func isCommand(kind string) bool { return kind == "CMD" || kind == "CMD-SHELL" }

// start runs the check's program, or its shell.
func (r *run) start() status {
	if i := slices.IndexFunc(r.check.Test, func(arg string) bool { return len(arg) >= maxText }); i >= 0 {
		message := "Linux starts nothing with an argument of 128 KiB: argument list too long"
		r.note(note{Verdict: Verdict{Rule: "cannot-pass", Arg: i, Message: message}, cause: true})
		return fails
	}
	if r.check.Test[0] == "CMD-SHELL" {
		return r.shellForm()
	}
	return r.execForm()
}
