package main

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var byteOrders = map[bool]byteOrder{true: binary.LittleEndian, false: binary.BigEndian} // by diagReader.little

// diagMessage is a message of netlink, as Linux aligns it: linux/netlink.h.
func diagMessage(order binary.ByteOrder, kind uint16, seq uint32, payload ...byte) string {
	p := make([]byte, 16, 128)
	order.PutUint32(p[0:], uint32(16+len(payload)))
	order.PutUint16(p[4:], kind)
	order.PutUint16(p[6:], 2) // NLM_F_MULTI
	order.PutUint32(p[8:], seq)
	order.PutUint32(p[12:], 4711)
	p = append(p, payload...)
	return string(p) + strings.Repeat("\x00", -len(p)&3)
}

// diagListener is a struct inet_diag_msg with an attribute behind it, as Linux fills
// it: inet_diag_msg_common_fill in net/ipv4/inet_diag.c.
func diagListener(order binary.ByteOrder, addr string, inode uint32) []byte {
	a := netip.MustParseAddrPort(addr)
	p := make([]byte, 72, 80)
	p[0], p[1] = 10, 10
	if a.Addr().Is4() {
		p[0] = 2
	}
	binary.BigEndian.PutUint16(p[4:], a.Port())
	copy(p[8:24], a.Addr().AsSlice())
	order.PutUint32(p[64:], 65532)
	order.PutUint32(p[68:], inode)
	return append(p, 5, 0, 8, 0, 0) // INET_DIAG_SHUTDOWN, of a length that is not aligned
}

func TestDiagRequest(t *testing.T) {
	const id = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	for little, want := range map[bool]string{
		true:  "\x48\x00\x00\x00\x14\x00\x01\x03\x0a\x00\x00\x00\x00\x00\x00\x00\x0a\x06\x00\x00\x00\x04\x00\x00",
		false: "\x00\x00\x00\x48\x00\x14\x03\x01\x00\x00\x00\x0a\x00\x00\x00\x00\x0a\x06\x00\x00\x00\x00\x04\x00",
	} {
		r := diagReader{little: little}
		if got := string(r.request(familyIPv6)); got != want+id+id+id {
			t.Errorf("little-endian %v: %x", little, got)
		}
	}
}

// TestDiagDatagram shows what is taken from an answer, in both byte orders.
func TestDiagDatagram(t *testing.T) {
	for little, order := range byteOrders {
		message := func(kind uint16, payload ...byte) string { return diagMessage(order, kind, familyIPv4, payload...) }
		one, two := diagListener(order, "127.0.0.1:8080", 12345), diagListener(order, "[2001:db8::1]:443", 0xfffffffe)
		with := func(at int, b ...byte) string {
			return message(20, append(append(append([]byte{}, one[:at]...), b...), one[at+len(b):]...)...)
		}
		first, second, done := message(20, one...), message(20, two...), message(3, 0, 0, 0, 0)
		noEntry := order.AppendUint32(nil, 1<<32-2) // -ENOENT
		tests := []struct {
			name, data string
			want       string // what is found, and " end" or " bad"
		}{
			{"IPv4", first, "127.0.0.1:8080=12345"},
			{"IPv6", second, "[2001:db8::1]:443=4294967294"},
			{"unspecified", message(20, diagListener(order, "[::]:65535", 7)...), "[::]:65535=7"},
			{"mapped", message(20, diagListener(order, "[::ffff:127.0.0.1]:80", 7)...), "127.0.0.1:80=7"},
			{"several", first + second + done, "127.0.0.1:8080=12345 [2001:db8::1]:443=4294967294 end"},
			{"nothing", done, " end"},
			{"empty", "", ""},
			{"noop", message(1) + first, "127.0.0.1:8080=12345"},
			{"behind the end", first + done + "x", "127.0.0.1:8080=12345 end"},
			{"no attributes", message(20, one[:72]...), "127.0.0.1:8080=12345"},
			{"last message not aligned", first[:16+len(one)], "127.0.0.1:8080=12345"},

			{"not for us", diagMessage(order, 20, 99, one...) + second, "[2001:db8::1]:443=4294967294"},
			{"end of another answer", diagMessage(order, 3, 99, 0, 0, 0, 0), ""},
			{"error of another answer", diagMessage(order, 2, 99, noEntry...), ""},
			{"other family", with(0, 1), ""},
			{"closed meanwhile", with(1, 7), ""},
			{"no port", with(4, 0, 0), ""},
			{"no inode", with(68, 0, 0, 0, 0), ""},

			{"error", message(2, append(noEntry, first[:16]...)...), " bad"},
			{"end with an error", first + message(3, noEntry...), "127.0.0.1:8080=12345 bad"},
			{"end cut", message(3, 0, 0), " bad"},
			{"overrun", first + message(4), "127.0.0.1:8080=12345 bad"},
			{"unknown kind", message(21, one...), " bad"},
			{"header cut", first + second[:15], "127.0.0.1:8080=12345 bad"},
			{"message cut", first + second[:80], "127.0.0.1:8080=12345 bad"},
			{"socket cut", message(20, one[:71]...), " bad"},
			{"length 0", strings.Repeat("\x00", 16), " bad"},
			{"length 15", string(order.AppendUint32(nil, 15)) + first[4:], " bad"},
			{"length beyond", string(order.AppendUint32(nil, 1<<32-1)) + first[4:], " bad"},
			{"other byte order", diagMessage(byteOrders[!little], 20, familyIPv4, one...), " bad"},
		}
		for _, tt := range tests {
			r := diagReader{little: little}
			end, ok := r.datagram([]byte(tt.data), familyIPv4)
			got := map[bool]string{true: " end"}[end] + map[bool]string{false: " bad"}[ok]
			if got = foundText(r.found) + got; got != tt.want {
				t.Errorf("%s, little-endian %v: %q, want %q", tt.name, little, got, tt.want)
			}
		}
	}
}

