package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// TestInterruptGo interrupts builds at the first start of go, then at the second, and
// so on until a build ends before there are so many. Each leaves what it has cached
// to the next.
func TestInterruptGo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds scores of images: make test does")
	}
	t.Parallel()
	want := newWorkshop(t).reference()
	for signal, name := range map[syscall.Signal]string{syscall.SIGINT: "INT", syscall.SIGTERM: "TERM"} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newWorkshop(t)
			s.write("bin/go", countingGo)
			for n := 1; ; n++ {
				calls := s.mkdir("calls-" + strconv.Itoa(n))
				o := s.build("PATH="+s.path("bin")+":"+os.Getenv("PATH"), "REALGO="+goEnv(t, "GOROOT")+"/bin/go",
					"CALLS="+calls, "LAST="+strconv.Itoa(n), "SIGNAL="+name)
				if o.code == cli.ExitOK {
					s.checkBuilt(o, want)
					if n < 5 {
						t.Errorf("go was started %d times only", n-1)
					}
					return
				}
				s.checkInterrupted(o, signal)
				s.checkUntagged()
			}
		})
	}
}

// countingGo is a go that counts its starts. The last of them interrupts kohealth, its
// parent, and never ends, nor does a child of it, which holds its output open.
const countingGo = `#!/bin/sh
n=1
while ! mkdir "$CALLS/$n" 2>/dev/null; do n=$((n + 1)); done
if [ "$n" = "$LAST" ]; then
	sleep 1000 &
	kill -s "$SIGNAL" "$PPID"
	wait
fi
exec "$REALGO" "$@"
`

// TestInterruptRegistry interrupts builds at the first request to a registry, then at
// the second, and so on. The registries never answer that request.
func TestInterruptRegistry(t *testing.T) {
	if testing.Short() {
		t.Skip("builds scores of images: make test does")
	}
	t.Parallel()
	want := newWorkshop(t).reference()
	s := newWorkshop(t)
	for n := int64(1); ; n++ {
		signal := syscall.SIGINT
		if n%2 == 0 {
			signal = syscall.SIGTERM
		}
		s.target.reset()
		o, tagging := s.interruptRequest(n, signal)
		if o.code == cli.ExitOK {
			s.checkBuilt(o, want)
			if n < 15 {
				t.Errorf("there were %d requests only", n-1)
			}
			return
		}
		s.checkInterrupted(o, signal)
		if !tagging { // the tag is pushed beside the SBOM, and may be there first
			s.checkUntagged()
		}
	}
}

// interruptRequest sends a signal at the n-th request, and never answers that. It also
// reports whether the request for the tag was among those before.
func (s *workshop) interruptRequest(n int64, signal syscall.Signal) (o outcome, tagging bool) {
	s.Helper()
	var requests atomic.Int64
	var tagged atomic.Bool
	pid := make(chan int, 1)
	inspect := inspector(func(w http.ResponseWriter, req *http.Request, registry http.Handler) {
		if requests.Add(1) != n {
			if req.Method == http.MethodPut && req.URL.Path == latest {
				tagged.Store(true)
			}
			registry.ServeHTTP(w, req)
			return
		}
		if err := syscall.Kill(<-pid, signal); err != nil {
			s.Error(err)
		}
		_, _ = io.Copy(io.Discard, req.Body) // only then the server notices that the client has gone
		<-req.Context().Done()
	})
	s.inspect.Store(&inspect)
	o = s.watch(func(id int) { pid <- id })
	return o, tagged.Load()
}
