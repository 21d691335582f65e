package render

import (
	"fmt"
	"strings"
)

// healthFlags returns the numbers as docker, podman and nerdctl take them.
func (c check) healthFlags() []string {
	return []string{
		"--health-interval=" + duration(c.interval),
		"--health-timeout=" + duration(c.timeout),
		fmt.Sprintf("--health-retries=%d", c.retries),
		"--health-start-period=" + duration(c.startPeriod),
	}
}

// runCommand writes the command line that runs the image.
func (r *rendering) runCommand(program string, flags []string) {
	image := "IMAGE" // an upper-case name is no image's
	if r.Image != "" {
		image = r.Image
	}
	line := []string{program, "run"}
	for _, word := range append(flags, image) {
		line = append(line, shellWord(word))
	}
	r.printf("%s\n", strings.Join(line, " "))
}

// docker writes the numbers only: docker's --health-cmd is always a shell command, and
// Docker reads the command from the image.
//
// https://docs.docker.com/reference/cli/docker/container/run/
func docker(r *rendering) error {
	flags := r.healthFlags()
	if r.startInterval > 0 {
		flags = append(flags, "--health-start-interval="+duration(r.startInterval))
		r.note("Docker before version 25 refuses --health-start-interval: leave it out there")
	}
	r.runCommand("docker", flags)
	return nil
}

// nerdctl writes the numbers only, for docker's reasons.
//
// https://github.com/containerd/nerdctl/blob/main/docs/healthchecks.md
func nerdctl(r *rendering) error {
	r.dropStartInterval("nerdctl")
	r.runCommand("nerdctl", r.healthFlags())
	return nil
}
