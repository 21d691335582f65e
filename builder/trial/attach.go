package trial

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// An attachment copies what a container writes.
type attachment struct {
	conn   net.Conn
	copied chan error // gets how copying ended
}

// attach begins to copy what a container writes, which has not been started yet. So
// nothing of it is missed, however soon it ends, and it does not matter how the engine
// keeps logs. The lines of the two streams are not mixed; in which order they were written
// the engine does not know.
func attach(ctx context.Context, docker *client.Client, id string, output io.Writer) (*attachment, error) {
	stream, err := attached(ctx, docker, id)
	if err != nil {
		return nil, fmt.Errorf("attaching to the container: %w", err)
	}
	a := &attachment{stream.Conn, make(chan error, 1)}
	go func() {
		defer stream.Close()
		stdout, stderr := &lineWriter{w: output}, &lineWriter{w: output}
		_, err := stdcopy.StdCopy(stdout, stderr, stream.Reader)
		a.copied <- cmp.Or(err, stdout.end(), stderr.end())
	}()
	return a, nil
}

// attached returns the stream of what a container writes. The client itself does not heed
// ctx while it waits for the engine's answer.
func attached(ctx context.Context, docker *client.Client, id string) (client.HijackedResponse, error) {
	type answer struct {
		client.ContainerAttachResult
		err error
	}
	answers := make(chan answer)
	go func() {
		result, err := docker.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
		select {
		case answers <- answer{result, err}:
		case <-ctx.Done():
			if err == nil {
				result.Close()
			}
		}
	}()
	select {
	case a := <-answers:
		return a.HijackedResponse, a.err
	case <-ctx.Done():
		return client.HijackedResponse{}, context.Cause(ctx)
	}
}

// close ends copying at once.
func (a *attachment) close() { _ = a.conn.Close() }

// rest waits until all has been copied of a container that has ended.
func (a *attachment) rest() error {
	_ = a.conn.SetReadDeadline(time.Now().Add(removal))
	if err := <-a.copied; err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("reading the app's output: %w", err)
	}
	return nil
}

// A lineWriter passes on whole lines, of one of several streams that share a writer. A line
// that is too long becomes several.
type lineWriter struct {
	w    io.Writer
	rest []byte // that does not end yet
}

// maxRest is the length in bytes that a line without an end may have.
const maxRest = 16 << 10

// Write implements [io.Writer].
func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	whole := bytes.LastIndexByte(l.rest, '\n') + 1
	if whole > 0 {
		if _, err := l.w.Write(l.rest[:whole]); err != nil {
			return 0, err
		}
		l.rest = l.rest[whole:]
	}
	if len(l.rest) > maxRest {
		return len(p), l.end()
	}
	return len(p), nil
}

// end makes a line of what has no end.
func (l *lineWriter) end() error {
	if len(l.rest) == 0 {
		return nil
	}
	line := append(l.rest, '\n')
	l.rest = nil
	_, err := l.w.Write(line)
	return err
}
