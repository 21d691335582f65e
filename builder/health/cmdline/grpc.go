package cmdline

import (
	"errors"
	"strings"
)

// parseGRPC parses a gRPC server and the name of one of its services: without one,
// the server as a whole is asked about.
//
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md
func parseGRPC(t *Target, rest string) error {
	authority, path := cutAt(rest, "/?")
	if err := t.setAuthority(authority, path); err != nil {
		return err
	}
	switch {
	case strings.Contains(path, "?"):
		return errors.New(t.Scheme + ":// has no query: write " + t.Scheme + "://:50051/my.package.Service")
	case len(path) > 1+maxService:
		return errors.New("the name of the service is longer than " + itoa(maxService) + " bytes")
	}
	t.Path = strings.TrimPrefix(path, "/")
	for i := 0; i < len(t.Path); i++ {
		if t.Path[i] <= ' ' || t.Path[i] > '~' {
			return errors.New("service " + Quote(t.Path) + " holds a character that no name of a service has")
		}
	}
	return nil
}

// maxService is far more than any name of a service has.
const maxService = 1000

// IsGRPC tells whether the target is asked with gRPC's health protocol.
func (t Target) IsGRPC() bool { return t.Scheme == "grpc" || t.Scheme == "grpcs" }
