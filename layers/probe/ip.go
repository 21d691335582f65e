package main

import (
	"strconv"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// An ipAddr is an IPv6 address, or an IPv4 address as one: ::ffff:127.0.0.1, RFC
// 4291, section 2.5.5.2.
type ipAddr [16]byte

func mapped(ip [4]byte) ipAddr {
	return ipAddr{10: 0xff, 11: 0xff, 12: ip[0], 13: ip[1], 14: ip[2], 15: ip[3]}
}

func (ip ipAddr) isIPv4() bool { return ip == mapped([4]byte(ip[12:])) }

// text returns the address in a form that the host of a target can have. Zeros of
// an IPv6 address are left out only in ::1 and ::, which is no host of a target.
func (ip ipAddr) text() string {
	switch {
	case ip.isIPv4():
		s := ""
		for _, b := range ip[12:] {
			s += "." + strconv.Itoa(int(b))
		}
		return s[1:]
	case ip == ipAddr{15: 1}:
		return "::1"
	case ip == ipAddr{}:
		return "::"
	}
	s := ""
	for i := 0; i < len(ip); i += 2 {
		s += ":" + strconv.FormatInt(int64(ip[i])<<8|int64(ip[i+1]), 16)
	}
	return s[1:]
}

// parseIPv6 parses the text of an IPv6 address.
func parseIPv6(s string) (ip ipAddr) {
	if s == "::1" {
		return ipAddr{15: 1}
	}
	for i := 0; i < len(ip); i += 2 {
		var group string
		group, s, _ = probeargs.Cut(s, ":")
		n, _ := number(group, 16)
		ip[i], ip[i+1] = byte(n>>8), byte(n)
	}
	return ip
}
