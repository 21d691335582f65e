//go:build unix

package trial

import (
	"os/exec"
	"syscall"
)

// ownGroup has a command run in a process group of its own, so that its children can be
// found, and a terminal's interrupt does not reach it before kohealth says so.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bind(cmd.SysProcAttr)
}

// killGroup kills what there is in the group of a command that was started.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
