package why

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// addTo adds the containers of all tasks, and the services, to what is asked about.
func (e *ecsDocuments) addTo(s *Subject, now time.Time) error {
	for _, f := range e.failures {
		s.Missing = append(s.Missing, strings.TrimSpace(fmt.Sprintf("%s: %s %s", lastPart(f.Arn), f.Reason, f.Detail)))
	}
	for _, service := range e.services {
		s.Containers = append(s.Containers, e.service(service, now))
	}
	for _, task := range e.counting() {
		for _, c := range task.Containers {
			s.Containers = append(s.Containers, e.container(task, c, now))
		}
	}
	if len(e.services)+len(e.tasks) == 0 && len(e.definitions) > 0 {
		return errors.New("reading standard input: a task definition says how containers are to run, and not how they do: add what aws ecs describe-tasks prints")
	}
	for _, d := range e.definitions {
		s.definitions = append(s.definitions, definition{lastPart(d.TaskDefinitionArn), d.raw})
	}
	if s.Name == "" && len(e.services) == 1 {
		s.Name = "ecs:" + lastPart(e.services[0].ClusterArn) + "/" + e.services[0].ServiceName
	}
	if s.Name == "" && len(e.tasks) == 1 {
		s.Name = "ecs:" + strings.TrimPrefix(e.tasks[0].TaskArn[strings.LastIndexByte(e.tasks[0].TaskArn, ':')+1:], "task/")
	}
	return nil
}

