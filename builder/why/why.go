// Package why says what is wrong with a container that runs, or ran.
//
// Evidence comes from one source a file: the engine ([FromEngine]), Amazon ECS ([FromECS])
// or what their command lines print ([Read]). It makes a [Subject] of containers, which is
// the same whatever runs them. Every cause of [Causes] is held against every container, and
// [Diagnose] returns what is most certain, with the evidence for it.
//
// Nothing is changed, and nothing is run: whoever is asked is only read from.
package why

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
)

// A Platform is what runs a container.
type Platform string

// Platforms that are known.
const (
	Docker     Platform = "docker"
	Podman     Platform = "podman"
	ECS        Platform = "ecs"
	Kubernetes Platform = "kubernetes"
)

// A Status is what a container does, whatever its check says.
type Status string

// The statuses of containers. A container that is Waiting has not been started yet.
const (
	Waiting Status = "waiting"
	Running Status = "running"
	Paused  Status = "paused"
	Exited  Status = "exited"
)

// A Health is what the platform makes of a container's checks. Unknown is that it says
// nothing, as where there is no check.
type Health string

// The platforms' words for a container's health.
const (
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
	Starting  Health = "starting"
	Unknown   Health = "unknown"
)

// A Subject is what is asked about: one container, or those of a task, a service or a
// pod.
type Subject struct {
	Name       string // such as docker:web
	Containers []*Container
	Events     []Fact   // of the subject as a whole
	Missing    []string // what could not be looked at, and why

	definitions []definition // of the containers
}

// A definition is what a platform was told to run: a task definition, or a pod.
type definition struct {
	name string
	raw  json.RawMessage
}

// A Container is what is known of a container. What is not known is zero.
type Container struct {
	Platform  Platform
	Name      string // "" if it is the only one
	ID        string
	Image     string // the reference that it was made of
	ImageID   string // by which the engine knows the image
	Arch      string // of the image
	HostArch  string // of the machine
	Essential bool   // the whole is unhealthy if this one is
	Task      string // of ECS that it belongs to
	Service   bool   // it is no container, but stands for a service of ECS

	Status    Status
	Health    Health
	ExitCode  int // if it has exited
	OOMKilled bool
	Error     string // what the platform says about why it does not run
	Restarts  int
	Created   time.Time
	Started   time.Time
	Finished  time.Time
	Previous  *Termination // how it ended before the last restart

	Check  *health.Config // as the platform runs it; nil if there is none
	Streak int            // failures in a row
	Runs   []Run          // the last runs of the check, oldest first
	Log    []Fact         // the last lines that the container has written, oldest first
	Events []Fact         // what the platform says of it

	Run        lint.Run // as the judge wants it
	Memory     int64    // limit in bytes; 0 is none
	PIDs       int64    // limit of processes and threads; 0 is none
	CPUs       float64  // limit of processors; 0 is none
	Throttled  float64  // share of the periods in which CPUs was exceeded
	Sockets    *Sockets // nil if that is not known
	WaitsFor   string   // the container whose health this one waits for
	Findings   []lint.Finding
	Programs   []string // the image's, of those that can check
	LookedInto bool     // at the image, so that Programs are all

	Now time.Time // when the platform was asked

	definition string // in which it is written: its name
	specName   string // by which it is called there
	defined    bool   // what the platform is to run is known, the check included
}

// A Termination is how a container ended.
type Termination struct {
	ExitCode int
	Reason   string
	Finished time.Time
}

// A Run is one run of a check.
type Run struct {
	Start, End time.Time // one may be zero
	ExitCode   int       // 0 is healthy; -1 is that it did not end by itself, or did not begin
	Output     string
}

// A Fact is something that was seen.
type Fact struct {
	Time time.Time // zero if that is not known
	Text string
}

// A Certainty says how sure a cause is.
type Certainty int

// How sure a cause is.
const (
	Possible Certainty = iota // it would look like this, and so would others
	Likely                    // nothing that is known speaks against it
	Certain                   // nothing else looks like this
)

// String returns the certainty in lower case.
func (c Certainty) String() string { return [...]string{"possible", "likely", "certain"}[c] }

// MarshalText implements [encoding.TextMarshaler].
func (c Certainty) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Diagnosis is a cause that was found in a container.
type Diagnosis struct {
	Cause     string    `json:"cause"`
	Container string    `json:"container,omitempty"`
	Certainty Certainty `json:"certainty"`
	Verdict   string    `json:"verdict"` // what is wrong, in a line
	Fix       string    `json:"fix,omitempty"`

	rules []string // of lint, whose fix is this one's
	about *Container
	more  int // containers of other tasks that have the same
}

