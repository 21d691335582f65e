package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tcpHeader = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// tcpLine is a line of /proc/net/tcp or tcp6, as Linux prints it: get_tcp4_sock in
// net/ipv4/tcp_ipv4.c and get_tcp6_sock in net/ipv6/tcp_ipv6.c.
func tcpLine(addr netip.AddrPort, state string, inode int64, order binary.ByteOrder) string {
	words := ""
	for ip := addr.Addr().AsSlice(); len(ip) > 0; ip = ip[4:] {
		words += fmt.Sprintf("%08X", order.Uint32(ip))
	}
	remote := strings.Repeat("0", len(words)) + ":0000"
	return fmt.Sprintf("%4d: %s:%04X %s %s 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 00000000a9cd9057 100 0 0 10 0\n",
		0, words, addr.Port(), remote, state, 65532, inode)
}

func TestParseListener(t *testing.T) {
	const tail = " 00000000:00000000 00:00000000 00000000 65532        0 12345 1 00000000a9cd9057 100 0 0 10 0"
	tests := []struct {
		name, line  string
		little, big string // addresses on machines of either kind; "" means no listener
	}{
		{"IPv4", "   0: 0100007F:1F90 00000000:0000 0A" + tail, "127.0.0.1:8080", "1.0.0.127:8080"},
		{"IPv4, big-endian", " 1000: 7F000001:1F90 00000000:0000 0A" + tail, "1.0.0.127:8080", "127.0.0.1:8080"},
		{"unspecified", "0: 00000000:0050 00000000:0000 0A" + tail, "0.0.0.0:80", "0.0.0.0:80"},
		{"unspecified IPv6", "0: 00000000000000000000000000000000:FFFF 00000000000000000000000000000000:0000 0A" + tail, "[::]:65535", "[::]:65535"},
		{"IPv6", "0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A" + tail, "[::1]:8080", "[::100:0]:8080"},
		{"IPv6, big-endian", "0: 20010DB8000000000000000000000001:1F90 00000000000000000000000000000000:0000 0A" + tail,
			"[b80d:120::100:0]:8080", "[2001:db8::1]:8080"},
		{"mapped", "0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A" + tail,
			"127.0.0.1:8080", "[::ffff:0:100:7f]:8080"},
		{"lower case", "0: 0100007f:1f90 00000000:0000 0A" + tail, "127.0.0.1:8080", "1.0.0.127:8080"},
		{"established", "0: 0100007F:1F90 0100007F:1F91 01" + tail, "", ""},
		{"header", tcpHeader, "", ""},
		{"empty", "", "", ""},
		{"cut before the inode", "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532 0", "", ""},
		{"no inode", "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532 0 0 1", "", ""},
		{"no port", "0: 0100007F:0000 00000000:0000 0A" + tail, "", ""},
		{"not hexadecimal", "0: 0100007G:1F90 00000000:0000 0A" + tail, "", ""},
		{"long port", "0: 0100007F:11F90 00000000:0000 0A" + tail, "", ""},
		{"short address", "0: 00007F:1F90 00000000:0000 0A" + tail, "", ""},
	}
	for _, tt := range tests {
		for little, want := range map[bool]string{true: tt.little, false: tt.big} {
			got := ""
			if l, ok := parseListener(tt.line, little); ok {
				got = netip.AddrPortFrom(netip.AddrFrom16(l.ip).Unmap(), l.port).String()
				if l.inode != 12345 {
					t.Errorf("%s: inode %d", tt.name, l.inode)
				}
			}
			if got != want {
				t.Errorf("%s: little-endian %v: %q, want %q", tt.name, little, got, want)
			}
		}
	}
}

// readListeners returns what a reader finds, and how many bytes it took.
func readListeners(s *script, little bool) ([]listener, int) {
	r := listenerReader{little: little}
	_ = r.readAll(func(p []byte) (int, error) {
		n, err := s.read(p)
		if err == errClosed {
			return 0, nil
		}
		return n, err
	})
	return r.found, s.total
}

// TestManyConnections shows that the reader neither holds nor reads all lines of a
// busy machine.
func TestManyConnections(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:8080")
	listening := tcpLine(addr, "0A", 7, binary.LittleEndian)
	connected := tcpLine(addr, "01", 8, binary.LittleEndian)
	got, total := readListeners(&script{data: tcpHeader + listening + strings.Repeat(connected, 100_000)}, true)
	if len(got) != 1 || got[0].inode != 7 {
		t.Errorf("found %+v", got)
	}
	if limit := (maxOthers + 100) * len(connected); total > limit {
		t.Errorf("%d bytes read, want at most %d", total, limit)
	}
	if got, _ := readListeners(&script{data: strings.Repeat(listening, 100_000)}, true); len(got) != maxListeners {
		t.Errorf("%d listeners, want %d", len(got), maxListeners)
	}
	long := strings.Repeat("x", 100_000)
	if got, _ := readListeners(&script{data: long + listening + listening + long + "\n" + listening}, true); len(got) != 2 {
		t.Errorf("%d listeners between long lines, want 2", len(got))
	}
}

// FuzzListeners shows that the reader of /proc/net/tcp finds the same however the
// text arrives, no more than it may, and each listener as Linux would print it.
func FuzzListeners(f *testing.F) {
	for _, addr := range []string{"127.0.0.1:8080", "[::]:65535", "[::ffff:127.0.0.1]:1", "[2001:db8::1]:443"} {
		a := netip.MustParseAddrPort(addr)
		f.Add(tcpHeader+tcpLine(a, "0A", 12345, binary.LittleEndian)+tcpLine(a, "01", 6, binary.LittleEndian), []byte{0})
		f.Add(tcpLine(a, "0A", 1, binary.BigEndian)+tcpLine(a, "0A", 2, binary.BigEndian), []byte{70, 200})
	}
	f.Fuzz(func(t *testing.T, data string, sizes []byte) {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			little := order == binary.ByteOrder(binary.LittleEndian)
			whole, _ := readListeners(&script{data: data}, little)
			split, _ := readListeners(&script{data: data, sizes: sizes}, little)
			if !reflect.DeepEqual(whole, split) {
				t.Errorf("in one piece: %+v\nin pieces:    %+v", whole, split)
			}
			if len(whole) > strings.Count(data, "\n") || len(whole) > maxListeners {
				t.Errorf("%d listeners in %q", len(whole), data)
			}
			for _, l := range whole {
				addr := netip.AddrPortFrom(netip.AddrFrom16(l.ip).Unmap(), l.port)
				again, ok := parseListener(tcpLine(addr, "0A", l.inode, order), little)
				if diff := cmp.Diff(l, again, cmp.AllowUnexported(l)); !ok || diff != "" {
					t.Errorf("%v: (-want +got)\n%s", addr, diff)
				}
				if host := l.ip.text(); netip.MustParseAddr(host) != addr.Addr() {
					t.Errorf("text of %v is %q", addr, host)
				} else if addr.Addr().Is6() && parseIPv6(host) != l.ip {
					t.Errorf("%q is not parsed as %v", host, addr)
				}
			}
		}
	})
}
