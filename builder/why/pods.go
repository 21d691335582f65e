package why

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// The parts that are read of what kubectl prints of pods and events.
//
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
type (
	pod struct {
		Metadata struct {
			Name, Namespace   string
			CreationTimestamp time.Time
		}
		Spec struct {
			Containers, InitContainers []podContainer
		}
		Status struct {
			Phase, Reason, Message                   string
			StartTime                                time.Time
			Conditions                               []podCondition
			ContainerStatuses, InitContainerStatuses []podStatus
		}

		raw json.RawMessage
	}
	podCondition struct {
		Type, Status, Reason, Message string
		LastTransitionTime            time.Time
	}
	podContainer struct {
		Name, Image string
		Env         []struct{ Name, Value string }
		Ports       []struct {
			Name          string
			ContainerPort int
		}
		Resources                                   struct{ Limits map[string]string }
		SecurityContext                             struct{ ReadOnlyRootFilesystem bool }
		LivenessProbe, ReadinessProbe, StartupProbe *podProbe
	}
	podProbe struct {
		Exec    *struct{ Command []string }
		HTTPGet *struct {
			Path, Scheme, Host string
			Port               json.RawMessage
		}
		TCPSocket                                                            *struct{ Port json.RawMessage }
		GRPC                                                                 *struct{ Port int }
		InitialDelaySeconds, PeriodSeconds, TimeoutSeconds, FailureThreshold int
	}
	podStatus struct {
		Name             string
		Ready            bool
		Started          *bool
		RestartCount     int
		State, LastState podState
	}
	podState struct {
		Waiting    *struct{ Reason, Message string }
		Running    *struct{ StartedAt time.Time }
		Terminated *struct {
			ExitCode              int
			Reason, Message       string
			StartedAt, FinishedAt time.Time
		}
	}
	podEvent struct {
		InvolvedObject                struct{ Name, Namespace, FieldPath string }
		Reason, Message               string
		FirstTimestamp, LastTimestamp time.Time
		EventTime                     time.Time
		Count                         int
	}
)

func (r *reader) pod(doc json.RawMessage) error {
	if err := appendTo(&r.pods, doc); err != nil {
		return fmt.Errorf("parsing pod: %w", err)
	}
	r.pods[len(r.pods)-1].raw = doc
	return nil
}

// definition returns the name of what the pod is written in.
func (p *pod) definition() string { return "pod/" + p.Metadata.Name }

func (r *reader) event(doc json.RawMessage) error {
	if err := appendTo(&r.podEvents, doc); err != nil {
		return fmt.Errorf("parsing event: %w", err)
	}
	return nil
}

// addPods adds the containers of pods to what is asked about.
func (r *reader) addPods(s *Subject) error {
	for _, p := range r.pods {
		s.definitions = append(s.definitions, definition{p.definition(), p.raw})
		if p.Status.Phase == "Pending" && len(p.Status.ContainerStatuses) == 0 {
			s.Containers = append(s.Containers, r.unscheduled(p))
			continue
		}
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			statuses := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
			i := slices.IndexFunc(statuses, func(status podStatus) bool { return status.Name == c.Name })
			if i < 0 {
				continue
			}
			isInit := i < len(p.Status.InitContainerStatuses)
			if t := statuses[i].State.Terminated; isInit && t != nil && t.ExitCode == 0 {
				continue // it is done
			}
			s.Containers = append(s.Containers, r.podContainer(p, c, statuses[i]))
		}
	}
	if len(r.pods) == 1 {
		s.Name = "pod:" + r.pods[0].Metadata.Name
		if len(s.Containers) == 1 {
			s.Containers[0].Name = ""
		}
	}
	return nil
}

// unscheduled returns what stands for a pod that has no containers yet.
func (r *reader) unscheduled(p pod) *Container {
	c := &Container{Platform: Kubernetes, Name: p.Metadata.Name, Essential: true, Status: Waiting, Health: Unknown, Created: p.Metadata.CreationTimestamp, Now: r.now}
	for _, condition := range p.Status.Conditions {
		if condition.Status == "False" && condition.Message != "" {
			c.Events = append(c.Events, Fact{condition.LastTransitionTime, "FailedScheduling: " + condition.Message})
		}
	}
	r.addEvents(c, p, "")
	return c
}

func (r *reader) podContainer(p pod, spec podContainer, status podStatus) *Container {
	c := &Container{
		Platform: Kubernetes, definition: p.definition(), specName: spec.Name, Name: spec.Name, Image: spec.Image, Essential: true, Health: Unknown, Restarts: status.RestartCount,
		Created: p.Metadata.CreationTimestamp, Now: r.now, defined: true,
	}
	c.Run.ReadOnly, c.Run.Env = spec.SecurityContext.ReadOnlyRootFilesystem, map[string]string{}
	for _, v := range spec.Env {
		c.Run.Env[v.Name] = v.Value
	}
	for _, port := range spec.Ports {
		c.Run.Ports = append(c.Run.Ports, port.ContainerPort)
	}
	c.CPUs, c.Memory = processors(spec.Resources.Limits["cpu"]), bytesOf(spec.Resources.Limits["memory"])
	c.fillPodState(status)
	probe := cmp.Or(spec.LivenessProbe, spec.ReadinessProbe, spec.StartupProbe)
	if probe != nil {
		c.Check = probe.check(spec)
		c.Health = Starting
		if status.Ready {
			c.Health = Healthy
		}
	}
	r.addEvents(c, p, spec.Name)
	if len(c.failures()) > 0 && !status.Ready {
		c.Health = Unhealthy
	}
	return c
}