// maxCauses is how many causes are told: who reads a fourth has been told none.
const maxCauses = 3

// A Report is what is wrong with a subject.
type Report struct {
	Subject  string      `json:"subject"`
	Status   string      `json:"status"`
	Healthy  bool        `json:"healthy"`
	Causes   []Diagnosis `json:"causes"`
	Evidence []Evidence  `json:"evidence"`
	Missing  []string    `json:"missing,omitempty"`

	said string // by the last check that failed
}

// Diagnose holds every cause against every container.
func Diagnose(s *Subject) Report {
	r := Report{Subject: s.Name, Causes: []Diagnosis{}, Missing: s.Missing}
	var all []Diagnosis
	for _, c := range s.Containers {
		all = append(all, c.diagnose()...)
	}
	slices.SortStableFunc(all, func(a, b Diagnosis) int {
		return cmp.Or(compareBool(b.about.Essential, a.about.Essential), cmp.Compare(b.Certainty, a.Certainty))
	})
	r.Causes = append(r.Causes, first(merge(all), maxCauses)...)
	r.Status, r.Healthy = s.status()
	for _, c := range s.Containers {
		if failed := c.failures(); len(failed) > 0 && r.said == "" {
			r.said = failed[0].words()
		}
	}
	r.Evidence = s.evidence(r.Causes)
	return r
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// diagnose returns the causes that a container has. One that is only possible is not told
// beside one that is certain.
func (c *Container) diagnose() (found []Diagnosis) {
	for _, cause := range Causes() {
		d := cause.find(c)
		if d == nil {
			continue
		}
		d.Cause, d.Container, d.about = cause.ID, c.Name, c
		if d.Fix == "" {
			d.Fix = cmp.Or(c.fixOf(d.rules), cause.Do)
		}
		found = append(found, *d)
	}
	if slices.ContainsFunc(found, func(d Diagnosis) bool { return d.Certainty == Certain }) {
		found = slices.DeleteFunc(found, func(d Diagnosis) bool { return d.Certainty == Possible })
	}
	return found
}

// fixOf returns the fix that lint has for the first of the rules that has found something.
func (c *Container) fixOf(rules []string) string {
	for _, rule := range rules {
		for _, f := range c.Findings {
			if f.Rule == rule && f.Fix != "" {
				return f.Fix
			}
		}
	}
	return ""
}

// merge tells what several tasks have once.
func merge(all []Diagnosis) (merged []Diagnosis) {
	for _, d := range all {
		same := func(o Diagnosis) bool { return o.Cause == d.Cause && o.Container == d.Container }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i].more++
			continue
		}
		merged = append(merged, d)
	}
	return merged
}

// status says how the subject as a whole is: as badly as the worst of its containers that
// count.
func (s *Subject) status() (status string, healthy bool) {
	worst := -1
	for _, c := range s.Containers {
		if !c.Essential && len(s.Containers) > 1 {
			continue
		}
		if i := c.rank(); i > worst {
			worst, status = i, c.status()
		}
	}
	return cmp.Or(status, string(Unknown)), worst == 0
}

// rank orders containers by how bad they are.
func (c *Container) rank() int {
	switch {
	case c.Status == Running && c.Health == Healthy:
		return 0
	case c.Status == Running && c.Health == Starting:
		return 2
	case c.Status == Running && c.Health == Unhealthy:
		return 4
	case c.Status == Running:
		return 1
	case c.Status == Exited && c.ExitCode != 0, c.Status == Waiting:
		return 5
	}
	return 3
}

func (c *Container) status() string {
	switch {
	case c.Status == Running && c.Health == Unknown && !c.hasCheck():
		return "not checked"
	case c.Status == Running && c.Health == Unknown:
		return "running, its health unknown"
	case c.Status == Running:
		return string(c.Health)
	case c.Status == Exited && c.Restarts > 0:
		return fmt.Sprintf("not running, after %d restarts", c.Restarts)
	case c.Status == Exited:
		return "not running"
	}
	return string(c.Status)
}

// hasCheck reports whether the platform runs a check in the container.
func (c *Container) hasCheck() bool {
	return c.Check != nil && len(c.Check.Test) > 0 && c.Check.Test[0] != "NONE"
}
