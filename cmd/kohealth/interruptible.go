package main

import (
	"context"
	"net/http"
)

// interruptible is a transport whose requests end when ctx is done. ko gives those
// for base images that it caches a context of their own, which never is.
type interruptible struct {
	ctx context.Context
	http.RoundTripper
}

func (t interruptible) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	return t.RoundTripper.RoundTrip(req.WithContext(ctx))
}
