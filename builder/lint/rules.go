package lint

import (
	"fmt"
	"slices"

	"github.com/ko-health/kohealth/builder/doctree"
)

// A Rule finds one kind of mistake.
type Rule struct {
	ID       string
	Severity Severity
	Doc      string // one sentence
	Source   string // where what it says can be read
	check    func(*container) []problem
	on       []runtime // where there is what it is about; nil is everywhere
}

// AppliesTo reports whether a rule is asked of files of a format.
func (r Rule) AppliesTo(f Format) bool { return r.appliesOn(f.runtime) }

func (r Rule) appliesOn(where runtime) bool { return r.on == nil || slices.Contains(r.on, where) }

func onlyOn(runtimes ...runtime) []runtime { return runtimes }

// healthchecks are the runtimes whose checks are Docker's, or written as those are.
func healthchecks() []runtime { return onlyOn(onDocker, onCompose, onECS, onBuild, onRun) }

// A problem is what a rule finds in a container.
type problem struct {
	doctree.Pos
	message, fix string
	milder       Severity // by how much it is less than the rule's
}

// Rules returns all rules, those of one family together.
func Rules() []Rule {
	return slices.Concat(formRules(), judgeRules(), timingRules(), composeRules(), ecsRules(), kubeRules(), groupRules(), imageRules())
}

// Where rules come from.
const (
	srcECS     = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"
	srcECSDef  = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
	srcECSDep  = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"
	srcECSView = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/view-container-health.html"
	srcECSDoc  = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html"
	srcECSTask = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"
	srcDocker  = "https://docs.docker.com/reference/dockerfile/#healthcheck"
	srcMoby    = "https://github.com/moby/moby/blob/master/daemon/health.go"
	srcCompose = "https://docs.docker.com/reference/compose-file/services/#healthcheck"
	srcImage   = "https://github.com/moby/docker-image-spec/blob/main/specs-go/v1/image.go"
	srcCurl    = "https://curl.se/docs/manpage.html"
	srcLoader  = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
	srcExec    = "https://man7.org/linux/man-pages/man2/execve.2.html"
)

// at returns one problem. The fix may be empty.
func at(pos doctree.Pos, fix, format string, args ...any) []problem {
	return []problem{{Pos: pos, message: fmt.Sprintf(format, args...), fix: fix}}
}
