package probeargs

import (
	"errors"
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
	if Contains(path, "?") {
		return errors.New(t.Scheme + ":// has no query: write " + t.Scheme + "://:50051/my.package.Service")
	}
	t.Path = TrimPrefix(path, "/")
	for i := 0; i < len(t.Path); i++ {
		if t.Path[i] <= ' ' || t.Path[i] > '~' || i == maxService {
			return errors.New(Quote(t.Path) + " is not the name of a service")
		}
	}
	return nil
}

// maxService is far more than any name of a service has.
const maxService = 1000

// IsGRPC reports whether the target is asked with gRPC's health protocol.
func (t Target) IsGRPC() bool { return t.Scheme == "grpc" || t.Scheme == "grpcs" }
