// Package process has a run end cleanly, however it ends: signals, temporary directories
// and the processes that a build has started.
package process

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// A first signal ends the context of everything, and whoever looks at it cleans up and
// returns. ko's code and go-containerregistry's look at it nowhere near always, nor does
// whoever waits for a disk. So what has to be cleaned up is also noted here: what is
// noted still when time is up, or a second signal comes, is done before the process
// ends itself.
type interrupts struct {
	mu    sync.Mutex
	noted map[*func()]bool
}

// Before the limit is reached there has to be time to clean up, of which there is more
// after a second signal: it takes a moment, unless the machine is busy.
const (
	reserved = 500 * time.Millisecond // of limits.Interrupt
	killing  = 100 * time.Millisecond // waiting for children to die
	ending   = 100 * time.Millisecond // for all that comes after
)

type interruptsKey struct{}

// interrupted is why the context of everything has ended.
type interrupted struct{ os.Signal }

func (interrupted) Error() string { return "interrupted" }

// InterruptCode returns the code that a run ends with which a signal has interrupted: that
// of shells for a process that the signal has ended. ko takes notice of an interrupt from
// the keyboard alone, and then ends with the code of an error, which is given.
func InterruptCode(ctx context.Context, code int) int {
	var i interrupted
	if errors.As(context.Cause(ctx), &i) && i.Signal != os.Interrupt {
		return signalCode(i.Signal)
	}
	return code
}

func signalCode(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return cli.ExitFailure
}

// WithInterrupts returns a context that ends with the first signal that asks the process
// to end. The process ends itself soon afterwards, or at once with the second one.
func WithInterrupts(ctx context.Context) context.Context {
	i := &interrupts{noted: map[*func()]bool{}}
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, interruptsKey{}, i))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		first := <-signals
		last := time.Now().Add(limits.Interrupt.Duration())
		cancel(interrupted{first})
		s := second(signals, first, time.Until(last)-reserved)
		i.end(s, time.Until(last)-ending-killing)
	}()
	return ctx
}

// second waits for a second signal, but no longer than patience, and returns the last
// one. When a terminal is closed, kernel and shell both send a signal.
func second(signals <-chan os.Signal, first os.Signal, patience time.Duration) os.Signal {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return first
		case s := <-signals:
			if s != syscall.SIGHUP || first != syscall.SIGHUP {
				return s
			}
		}
	}
}

// end kills what the process has started, does what is noted, in so long at most, and
// ends the process with the code that shells give to one that a signal has ended.
func (i *interrupts) end(s os.Signal, cleaning time.Duration) {
	within(killing, ReapChildren)
	within(cleaning, func() {
		i.mu.Lock() // nothing is noted or crossed out any more
		for f := range i.noted {
			(*f)()
		}
	})
	cli.Say("Error: interrupted\n")
	os.Exit(signalCode(s))
}

// within calls f and waits for it, but no longer than patience.
func within(patience time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// OnEnd notes what is to be done should the process have to end itself, which whoever
// calls it does otherwise. It is crossed out by the function that is returned.
func OnEnd(ctx context.Context, f func()) (crossOut func()) {
	i, ok := ctx.Value(interruptsKey{}).(*interrupts)
	if !ok {
		return func() {}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.noted[&f] = true
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.noted, &f)
	}
}
