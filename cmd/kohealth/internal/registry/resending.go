package registry

import (
	"io"
	"net/http"
)

// resending is a transport that a request may be given to again. go-containerregistry
// does so when a token has expired in the middle of a push, although the body has been
// read by then.
type resending struct{ http.RoundTripper }

// Resend returns a transport, by way of next, whose requests can be sent again.
func Resend(next http.RoundTripper) http.RoundTripper { return resending{next} }

// RoundTrip implements [http.RoundTripper]. In the place of the body that it consumes it
// leaves a mark.
func (t resending) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.GetBody == nil || req.Body == nil || req.Body == http.NoBody {
		return t.RoundTripper.RoundTrip(req)
	}
	sent := req.WithContext(req.Context())
	if _, again := req.Body.(consumed); again {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		sent.Body = body
	}
	req.Body = consumed{http.NoBody}
	return t.RoundTripper.RoundTrip(sent)
}

// consumed stands in the place of a body that was read.
type consumed struct{ io.ReadCloser }
