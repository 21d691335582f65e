package main

import (
	"cmp"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdPatient runs an image with docker's own flags until it is as it says, and leaves its
// name in $PATIENT until the script ends:
//
//	patient STATE [FLAG]... IMAGE [ARG]...
//
// STATE is that of the container, or of its health, and how many checks have to have ended
// at least: exited, unhealthy, running/3.
func cmdPatient(ts *testscript.TestScript, _ bool, args []string) {
	wanted, checks, _ := strings.Cut(args[0], "/")
	least, err := strconv.Atoi(cmp.Or(checks, "0"))
	ts.Check(err)
	name := "why-" + filepath.Base(ts.Getenv("WORK"))
	remove := func() { _ = exec.Command("docker", "rm", "-f", name).Run() }
	remove() // the one before
	ts.Setenv("PATIENT", name)
	ts.Defer(remove)
	run := append([]string{"run", "-d", "--name=" + name, "--network=none"}, args[1:]...)
	_ = exec.Command("docker", run...).Run() // that it does not start may be what is wrong with it
	c := container{ts, name}
	if !eventually(func() bool {
		state := c.inspect("{{.State.Status}} {{with .State.Health}}{{.Status}} {{len .Log}}{{end}}")
		fields := strings.Fields(state + " none 0")
		ended, _ := strconv.Atoi(fields[2])
		return (fields[0] == wanted || fields[1] == wanted) && ended >= least
	}) {
		ts.Fatalf("never became %s\n%s\n%s", args[0], c.inspect("{{json .State}}"), c.logs())
	}
}
