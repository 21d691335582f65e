package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestEngine runs the scripts in testdata/engine on a real Docker engine (the one
// that the docker command finds), Podman and a real registry. KOHEALTH_TEST_ENGINES
// holds the registry's address; where it is not set, make test says that this was
// left out.
func TestEngine(t *testing.T) {
	registry := os.Getenv("KOHEALTH_TEST_ENGINES")
	if registry == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to start the engines")
	}
	scanner := buildScanner(t)
	params := scriptParams(t)
	params.Dir = filepath.Join(topDir, "testdata", "engine")
	inProcess := params.Setup
	params.Setup = func(e *testscript.Env) error {
		if err := inProcess(e); err != nil {
			return err
		}
		for _, name := range []string{"DOCKER_HOST", "XDG_RUNTIME_DIR"} {
			e.Setenv(name, os.Getenv(name))
		}
		hello, err := os.ReadFile(filepath.Join(topDir, "testdata", "apps", "hello", "main.go"))
		if err != nil {
			return err
		}
		e.Setenv("KO_DOCKER_REPO", registry+"/"+filepath.Base(e.WorkDir))
		e.Setenv("KO_DEFAULTBASEIMAGE", "kohealth.local/static")
		e.Setenv("HOME", e.WorkDir)
		e.Setenv("SCANNER", scanner)
		return os.WriteFile(filepath.Join(e.WorkDir, "main.go"), hello, 0o644)
	}
	params.Cmds["lifecycle"] = cmdLifecycle
	params.Cmds["shell"] = cmdShell
	params.Cmds["await"] = cmdAwait
	params.Cmds["healthy"] = cmdHealthy
	params.Cmds["patient"] = cmdPatient
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

// freePort returns a port of the loopback interface's that nobody has just now.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// buildScanner builds what finds packages in images as syft does.
func buildScanner(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scanner")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join(topDir, "testdata", "scanner")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the scanner: %v\n%s", err, out)
	}
	return path
}

// A container is a running container of a script's.
type container struct {
	ts *testscript.TestScript
	id string
}

// cmdLifecycle runs an image as an orchestrator would, on a read-only root file
// system, and follows its health through a failure of the app: lifecycle IMAGE.
func cmdLifecycle(ts *testscript.TestScript, _ bool, args []string) {
	out := docker(ts, "run", "-d", "--network=none", "--read-only", "--cap-drop=ALL", args[0])
	c := container{ts, strings.TrimSpace(out)}
	defer docker(ts, "rm", "-f", c.id)

	if got := c.inspect("{{.Config.User}}"); got != "65532" {
		ts.Fatalf("runs as %q, want 65532", got)
	}
	c.await("healthy")
	docker(ts, "exec", c.id, "/usr/bin/healthcheck") // what a task definition runs
	c.fail(`unhealthy: GET http://127.0.0.1:8080/healthz: 503 "Service Unavailable": "db: connection refused"`)
}

// fail has the app fail and recover, and checks that the cause shows.
func (c container) fail(cause string) {
	ts := c.ts
	docker(ts, "kill", "-s", "USR1", c.id)
	c.await("unhealthy")
	if got := c.inspect("{{range .State.Health.Log}}{{.Output}}{{end}}"); !strings.Contains(got, cause) {
		ts.Fatalf("docker inspect does not say why:\n%s", got)
	}
	c.awaitLog(cause)
	docker(ts, "kill", "-s", "USR2", c.id)
	c.await("healthy")
}

// cmdShell runs an image that has a shell through a failure of the app, with a cause that
// has to show: shell IMAGE [CAUSE].
func cmdShell(ts *testscript.TestScript, _ bool, args []string) {
	out := docker(ts, "run", "-d", "--network=none", "--read-only", "--cap-drop=ALL", args[0])
	c := container{ts, strings.TrimSpace(out)}
	defer docker(ts, "rm", "-f", c.id)

	c.await("healthy")
	if got := strings.TrimSpace(docker(ts, "exec", c.id, "sh", "-c", "id -u")); got != "65532" {
		ts.Fatalf("the shell runs as %q, want 65532", got)
	}
	c.fail(strings.Join(args[1:], " "))
}

// docker runs the docker command and returns what it prints.
func docker(ts *testscript.TestScript, args ...string) string {
	stdout, _ := dockerStreams(ts, args...)
	return stdout
}

func dockerStreams(ts *testscript.TestScript, args ...string) (stdout, stderr string) {
	var out, progress strings.Builder
	cmd := exec.Command("docker", args...)
	cmd.Stdout, cmd.Stderr = &out, &progress
	if err := cmd.Run(); err != nil {
		ts.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, &out, &progress)
	}
	return out.String(), progress.String()
}

// logs returns what the container wrote, to either stream.
func (c container) logs() string {
	stdout, stderr := dockerStreams(c.ts, "logs", c.id)
	return stdout + stderr
}

func (c container) inspect(format string) string {
	return strings.TrimSpace(docker(c.ts, "inspect", "--format="+format, c.id))
}

// await waits for a health status.
func (c container) await(status string) {
	var got string
	if !eventually(func() bool {
		got = c.inspect("{{.State.Status}} {{.State.Health.Status}}")
		return got == "running "+status || !strings.HasPrefix(got, "running ")
	}) || got != "running "+status {
		c.ts.Fatalf("never became %s\n%s\n%s", status, c.inspect("{{json .State}}"), c.logs())
	}
}

// awaitLog waits for text in the log, which the engine writes in its own time.
func (c container) awaitLog(text string) {
	if !eventually(func() bool { return strings.Contains(c.logs(), text) }) {
		c.ts.Fatalf("docker logs never says %q:\n%s", text, c.logs())
	}
}

// eventually reports whether something became true. The bound is there for a test that
// fails.
func eventually(done func() bool) bool {
	for start := time.Now(); time.Since(start) < 3*time.Minute; time.Sleep(100 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// cmdAwait runs a command until it succeeds or, with !, fails: await COMMAND [ARG]...
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	var err error
	if !eventually(func() bool {
		err = ts.Exec(args[0], args[1:]...)
		return (err != nil) == neg
	}) {
		ts.Fatalf("%q never ended otherwise: %v", args, err)
	}
}

// cmdHealthy runs an image with docker's own flags until it is healthy, or with !
// unhealthy, and writes what it logged: healthy [FLAG]... IMAGE > stdout.
func cmdHealthy(ts *testscript.TestScript, neg bool, args []string) {
	args = append([]string{"run", "-d", "--network=none"}, args...)
	c := container{ts, strings.TrimSpace(docker(ts, args...))}
	defer docker(ts, "rm", "-f", c.id)
	if neg {
		c.await("unhealthy")
	} else {
		c.await("healthy")
	}
	docker(ts, "stop", "-t", "0", c.id) // after which its log is whole
	_, err := io.WriteString(ts.Stdout(), c.logs())
	ts.Check(err)
}

// cmdCertificate makes an authority and a certificate of its for localhost, in the
// files ca.pem, cert.pem and key.pem: certificate DIR.
func cmdCertificate(ts *testscript.TestScript, _ bool, args []string) {
	write := func(name, kind string, der []byte) {
		data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		ts.Check(os.WriteFile(ts.MkAbs(filepath.Join(args[0], name)), data, 0o644))
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	newKey := func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: name == "ca", BasicConstraintsValid: true,
		}
	}
	caKey, key := newKey(), newKey()
	ca := template("ca")
	write("ca.pem", "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)))
	write("cert.pem", "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template("localhost"), ca, &key.PublicKey, caKey)))
	write("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}