// counting returns the tasks that say how things are: not those that have ended before
// what runs now was started, if all of that is healthy, nor those of an older definition
// than the service's.
func (e *ecsDocuments) counting() (tasks []ecsTask) {
	var begun time.Time
	running, well := 0, true
	for _, t := range e.tasks {
		if t.LastStatus != "STOPPED" {
			running++
			well = well && t.HealthStatus == "HEALTHY"
			begun = latest(begun, t.StartedAt.Time)
		}
	}
	for _, t := range e.tasks {
		stopped := t.LastStatus == "STOPPED"
		superseded := running > 0 && well && !t.StoppedAt.After(begun)
		if stopped && len(e.services) > 0 && (superseded || !e.isCurrent(t) || isScaledIn(t)) {
			continue
		}
		tasks = append(tasks, t)
	}
	slices.SortStableFunc(tasks, func(a, b ecsTask) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return tasks
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// isCurrent reports whether a task is of the definition that its service has now.
func (e *ecsDocuments) isCurrent(t ecsTask) bool {
	return slices.ContainsFunc(e.services, func(s ecsService) bool {
		return s.TaskDefinition == "" || lastPart(s.TaskDefinition) == lastPart(t.TaskDefinitionArn)
	})
}

// isScaledIn reports whether a task was stopped because fewer were wanted.
func isScaledIn(t ecsTask) bool { return strings.HasPrefix(t.StoppedReason, "Scaling activity") }

var steadyPattern = regexp.MustCompile(`has reached a steady state`)

// service returns a service as something that is asked about beside its containers: its
// events, its rollout and its load balancers' targets.
func (e *ecsDocuments) service(s ecsService, now time.Time) *Container {
	c := &Container{Platform: ECS, Name: "service " + s.ServiceName, Service: true, Essential: true, Status: Running, Health: Healthy, Now: now}
	for _, event := range slices.Backward(s.Events) { // newest first there
		if steadyPattern.MatchString(event.Message) {
			c.Events = nil // all was well by then
		}
		c.Events = append(c.Events, Fact{event.CreatedAt.Time, event.Message})
	}
	slices.SortStableFunc(c.Events, func(a, b Fact) int { return a.Time.Compare(b.Time) })
	for _, d := range s.Deployments {
		if d.RolloutState != "" {
			text := fmt.Sprintf("deployment of %s: %s, %d failed tasks: %s", lastPart(d.TaskDefinition), strings.ToLower(d.RolloutState), d.FailedTasks, d.RolloutStateReason)
			c.Events = append(c.Events, Fact{d.UpdatedAt.Time, strings.TrimSuffix(text, ": ")})
		}
		if d.RolloutState == "FAILED" {
			c.Health = Unhealthy
		}
	}
	for _, t := range e.targets {
		if t.TargetHealth.State == "unhealthy" {
			text := fmt.Sprintf("target %s:%d is unhealthy: %s: %s", t.Target.ID, t.Target.Port, t.TargetHealth.Reason, t.TargetHealth.Description)
			c.Events = append(c.Events, Fact{now, text})
		}
	}
	if c.platformSays(balancerPattern) != nil {
		c.Health = Unhealthy
	}
	c.Events = append(c.Events, Fact{now, fmt.Sprintf("%d tasks are to run, %d run, %d are pending", s.DesiredCount, s.RunningCount, s.PendingCount)})
	if s.RunningCount < s.DesiredCount {
		c.Status, c.Health = Waiting, Unknown
	}
	return c
}

// container returns a container of a task.
func (e *ecsDocuments) container(t ecsTask, said ecsContainer, now time.Time) *Container {
	definition := e.definition(t.TaskDefinitionArn)
	c := &Container{
		Platform: ECS, specName: said.Name, Name: said.Name, Image: said.Image, Essential: true, Task: lastPart(t.TaskArn), definition: lastPart(t.TaskDefinitionArn),
		Status: ecsStatus(cmp.Or(said.LastStatus, t.LastStatus)), Health: Health(strings.ToLower(cmp.Or(said.HealthStatus, "unknown"))),
		ExitCode: -1, Error: said.Reason, OOMKilled: memoryPattern.MatchString(said.Reason),
		Created: t.CreatedAt.Time, Started: t.StartedAt.Time, Finished: t.StoppedAt.Time, Now: now,
	}
	if said.ExitCode != nil {
		c.ExitCode = *said.ExitCode
	}
	if t.StoppedReason != "" {
		c.Events = append(c.Events, Fact{t.StoppedAt.Time, strings.TrimSpace(t.StopCode + ": " + t.StoppedReason)})
	}
	if failedChecks.MatchString(t.StoppedReason) && c.Health == Unknown {
		c.Health = Unhealthy
	}
	for _, a := range t.Attributes {
		if a.Name == "ecs.cpu-architecture" {
			c.HostArch = map[string]string{"x86_64": "amd64"}[a.Value]
			c.HostArch = cmp.Or(c.HostArch, a.Value)
		}
	}
	e.fillDefinition(c, definition.container(said.Name))
	e.fillLog(c, t, definition.container(said.Name))
	if c.Status == Running && c.Health == Unknown && c.hasCheck() {
		c.Health = Starting
	}
	return c
}

// failedChecks matches why ECS stops a task whose container's check fails.
var failedChecks = regexp.MustCompile(`(?i)failed container health checks`)

func ecsStatus(status string) Status {
	switch status {
	case "RUNNING":
		return Running
	case "PROVISIONING", "PENDING", "ACTIVATING", "CREATED", "RESOURCES_PROVISIONED":
		return Waiting
	}
	return Exited
}

// fillDefinition fills in what the task definition says of a container.
func (e *ecsDocuments) fillDefinition(c *Container, d *ecsContainerDefinition) {
	if d == nil {
		if c.Health != Unknown {
			c.Check = nil
		}
		return
	}
	c.defined = true
	c.Essential = d.Essential == nil || *d.Essential
	c.Memory = d.Memory << 20
	c.Run.User, c.Run.ReadOnly, c.Run.Env = d.User, d.ReadonlyRootFilesystem, map[string]string{}
	for _, v := range d.Environment {
		c.Run.Env[v.Name] = v.Value
	}
	for _, p := range d.PortMappings {
		c.Run.Ports = append(c.Run.Ports, p.ContainerPort)
	}
	for _, on := range d.DependsOn {
		if on.Condition == "HEALTHY" {
			c.WaitsFor = on.ContainerName
		}
	}
	if h := d.HealthCheck; h != nil {
		c.Check = &health.Config{
			Test: h.Command, Interval: time.Duration(h.Interval) * time.Second, Timeout: time.Duration(h.Timeout) * time.Second,
			StartPeriod: time.Duration(h.StartPeriod) * time.Second, Retries: h.Retries,
		}
	}
}

// probeLine matches what kohealth's probe writes into the container's log.
var probeLine = regexp.MustCompile(`^unhealthy: `)

// fillLog fills in the lines of a container's log stream, PREFIX/CONTAINER/TASK. Those of
// the probe are failed checks, of which ECS itself keeps nothing.
//
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
func (e *ecsDocuments) fillLog(c *Container, t ecsTask, d *ecsContainerDefinition) {
	suffix := "/" + c.Name + "/" + lastPart(t.TaskArn)
	for _, event := range e.log {
		if !strings.HasSuffix(event.LogStreamName, suffix) {
			continue
		}
		line := Fact{time.UnixMilli(event.Timestamp), strings.TrimRight(event.Message, "\r\n")}
		if probeLine.MatchString(line.Text) {
			c.Runs = append(c.Runs, Run{End: line.Time, ExitCode: 1, Output: line.Text})
			continue
		}
		c.Log = append(c.Log, line)
	}
	if c.Health == Healthy && len(c.Runs) > 0 {
		c.Runs = append(c.Runs, Run{End: c.Now}) // that it is healthy says that a check has passed
	}
}
