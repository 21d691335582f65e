package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// A verdictImages makes images that hold an app and, by name, a shell and tools as common
// bases have them, of this machine's own programs; an image when it is first asked for.
type verdictImages struct {
	*testing.T
	repository, dir string
	mu              sync.Mutex
	refs            map[string]string
}

// newVerdictImages makes no image yet, but the app and the program that builds some.
func newVerdictImages(t *testing.T, registry string) *verdictImages {
	t.Helper()
	m := &verdictImages{T: t, repository: registry + "/verdicts", dir: t.TempDir(), refs: map[string]string{}}
	m.run(topDir, []string{"CGO_ENABLED=0"}, "go", "build", "-o", filepath.Join(m.dir, "app"), "./testdata/apps/verdict")
	m.run(topDir, nil, "go", "build", "-o", filepath.Join(m.dir, "kohealth"), "./cmd/kohealth")
	return m
}

// ref returns the reference of an image.
func (m *verdictImages) ref(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refs[name] == "" {
		m.refs[name] = m.make(name)
	}
	return m.refs[name]
}

func (m *verdictImages) make(name string) string {
	switch name {
	case "scratch", "alp":
		return m.plain(name)
	case "slim":
		return m.plain(name, "dash", "bash", "grep", "mawk", "cat", "tr", "sed", "head")
	case "gnu":
		return m.plain(name, "dash", "grep", "wget", "curl", "cat", "tr", "sed", "head")
	case "debian":
		return m.plain(name, "dash", "bash", "grep", "mawk", "cat", "tr", "sed", "head", "tail", "find", "xargs", "ps", "pgrep", "pidof", "ls", "stat", "wc", "sort", "cut", "expr",
			"timeout", "env", "nice", "date", "id", "touch", "rm", "test", "true", "echo", "printf", "seq", "sleep", "readlink", "whoami", "uname")
	case "ko":
		return m.built(name, "--no-healthcheck")
	case "kohealth":
		return m.built(name, "--health=http://:8080/healthz")
	case "auto":
		return m.built(name, "--health=auto")
	case "packages":
		return m.built(name, "--health-tool=busybox", "--health-cmd=wget -q --spider http://127.0.0.1:8080/healthz || exit 1")
	}
	m.Fatalf("no image is called %q", name)
	return ""
}

func (m *verdictImages) run(dir string, env []string, program string, args ...string) string {
	m.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		m.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderrOf(err))
	}
	return strings.TrimSpace(string(out))
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}

// verdictScripts are in /opt of images as a Dockerfile makes them.
var verdictScripts = map[string]string{
	"alive.sh":    "#!/bin/sh\ntest -f /tmp/alive\n",
	"app.conf":    "status=UP\nport=8080\n",
	"app.pid":     "1\n",
	"args.sh":     "#!/bin/sh\nexec wget -q --spider \"$1\"\n",
	"bare.sh":     "test -f /tmp/alive\n",
	"bash.sh":     "#!/bin/bash\n[[ 1 == 1 ]]\n",
	"bom.sh":      "\ufeff#!/bin/sh\nexit 0\n",
	"body.sh":     "#!/bin/sh\nif true; then\r\n  exit 0\r\nfi\r\n",
	"check.sh":    "#!/bin/sh\nexec wget -q -O /dev/null http://127.0.0.1:8080/healthz\n",
	"crlf.sh":     "#!/bin/sh\r\nexit 0\r\n",
	"crlfbare.sh": "exit 0\r\n",
	"curl.sh":     "#!/bin/sh\ncurl -f http://127.0.0.1:8080/healthz\n",
	"dashe.sh":    "#!/bin/sh -e\nfalse\nexit 0\n",
	"empty":       "",
	"envbash.sh":  "#!/usr/bin/env bash\nexit 0\n",
	"late.sh":     "\n#!/bin/sh\nexit 0\n",
	"noexec.sh":   "#!/bin/sh\nexit 0\n",
	"space.sh":    "#! /bin/sh\nexit 0\n",
	"vars.env":    "A=1\nB=\"two\"\n",
	"viabash.sh":  "#!/bin/bash\nset -e\n/opt/alive.sh\n",
	"wrap.sh":     "#!/bin/sh\nexec \"$@\"\n",
	"env.sh":      "#!/usr/bin/env sh\ntest -f /tmp/alive\n",
	"lib.sh":      "check() { curl -f http://127.0.0.1:8080/healthz; }\npasses() { test -f /tmp/alive; }\n",
	"local.sh":    "#!/bin/sh\nlocal x=1\ntest -f /tmp/alive\n",
	"pipefail.sh": "#!/bin/sh\nset -euo pipefail\ntest -f /tmp/alive\n",
	"plain.txt":   "ok\n",
	"private.sh":  "#!/bin/sh\ntest -f /tmp/alive\n",
	"python.py":   "#!/usr/bin/env python3\n",
}

