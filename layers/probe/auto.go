package main

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// appDir is where ko puts the app. A variable can be set by the linker, for tests.
var appDir = koAppDir

// procDir is where the kernel shows itself; tests have others, of their own.
const procDir = "/proc"

// An app is what could be found out about the processes of the app.
type app struct {
	name   string   // "" if there is no such process
	at     []*place // where it listens, lowest port first
	hidden error    // why not everything could be read; nil if it could
}

// A place is where the app listens.
type place struct {
	host string // of a target that leads there
	port uint16
	name string // address and port
	room bool   // the kernel says that the next connection is accepted
}

const (
	tryPort   = "configure a check, such as --health=http://:8080/healthz"
	tryNoPort = "configure a check, such as --health=unix:///run/app.sock or --health=file:///tmp/alive"
)

// auto checks that the app listens on some ports, if they are named, and accepts
// connections wherever it listens or, if a path is given, what it answers on the first of
// those ports or on the lowest of all. The app is what runs from the directory dir, by
// what the file system proc(5) says.
func (c check) auto(ports, proc, dir string) *outcome {
	a, err := findApp(proc, dir, ports, c.deadline)
	if err == nil {
		a.guess(ports)
		err = a.lacks(ports, dir)
	}
	switch {
	case err != nil:
		return done("auto", err)
	case c.cmd.Path == "":
		return c.ports(a)
	}
	p := a.at[0]
	if port, _ := cutPort(ports); port != 0 {
		p = a.on(port)
	}
	return c.http(probeargs.Target{Scheme: "http", Host: p.host, Port: p.port, Path: c.cmd.Path, Shown: c.cmd.Shown})
}

// cutPort cuts the first port off those that a target names. It returns 0 if there is none.
func cutPort(ports string) (port uint16, rest string) {
	word, rest, _ := probeargs.Cut(ports, ",")
	n, _ := number(word, 10)
	if n > 65535 {
		n = 0
	}
	return uint16(n), rest
}

// guess takes the ports that are named, or the one that the environment tells the app, if
// others cannot be found.
func (a *app) guess(ports string) {
	if len(a.at) > 0 || a.hidden == nil {
		return
	}
	a.name = "the app's ports cannot be found: " + a.hidden.Error()
	if ports == "" {
		a.name += "; PORT"
		ports, _ = variable("PORT", "")
	}
	for port, rest := cutPort(ports); port != 0; port, rest = cutPort(rest) {
		a.at = insert(a.at, &place{port: port, name: probeargs.Target{Port: port}.Authority()})
	}
}

// lacks returns an error if the app does not listen, or not on ports that are named.
func (a *app) lacks(ports, dir string) error {
	switch {
	case len(a.at) > 0:
	case a.name == "":
		return errors.New("no process runs a program in " + dir + ": " + tryPort)
	case a.hidden == nil:
		return errors.New(a.name + " listens on no TCP port yet: if it never does, " + tryNoPort)
	default:
		return errors.New(a.name + " holds no port either: " + tryPort)
	}
	for port, rest := cutPort(ports); port != 0; port, rest = cutPort(rest) {
		if a.on(port) == nil {
			text := a.name + " does not listen on port " + strconv.Itoa(int(port)) + " yet, but on"
			for _, p := range a.at {
				text += " " + p.name
			}
			return errors.New(text)
		}
	}
	return nil
}

// on returns the first place with a port.
func (a *app) on(port uint16) *place {
	for _, p := range a.at {
		if p.port == port {
			return p
		}
	}
	return nil
}

// ports looks at all places where an app listens. It connects only where the kernel does
// not say what would come of that: some servers log an error for each client that says
// nothing. Of an address that this container does not have, such as ::1 where IPv6 is
// switched off, nothing is known then, which matters only if nothing is known of all.
func (c check) ports(a *app) *outcome {
	o := &outcome{what: "auto", seen: a.name + " accepts on"}
	var unknown error
	for _, p := range a.at {
		var err error
		if !p.room {
			_, err = c.connect(probeargs.Target{Host: p.host, Port: p.port})
		}
		switch {
		case err == nil:
			o.seen += " " + p.name
			o.at = append(o.at, p.name)
		case probeargs.HasSuffix(err.Error(), syscall.EADDRNOTAVAIL.Error()):
			unknown = err
		default:
			o.err = in(a.name, err)
			return o
		}
	}
	if len(o.at) == 0 {
		o.err = in(a.name, unknown)
	}
	return o
}

// reachable returns where the app listens, lowest port first. An unspecified address is
// reached on the loopback interface. One of IPv6 may be for IPv4, too; not so if IPv4 has
// a listener of its own on the port, who knows whose. A link-local address would need the
// number of an interface: RFC 4007.
func reachable(all []listener) (at []*place) {
	for i := range all {
		l := &all[i]
		host := l.ip.text()
		switch {
		case !l.own, l.ip[0] == 0xfe && l.ip[1]&0xc0 == 0x80:
			continue
		case l.ip == mapped([4]byte{}):
			host = "127.0.0.1"
		case l.ip == ipAddr{} && hasIPv4(all, l.port):
			host = "::1"
		case l.ip == ipAddr{}:
			host = ""
		}
		at = insert(at, &place{host, l.port, probeargs.Target{Host: l.ip.text(), Port: l.port}.Authority(), l.room})
	}
	return at
}

func hasIPv4(all []listener, port uint16) bool {
	for i := range all {
		if all[i].port == port && all[i].ip.isIPv4() {
			return true
		}
	}
	return false
}

// insert puts a place behind those with lower ports. Several sockets may share one, such
// as those of the processes of one app: socket(7), SO_REUSEPORT.
func insert(at []*place, p *place) []*place {
	for _, other := range at {
		if other.port == p.port && other.host == p.host {
			other.room = other.room && p.room
			return at
		}
	}
	at = append(at, p)
	for i := len(at) - 1; i > 0 && at[i].port < at[i-1].port; i-- {
		at[i], at[i-1] = at[i-1], at[i]
	}
	return at
}
