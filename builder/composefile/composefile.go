// Package composefile loads a Compose file as Compose does, with the library that Compose
// itself uses: variables, .env, extends, include, anchors, !reset and !override, and all
// documents of the file. The library forgets where values stand; so the result is a tree
// of positioned values, each of which stands where it is written.
//
//	project := composefile.Load(ctx, data, docs, composefile.Options{Dir: "."})
//	project.Root.Get("services").Get("app").Get("healthcheck")
//
// https://docs.docker.com/reference/compose-file/
package composefile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
)

// Unknown stands in a text for what is known only when the file is used: the value of a
// variable that nothing sets.
const Unknown = "\uFFFC"

// Options say what a file is loaded with.
type Options struct {
	// Dir is the directory of the file. Without it, no other file is read.
	Dir string
	// Name is the file's name in Dir, by which Compose may merge others into it.
	Name string
	// Environment holds the variables of the process that Compose would be. Those of .env
	// count behind them.
	Environment map[string]string
}

// A Project is a Compose file as Compose loads it.
type Project struct {
	// Root has what the file says in Compose's own, long form. What comes from another
	// file stands where that file is named.
	Root *doctree.Node
	// Refused is what Compose says against the file. Then Root is what it says by itself.
	// It is of type [*doctree.Error] where the place is known.
	Refused error
	// Unset are variables that nothing sets and that have no default, in alphabetical
	// order. Compose puts nothing in their place.
	Unset []string
	// Included has, for each service that another file defines, that file's path from Dir.
	// The service stands where the file is included. A file that is merged into this one
	// has a service if it sets its image or check.
	Included map[string]string
	// Into is the path of the file that this one is merged into. Then nothing is read.
	Into string
	// Notes tell what was not followed, such as a file in another repository.
	Notes []string

	variables *variables
}

// Load loads a file whose documents are parsed already.
func Load(ctx context.Context, data []byte, docs []*doctree.Node, o Options) *Project {
	l := &load{docs: docs, dir: o.Dir, project: &Project{Included: map[string]string{}}}
	environment, note := readDotEnv(o)
	l.note(note)
	l.project.variables = newVariables(environment)
	if o.Dir != "" {
		into, err := l.merged(o.Name)
		if l.project.Into = into; into != "" {
			return l.project
		}
		if err != nil {
			l.project.Refused = &doctree.Error{Pos: firstPos(docs), Err: err}
		}
	}
	if root := l.plainRoot(data); root != nil {
		l.project.Root = root
		return l.project
	}
	l.project.variables = newVariables(environment)
	if model := l.load(ctx, data); model != nil {
		l.project.Root = l.place(model)
		l.noteOthers()
	} else {
		l.project.Root = l.project.variables.plain(docs)
	}
	l.project.Unset = l.project.variables.names()
	return l.project
}

// load returns what Compose makes of the file, or would make of it if it took it, or nil.
func (l *load) load(ctx context.Context, data []byte) map[string]any {
	model, err := l.model(ctx, data, strict)
	if err == nil {
		return model
	}
	v := l.project.variables
	if unset := v.names(); len(unset) > 0 {
		v.unknown = aNumber // where Compose takes only such
		model, other := l.model(ctx, data, strict)
		v.unknown = Unknown
		switch {
		case other == nil:
			return model
		case other.Error() != err.Error() || strings.Contains(err.Error(), aNumber) || strings.Contains(err.Error(), Unknown): // so it is for the variables
			l.note(fmt.Sprintf("Compose refuses it without %s: %v", strings.Join(unset, ", "), l.locate(err)))
			err = nil
		}
	}
	if err != nil {
		l.project.Refused = l.locate(err)
	}
	model, _ = l.model(ctx, data, lenient)
	return model
}

// A load is one call of Load.
type load struct {
	docs    []*doctree.Node
	dir     string
	project *Project
	origins []origin // files that the file takes services from
	others  []mergedFile

	skipInclude, skipExtends bool // not all of their files can be followed
}

func (l *load) note(text string) {
	if text != "" && !slices.Contains(l.project.Notes, text) {
		l.project.Notes = append(l.project.Notes, text)
	}
}
