package why

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// Read reads what command lines print of containers, as JSON: docker inspect and podman
// inspect, kubectl get pod and get events, aws ecs describe-services, describe-tasks and
// describe-task-definition. Several documents may follow each other, of which those about
// the same belong together.
func Read(data []byte) (*Subject, error) { return read(data, time.Now()) }

func read(data []byte, now time.Time) (*Subject, error) {
	r := &reader{now: now}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var doc json.RawMessage
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, hint.With(fmt.Errorf("parsing standard input: %w", err), "it has to be JSON, as in kubectl get pod -o json, or aws ecs describe-tasks --output=json")
		}
		if err := r.document(doc); err != nil {
			return nil, err
		}
	}
	return r.subject()
}

// A reader collects what documents say.
type reader struct {
	now        time.Time
	containers []*Container // of an engine
	pods       []pod
	podEvents  []podEvent
	ecs        ecsDocuments
}

// A document tells what it is by its keys.
type document struct {
	Kind           string            `json:"kind"`
	Items          []json.RawMessage `json:"items"`
	Services       []json.RawMessage `json:"services"`
	Tasks          []json.RawMessage `json:"tasks"`
	TaskDefinition json.RawMessage   `json:"taskDefinition"`
	Failures       []ecsFailure      `json:"failures"`
	TargetHealth   []json.RawMessage `json:"TargetHealthDescriptions"`
	LogEvents      []ecsLogEvent     `json:"events"`
	State          json.RawMessage   `json:"State"`
	Config         json.RawMessage   `json:"Config"`
}

func (r *reader) document(doc json.RawMessage) error {
	if bytes.HasPrefix(bytes.TrimSpace(doc), []byte("[")) {
		var list []json.RawMessage
		if err := json.Unmarshal(doc, &list); err != nil {
			return fmt.Errorf("parsing standard input: %w", err)
		}
		return r.all(list, r.document)
	}
	var d document
	if err := json.Unmarshal(doc, &d); err != nil {
		return fmt.Errorf("parsing standard input: %w", err)
	}
	switch {
	case d.Kind == "Pod":
		return r.pod(doc)
	case d.Kind == "Event":
		return r.event(doc)
	case strings.HasSuffix(d.Kind, "List"):
		return r.all(d.Items, r.document)
	case d.Kind != "":
		return hint.With(fmt.Errorf("reading standard input: a %s is no pod", d.Kind), "kubectl get pod NAME -o json prints one")
	case d.State != nil && d.Config != nil:
		c, err := readInspected(doc, r.now)
		if err == nil {
			r.containers = append(r.containers, c)
		}
		return err
	case d.Services != nil, d.Tasks != nil, d.TaskDefinition != nil, d.Failures != nil, d.TargetHealth != nil, d.LogEvents != nil:
		return r.ecs.add(d)
	}
	return hint.With(errors.New("reading standard input: it is nothing that describes a container"),
		"it takes what docker inspect, podman inspect, kubectl get pod -o json and aws ecs describe-tasks print")
}

func (r *reader) all(list []json.RawMessage, read func(json.RawMessage) error) error {
	for _, doc := range list {
		if err := read(doc); err != nil {
			return err
		}
	}
	return nil
}

// subject puts together what was read.
func (r *reader) subject() (*Subject, error) {
	s := &Subject{Containers: r.containers}
	if err := r.addPods(s); err != nil {
		return nil, err
	}
	if err := r.ecs.addTo(s, r.now); err != nil {
		return nil, err
	}
	if len(s.Containers) == 0 {
		return nil, hint.With(errors.New("reading standard input: there is no container in it"),
			"it takes what docker inspect, podman inspect, kubectl get pod -o json and aws ecs describe-tasks print")
	}
	if s.Name == "" && len(s.Containers) == 1 {
		c := s.Containers[0]
		s.Name, c.Name = string(c.Platform)+":"+c.Name, ""
	}
	if s.Name == "" {
		s.Name = fmt.Sprintf("%d containers", len(s.Containers))
	}
	return s, nil
}
