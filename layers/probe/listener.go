package main

// Limits of what is read of /proc/net/tcp, which has a line for each connection.
const (
	maxListeners = 4096
	maxOthers    = 8192 // in one file; Linux lists listening sockets before all others: tcp_get_idx in net/ipv4/tcp_ipv4.c
)

// A listener is a listening TCP socket.
type listener struct {
	ip    ipAddr
	port  uint16
	inode int64
	own   bool // it is the app's
	room  bool // the kernel says that its queue of connections, listen(2), has room
}

// A listenerReader reads /proc/net/tcp and /proc/net/tcp6: proc_pid_net(5) and, in
// Linux's source, Documentation/networking/proc_net_tcp.rst.
type listenerReader struct {
	little bool // the machine is little-endian
	found  []listener
	others int
}

// readAll reads lines to the end, or as far as they are of interest. A line that is
// longer than any of the kernel's is skipped.
func (r *listenerReader) readAll(read func(p []byte) (int, error)) error {
	var buf [8192]byte
	r.others = 0
	for w, skip := 0, false; ; {
		n, err := read(buf[w:])
		if n <= 0 || err != nil {
			return err
		}
		begin, end := 0, w+n
		for i := w; i < end; i++ {
			if buf[i] != '\n' {
				continue
			}
			if !skip && !r.line(string(buf[begin:i])) {
				return nil
			}
			begin, skip = i+1, false
		}
		w = copy(buf[:], buf[begin:end])
		if w == len(buf) {
			w, skip = 0, true
		}
	}
}

// line takes one line. It returns false when no more are of interest.
func (r *listenerReader) line(line string) bool {
	if l, ok := parseListener(line, r.little); ok {
		r.found = append(r.found, l)
	} else {
		r.others++
	}
	return len(r.found) < maxListeners && r.others < maxOthers
}

// parseListener parses a line of a listening socket, such as
//
//	0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532 0 12345 1 …
//
// of which it takes the local address, the state and the inode.
func parseListener(line string, little bool) (l listener, ok bool) {
	const address, state, inode = 1, 3, 9
	var word string
	for i := 0; i <= inode; i++ {
		word, line = cutWord(line)
		switch i {
		case address:
			l.ip, l.port, ok = parseSocketAddress(word, little)
		case state:
			ok = word == "0A" // TCP_LISTEN
		case inode:
			l.inode, ok = number(word, 10)
		}
		if i >= address && !ok {
			return l, false
		}
	}
	return l, l.inode > 0 && l.port > 0
}

// cutWord cuts the first word off a line.
func cutWord(line string) (word, rest string) {
	for line != "" && line[0] == ' ' {
		line = line[1:]
	}
	n := 0
	for n < len(line) && line[n] != ' ' {
		n++
	}
	return line[:n], line[n:]
}

// parseSocketAddress parses an address and a port in hexadecimal. The port is a
// number, but the address is printed as one or four 32-bit words that lie in memory
// in network byte order: on a little-endian machine the bytes of each are reversed.
func parseSocketAddress(s string, little bool) (ip ipAddr, port uint16, ok bool) {
	n := len(s) - len(":1F90")
	if n != 8 && n != 32 || s[n] != ':' {
		return ip, 0, false
	}
	p, ok := number(s[n+1:], 16)
	for i := 0; i < n/2; i++ {
		b, isHex := number(s[2*i:2*i+2], 16)
		ok = ok && isHex
		at := i
		if little {
			at ^= 3
		}
		ip[at] = byte(b)
	}
	if n == 8 {
		ip = mapped([4]byte(ip[:4]))
	}
	return ip, uint16(p), ok
}
