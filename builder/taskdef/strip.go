package taskdef

import (
	"bytes"
	"errors"
	"slices"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hint"
)

// readOnly are the fields of a task definition that ECS tells and does not take.
//
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
func readOnly() []string {
	return []string{
		"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities",
		"registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt",
	}
}

// Strip makes of what aws ecs describe-task-definition prints what aws ecs
// register-task-definition takes: without the fields that ECS adds, and without the
// object around it, whose tags become the task definition's. All else stays as it is.
func Strip(data []byte) ([]byte, error) {
	f, err := Parse(data)
	if err != nil {
		return nil, err
	}
	described := f.root.Get("taskDefinition")
	switch {
	case !f.isJSON():
		return nil, hint.With(errors.New("only JSON can be stripped"), "aws ecs describe-task-definition --output json prints it")
	case f.root.Get("containerDefinitions").Given():
		stripped := apply(f.data, remove(f.root))
		return append(slices.Clone(f.mark), stripped...), nil
	case described.Get("containerDefinitions").Given():
		return f.unwrap(described)
	}
	return nil, errors.New("only a task definition can be stripped")
}

// remove returns the edits that remove the fields that are read-only, each with the
// comma that it needs no more.
func remove(task *doctree.Node) (edits []edit) {
	kept := 0
	for i, field := range task.Fields {
		span := doctree.Span{Start: field.Key.Span.Start, End: field.Value.Span.End}
		switch {
		case !slices.Contains(readOnly(), field.Key.Text):
			kept++
			continue
		case kept > 0:
			span.Start = task.Fields[i-1].Value.Span.End
		case i+1 < len(task.Fields):
			span.End = task.Fields[i+1].Key.Span.Start
		}
		edits = append(edits, edit{Span: span})
	}
	return edits
}

// unwrap returns the task definition in what describe-task-definition prints, in its
// place: with less white space before its lines.
func (f *File) unwrap(task *doctree.Node) ([]byte, error) {
	edits := append(remove(task), edit{Span: doctree.Span{End: task.Span.Start}}, edit{Span: doctree.Span{Start: task.Span.End, End: f.root.Span.End}})
	inner := apply(f.data, edits)
	if indent := f.indentAt(task.Span.Start); indent != "" {
		inner = bytes.ReplaceAll(inner, []byte("\n"+indent), []byte("\n"))
	}
	tags := f.root.Get("tags")
	if len(tags.List()) == 0 || task.Get("tags") != nil {
		return append(slices.Clone(f.mark), inner...), nil
	}
	u := &File{mark: f.mark, data: inner}
	var err error
	if u.root, err = doctree.Parse(inner); err != nil {
		return nil, err
	}
	last := &u.root.Fields[len(u.root.Fields)-1]
	end := last.Value.Span.End
	added := u.style(u.root, last).member("tags", string(f.data[tags.Span.Start:tags.Span.End]))
	return append(slices.Clone(f.mark), apply(inner, []edit{{doctree.Span{Start: end, End: end}, added}})...), nil
}
