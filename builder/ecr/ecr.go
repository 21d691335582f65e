// Package ecr makes pushing to Amazon ECR work where ECR is unlike other registries:
//
//   - it makes no repositories by itself (NAME_UNKNOWN): one that is missing is created,
//     if that is asked for, or named in an error;
//   - tags may be immutable (TAG_INVALID): that a tag holds already what is pushed is no
//     error, and if it holds something else the error says what;
//   - it refuses a token after twelve hours, in the middle of a push too: a new one is
//     fetched;
//   - it slows down who asks too often (TOOMANYREQUESTS): asked again, with patience.
//
// All of it is done by a transport, beneath whatever speaks the registry's protocol:
//
//	remote.DefaultTransport = ecr.Transport(remote.DefaultTransport, ecr.Options{})
package ecr

import (
	"net/http"
	"time"

	"github.com/awslabs/amazon-ecr-credential-helper/ecr-login/api"
)

// Options say how ECR is used. The zero value creates nothing.
type Options struct {
	// Create has repositories created that are missing when something is pushed.
	Create bool

	// Logf is told what was created.
	Logf func(format string, args ...any)
}

// Is reports whether a registry, the first part of an image's name, is in ECR: a private
// one, or public.ecr.aws.
func Is(registry string) bool {
	_, ok := parse(registry)
	return ok
}

// An Error is an answer of ECR's in words that lead on.
type Error struct{ error }

// Unwrap returns the error with its hint.
func (e *Error) Unwrap() error { return e.error }

// Transport passes requests on to next. Those to other registries than ECR's it leaves
// alone.
func Transport(next http.RoundTripper, o Options) http.RoundTripper {
	return &transport{Options: o, next: next, clients: map[registry]*client{}, pause: time.Second / 2}
}

// A registry is one of ECR's.
type registry struct {
	host string // as it stands in the names of images
	api.Registry
}

func parse(host string) (registry, bool) {
	r, err := api.ExtractRegistry(host)
	if err != nil {
		return registry{}, false
	}
	return registry{host, *r}, true
}

func (r registry) public() bool { return r.Service == api.ServiceECRPublic }
