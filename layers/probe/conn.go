package main

import (
	"errors"
	"strconv"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A conn is a connection to the app. Each wait for the other side ends at the
// deadline, with errTimeout. There are two, chosen at compile time: dial_linux.go
// and dial_net.go. With the build tag tls, dial_tls.go puts TLS above them.
type conn interface {
	read(p []byte) (int, error) // errClosed when the other side has closed
	write(p []byte) error
	hurry() // brings the deadline near
	drain() // drops what has arrived, and waits for nothing
	close()
}

var (
	errTimeout = errors.New("timed out")
	errClosed  = errors.New("the connection was closed")
)

// in says during what an error came up.
func in(phase string, err error) error { return errors.New(phase + ": " + err.Error()) }

// An address is one place to connect to.
type address struct {
	network string // tcp4, tcp6 or unix, as in package net
	name    string
	ip      ipAddr // of tcp4 and tcp6
	port    uint16
}

// addresses returns where a target may listen. Nothing is resolved: see package
// probeargs.
func addresses(t probeargs.Target) []address {
	port := ":" + strconv.Itoa(int(t.Port))
	ip, v4 := probeargs.IPv4(t.Host)
	switch {
	case t.Socket != "":
		return []address{{network: "unix", name: t.Socket}}
	case v4:
		return []address{{"tcp4", t.Host + port, mapped(ip), t.Port}}
	case t.Host != "":
		return []address{{"tcp6", t.Authority(), parseIPv6(t.Host), t.Port}}
	}
	return []address{
		{"tcp4", "127.0.0.1" + port, mapped([4]byte{127, 0, 0, 1}), t.Port},
		{"tcp6", "[::1]" + port, ipAddr{15: 1}, t.Port},
	}
}

// dial connects to the first address of a target that accepts. Each has an equal
// part of the time that is left, so that a listener which no longer answers on one
// does not use up the time of the other.
func dial(t probeargs.Target, deadline instant) (conn, address, error) {
	var tried, cause string
	addrs := addresses(t)
	if c, a, ok := takeOver(addrs, deadline); ok {
		return c, a, nil
	}
	for i, a := range addrs {
		part := until(deadline) / instant(len(addrs)-i)
		c, err := connect(a, now()+part, deadline)
		switch {
		case err == nil:
			return c, a, nil
		case tried == "":
			tried, cause = "connecting to "+a.name, err.Error()
		case cause == err.Error():
			tried += " and " + a.name
		default:
			tried, cause = tried+": "+cause+"; connecting to "+a.name, err.Error()
		}
	}
	return nil, address{}, errors.New(tried + ": " + cause)
}

// hurried is the deadline of what is only nice to know.
func hurried(deadline instant) instant {
	return min(deadline, now()+200*probeargs.Millisecond)
}
