package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// A workshop is a place to build an app in. Its registries, base.localhost and app.localhost,
// are behind a proxy, so that references are the same in all workshops, and so are
// digests.
type workshop struct {
	*testing.T
	dir     string
	env     []string
	target  recorder // app.localhost
	inspect atomic.Pointer[inspector]
}

// An inspector answers a request itself or passes it on to the registry.
type inspector func(w http.ResponseWriter, req *http.Request, registry http.Handler)

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	s := &workshop{T: t, dir: t.TempDir()}
	s.target.reset()
	base := newRegistry()
	if err := writeBases(s.serve(base)); err != nil {
		t.Fatal(err)
	}
	registries := map[string]http.Handler{"base.localhost": base, "app.localhost": &s.target}
	proxy := s.serve(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodConnect { // there is no TLS; clients try that first
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		if inspect := s.inspect.Load(); inspect != nil {
			(*inspect)(w, req, registries[req.Host])
			return
		}
		registries[req.Host].ServeHTTP(w, req)
	}))
	s.write("app/go.mod", "module example.com/hello\n\ngo 1.22\n")
	s.write("app/main.go", "package main\n\nfunc main() {}\n")
	s.mkdir("tmp")
	s.env = append(os.Environ(),
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"),
		"GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "SOURCE_DATE_EPOCH=1700000000",
		"HOME="+s.mkdir("home"), "XDG_CACHE_HOME="+s.path("home/cache"), "TMPDIR="+s.path("tmp"),
		"HTTP_PROXY=http://"+proxy, "HTTPS_PROXY=http://"+proxy, "NO_PROXY=",
		"KO_DOCKER_REPO=app.localhost/app", "KO_DEFAULTBASEIMAGE=base.localhost/base", "KOHEALTH_HEALTH=http://:8080/",
	)
	return s
}

func (s *workshop) path(name string) string { return filepath.Join(s.dir, name) }

func (s *workshop) mkdir(name string) string {
	s.Helper()
	if err := os.MkdirAll(s.path(name), 0o777); err != nil {
		s.Fatal(err)
	}
	return s.path(name)
}

func (s *workshop) write(name, content string) {
	s.Helper()
	s.mkdir(filepath.Dir(name))
	if err := os.WriteFile(s.path(name), []byte(content), 0o777); err != nil {
		s.Fatal(err)
	}
}

// serve starts a server and returns its address.
func (s *workshop) serve(handler http.Handler) string {
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	s.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// An outcome is what there is to see of a run that is over.
type outcome struct {
	code           int
	stdout, stderr string
}

// build runs kohealth build, and checks that it leaves no process and no temporary
// file.
func (s *workshop) build(env ...string) outcome {
	s.Helper()
	return s.watch(func(int) {}, env...)
}

// reference returns what a build prints that nothing disturbs.
func (s *workshop) reference() string {
	s.Helper()
	o := s.build()
	if o.code != cli.ExitOK || o.stdout == "" {
		s.Fatalf("exit %d:\n%s", o.code, o.stderr)
	}
	return o.stdout
}

// watch is build that tells the process's ID as soon as there is one.
func (s *workshop) watch(started func(pid int), env ...string) outcome {
	s.Helper()
	o := s.start(started, env, "build", "--bare", ".")
	checkEmpty(s.T, s.path("tmp"))
	s.checkCache()
	return o
}

// run runs a command of kohealth's in the app's directory, and checks that it leaves no
// process.
func (s *workshop) run(args ...string) outcome {
	s.Helper()
	return s.start(func(int) {}, nil, args...)
}

func (s *workshop) start(started func(pid int), env []string, args ...string) outcome {
	s.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("kohealth", args...)
	cmd.Dir = s.path("app")
	cmd.Env = append(s.env[:len(s.env):len(s.env)], env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // what it leaves may hold its output open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	started(cmd.Process.Pid)
	if err := cmd.Wait(); cmd.ProcessState == nil || errors.Is(err, exec.ErrWaitDelay) {
		s.Errorf("waiting for kohealth: %v", err)
	}
	for _, process := range processes(cmd.Process.Pid) {
		s.Errorf("kohealth left a process behind: %s", process)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// processes returns what the processes of a group run. One that has ended does not
// count, even if nobody has asked for its status yet.
func processes(group int) (found []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		data, _ := os.ReadFile(stat)
		_, rest, _ := strings.Cut(string(data), ") ") // after the name: state, parent, group
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[0] != "Z" && fields[2] == strconv.Itoa(group) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// checkCache checks that no file is half-written.
func (s *workshop) checkCache() {
	s.Helper()
	_ = filepath.Walk(s.path("home"), func(path string, _ os.FileInfo, _ error) error {
		if strings.Contains(path, ".tmp-") {
			s.Errorf("left behind: %s", path)
		}
		return nil
	})
}

// checkFailed checks that a build has failed and has said why.
func (s *workshop) checkFailed(o outcome, cause string) {
	s.Helper()
	s.checkEnded(o, cli.ExitFailure, cause)
}

// checkInterrupted checks that a build failed for a signal, with ko's exit codes.
func (s *workshop) checkInterrupted(o outcome, signal syscall.Signal) {
	s.Helper()
	code := cli.ExitFailure
	if signal != syscall.SIGINT {
		code = 128 + int(signal)
	}
	s.checkEnded(o, code, "interrupted$")
}

func (s *workshop) checkEnded(o outcome, code int, cause string) {
	s.Helper()
	if o.code != code || o.stdout != "" || !regexp.MustCompile(`(?m)^Error: .*`+cause).MatchString(o.stderr) {
		s.Errorf("exit %d, stdout %q, want %d and an error that matches %q:\n%s", o.code, o.stdout, code, cause, o.stderr)
	}
}

// checkUntagged checks that nothing was published.
func (s *workshop) checkUntagged() {
	s.Helper()
	if s.tag() != "" {
		s.Errorf("the tag was moved")
	}
}

// checkBuilt checks that a build went well, with a result that is known.
func (s *workshop) checkBuilt(o outcome, want string) {
	s.Helper()
	if o.code != cli.ExitOK || o.stdout != want || s.tag() == "" {
		s.Errorf("exit %d, stdout %q, want %q and a tag:\n%s", o.code, o.stdout, want, o.stderr)
	}
}

// latest is the path of the tag that builds move.
const latest = "/v2/app/manifests/latest"

// tag returns the manifest that the tag refers to, if there is one.
func (s *workshop) tag() string { return s.target.holdings().Manifests[latest] }
