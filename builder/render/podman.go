package render

import (
	"fmt"
	"strings"
	"unicode"
)

// podmanCommand returns the check as Podman's --health-cmd takes it: words after CMD,
// a list in JSON of at least two, or a command after CMD-SHELL. A list that begins
// with CMD Podman misread until 2026.
//
// https://docs.podman.io/en/latest/markdown/podman-run.1.html#health-cmd-command-command-arg1
func (c check) podmanCommand() (string, error) {
	if c.argv == nil && isPrintable(c.shell) {
		return "CMD-SHELL " + c.shell, nil
	}
	if c.argv == nil {
		return jsonList(c.command(), ","), nil
	}
	simple := func(s string) bool { return s != "" && isPrintable(s) && !strings.ContainsFunc(s, unicode.IsSpace) }
	all := true
	for _, s := range c.argv {
		all = all && simple(s)
	}
	switch strings.ToUpper(c.argv[0]) {
	case "CMD", "CMD-SHELL", "NONE":
		if !all {
			return "", fmt.Errorf("program %q would be a keyword to Podman", c.argv[0])
		}
	}
	switch {
	case all:
		return "CMD " + strings.Join(c.argv, " "), nil
	case len(c.argv) > 1:
		return jsonList(c.argv, ","), nil
	}
	return "", fmt.Errorf("program %q would be a shell command to Podman", c.argv[0])
}

// podman writes a podman run. The command is there, too, because Podman reads checks
// only from images in Docker's format.
func podman(r *rendering) error {
	command, err := r.podmanCommand()
	if err != nil {
		return err
	}
	r.dropStartInterval("Podman")
	r.runCommand("podman", append([]string{"--health-cmd=" + command}, r.healthFlags()...))
	return nil
}

// quadlet writes what a .container file needs. Quadlet puts the values into a command
// line of systemd's, where % and $ are doubled.
//
// https://docs.podman.io/en/latest/markdown/podman-systemd.unit.5.html
func quadlet(r *rendering) error {
	command, err := r.podmanCommand()
	if err != nil {
		return err
	}
	if r.argv == nil && !survivesQuadlet(command) {
		command = jsonList(r.command(), ",")
	}
	if !survivesQuadlet(command) {
		return fmt.Errorf("%q would be changed by Quadlet", command)
	}
	r.dropStartInterval("Podman")
	r.printf("[Container]\nHealthCmd=%s\nHealthInterval=%s\nHealthTimeout=%s\nHealthRetries=%d\nHealthStartPeriod=%s\n",
		strings.NewReplacer("%", "%%", "$", "$$").Replace(command),
		duration(r.interval), duration(r.timeout), r.retries, duration(r.startPeriod))
	return nil
}

// survivesQuadlet reports whether Quadlet leaves a value alone. It takes spaces and quotes
// from its ends, and joins lines.
func survivesQuadlet(s string) bool {
	return strings.Trim(s, `" `) == s && !strings.HasSuffix(s, `\`) && isPrintable(s)
}