func (c *Container) fillPodState(status podStatus) {
	if t := status.LastState.Terminated; t != nil {
		c.Previous = &Termination{t.ExitCode, strings.TrimSpace(t.Reason + " " + t.Message), t.FinishedAt}
	}
	switch state := status.State; {
	case state.Running != nil:
		c.Status, c.Started = Running, state.Running.StartedAt
	case state.Terminated != nil:
		t := state.Terminated
		c.Status, c.ExitCode, c.Started, c.Finished = Exited, t.ExitCode, t.StartedAt, t.FinishedAt
		if t.Reason != "Error" && t.Reason != "Completed" {
			c.Error = strings.TrimSpace(t.Reason + " " + t.Message)
		}
	case state.Waiting != nil:
		c.Status, c.Error = Waiting, strings.TrimSpace(state.Waiting.Reason+": "+state.Waiting.Message)
	default:
		c.Status = Waiting
	}
	c.OOMKilled = memoryPattern.MatchString(c.Error) || c.Previous != nil && memoryPattern.MatchString(c.Previous.Reason)
}

// check returns a probe in the words of images' checks. Kubernetes' own defaults hold.
func (p *podProbe) check(spec podContainer) *health.Config {
	seconds := func(n, or int) time.Duration { return time.Duration(cmp.Or(n, or)) * time.Second }
	config := &health.Config{
		Interval: seconds(p.PeriodSeconds, 10), Timeout: seconds(p.TimeoutSeconds, 1), Retries: cmp.Or(p.FailureThreshold, 3),
		StartPeriod: seconds(p.InitialDelaySeconds, 0),
	}
	if s := spec.StartupProbe; s != nil {
		config.StartPeriod = seconds(s.PeriodSeconds, 10) * time.Duration(cmp.Or(s.FailureThreshold, 3))
	}
	switch {
	case p.Exec != nil:
		config.Test = append([]string{"CMD"}, p.Exec.Command...)
	case p.HTTPGet != nil:
		config.Test = []string{"httpGet", fmt.Sprintf("%s://%s:%d%s", strings.ToLower(cmp.Or(p.HTTPGet.Scheme, "http")), p.HTTPGet.Host, spec.port(p.HTTPGet.Port), p.HTTPGet.Path)}
	case p.TCPSocket != nil:
		config.Test = []string{"tcpSocket", fmt.Sprintf("tcp://:%d", spec.port(p.TCPSocket.Port))}
	case p.GRPC != nil:
		config.Test = []string{"grpc", fmt.Sprintf("grpc://:%d", p.GRPC.Port)}
	}
	return config
}

// port returns a probe's port, which may be named.
func (c podContainer) port(raw json.RawMessage) int {
	text := strings.Trim(string(raw), `"`)
	for _, p := range c.Ports {
		if p.Name == text && text != "" {
			return p.ContainerPort
		}
	}
	number, _ := strconv.Atoi(text)
	return number
}

// addEvents adds the events of a pod that are about a container, or about the whole.
// Those of probes that failed are runs of the check.
func (r *reader) addEvents(c *Container, p pod, name string) {
	for _, e := range r.podEvents {
		if e.InvolvedObject.Name != p.Metadata.Name {
			continue
		}
		if path := e.InvolvedObject.FieldPath; path != "" && name != "" && !strings.Contains(path, "{"+name+"}") {
			continue
		}
		at := latest(e.LastTimestamp, latest(e.EventTime, e.FirstTimestamp))
		if e.Reason == "Unhealthy" {
			c.Runs = append(c.Runs, Run{End: at, ExitCode: 1, Output: e.Message})
			continue
		}
		text := e.Reason + ": " + e.Message
		if e.Count > 1 {
			text += fmt.Sprintf(" (%d times)", e.Count)
		}
		c.Events = append(c.Events, Fact{at, text})
	}
	slices.SortStableFunc(c.Runs, func(a, b Run) int { return a.End.Compare(b.End) })
	slices.SortStableFunc(c.Events, func(a, b Fact) int { return a.Time.Compare(b.Time) })
	if c.Health == Healthy && len(c.Runs) > 0 {
		c.Runs = append(c.Runs, Run{End: r.now}) // that it is ready says that a probe has passed
	}
}

// processors parses a quantity of processors, such as 500m. It returns 0 if there is none.
func processors(s string) float64 {
	if number, ok := strings.CutSuffix(s, "m"); ok {
		n, _ := strconv.ParseFloat(number, 64)
		return n / 1000
	}
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

// bytesOf parses a quantity of memory, such as 128Mi. It returns 0 if there is none.
func bytesOf(s string) int64 {
	for suffix, unit := range map[string]int64{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 1000, "M": 1e6, "G": 1e9} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			n, _ := strconv.ParseInt(number, 10, 64)
			return n * unit
		}
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
