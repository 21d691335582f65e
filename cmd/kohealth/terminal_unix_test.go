//go:build unix

package main

import (
	"bytes"
	"io"
	"log"
	"os"
	"os/exec"

	"github.com/creack/pty"
)

// terminal runs a command on a terminal, on which the text of a file is typed, and writes
// all that the terminal shows to the file tty: terminal FILE COMMAND [ARG]... Of what
// testscript's ttyout has the end may be missing.
func terminal() {
	typed, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	tty, err := pty.Start(cmd)
	if err != nil {
		log.Fatal(err)
	}
	var shown bytes.Buffer
	all := make(chan struct{})
	go func() {
		defer close(all)
		_, _ = io.Copy(&shown, tty) // fails when nobody has the terminal any more
	}()
	const endOfInput = 4
	if _, err := tty.Write(append(typed, endOfInput)); err != nil {
		log.Fatal(err)
	}
	_ = cmd.Wait()
	<-all
	if err := os.WriteFile("tty", shown.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}
