//go:build !tls

package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// open connects to a target, and says where that is. TLS triples the size of the
// probe, so kohealth leaves it out of images whose check does not need it.
func (c check) open(t probeargs.Target) (conn, string, error) {
	if t.IsTLS() {
		return nil, t.String(), errors.New("this image was built for another check, with a probe without TLS: build it with this one")
	}
	conn, a, err := dial(c.pinned(t), c.deadline)
	return conn, at(t, a), err
}
