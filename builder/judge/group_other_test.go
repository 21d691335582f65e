//go:build !unix

package judge_test

import "os/exec"

func killGroup(*exec.Cmd) {}
