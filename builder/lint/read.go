package lint

import (
	"bytes"
	"context"
	"errors"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hint"
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
)

func isJSON(data []byte) bool {
	text := bytes.TrimLeft(data, "\uFEFF \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// read reads the groups of a file, of any of its documents.
func (o Options) read(ctx context.Context, data []byte, docs []*doctree.Node) (groups []*group, err error) {
	if isCompose(docs) {
		return []*group{readCompose(composefile.Load(ctx, data, docs, composefile.Options{Dir: o.Dir, Environment: o.Environment}), o.Dir)}, nil
	}
	for _, doc := range docs {
		if len(docs) > 1 && !doc.Given() {
			continue
		}
		read, err := readECS(doc, isJSON(data))
		if err != nil {
			return nil, err
		}
		groups = append(groups, read...)
	}
	return groups, nil
}

// readECS tells the kinds of ECS's files apart.
func readECS(doc *doctree.Node, json bool) ([]*group, error) {
	camel, pascal := camelYAML, pascalYAML
	if json {
		camel, pascal = camelJSON, pascalJSON
	}
	described := doc.Get("taskDefinition") // what describe-task-definition prints
	switch {
	case doc.Get("Resources").Given():
		return readTemplate(doc.Get("Resources"), pascal), nil
	case doc.Get("containerDefinitions").Given():
		return []*group{readTask(doc, camel)}, nil
	case described.Get("containerDefinitions").Given():
		return []*group{readTask(described, camel)}, nil
	case len(doc.List()) > 0 && doc.Items[0].Get("image").Given(): // Terraform's container_definitions
		return []*group{readDefinitions(doc, camel)}, nil
	}
	return nil, hint.With(errors.New("neither an ECS task definition, nor a Compose file, nor a CloudFormation template"),
		`a task definition has "containerDefinitions", a Compose file "services", a template "Resources"`)
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
