package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts that are read of the answers of ECS's API, which aws prints, too.
//
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Types.html
type (
	ecsService struct {
		ClusterArn, ServiceArn, ServiceName, Status string
		DesiredCount, RunningCount, PendingCount    int
		TaskDefinition                              string
		Deployments                                 []ecsDeployment
		Events                                      []struct {
			CreatedAt ecsTime
			Message   string
		}
		LoadBalancers []struct{ TargetGroupArn, LoadBalancerName, ContainerName string }
	}
	ecsDeployment struct {
		Status, TaskDefinition, RolloutState, RolloutStateReason string
		FailedTasks                                              int
		UpdatedAt                                                ecsTime
	}
	ecsTask struct {
		TaskArn, Group, LastStatus, HealthStatus, TaskDefinitionArn string
		StopCode, StoppedReason                                     string
		CreatedAt, StartedAt, StoppedAt                             ecsTime
		Containers                                                  []ecsContainer
		Attributes                                                  []struct{ Name, Value string }
		Memory                                                      string
	}
	ecsContainer struct {
		Name, Image, LastStatus, HealthStatus, Reason string
		ExitCode                                      *int
	}
	ecsDefinition struct {
		TaskDefinitionArn    string
		ContainerDefinitions []ecsContainerDefinition
		raw                  json.RawMessage
	}
	ecsContainerDefinition struct {
		Name, Image, User      string
		Essential              *bool
		Memory                 int64
		ReadonlyRootFilesystem bool
		HealthCheck            *struct {
			Command                                 []string
			Interval, Timeout, Retries, StartPeriod int
		}
		DependsOn        []struct{ ContainerName, Condition string }
		Environment      []struct{ Name, Value string }
		PortMappings     []struct{ ContainerPort int }
		LogConfiguration struct {
			LogDriver string
			Options   map[string]string
		}
	}
	ecsFailure  struct{ Arn, Reason, Detail string }
	ecsLogEvent struct {
		Timestamp     int64 // ms
		Message       string
		LogStreamName string
	}
	ecsTarget struct {
		Target struct {
			ID   string `json:"Id" xml:"Id"`
			Port int
		}
		TargetHealth struct{ State, Reason, Description string }
	}
)

// An ecsTime is seconds since 1970, as the API has it, or the text that aws makes of it.
type ecsTime struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *ecsTime) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		return nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e11 {
		t.Time = time.UnixMilli(int64(seconds * 1000))
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999Z0700", "2006-01-02T15:04:05.999999-07:00"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			t.Time = parsed
			return nil
		}
	}
	return fmt.Errorf("parsing time %q: want seconds, or as in 2006-01-02T15:04:05Z", text)
}

// ecsDocuments are all that is known of a service and its tasks.
type ecsDocuments struct {
	services    []ecsService
	tasks       []ecsTask
	definitions []ecsDefinition
	targets     []ecsTarget
	log         []ecsLogEvent
	failures    []ecsFailure
}

// add adds what a document holds.
func (e *ecsDocuments) add(d document) error {
	for _, raw := range d.Services {
		if err := appendTo(&e.services, raw); err != nil {
			return fmt.Errorf("parsing service: %w", err)
		}
	}
	for _, raw := range d.Tasks {
		if err := appendTo(&e.tasks, raw); err != nil {
			return fmt.Errorf("parsing task: %w", err)
		}
	}
	for _, raw := range d.TargetHealth {
		if err := appendTo(&e.targets, raw); err != nil {
			return fmt.Errorf("parsing target health: %w", err)
		}
	}
	if d.TaskDefinition != nil && bytes.HasPrefix(d.TaskDefinition, []byte("{")) {
		if err := appendTo(&e.definitions, d.TaskDefinition); err != nil {
			return fmt.Errorf("parsing task definition: %w", err)
		}
		e.definitions[len(e.definitions)-1].raw = d.TaskDefinition
	}
	e.log = append(e.log, d.LogEvents...)
	e.failures = append(e.failures, d.Failures...)
	return nil
}

func appendTo[T any](list *[]T, raw json.RawMessage) error {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// definition returns the definition of a task, or nil. Where only one is known and no task
// says its own, that one is it.
func (e *ecsDocuments) definition(arn string) *ecsDefinition {
	i := slices.IndexFunc(e.definitions, func(d ecsDefinition) bool {
		return d.TaskDefinitionArn == arn || lastPart(d.TaskDefinitionArn) == lastPart(arn)
	})
	if i < 0 {
		return nil
	}
	return &e.definitions[i]
}

func (d *ecsDefinition) container(name string) *ecsContainerDefinition {
	if d == nil {
		return nil
	}
	i := slices.IndexFunc(d.ContainerDefinitions, func(c ecsContainerDefinition) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &d.ContainerDefinitions[i]
}

// lastPart returns what stands behind the last slash of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
