package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestIsNetwork(t *testing.T) {
	_, missing := os.Open(filepath.Join(t.TempDir(), "missing"))
	full := &fs.PathError{Op: "write", Path: "app.tar", Err: syscall.ENOSPC}
	_, refused := net.Dial("tcp", "127.0.0.1:1")
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("no"), false},
		{missing, false},
		{full, false},
		{syscall.ENOSPC, false},
		{os.Rename(filepath.Join(t.TempDir(), "a"), "b"), false},
		{&url.Error{Op: "Put", URL: "http://127.0.0.1/", Err: full}, false},
		{refused, true},
		{&url.Error{Op: "Get", URL: "http://127.0.0.1:1/", Err: refused}, true},
		{&net.DNSError{Err: "no such host", Name: "registry.invalid"}, true},
	} {
		if got := IsNetwork(test.err); got != test.want {
			t.Errorf("IsNetwork(%v) = %t", test.err, got)
		}
		if got := IsNetwork(fmt.Errorf("publishing: %w", test.err)); test.err != nil && got != test.want {
			t.Errorf("IsNetwork(%v), wrapped, = %t", test.err, got)
		}
	}
}
