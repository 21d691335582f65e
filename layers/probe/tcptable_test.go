package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTCPTable reads tables as GetExtendedTcpTable fills them, by the structures of
// Windows' tcpmib.h.
func TestTCPTable(t *testing.T) {
	v4 := []byte{3, 0, 0, 0,
		2, 0, 0, 0, 127, 0, 0, 1, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x87, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0,
		2, 0, 0, 0, 0, 0, // cut off
	}
	want := []listener{{ip: mapped([4]byte{127, 0, 0, 1}), port: 8080, own: true}, {ip: mapped([4]byte{}), port: 135}}
	if diff := cmp.Diff(want, tcpTables[0].listeners(v4, []uint32{7, 0x1234}), cmp.AllowUnexported(listener{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	v6 := append([]byte{1, 0, 0, 0}, make([]byte, 2*56)...) // the second row is left over
	v6[4+15], v6[4+20], v6[4+21], v6[4+48], v6[4+52] = 1, 0x01, 0xbb, 2, 7
	want = []listener{{ip: ipAddr{15: 1}, port: 443, own: true}}
	if diff := cmp.Diff(want, tcpTables[1].listeners(v6, []uint32{7}), cmp.AllowUnexported(listener{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, short := range [][]byte{nil, {1, 0, 0}, {1, 0, 0, 0}, {255, 255, 255, 255, 1}} {
		if got := tcpTables[0].listeners(short, []uint32{0}); got != nil {
			t.Errorf("%v: %v", short, got)
		}
	}
}
