// Package dockerfile reads Dockerfiles with BuildKit's parser, and says what becomes of
// their stages: the check, the environment, the user, and what they add to the image that
// they begin with.
//
//	file, err := dockerfile.Parse(data)
//	stage := file.Evaluate(file.Last(), nil)
//
// https://docs.docker.com/reference/dockerfile/
package dockerfile

import (
	"bytes"
	"errors"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// Unknown stands in a text for what is known only when the file is used: a build argument
// without a default, a variable of an image that was not looked into.
const Unknown = "\uFFFC"

// A File is a Dockerfile.
type File struct {
	// Stages are in the order of the file.
	Stages []*Stage

	escape rune
	args   map[string]string // those before the first stage
}

// A Stage is what begins with a FROM.
type Stage struct {
	Name   string // "" if it has none
	Pos    doctree.Pos
	From   string // an image, or what [File.Parent] tells is a stage; it may hold [Unknown]
	Checks []*Check

	parent   *Stage
	platform string
	steps    []any // commands of BuildKit's, and [*Check]
}

// Parse parses a Dockerfile. Errors are of type [*doctree.Error].
func Parse(data []byte) (*File, error) {
	if err := limits.Document.Check(int64(len(data))); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, locate(err)
	}
	p := &parsing{file: &File{escape: parsed.EscapeToken, args: map[string]string{}}, lines: bytes.SplitAfter(data, []byte("\n"))}
	for _, n := range parsed.AST.Children {
		if err := p.instruction(n); err != nil {
			return nil, locate(parser.WithLocation(err, n.Location()))
		}
	}
	if len(p.file.Stages) == 0 {
		return nil, &doctree.Error{Pos: doctree.Pos{Line: 1, Column: 1}, Err: errors.New("there is no FROM")}
	}
	return p.file, nil
}

// A parsing is one call of Parse.
type parsing struct {
	file  *File
	lines [][]byte
	stage *Stage
}

func (p *parsing) instruction(n *parser.Node) error {
	if strings.EqualFold(n.Value, "HEALTHCHECK") && p.stage != nil {
		check, err := p.check(n)
		if err != nil {
			return err
		}
		p.stage.Checks = append(p.stage.Checks, check)
		p.stage.steps = append(p.stage.steps, check)
		return nil
	}
	parsed, err := instructions.ParseInstruction(n)
	if err != nil {
		return err
	}
	if from, ok := parsed.(*instructions.Stage); ok {
		return p.from(n, from)
	}
	arg, isArg := parsed.(*instructions.ArgCommand)
	switch {
	case p.stage != nil:
		p.stage.steps = append(p.stage.steps, parsed)
	case isArg:
		return p.file.globalArgs(arg)
	default:
		return errors.New("no build stage in current context")
	}
	return nil
}

// from begins a stage.
func (p *parsing) from(n *parser.Node, from *instructions.Stage) error {
	name, err := p.file.expand(from.BaseName, p.file.args, true)
	if err != nil {
		return err
	}
	platform, err := p.file.expand(from.Platform, p.file.args, true)
	if err != nil {
		return err
	}
	text := p.text(n)
	at := text.pos(0)
	if i := strings.Index(text.text, from.BaseName); i > 0 {
		at = text.pos(i)
	}
	stage := &Stage{Name: from.Name, Pos: at, From: name, platform: platform}
	if i, ok := instructions.HasStage(stagesOf(p.file), name); ok {
		stage.parent = p.file.Stages[i]
	}
	p.file.Stages = append(p.file.Stages, stage)
	p.stage = stage
	return nil
}

func stagesOf(f *File) (named []instructions.Stage) {
	for _, s := range f.Stages {
		named = append(named, instructions.Stage{Name: s.Name})
	}
	return named
}

// globalArgs sets build arguments before the first stage. One without a default is unknown.
func (f *File) globalArgs(arg *instructions.ArgCommand) error {
	for _, kv := range arg.Args {
		if kv.Value == nil {
			f.args[kv.Key] = Unknown
			continue
		}
		value, err := f.expand(*kv.Value, f.args, true)
		if err != nil {
			return err
		}
		f.args[kv.Key] = value
	}
	return nil
}

// variables are those that a text may use.
type variables struct {
	values map[string]string
	open   bool // what is not among them is unknown, and not unset
}

// Get implements [shell.EnvGetter].
func (v variables) Get(name string) (string, bool) {
	value, ok := v.values[name]
	if !ok && v.open {
		return Unknown, true
	}
	return value, ok
}

// Keys implements [shell.EnvGetter].
func (v variables) Keys() (names []string) {
	for name := range v.values {
		names = append(names, name)
	}
	return names
}

// expand replaces the variables in a word, as BuildKit does.
func (f *File) expand(word string, values map[string]string, open bool) (string, error) {
	if !strings.ContainsAny(word, `$'"`+string(f.escape)) {
		return word, nil
	}
	text, _, err := shell.NewLex(f.escape).ProcessWord(word, variables{values, open})
	return text, err
}

// Last returns the stage that a build without a target ends with.
func (f *File) Last() *Stage { return f.Stages[len(f.Stages)-1] }

// Image returns the image that the stage, or the stage that it begins with, begins with.
// It may hold [Unknown]; "scratch" is none.
func (s *Stage) Image() string {
	for s.parent != nil {
		s = s.parent
	}
	return s.From
}

// Platform returns what FROM --platform says, or nothing.
func (s *Stage) Platform() string {
	for s.parent != nil {
		s = s.parent
	}
	return s.platform
}

// IsPartOf reports whether another stage begins with the stage.
func (s *Stage) IsPartOf(other *Stage) bool {
	for other = other.parent; other != nil; other = other.parent {
		if other == s {
			return true
		}
	}
	return false
}

// locate makes an error of one of BuildKit's parser.
func locate(err error) error {
	pos := doctree.Pos{Line: 1, Column: 1}
	var at *parser.LocationError
	if errors.As(err, &at) {
		if ranges := at.Locations; len(ranges) > 0 && len(ranges[0]) > 0 {
			pos.Line = max(ranges[0][0].Start.Line, 1)
		}
	}
	return &doctree.Error{Pos: pos, Err: cause(err)}
}

// cause returns an error of BuildKit's without the place.
func cause(err error) error {
	var at *parser.LocationError
	if errors.As(err, &at) {
		return at.Unwrap()
	}
	return err
}
