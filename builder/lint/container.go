package lint

import (
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/mattn/go-shellwords"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/kube"
)

// A runtime is whoever runs a container and its check.
type runtime int

const (
	onDocker     runtime = iota // an image by itself
	onCompose                   // a service of a Compose file
	onECS                       // a container of a task definition
	onBuild                     // a stage of a Dockerfile
	onRun                       // a container by itself: of docker run, of Quadlet, of docker inspect
	onNomad                     // a script check of Nomad's
	onKubernetes                // a container of a pod, with one of its probes or hooks at most
)

// takesImageCheck reports whether an image's HEALTHCHECK is run where the file says nothing.
func (r runtime) takesImageCheck() bool { return r != onECS && r != onKubernetes && r != onNomad }

// A group is what is started together: a task, a project.
type group struct {
	Containers     []*container
	Runtime        runtime
	Style          style
	Platform       v1.Platform          // that images have to be for
	PlatformPos    doctree.Pos          // where it is written, if anywhere
	Fargate, EC2   bool                 // where a task can run; neither is not said
	TaskMemory     bool                 // the task as a whole has a limit, or may have one elsewhere
	SharedPID      *doctree.Node        // pidMode task or host
	ClassicLB      *doctree.Node        // of a service that runs the task
	Project        *composefile.Project // of a Compose file
	Refused        error                // what reads the file refuses it for; of type [*doctree.Error] where the place is known
	Pod            *kube.Pod            // of Kubernetes
	Left           []string             // what is not judged, and why
	platformUnsure bool                 // it is neither written nor ECS's default

	// Fields that settle fills when the checks are known.
	named   map[string]*container
	waiting map[string]string // the first that waits for another, by the other's name
	checked bool              // an essential container has a check
}

// A container is one with all that is known of it and of its check: what the rules
// judge by.
type container struct {
	*group
	Name         string
	File         string // that defines it, if that is another
	Pos          doctree.Pos
	ImageRef     *doctree.Node // nil if the file names none
	Check        *check        // what is run; nil if nothing is
	Essential    bool
	Env          map[string]string // a value may hold [composefile.Unknown]
	Fragment     bool              // another file fills in what this one leaves out
	EnvOpen      bool              // there may be variables that Env does not hold
	Own          *v1.Platform      // that a service asks for; nil is the group's
	Ports        []int             // that are published or exposed
	DependsOn    []dependency
	StartTimeout bool
	Memory       int           // hard limit in MiB; 0 is none
	Reservation  bool          // there is a soft limit
	User         *doctree.Node // nil is the image's
	Mounts       []*doctree.Node
	MountsOpen   bool        // there may be others
	Added        []string    // paths at and below which there may be more than in the image
	Ignored      []string    // rules that the file has left out
	Said         *check      // what the file says of Check
	Plain        string      // a test that is no list
	PlainPos     doctree.Pos // where it stands
	Unclear      bool        // the check is there, but its value is not known before the file is used

	Kube  *kube.Container // of a pod
	Probe *kube.Probe     // nil is the container as a whole

	hider func(string) string // hides its secrets; nil before something is printed

	Image    *image // nil if it was not looked into
	Dir      string // in which the check runs; "" is as the image says
	ReadOnly bool   // the root file system cannot be written

	Entrypoint, Command words // what starts in it, as the file says

	Verdicts   []judge.Verdict
	imageFails bool // something is wrong with the image's own check in this container

	stage *stage // of a Dockerfile; nil elsewhere

	unreadable bool // the image cannot be opened, which is told
}

// words are a command in a file.
type words struct {
	List  []string
	Given bool
	Open  bool // what they are is known only when the file is used
}

// readWords reads a list, or a string, which Compose splits as a shell does.
func readWords(n *doctree.Node) words {
	w := words{Given: n.Given()}
	if text, ok := n.Str(); ok {
		var err error
		w.List, err = shellwords.Parse(text)
		w.Open = err != nil || isOpen(text)
		return w
	}
	w.Open = isUnknown(n)
	for _, item := range n.List() {
		text, ok := item.Str()
		w.Open = w.Open || !ok || isOpen(text)
		w.List = append(w.List, text)
	}
	return w
}

// A dependency waits for another container to be healthy.
type dependency struct {
	Name string
	Pos  doctree.Pos
}

// A check is a health check as it is written, or as an image has it.
type check struct {
	Pos           doctree.Pos
	Test          []arg // first "CMD", "CMD-SHELL" or "NONE", if it is right
	OfImage       bool  // Test is the image's
	Interval      duration
	Timeout       duration
	StartPeriod   duration
	StartInterval duration
	Retries       number
}

// An arg is an element of a test, as the runtime gets it. Open is one that is not known,
// or not in whole, before the file is used: [composefile.Unknown] stands for what is not.
type arg struct {
	Text  string
	Open  bool
	Made  bool // by a template that the file has in its place
	Pos   doctree.Pos
	Parts []composefile.Part // what was written; nil if there are no variables of Compose's
}

// A duration is a setting in a check. Bad is what was written, if it is no duration; Open
// is one that is there and not known.
type duration struct {
	Value time.Duration
	Given bool
	Bad   string
	Open  bool
	Pos   doctree.Pos
}

// A number is a setting in a check. Bad is what was written, if it is no number.
type number struct {
	Value int
	Given bool
	Bad   string
	Pos   doctree.Pos
}

// left notes what is not judged.
func (g *group) left(notes ...string) {
	for _, note := range notes {
		if !slices.Contains(g.Left, note) {
			g.Left = append(g.Left, note)
		}
	}
}

func newGroup(containers ...*container) *group {
	g := &group{Containers: containers}
	for _, c := range containers {
		c.group = g
	}
	return g
}

// platform returns the platform that the image has to be for.
func (c *container) platform() v1.Platform {
	if c.Own != nil {
		return *c.Own
	}
	return c.Platform
}

// form returns the first element of the test, which says how it is run.
func (c *check) form() string {
	if c == nil || len(c.Test) == 0 {
		return ""
	}
	return c.Test[0].Text
}

// runs reports whether there is a check that is run.
func (c *container) runs() bool {
	return c.Check != nil && c.Check.form() != "NONE" && len(c.Check.Test) > 0
}

// inFile says of a message which file it is about, if that is another than the one that is
// linted.
func (c *container) inFile(message string) string {
	if c.File == "" {
		return message
	}
	return message + " (in " + c.File + ")"
}

// settle prepares the group for the rules.
func (g *group) settle() {
	g.named, g.waiting = map[string]*container{}, map[string]string{}
	for _, c := range g.Containers {
		g.named[c.Name] = c
		for _, d := range c.DependsOn {
			if g.waiting[d.Name] == "" {
				g.waiting[d.Name] = c.Name
			}
		}
		g.checked = g.checked || c.Essential && c.hasCheck()
	}
}

// at returns the place of the test's argument i, or the check's.
func (c *check) at(i int) doctree.Pos {
	if i < len(c.Test) {
		return c.Test[i].Pos
	}
	return c.Pos
}
