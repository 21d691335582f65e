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
	add := func(what string) {
		if !slices.Contains(left, what) {
			left = append(left, what)
		}
	}
	for _, g := range groups {
		for _, what := range g.Left {
			add(what)
		}
	}
	for _, what := range unknownOf(groups, o.Open == nil) {
		add(what)
	}
	if len(left) > 0 {
		o.Tell(strings.Join(left, "; "))
	}
}

// unknownOf returns what is not known of containers before the file is used, and which
// images were not opened.
func unknownOf(groups []*group, offline bool) (left []string) {
	var images, checks, windows, closed []string
	for _, g := range groups {
		for _, c := range g.Containers {
			if c.Unclear {
				checks = append(checks, "that of "+c.title())
			}
			if c.runs() && !c.isLinux() {
				windows = append(windows, "that of "+c.title())
			}
			switch name, unknown := c.unopened(); {
			case name == "":
			case offline && !unknown:
				closed = append(closed, name)
			default:
				images = append(images, name)
			}
		}
	}
	list := func(what string, names []string) {
		if slices.Sort(names); len(names) > 0 {
			left = append(left, what+strings.Join(slices.Compact(names), ", "))
		}
	}
	list("images known only when the file is used: ", images)
	list("checks known only when the file is used: ", checks)
	list("checks that Windows runs: ", windows)
	list("images not opened: ", closed)
	return left
}

// title names the container, also one that has no name.
func (c *container) title() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.stage != nil:
		return "the last stage"
	}
	return "the container"
}

// unopened names the container's image if there is one that was not looked into, and none
// that cannot be. It is unknown where the file does not say in whole which it is.
func (c *container) unopened() (name string, unknown bool) {
	ref, ok := c.ImageRef.Str()
	switch {
	case !c.ImageRef.Given(), c.Image != nil, c.unreadable:
		return "", false
	case !ok || isOpen(ref):
		return "that of " + c.title(), true
	}
	return redactText(ref), false
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
