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
// keeps logs. Lines stay whole; in which order those of the two streams were written the
// engine does not know.
func attach(ctx context.Context, docker *client.Client, id string, output io.Writer) (*attachment, error) {
	stream, err := docker.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
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

// A lineWriter passes on whole lines, of one of several streams that share a writer.
type lineWriter struct {
	w    io.Writer
	rest []byte // that does not end yet
}

// maxRest is the length in bytes at which a line is passed on before its end.
const maxRest = 16 << 10

// Write implements [io.Writer].
func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	whole := bytes.LastIndexByte(l.rest, '\n') + 1
	if len(l.rest)-whole > maxRest {
		whole = len(l.rest)
	}
	if whole > 0 {
		if _, err := l.w.Write(l.rest[:whole]); err != nil {
			return 0, err
		}
		l.rest = l.rest[whole:]
	}
	return len(p), nil
}

// end makes a line of what has no end.
func (l *lineWriter) end() error {
	if len(l.rest) == 0 {
		return nil
	}
	_, err := l.w.Write(append(l.rest, '\n'))
	return err
}
