// Package lint finds what would make a health check fail, or what a platform would
// make of it that nobody meant. It reads images and files of every format of [FileFormats], and holds the checks in files against what is in the
// images that they name.
//
// A file is read into groups of containers; an image is looked into, no further than
// the check's programs need; then every rule of [Rules] judges every container by
// these facts.
//
//	findings, err := lint.File(ctx, "task-definition.json", data, lint.Options{Open: open})
//
// Images come from [Options.Open], so a file can be held against images that have just
// been built and are nowhere yet.
package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/judge"
)

// Severity says how bad a finding is.
type Severity = judge.Severity

// How bad findings are.
const (
	Info    = judge.Info    // good to know
	Warning = judge.Warning // hardly meant, or will fail some day
	Error   = judge.Error   // the check cannot pass, or is not accepted, or not run
)

// ParseSeverity parses what the String method of a [Severity] returns.
func ParseSeverity(s string) (Severity, error) { return judge.ParseSeverity(s) }

// A Finding is something that a rule has found.
type Finding struct {
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	File        string   `json:"file"` // or the image
	doctree.Pos          // nowhere in an image
	Container   string   `json:"container,omitempty"` // the name of the container or service
	Message     string   `json:"message"`
	Fix         string   `json:"fix,omitempty"` // what to write instead, to be pasted; may have several lines
}

// Options say how images are had and what is reported.
type Options struct {
	// Open opens an image that a file names. A nil image is one that cannot be looked
	// into, as when a file leaves the name open; its rules are left out. If the image is
	// there for other platforms only, it returns one of those. An image that is an
	// [io.Closer] is closed.
	Open func(ctx context.Context, ref string, platform v1.Platform) (v1.Image, error)

	// Dir is the directory of a Compose file, from which it may include and extend others
	// and take variables. Without it, the file is read by itself.
	Dir string
	// Environment holds the variables of the process that Compose would be.
	Environment map[string]string

	// Tell, if there is one, is called once for a file of which not all is judged, with
	// what is left out.
	Tell func(what string)

	// Read, if there is one, is called for every format that is found in a file, with the
	// containers that are described.
	Read func(f Format, containers []Container)

	Severity Severity // the least that is reported
	Ignore   []string // rules that are left out
}

// File finds what is wrong in a file whose name serves for findings. Findings that
// need no image are returned beside the error if an image cannot be opened.
func File(ctx context.Context, name string, data []byte, o Options) ([]Finding, error) {
	groups, err := o.read(ctx, &file{name: name, data: data})
	var at *doctree.Error
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("parsing %s:%w", name, err)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return o.lint(ctx, name, groups)
}

// lint judges groups, with the images that they name.
func (o Options) lint(ctx context.Context, name string, groups []*group) ([]Finding, error) {
	err := lookInto(ctx, groups, o)
	for _, g := range groups {
		for _, c := range g.Containers {
			if c.Image == nil { // nothing is read
				err = errors.Join(err, c.ask(ctx))
			}
		}
	}
	findings := o.judge(name, groups)
	o.tell(groups)
	return findings, errors.Join(refused(name, groups, findings), err)
}

// Image finds what is wrong with the check that an image has itself. The reference
// serves for findings.
func Image(ctx context.Context, ref string, img v1.Image, o Options) ([]Finding, error) {
	looked, err := newImage(ref, img)
	if err != nil {
		return nil, fmt.Errorf("looking into %s: %w", ref, err)
	}
	c := imageContainer(looked)
	if err := errors.Join(c.look(ctx, looked), looked.close()); err != nil {
		return nil, fmt.Errorf("looking into %s: %w", ref, err)
	}
	return o.judge(ref, []*group{newGroup(c)}), nil
}

// maxOpen is how many images are looked into at a time.
const maxOpen = 4

// lookInto fills in the facts that come from images. An image is opened once for all
// containers that it is for.
func lookInto(ctx context.Context, groups []*group, o Options) error {
	if o.Open == nil {
		return nil
	}
	users := map[string][]*container{}
	var names []string
	for _, group := range groups {
		for _, c := range group.Containers {
			ref, ok := c.ImageRef.Str()
			if !ok || ref == "" || isOpen(ref) {
				continue
			}
			name := ref + " " + c.platform().String()
			if users[name] == nil {
				names = append(names, name)
			}
			users[name] = append(users[name], c)
		}
	}
	errs := make([]error, len(names))
	var g errgroup.Group
	g.SetLimit(maxOpen)
	for i, name := range names {
		g.Go(func() error {
			errs[i] = o.open(ctx, users[name])
			for _, c := range users[name] {
				c.unreadable = errs[i] != nil
			}
			return nil
		})
	}
	g.Wait() // errors are in errs, so that one does not keep others from being told
	return joinImages(errs)
}

// open looks into the image that containers name.
func (o Options) open(ctx context.Context, users []*container) error {
	ref := users[0].ImageRef.Text
	img, err := o.Open(ctx, ref, users[0].platform())
	if err != nil || img == nil {
		return err
	}
	looked, err := newImage(ref, img)
	if err == nil {
		for _, c := range users {
			if err = c.look(ctx, looked); err != nil {
				break
			}
		}
		err = errors.Join(err, looked.close())
	}
	if closer, ok := img.(io.Closer); ok {
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		return fmt.Errorf("looking into image of %q: %w", users[0].Name, err)
	}
	return nil
}

// part names the container's probe or hook that findings are about.
func (c *container) part() string {
	if c.Probe == nil {
		return ""
	}
	return c.Probe.Key + ": "
}

// printed returns a problem's message and its fix without what is secret. A fix that loses
// something by that is not to be pasted, and is told in words.
func (c *container) printed(p problem) (message, fix string) {
	message, fix = c.hide(c.inFile(c.part()+p.message)), c.hide(p.fix)
	if fix != c.Said.named(p.fix) {
		var lines []string
		for line := range strings.Lines(fix) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   # ")
			lines = append(lines, line)
		}
		return message + ": write " + strings.Join(lines, ", then ") + ", with the secrets in the place of …", ""
	}
	return message, fix
}

// judge runs the rules and returns findings in the order of the file.
func (o Options) judge(name string, groups []*group) []Finding {
	findings, all := []Finding{}, Rules()
	for _, group := range groups {
		group.settle()
		for _, c := range group.Containers {
			for _, r := range all {
				if r.Severity < o.Severity || slices.Contains(o.Ignore, r.ID) || slices.Contains(c.Ignored, r.ID) || !r.appliesOn(c.Runtime) {
					continue
				}
				for _, p := range r.check(c) {
					severity := r.Severity - p.milder
					if severity < o.Severity {
						continue
					}
					message, fix := c.printed(p)
					findings = append(findings, Finding{r.ID, severity, name, p.Pos, c.Name, message, fix})
				}
			}
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(findings)
}