// plain makes an image as a Dockerfile does.
func (m *verdictImages) plain(name string, programs ...string) (ref string) {
	root := filepath.Join(m.dir, name)
	m.write(filepath.Join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
	for script, text := range verdictScripts {
		m.write(filepath.Join(root, "opt", script), text)
	}
	m.check(os.Chmod(filepath.Join(root, "opt/plain.txt"), 0o644), os.Chmod(filepath.Join(root, "opt/private.sh"), 0o700))
	m.odd(filepath.Join(root, "opt"))
	m.check(os.MkdirAll(filepath.Join(root, "tmp"), 0o777), os.Chmod(filepath.Join(root, "tmp"), 0o1777), os.MkdirAll(filepath.Join(root, "usr/bin"), 0o755))
	m.run(m.dir, nil, "cp", filepath.Join(m.dir, "app"), filepath.Join(root, "app"))
	switch {
	case name == "alp":
		m.busybox(root)
	case len(programs) > 0:
		m.programs(root, programs)
	}
	m.write(filepath.Join(m.dir, name+".Dockerfile"), "FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nEXPOSE 8080\nENTRYPOINT [\"/app\"]\n")
	ref = m.repository + ":" + name
	m.run(m.dir, nil, "docker", "build", "-q", "-f", name+".Dockerfile", "-t", ref, root)
	m.run(m.dir, nil, "docker", "push", "-q", ref)
	return ref
}

// odd adds what is no program where one may be looked for.
func (m *verdictImages) odd(opt string) {
	m.check(os.Chmod(filepath.Join(opt, "noexec.sh"), 0o644), os.Mkdir(filepath.Join(opt, "dir.d"), 0o755))
	for name, target := range map[string]string{"link.sh": "../opt/alive.sh", "broken": "/nowhere/at/all", "loop": "loop"} {
		m.check(os.Symlink(target, filepath.Join(opt, name)))
	}
	m.run(m.dir, nil, "cp", must(exec.LookPath("dash")), filepath.Join(opt, "dynamic"))
	head := must(os.ReadFile(filepath.Join(m.dir, "app")))[:4096]
	head[18], head[19] = 243, 0 // e_machine: RISC-V
	m.check(os.WriteFile(filepath.Join(opt, "riscv64"), head, 0o755))
}

func (m *verdictImages) write(file, text string) {
	m.check(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755))
}

func (m *verdictImages) check(errs ...error) {
	m.Helper()
	for _, err := range errs {
		if err != nil {
			m.Fatal(err)
		}
	}
}

// busybox adds BusyBox with all its names, as Alpine has it.
func (m *verdictImages) busybox(root string) {
	program := must(exec.LookPath("busybox"))
	m.check(os.MkdirAll(filepath.Join(root, "bin"), 0o755))
	m.run(m.dir, nil, "cp", program, filepath.Join(root, "bin/busybox"))
	for _, applet := range strings.Fields(m.run(m.dir, nil, program, "--list")) {
		if applet != "busybox" {
			m.check(os.Symlink("/bin/busybox", filepath.Join(root, "bin", applet)))
		}
	}
}

// programs adds programs with their libraries. dash is the shell.
func (m *verdictImages) programs(root string, programs []string) {
	for _, p := range programs {
		file := must(filepath.EvalSymlinks(must(exec.LookPath(p))))
		m.run(m.dir, nil, "install", "-D", file, filepath.Join(root, "usr/bin", filepath.Base(file)))
		for _, library := range strings.Fields(m.run(m.dir, nil, "ldd", file)) {
			if filepath.IsAbs(library) {
				m.run(m.dir, nil, "install", "-D", must(filepath.EvalSymlinks(library)), root+library)
			}
		}
	}
	m.check(os.Symlink("dash", filepath.Join(root, "usr/bin/sh")), os.Symlink("usr/bin", filepath.Join(root, "bin")))
	if slices.Contains(programs, "mawk") {
		m.check(os.Symlink("mawk", filepath.Join(root, "usr/bin/awk")))
	}
}

// built makes an image as kohealth builds it.
func (m *verdictImages) built(name string, flags ...string) (ref string) {
	ref = m.repository + ":" + name
	env := append(m.environment(), "KO_DEFAULTBASEIMAGE=kohealth.local/static")
	m.run(topDir, env, filepath.Join(m.dir, "kohealth"), append([]string{"build", "--bare", "--tags=" + name, "./testdata/apps/verdict"}, flags...)...)
	m.run(m.dir, nil, "docker", "pull", "-q", ref)
	return ref
}

// environment is what kohealth gets: where images go to, and where packages come from.
func (m *verdictImages) environment() []string {
	srv := httptest.NewServer(apktest.New(packagesKey(), testPackages(wolfisBusyBox(m))...))
	m.Cleanup(srv.Close)
	key := filepath.Join(m.dir, "test.rsa.pub")
	m.check(os.WriteFile(key, packagesKey().PEM(), 0o644))
	return []string{"KO_DOCKER_REPO=" + m.repository, "KOHEALTH_HEALTH_REPOSITORY=" + srv.URL, "KOHEALTH_HEALTH_KEY=" + key}
}
