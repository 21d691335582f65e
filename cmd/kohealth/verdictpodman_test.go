package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// podmanSample is of how many cases Podman runs one.
const podmanSample = 12

// podman holds what lint says against what Podman makes of some cases: those of images in
// Docker's format, whose checks its command line can say.
func (j *verdicts) podman(t *testing.T, outcomes []verdictOutcome) {
	dir := t.TempDir()
	p := &podmanEngine{T: t, flags: []string{"--root=" + filepath.Join(dir, "root"), "--runroot=" + filepath.Join(dir, "run"),
		"--storage-driver=vfs", "--cgroup-manager=cgroupfs"}}
	said := slices.DeleteFunc(slices.Clone(outcomes), func(o verdictOutcome) bool { return p.healthCommand(o) == "" })
	var ran []verdictOutcome
	for i := 0; i < len(said); i += podmanSample {
		o := said[i]
		o.healthy, o.log = p.run(j.engine.images.ref(o.Image), p.healthCommand(o))
		ran = append(ran, o)
	}
	for _, together := range inFiles(ran) {
		j.compare(t, together)
	}
}

type podmanEngine struct {
	*testing.T
	flags []string
}

func (p *podmanEngine) command(args ...string) *exec.Cmd {
	return exec.CommandContext(p.Context(), "podman", slices.Concat(p.flags, args)...)
}

// healthCommand is --health-cmd for a case, or "" if that cannot say it: CMD is split at
// spaces.
func (p *podmanEngine) healthCommand(o verdictOutcome) string {
	hasSpace := func(arg string) bool { return arg == "" || strings.ContainsAny(arg, " \t\r\n") }
	switch {
	case !slices.Contains([]string{"alp", "slim"}, o.Image) || o.Written.Kind != 0 || len(o.environment()) > 0 || o.User+o.Dir != "" || o.ReadOnly || o.Checks > 0:
		return ""
	case o.test[0] == "CMD-SHELL" && len(o.test) == 2 && !strings.HasPrefix(o.test[1], "[") && !strings.HasPrefix(o.test[1], "CMD"):
		return o.test[1]
	case o.test[0] == "CMD" && !slices.ContainsFunc(o.test, hasSpace):
		return strings.Join(o.test, " ")
	}
	return ""
}

// run has Podman run a health check twice, which is how often it may fail.
func (p *podmanEngine) run(image, command string) (healthy bool, log string) {
	out, err := p.command("run", "-d", "--tls-verify=false", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
		"--health-interval=disable", "--health-timeout="+verdictTimeout.String(), "--health-cmd="+command, image).Output()
	if err != nil {
		p.Fatalf("podman run %q: %v\n%s", command, err, stderrOf(err))
	}
	id := strings.TrimSpace(string(out))
	defer func() {
		if err := p.command("rm", "-f", "-t=0", id).Run(); err != nil {
			p.Error(err)
		}
	}()
	for range 2 {
		said, err := p.command("healthcheck", "run", id).CombinedOutput()
		if healthy, log = err == nil, string(said); healthy {
			break
		}
	}
	return healthy, log
}
