package why

import (
	"net"
	"os"
	"strings"
	"testing"
)

// TestSocketsOf finds the sockets of this process, whose cgroup is taken for its id.
func TestSocketsOf(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cgroup, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	s := socketsOf(os.Getpid(), strings.TrimSpace(string(cgroup)))
	if s == nil || len(s.on(l.Addr().(*net.TCPAddr).Port)) != 1 {
		t.Errorf("sockets %+v, want one at %s", s, l.Addr())
	}
	if s := socketsOf(os.Getpid(), "another container"); s != nil {
		t.Errorf("sockets of another container: %+v", s)
	}
}
