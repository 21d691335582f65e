package lint

import (
	"context"
	"slices"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// A style is how keys are written in a file.
type style int

const (
	dockerfile  style = iota // HEALTHCHECK --interval=30s CMD ["…"]
	camelJSON                // "healthCheck": {"startPeriod": 10}
	pascalJSON               // "HealthCheck": {"StartPeriod": 10}
	pascalYAML               // HealthCheck: {StartPeriod: 10}
	camelYAML                // healthCheck: {startPeriod: 10}
	composeYAML              // healthcheck: {start_period: 10s}
	kubeYAML                 // livenessProbe: {exec: {command: [a]}, periodSeconds: 10}
	kubeJSON                 // the same in JSON
)

// read reads the groups of a file: by the format that takes all of it, or else each of
// its documents by the format that it is of.
func (o Options) read(ctx context.Context, f *file) (groups []*group, err error) {
	if err := limits.Documents.Check(int64(len(f.data))); err != nil {
		return nil, err
	}
	formats := FileFormats()
	for _, format := range formats {
		if format.isFile != nil && format.isFile(f) {
			groups, err := format.read(ctx, f, o)
			return o.count(format, groups), err
		}
	}
	docs, err := doctree.ParseAll(f.data)
	if err != nil {
		return nil, f.unread(err)
	}
	for _, format := range formats {
		part := *f
		if part.docs, docs = format.take(docs); len(part.docs) == 0 {
			continue
		}
		read, err := format.read(ctx, &part, o)
		if err != nil {
			return nil, err
		}
		groups = append(groups, o.count(format, read)...)
	}
	if err := refuse(docs); err != nil {
		return nil, f.unread(err)
	}
	return groups, nil
}

// count tells how much was read.
func (o Options) count(format Format, groups []*group) []*group {
	if o.Read == nil {
		return groups
	}
	n := 0
	for _, g := range groups {
		for _, c := range g.Containers {
			if c.Probe == nil {
				n++
			}
		}
	}
	o.Read(format, n)
	return groups
}

// take takes the documents that are of a format, and leaves the others.
func (format Format) take(docs []*doctree.Node) (taken, left []*doctree.Node) {
	if format.isDocument == nil || !slices.ContainsFunc(docs, format.isDocument) {
		return nil, docs
	}
	if format.whole {
		return docs, nil
	}
	for _, doc := range docs {
		if format.isDocument(doc) {
			taken = append(taken, doc)
		} else {
			left = append(left, doc)
		}
	}
	return taken, left
}

// refuse returns the error of a document that is of no format. An empty one beside others
// is none.
func refuse(docs []*doctree.Node) error {
	isGiven := func(doc *doctree.Node) bool { return doc.Given() }
	if len(docs) == 0 || len(docs) > 1 && !slices.ContainsFunc(docs, isGiven) {
		return nil
	}
	return unknown()
}

// readArgs reads a test that is a list.
func readArgs(list []*doctree.Node) []arg {
	args := make([]arg, len(list))
	for i, n := range list {
		text, ok := n.Str()
		args[i] = arg{Text: text, Open: !ok, Pos: n.At()}
	}
	return args
}

func readNumber(n *doctree.Node) number {
	if !n.Given() || n.Kind != doctree.Scalar {
		return number{}
	}
	if i, ok := n.Int(); ok {
		return number{Value: i, Given: true, Pos: n.Pos}
	}
	return number{Bad: n.Text, Pos: n.Pos}
}
