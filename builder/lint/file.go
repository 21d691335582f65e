package lint

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// A style is how keys are written in a file.
type style int

const (
	dockerfileStyle style = iota // HEALTHCHECK --interval=30s CMD ["…"]
	camelJSON                    // "healthCheck": {"startPeriod": 10}
	pascalJSON                   // "HealthCheck": {"StartPeriod": 10}
	pascalYAML                   // HealthCheck: {StartPeriod: 10}
	camelYAML                    // healthCheck: {startPeriod: 10}
	composeYAML                  // healthcheck: {start_period: 10s}
	kubeYAML                     // livenessProbe: {exec: {command: [a]}, periodSeconds: 10}
	kubeJSON                     // the same in JSON
	hclStyle                     // healthCheck = { startPeriod = 10 }
	runStyle                     // --health-interval=10s
	quadletStyle                 // HealthInterval=10s
	nomadStyle                   // interval = "10s"
	copilotStyle                 // healthcheck: {start_period: 10s}
	hclSnake                     // health_check = { start_period = 10 }
	koYAML                       // healthcheck: {start_period: 10s}
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
			if err != nil {
				return nil, cmp.Or(f.resembles(fileLookalikes()), err)
			}
			return o.tellRead(format, groups), nil
		}
	}
	if path.Ext(f.name) == ".hcl" { // of another tool of HashiCorp's, or Terragrunt's
		return nil, unknown()
	}
	docs, err := doctree.ParseLenient(f.data)
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
		groups = append(groups, o.tellRead(format, read)...)
	}
	return o.others(f, groups, docs)
}

// others deals with the documents that are of no format: beside others they are left, and
// empty ones are none.
func (o Options) others(f *file, groups []*group, docs []*doctree.Node) ([]*group, error) {
	given := slices.DeleteFunc(slices.Clone(docs), func(doc *doctree.Node) bool { return !doc.Given() })
	switch {
	case len(docs) == 0, len(given) == 0 && (len(groups) > 0 || len(docs) > 1):
		return groups, nil
	case len(groups) == 0:
		return nil, f.unread(unknown())
	}
	left := newGroup()
	for _, doc := range given {
		left.left(fmt.Sprintf("the document at line %d, which is of no format that lint reads", doc.At().Line))
	}
	return append(groups, left), nil
}

// tellRead tells what was read.
func (o Options) tellRead(format Format, groups []*group) []*group {
	if o.Read != nil {
		o.Read(format, described(groups))
	}
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

// readArgs reads a test that is a list.
func readArgs(list []*doctree.Node) []arg {
	args := make([]arg, len(list))
	for i, n := range list {
		text, ok := n.Str()
		args[i] = arg{Text: text, Open: !ok || isOpen(text), Made: n != nil && n.Made, Pos: n.At()}
	}
	return args
}

func readNumber(n *doctree.Node) number {
	if !n.Given() || n.Kind != doctree.Scalar || isOpen(n.Text) {
		return number{}
	}
	if i, ok := n.Int(); ok {
		return number{Value: i, Given: true, Pos: n.Pos}
	}
	return number{Bad: n.Text, Pos: n.Pos}
}
