package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// appDir is where ko puts the app. A variable can be set by the linker, for tests.
var appDir = koAppDir

// An app is what could be found out about the processes of the app.
type app struct {
	name   string              // "" if there is no such process
	at     []*probeargs.Target // where it accepts connections, lowest port first
	hidden error               // why not everything could be read; nil if it could
}

const (
	tryPort   = "configure a check, such as --health=http://:8080/healthz"
	tryNoPort = "configure a check, such as --health=unix:///run/app.sock or --health=file:///tmp/alive"
)

// auto checks that the app accepts connections wherever it listens or, if a path is
// given, what it answers on the lowest port. The app is what runs from the directory
// dir, by what the file system proc(5) says.
func (c check) auto(proc, dir string) *outcome {
	a, err := findApp(proc, dir, c.deadline)
	if err == nil && len(a.at) == 0 {
		err = a.guess(dir)
	}
	switch {
	case err != nil:
		return done("auto", err)
	case c.cmd.Path != "":
		t := *a.at[0]
		t.Scheme, t.Path, t.Shown = "http", c.cmd.Path, c.cmd.Shown
		return c.http(t)
	}
	return c.ports(a)
}

// guess takes the port that the environment tells the app, if others cannot be found.
func (a *app) guess(dir string) error {
	switch {
	case a.hidden == nil && a.name == "":
		return errors.New("no process runs a program in " + dir + ": " + tryPort)
	case a.hidden == nil:
		return errors.New(a.name + " listens on no TCP port: " + tryNoPort)
	}
	a.name = "the app's ports cannot be found: " + a.hidden.Error() + "; PORT"
	value, _ := variable("PORT", "")
	n, ok := number(value, 10)
	if !ok || n == 0 || n > 65535 {
		return errors.New(a.name + " holds no port either: " + tryPort)
	}
	a.at = []*probeargs.Target{{Scheme: "tcp", Port: uint16(n)}}
	return nil
}

// ports connects to all of an app's ports.
func (c check) ports(a *app) *outcome {
	o := &outcome{what: "auto", seen: a.name + " accepts on"}
	for _, t := range a.at {
		conn, at, err := dial(*t, c.deadline)
		if err != nil {
			o.err = in(a.name, err)
			return o
		}
		conn.close()
		o.seen += " " + at.name
	}
	return o
}

// reachable returns where the app's listeners can be reached, lowest port first. An
// unspecified address is reached on the loopback interface. One of IPv6 may be for
// IPv4, too; not so if IPv4 has a listener of its own on the port, who knows whose.
// A link-local address would need the number of an interface: RFC 4007.
func reachable(all []listener) (at []*probeargs.Target) {
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
		at = insert(at, &probeargs.Target{Scheme: "tcp", Host: host, Port: l.port})
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

// insert puts a target behind those with lower ports, unless it is there already.
func insert(at []*probeargs.Target, t *probeargs.Target) []*probeargs.Target {
	for _, other := range at {
		if other.Port == t.Port && other.Host == t.Host {
			return at
		}
	}
	at = append(at, t)
	for i := len(at) - 1; i > 0 && at[i].Port < at[i-1].Port; i-- {
		at[i], at[i-1] = at[i-1], at[i]
	}
	return at
}
