package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
)

// tell says what of a file is not judged.
func (o Options) tell(groups []*group) {
	if o.Tell == nil {
		return
	}
	var left []string
	for _, g := range groups {
		g.leaveUnknown(o.Open == nil)
		for _, what := range g.Left {
			if !slices.Contains(left, what) {
				left = append(left, what)
			}
		}
	}
	if len(left) > 0 {
		o.Tell(strings.Join(left, "; "))
	}
}

// leaveUnknown notes the containers that are not known in whole before the file is used,
// and those whose images were not opened.
func (g *group) leaveUnknown(offline bool) {
	var images, checks, closed []string
	for _, c := range g.Containers {
		ref, ok := c.ImageRef.Str()
		switch {
		case !c.ImageRef.Given():
		case !ok || isOpen(ref):
			images = append(images, "that of "+c.Name)
		case c.Image != nil || c.unreadable:
		case offline:
			closed = append(closed, redactText(ref))
		default:
			images = append(images, redactText(ref))
		}
		if c.Unclear {
			checks = append(checks, "that of "+c.Name)
		}
	}
	list := func(what string, names []string) {
		if slices.Sort(names); len(names) > 0 {
			g.left(what + strings.Join(slices.Compact(names), ", "))
		}
	}
	list("images known only when the file is used: ", images)
	list("checks known only when the file is used: ", checks)
	list("images not opened: ", closed)
}

// An imagesError says in one line which images could not be looked into.
type imagesError []error

func (e imagesError) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (e imagesError) Unwrap() []error { return e }

// joinImages returns one error for those that are there, or nil.
func joinImages(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return imagesError(errs)
}

// refused returns what is said against a file by what reads it, such as Compose, where no
// finding says it already.
func refused(name string, groups []*group, findings []Finding) error {
	for _, g := range groups {
		err := g.Refused
		if err == nil {
			continue
		}
		var at *doctree.Error
		said := errors.As(err, &at) && slices.ContainsFunc(findings, func(f Finding) bool {
			return f.Severity == Error && (f.Pos == at.Pos || isForm(f.Rule) && strings.Contains(at.Err.Error(), "healthcheck.test"))
		})
		switch {
		case said:
		case at != nil:
			return fmt.Errorf("reading %s:%w", name, err)
		default:
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return nil
}

// isForm reports whether a rule is about how a check's command begins.
func isForm(rule string) bool { return rule == "command-kind" || rule == "pasted-brackets" }
