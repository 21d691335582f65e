package main

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/layers/cache"
)

// soakVariable says how many runs TestSoak kills.
const soakVariable = "KOHEALTH_TEST_SOAK"

// soakBound is the time after which TestSoak kills no more.
const soakBound = 3 * time.Minute

// TestSoak kills commands at random moments, two at a time, most of them without warning.
// Afterwards no process is left, and the next build is right, and has removed what the
// dead left.
func TestSoak(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv(soakVariable))
	if err != nil {
		t.Skipf("%s names no number of runs to kill: .ci/run does", soakVariable)
	}
	s := newWorkshop(t)
	s.write("app/main.go", "package main\n\nimport (\n\t\"net\"\n\t\"os\"\n)\n\nfunc main() {\n\tl, err := net.Listen(\"tcp\", \"127.0.0.1:\"+os.Getenv(\"PORT\"))\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tfor {\n\t\t_, _ = l.Accept()\n\t}\n}\n")
	s.write("app/td.json", `{"memory":"512","containerDefinitions":[{"name":"app","image":"ko://example.com/hello"}]}`)
	marker := "SOAK=" + strconv.Itoa(os.Getpid())
	s.env = append(s.env, "KOHEALTH_HEALTH=tcp://:${PORT:-8080}", marker)
	commands := []string{
		"build --bare --metadata-file=metadata.json .", "base --push=false --sbom-dir=sbom base.localhost/base", "try .",
		"taskdef -f td.json -o out.json",
	}
	var took []time.Duration
	for _, command := range commands {
		begin := time.Now()
		if o := s.run(strings.Fields(command)...); o.code != cli.ExitOK {
			t.Fatalf("%s: exit %d:\n%s", command, o.code, o.stderr)
		}
		took = append(took, time.Since(begin))
	}
	want := s.reference()

	ctx, cancel := context.WithTimeout(t.Context(), soakBound)
	defer cancel()
	done := 0
	var g errgroup.Group
	g.SetLimit(2)
	for ; done < kills && ctx.Err() == nil; done++ {
		i := done % len(commands)
		g.Go(func() error {
			s.killAt(time.Duration(rand.Int64N(int64(took[i]+took[i]/4))), strings.Fields(commands[i]))
			return nil
		})
	}
	_ = g.Wait()
	t.Logf("%d of %d runs were killed", done, kills)
	s.awaitNobody(marker)
	s.target.reset()
	s.checkBuilt(s.build(), want)
	s.run(strings.Fields(commands[0])...)
	s.run(strings.Fields(commands[3])...)
	_ = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, _ error) error {
		if strings.Contains(path, cache.TempPrefix) || strings.Contains(path, ".tmp-") || filepath.Dir(path) == s.path("tmp") {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
}

// killAt starts a command and kills it after a time, if it still runs.
func (s *workshop) killAt(after time.Duration, args []string) {
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}
	cmd := exec.Command("kohealth", args...)
	cmd.Dir, cmd.Env = s.path("app"), s.env
	if err := cmd.Start(); err != nil {
		s.Error(err)
		return
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(signals[rand.IntN(len(signals))]) })
	defer timer.Stop()
	_ = cmd.Wait() // it may have been killed
}

// awaitNobody waits until no process has a variable in its environment: go, and what it
// has started, end by themselves if kohealth is killed without warning.
func (s *workshop) awaitNobody(variable string) {
	const patience = time.Minute
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		left := withVariable(variable)
		if len(left) == 0 {
			return
		}
		if time.Since(begin) > patience {
			s.Errorf("processes that were left behind: %q", left)
			return
		}
	}
}

// withVariable returns what the processes run that have a variable.
func withVariable(variable string) (found []string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, environ := range environs {
		data, _ := os.ReadFile(environ)
		if bytes.Contains(data, []byte("\x00"+variable+"\x00")) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(environ), "cmdline"))
			found = append(found, string(bytes.ReplaceAll(command, []byte("\x00"), []byte(" "))))
		}
	}
	return found
}
