package lint

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hclfile"
)

// isNomad reports whether a file is a job of Nomad's: by its name, or, of HCL, by a block
// that is one.
func isNomad(f *file) bool {
	ext := path.Ext(f.name)
	return ext == ".nomad" || ext == ".hcl" && isJob.Match(f.data)
}

var isJob = regexp.MustCompile(`(?m)^\s*job\s+"[^"\n]*"\s*\{`)

// readNomad reads the script checks of jobs: each runs in the container of a task.
//
// https://developer.hashicorp.com/nomad/docs/job-specification/check
func readNomad(_ context.Context, f *file, _ Options) (groups []*group, err error) {
	jobs, err := hclfile.Nomad(f.name, f.data)
	if err != nil {
		return nil, err
	}
	for _, job := range jobs {
		for _, taskGroup := range blocks(job, "group") {
			g := &group{Runtime: onNomad, Style: nomadStyle, platformUnsure: true, Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
			for _, task := range blocks(taskGroup, "task") {
				g.addTask(taskGroup, task)
			}
			g.leaveChecks(taskGroup)
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// blocks returns the blocks of a type in another.
func blocks(n *doctree.Node, kind string) (found []*doctree.Node) {
	for _, f := range n.Map() {
		if f.Key.Text == kind {
			found = append(found, f.Value)
		}
	}
	return found
}

// addTask adds a container for each script check that runs in a task.
func (g *group) addTask(taskGroup, task *doctree.Node) {
	name, _ := task.Get("label").Str()
	checks := scripts(blocks(task, "service"), "")
	checks = append(checks, scripts(blocks(taskGroup, "service"), name)...)
	if driver, _ := task.Get("driver").Str(); !slices.Contains([]string{"docker", "podman", "containerd-driver"}, driver) {
		if len(checks) > 0 {
			g.left("checks of " + name + ", which runs in no container")
		}
		return
	}
	for _, check := range checks {
		g.Containers = append(g.Containers, g.nomadContainer(name, task, check))
	}
}

// scripts returns the script checks of services: those of a task, or of "" all.
func scripts(services []*doctree.Node, task string) (found []*doctree.Node) {
	for _, service := range services {
		for _, check := range blocks(service, "check") {
			kind, _ := check.Get("type").Str()
			if kind == "script" && (task == "" || checkTask(service, check) == task) {
				found = append(found, check)
			}
		}
	}
	return found
}

// checkTask returns the name of the task that a check of a group's service runs in.
func checkTask(service, check *doctree.Node) string {
	if in := check.Get("task"); in.Given() {
		return textOf(in)
	}
	return textOf(service.Get("task"))
}

// leaveChecks notes the script checks of a group's services of which no task is known, without
// which Nomad refuses them.
func (g *group) leaveChecks(taskGroup *doctree.Node) {
	var tasks []string
	for _, task := range blocks(taskGroup, "task") {
		tasks = append(tasks, textOf(task.Get("label")))
	}
	for _, service := range blocks(taskGroup, "service") {
		for _, check := range scripts([]*doctree.Node{service}, "") {
			if !slices.Contains(tasks, checkTask(service, check)) {
				g.left("the script check at line " + strconv.Itoa(check.At().Line) + ", of no task that the group has")
			}
		}
	}
}

func (g *group) nomadContainer(name string, task, n *doctree.Node) *container {
	config := task.Get("config")
	c := &container{group: g, Name: name, Pos: n.At(), Essential: true, ImageRef: config.Get("image"), Env: map[string]string{},
		EnvOpen: true, MountsOpen: true, User: task.Get("user")} // Nomad sets variables, and mounts its own directories
	for _, env := range blocks(task, "env") {
		for _, f := range env.Map() {
			c.Env[f.Key.Text] = nomadText(f.Value)
		}
	}
	for _, dir := range []string{"/alloc", "/local", "/secrets"} {
		c.Mounts = append(c.Mounts, &doctree.Node{Kind: doctree.Scalar, Text: dir, Pos: n.At()})
	}
	c.Dir = textOf(config.Get("work_dir"))
	c.Check = &check{Pos: n.At(), Test: []arg{{Text: "CMD", Pos: n.At()}}, Interval: readDuration(n.Get("interval")), Timeout: readDuration(n.Get("timeout"))}
	for _, word := range append([]*doctree.Node{n.Get("command")}, n.Get("args").List()...) {
		text := nomadText(word)
		c.Check.Test = append(c.Check.Test, arg{Text: text, Open: isOpen(text), Pos: word.At(n)})
	}
	if args := n.Get("args"); args.Given() && args.Kind != doctree.List {
		c.Check.Test = append(c.Check.Test, arg{Text: composefile.Unknown, Open: true, Pos: args.At()})
	}
	c.Said = c.Check
	return c
}

// nomadVariable matches what Nomad replaces when the task runs.
//
// https://developer.hashicorp.com/nomad/docs/reference/runtime-variable-interpolation
var nomadVariable = regexp.MustCompile(`\$\{[a-zA-Z0-9_\-.]+\}`)

func nomadText(n *doctree.Node) string {
	if n == nil || n.Kind != doctree.Scalar {
		return composefile.Unknown
	}
	return nomadVariable.ReplaceAllString(n.Text, composefile.Unknown)
}

// nomadCommand writes a test as a check of Nomad's.
func nomadCommand(test []string) string {
	if len(test) < 2 || !slices.Contains([]string{"CMD", "CMD-SHELL"}, test[0]) {
		return ""
	}
	words := test[1:]
	if test[0] == "CMD-SHELL" {
		words = append([]string{"/bin/sh", "-c"}, test[1:]...)
	}
	return strings.Join([]string{"command = " + inHCL(encode(words[0])), "args    = " + inHCL(encode(words[1:]))}, "\n")
}
