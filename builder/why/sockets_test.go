package why

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/limits"
)

// table is /proc/net/tcp of an app that listens on two ports, has a connection that nobody
// has accepted and one that was given up; another process's sockets stand between.
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000 65532        0 100 1 0000000000000000 100 0 0 10 0
   1: 00000000:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 101 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1F90 0100007F:C001 08 00000000:00000001 00:00000000 00000000 65532        0 102 1 0000000000000000 20 4 0 10 -1
   3: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 999 1 0000000000000000 100 0 0 10 0
`

func newSockets(t string) *Sockets {
	s := &Sockets{Waiting: map[uint16]int{}, Unanswered: map[uint16]int{}}
	s.add(t, map[string]bool{"100": true, "101": true, "102": true})
	return s
}

func TestSockets(t *testing.T) {
	s := newSockets(table)
	if got, want := s.describe(), "127.0.0.1:8080, port 9090"; got != want {
		t.Errorf("listens on %s, want %s", got, want)
	}
	if s.Waiting[8080] != 1 || s.Unanswered[8080] != 1 || len(s.on(22)) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000000000000000000001000000:0050": "[::1]:80",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
		"0100007F":                              "",
		"01:1":                                  "",
		"x:1":                                   "",
	} {
		got, ok := parseAddr(text)
		if ok != (want != "") || ok && got != netip.MustParseAddrPort(want) {
			t.Errorf("%s is %s, %t; want %s", text, got, ok, want)
		}
	}
}

func TestSocketLimit(t *testing.T) {
	big := strings.NewReader(strings.Repeat(" ", int(limits.Socket.Max())+1))
	if _, err := limits.Socket.ReadAll(big); !limits.IsExceeded(err) {
		t.Errorf("error %v", err)
	}
	long := strings.NewReader(strings.Repeat(" ", int(limits.Log.Max())+1))
	if _, err := limits.Log.ReadAll(long); !limits.IsExceeded(err) {
		t.Errorf("error %v", err)
	}
}

func FuzzSockets(f *testing.F) {
	f.Add(table)
	f.Fuzz(func(t *testing.T, table string) {
		for _, l := range newSockets(table).Listens {
			if !l.Addr().IsValid() {
				t.Errorf("%s", l)
			}
		}
	})
}
