package ecr

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A transport sends requests again that ECR has refused, once the cause is removed.
type transport struct {
	Options
	next  http.RoundTripper
	pause time.Duration // before the first of the requests that are sent again

	mu      sync.Mutex
	clients map[registry]*client
}

// repeats is how often a request is sent again that ECR has had too many of. With the
// pause doubling it takes about half a minute.
const repeats = 6

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	registry, ok := parse(req.URL.Host)
	if !ok {
		return t.next.RoundTrip(req)
	}
	e := &exchange{transport: t, client: t.clientOf(registry), req: req}
	for pauses := 0; ; {
		resp, err := e.send()
		if err != nil || resp.StatusCode < http.StatusBadRequest {
			return resp, err
		}
		answer, err := readAnswer(resp)
		if err != nil {
			return nil, err
		}
		next, err := e.judge(answer)
		switch {
		case err != nil:
			return nil, &Error{err}
		case next == settle:
			return settled(req), nil
		case next == giveUp || !e.repeatable():
			return resp, nil
		case next == later && pauses == repeats:
			return resp, nil
		case next == later:
			if err := sleep(req.Context(), t.pause<<pauses); err != nil {
				return nil, err
			}
			pauses++
		}
	}
}

// clientOf returns the one client of a registry.
func (t *transport) clientOf(r registry) *client {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.clients[r]
	if !ok {
		c = &client{registry: r, created: map[string]bool{}}
		t.clients[r] = c
	}
	return c
}

// sleep waits for about d, so that those who were refused together do not come back
// together.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// An exchange is a request and what was done to get it through.
type exchange struct {
	transport *transport
	client    *client
	req       *http.Request

	sent         bool
	auth         string // that the request was last sent with
	reauthorized bool
	created      bool
}

// send sends the request, with the newest token in the place of an older one.
func (e *exchange) send() (*http.Response, error) {
	req := e.req
	e.auth = req.Header.Get("Authorization")
	token := e.client.current()
	newer := token != "" && token != e.auth && (e.auth == "" || strings.HasPrefix(e.auth, "Basic ")) && e.client.takesTokens(e.req)
	if newer || e.sent {
		req = req.Clone(req.Context())
	}
	if newer {
		e.auth = token
		req.Header.Set("Authorization", token)
	}
	if e.sent && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	e.sent = true
	return e.transport.next.RoundTrip(req)
}

// repeatable reports whether the request's body can be had once more.
func (e *exchange) repeatable() bool {
	return e.req.Body == nil || e.req.Body == http.NoBody || e.req.GetBody != nil
}

// settled is the answer to a request that was not needed.
func settled(req *http.Request) *http.Response {
	return &http.Response{
		Status: "201 Created", StatusCode: http.StatusCreated,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}
