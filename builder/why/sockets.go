package why

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Sockets are the TCP sockets of a container's app.
type Sockets struct {
	Listens    []netip.AddrPort
	Waiting    map[uint16]int // connections that nobody has accepted, by port
	Unanswered map[uint16]int // connections that the other side has given up, by port
}

// on returns the addresses on a port where the app listens.
func (s *Sockets) on(port int) (at []netip.AddrPort) {
	for _, l := range s.Listens {
		if int(l.Port()) == port {
			at = append(at, l)
		}
	}
	return at
}

// describe names where the app listens.
func (s *Sockets) describe() string {
	var names []string
	for _, l := range s.Listens {
		name := l.String()
		if l.Addr().IsUnspecified() {
			name = "port " + strconv.Itoa(int(l.Port()))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(first(names, 5), ", ")
}

// States of sockets in /proc/net/tcp: include/net/tcp_states.h of Linux.
const (
	stateCloseWait = "08"
	stateListen    = "0A"
)

// add reads a table of sockets, of which those count whose inode is among the owned.
//
// https://docs.kernel.org/networking/proc_net_tcp.html
func (s *Sockets) add(table string, owned map[string]bool) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || !owned[fields[9]] {
			continue
		}
		local, ok := parseAddr(fields[1])
		if !ok {
			continue
		}
		_, receive, _ := strings.Cut(fields[4], ":")
		switch fields[3] {
		case stateListen:
			s.Listens = append(s.Listens, local)
			queue, _ := strconv.ParseUint(receive, 16, 31)
			s.Waiting[local.Port()] += int(queue)
		case stateCloseWait:
			s.Unanswered[local.Port()]++
		}
	}
}

// parseAddr parses an address as Linux writes it: words of 32 bits in the machine's order,
// which is little-endian wherever an engine runs.
func parseAddr(s string) (a netip.AddrPort, ok bool) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return a, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), ok
}
