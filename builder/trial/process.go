package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// How long an app may take to end once it is asked to. Docker waits for ten seconds, which
// is long for somebody who waits at a terminal, and too long for one who has interrupted.
const (
	grace          = 3 * time.Second
	graceInterrupt = time.Second
)

// graceOf returns how long an app may take in a trial that has ended.
func graceOf(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return graceInterrupt
	}
	return grace
}

// drain is how long the rest of a dead app's output is waited for: what has left the
// app's process group may hold it open.
const drain = time.Second

// A process is an app that runs, with a process group of its own.
type process struct {
	cmd    *exec.Cmd
	output *os.File      // what it writes, to be read
	copied chan struct{} // closed when all of it has been
	done   chan struct{} // closed when the process has ended
}

// start starts an app. died is called when it has ended, by itself or not.
func start(cmd *exec.Cmd, output io.Writer, died func()) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	ownGroup(cmd)
	p := &process{cmd, r, make(chan struct{}), make(chan struct{})}
	err = launch(cmd, func() {
		close(p.done)
		died()
	})
	_ = w.Close() // ours; the app has its own
	if err != nil {
		_ = r.Close()
		err = fmt.Errorf("starting the app: %w", err)
		if errors.Is(err, fs.ErrPermission) {
			err = hint.With(err, "name a directory with TMPDIR from which programs may run")
		}
		return nil, err
	}
	go func() {
		defer close(p.copied)
		_, _ = io.Copy(output, r) // ends with the app, or when stop closes it
	}()
	return p, nil
}

// launch starts a command, and calls ended when it has ended. On Linux a command dies
// with the thread that has started it (ownGroup), which is kept until then.
func launch(cmd *exec.Cmd, ended func()) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in cmd.ProcessState
			ended()
		}
	}()
	return <-started
}

// stop ends the app as Docker ends a container: it asks the app itself to, and kills it,
// with all its children, if it has not done so in time. It returns how the app ended if
// that was before.
func (p *process) stop(grace time.Duration) (ended string) {
	select {
	case <-p.done:
		ended = p.ended()
	default:
		p.terminate(grace)
	}
	killGroup(p.cmd)
	<-p.done
	_ = p.output.SetReadDeadline(time.Now().Add(min(drain, grace/4)))
	<-p.copied
	_ = p.output.Close()
	return ended
}

func (p *process) terminate(grace time.Duration) {
	if p.cmd.Process.Signal(syscall.SIGTERM) != nil {
		return
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
	}
}

func (p *process) ended() string {
	if code := p.cmd.ProcessState.ExitCode(); code >= 0 {
		return fmt.Sprintf("with code %d", code)
	}
	return "by " + p.cmd.ProcessState.String() // "signal: killed"
}

// maxOutput is what Docker keeps of a check's output.
const maxOutput = 4096

// A limited keeps the beginning of what is written to it.
type limited struct{ data []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.data = append(l.data, p[:min(len(p), maxOutput-len(l.data))]...)
	return len(p), nil
}

// runCheck runs the command of a check and returns what it has written, and why it has
// failed, or "". What takes longer than timeout is killed.
func runCheck(ctx context.Context, timeout time.Duration, cmd *exec.Cmd) (output, cause string) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var written limited
	cmd.Stdout, cmd.Stderr = &written, &written
	cmd.WaitDelay = drain
	ownGroup(cmd)
	runtime.LockOSThread() // as in launch
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return "", err.Error()
	}
	stop := context.AfterFunc(ctx, func() { killGroup(cmd) })
	_ = cmd.Wait() // how it ended is in cmd.ProcessState
	stop()
	killGroup(cmd) // what a shell has left behind, which may have held the output open
	output = string(written.data)
	switch {
	case cmd.ProcessState.Success():
		return output, ""
	case ctx.Err() != nil && cmd.ProcessState.ExitCode() < 0:
		return output, fmt.Sprintf("exceeded the timeout of %s: %s", timeout, causeOf(output, "killed"))
	}
	return output, causeOf(output, cmd.ProcessState.String())
}