func foundText(all []listener) string {
	var s []string
	for _, l := range all {
		addr := netip.AddrPortFrom(netip.AddrFrom16(l.ip).Unmap(), l.port)
		s = append(s, addr.String()+"="+strconv.FormatInt(l.inode, 10))
	}
	return strings.Join(s, " ")
}

// TestDiagMany shows that no more listeners are taken than from /proc/net/tcp.
func TestDiagMany(t *testing.T) {
	one := diagMessage(binary.LittleEndian, 20, familyIPv6, diagListener(binary.LittleEndian, "[::]:80", 7)...)
	r := diagReader{little: true}
	end, ok := r.datagram([]byte(strings.Repeat(one, 2*maxListeners)), familyIPv6)
	if !end || !ok || len(r.found) != maxListeners {
		t.Errorf("%d listeners, want %d; end %v, ok %v", len(r.found), maxListeners, end, ok)
	}
}

// FuzzDiag shows that of what a datagram holds the same is found when it is cut, up
// to there, and each listener as Linux would send it.
func FuzzDiag(f *testing.F) {
	for _, order := range byteOrders {
		for _, addr := range []string{"127.0.0.1:8080", "[::]:65535", "[::ffff:127.0.0.1]:1"} {
			p := diagListener(order, addr, 12345)
			f.Add([]byte(diagMessage(order, 20, familyIPv4, p...)+diagMessage(order, 20, familyIPv4, p...)+diagMessage(order, 3, familyIPv4, 0, 0, 0, 0)), uint16(100))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		for little, order := range byteOrders {
			whole, part := diagReader{little: little}, diagReader{little: little}
			end, ok := whole.datagram(data, familyIPv4)
			part.datagram(data[:min(int(cut), len(data))], familyIPv4)
			if end && !ok {
				t.Errorf("an end that cannot be used: %x", data)
			}
			if n := len(part.found); n > len(whole.found) || n > 0 && !reflect.DeepEqual(part.found, whole.found[:n]) {
				t.Errorf("whole: %+v\ncut:   %+v", whole.found, part.found)
			}
			if len(whole.found) > len(data)/(netlinkHeader+diagMessageSize) || len(whole.found) > maxListeners {
				t.Errorf("%d listeners in %d bytes", len(whole.found), len(data))
			}
			for _, l := range whole.found {
				addr := netip.AddrPortFrom(netip.AddrFrom16(l.ip), l.port)
				again, ok := whole.listener(diagListener(order, addr.String(), uint32(l.inode)))
				again.room = l.room // which diagListener does not say
				if diff := cmp.Diff(l, again, cmp.AllowUnexported(l)); !ok || diff != "" {
					t.Errorf("%v: (-want +got)\n%s", addr, diff)
				}
			}
		}
	})
}
