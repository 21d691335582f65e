package main

// What of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h is used. The
// numbers are the same on all architectures.
const (
	netlinkHeader = 16 // bytes of struct nlmsghdr
	netlinkNoop   = 1
	netlinkDone   = 3
	netlinkDump   = 1 | 0x300 // NLM_F_REQUEST | NLM_F_DUMP

	sockDiagByFamily = 20
	diagRequestSize  = 56 // bytes of struct inet_diag_req_v2
	diagMessageSize  = 72 // bytes of struct inet_diag_msg

	familyIPv4 = 2  // AF_INET
	familyIPv6 = 10 // AF_INET6
	tcp        = 6  // IPPROTO_TCP
	tcpListen  = 10 // TCP_LISTEN
)

// A diagReader asks the kernel for the listening TCP sockets and reads what it
// answers: netlink(7) and sock_diag(7). Unlike for /proc/net/tcp, the kernel then
// does not go through its table of connections, which has a place for each that
// there may ever be. Netlink has the byte order of the machine, but for ports and
// addresses, which have that of the network.
type diagReader struct {
	little bool // the machine is little-endian
	found  []listener
}

// request returns a request for the listening sockets of a family. Answers bear the
// family as their sequence number.
func (r *diagReader) request(family byte) []byte {
	p := make([]byte, netlinkHeader+diagRequestSize)
	r.put(p[0:4], len(p))
	r.put(p[4:6], sockDiagByFamily)
	r.put(p[6:8], netlinkDump)
	r.put(p[8:12], int(family))
	p[16], p[17] = family, tcp
	r.put(p[20:24], 1<<tcpListen)
	return p
}

// datagram takes a datagram of the answer for a family. When that is not the end,
// there are more. A false ok says that the answer cannot be used.
func (r *diagReader) datagram(p []byte, family byte) (end, ok bool) {
	for len(p) > 0 && !end {
		if len(p) < netlinkHeader {
			return false, false
		}
		size := r.get(p[0:4])
		if size < netlinkHeader || size > int64(len(p)) {
			return false, false
		}
		if r.get(p[8:12]) == int64(family) { // else it answers something else
			end, ok = r.message(r.get(p[4:6]), p[netlinkHeader:size])
			if !ok {
				return false, false
			}
		}
		p = p[min((size+3)&^3, int64(len(p))):]
	}
	return end, true
}

// message takes a message. One that ends an answer holds the number of an error, or
// 0. There are others, which the kernel sends only if something is wrong.
func (r *diagReader) message(kind int64, p []byte) (end, ok bool) {
	switch {
	case kind == netlinkNoop:
		return false, true
	case kind == netlinkDone && len(p) >= 4:
		return true, r.get(p[:4]) == 0
	case kind == sockDiagByFamily && len(p) >= diagMessageSize:
		if l, ok := r.listener(p); ok {
			r.found = append(r.found, l)
		}
		return len(r.found) >= maxListeners, true
	}
	return false, false
}

// listener parses a struct inet_diag_msg. It may be of a socket that has just ceased
// to listen. Of one that listens idiag_rqueue is the number of connections that wait to be
// accepted, and idiag_wqueue the number beyond which none is added: tcp_diag_get_info in
// net/ipv4/tcp_diag.c and sk_acceptq_is_full in include/net/sock.h.
func (r *diagReader) listener(p []byte) (l listener, ok bool) {
	switch p[0] {
	case familyIPv4:
		l.ip = mapped([4]byte(p[8:12]))
	case familyIPv6:
		l.ip = ipAddr(p[8:24])
	default:
		return l, false
	}
	l.port, l.inode = uint16(p[4])<<8|uint16(p[5]), r.get(p[68:72])
	l.room = r.get(p[56:60]) <= r.get(p[60:64])
	return l, p[1] == tcpListen && l.port > 0 && l.inode > 0
}

// get returns the number that p holds in the machine's byte order.
func (r *diagReader) get(p []byte) (n int64) {
	for i := range p {
		at := i
		if r.little {
			at = len(p) - 1 - i
		}
		n = n<<8 | int64(p[at])
	}
	return n
}

func (r *diagReader) put(p []byte, n int) {
	for i := range p {
		at := len(p) - 1 - i
		if r.little {
			at = i
		}
		p[at] = byte(n)
		n >>= 8
	}
}
