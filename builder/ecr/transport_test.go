package ecr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/hint"
)

const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

func TestIs(t *testing.T) {
	for registry, want := range map[string]bool{
		host: true,
		"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com": true,
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":      true,
		"123456789012.dkr-ecr.eu-west-1.on.aws":                 true,
		"public.ecr.aws":                                        true,
		"":                                                      false,
		"ko.local":                                              false,
		"example.com":                                           false,
		"localhost:5000":                                        false,
		"ecr.example.com":                                       false,
		host + ".example.com":                                   false,
		"api.ecr.us-east-1.amazonaws.com":                       false,
	} {
		if got := Is(registry); got != want {
			t.Errorf("Is(%q) = %t, want %t", registry, got, want)
		}
	}
}

// A script is a registry that gives one answer after the other, the last one for ever.
type script struct {
	answers []string // status, code and message
	seen    []string // methods, headers and bodies of requests
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	s.seen = append(s.seen, strings.TrimSpace(req.Method+" "+req.Header.Get("Authorization")+" "+string(body)))
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	resp := &http.Response{Header: http.Header{}, Request: req}
	var code string
	_, err := fmt.Sscan(answer, &resp.StatusCode, &code)
	if digest, ok := strings.CutPrefix(code, "sha256:"); ok {
		resp.Header.Set("Docker-Content-Digest", "sha256:"+digest)
	}
	_, message, _ := strings.Cut(answer, code)
	text := fmt.Sprintf(`{"errors":[{"code":%q,"message":%q}]}`, code, strings.TrimSpace(message))
	resp.Body = io.NopCloser(strings.NewReader(text))
	return resp, err
}

func (s *script) transport(o Options) *transport {
	tr := Transport(s, o).(*transport)
	tr.pause = 1
	return tr
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic old")
	return req
}

func TestThrottled(t *testing.T) {
	for name, c := range map[string]struct {
		url     string
		answers []string
		status  int
		sent    int
	}{
		"until it is let in":     {"https://" + host + "/v2/app/blobs/uploads/1", []string{"429 TOOMANYREQUESTS Rate exceeded", "429 X", "202 OK"}, 202, 3},
		"said in the body alone": {"https://" + host + "/v2/app/blobs/uploads/1", []string{"400 TOOMANYREQUESTS Rate exceeded", "202 OK"}, 202, 2},
		"not for ever":           {"https://" + host + "/v2/app/blobs/uploads/1", []string{"429 TOOMANYREQUESTS Rate exceeded"}, 429, 1 + repeats},
		"not ECR's":              {"https://example.com/v2/app/blobs/uploads/1", []string{"429 TOOMANYREQUESTS Rate exceeded"}, 429, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: c.answers}
			resp, err := s.transport(Options{}).RoundTrip(request(t, http.MethodPatch, c.url, "layer"))
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			want := strings.Split(strings.Repeat("PATCH Basic old layer\n", c.sent), "\n")[:c.sent]
			if diff := cmp.Diff(want, s.seen); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || c.status == 429 && !strings.Contains(string(body), "Rate exceeded") {
				t.Errorf("the answer cannot be read: %q, %v", body, err)
			}
		})
	}
}

// TestStreamed checks that what cannot be read twice is not sent twice.
func TestStreamed(t *testing.T) {
	s := &script{answers: []string{"429 TOOMANYREQUESTS Rate exceeded"}}
	req := request(t, http.MethodPatch, "https://"+host+"/v2/app/blobs/uploads/1", "layer")
	req.GetBody = nil
	resp, err := s.transport(Options{}).RoundTrip(req)
	if err != nil || resp.StatusCode != 429 || len(s.seen) != 1 {
		t.Errorf("got %v, %v after %q", resp, err, s.seen)
	}
}

func TestInterrupted(t *testing.T) {
	s := &script{answers: []string{"429 TOOMANYREQUESTS Rate exceeded"}}
	tr := s.transport(Options{})
	tr.pause = 1 << 55 // more than a year
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	_, err := tr.RoundTrip(request(t, http.MethodPatch, "https://"+host+"/v2/app/blobs/uploads/1", "").WithContext(ctx))
	if !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

// digest is that of "manifest".
const digest = "sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f"

func TestImmutable(t *testing.T) {
	const url = "https://" + host + "/v2/team/app/manifests/v1"
	const refusal = "400 TAG_INVALID The image tag 'v1' already exists and cannot be overwritten because the tag is immutable."
	s := &script{answers: []string{refusal, "200 " + digest}}
	_, err := s.transport(Options{}).RoundTrip(request(t, http.MethodPut, url, "other"))
	var answer *Error
	if !errors.As(err, &answer) {
		t.Fatalf("got %v", err)
	}
	if want := `tag "v1" of ` + host + `/team/app is immutable and taken by ` + digest + "; this is sha256:"; !strings.HasPrefix(answer.Error(), want) {
		t.Errorf("got %q, want %q", answer, want)
	}
	if diff := cmp.Diff([]string{"PUT Basic old other", "HEAD Basic old"}, s.seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if hint.Of(err) == "" {
		t.Error("there is no hint")
	}

	s = &script{answers: []string{refusal, "200 " + digest}}
	resp, err := s.transport(Options{}).RoundTrip(request(t, http.MethodPut, url, "manifest"))
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Errorf("got %v, %v for what the tag holds already", resp, err)
	}

	s = &script{answers: []string{refusal, "500 X"}}
	if _, err = s.transport(Options{}).RoundTrip(request(t, http.MethodPut, url, "other")); err == nil || !strings.Contains(err.Error(), "reading what it holds") {
		t.Errorf("got %v", err)
	}

	s = &script{answers: []string{"400 TAG_INVALID The image tag is not one."}}
	resp, err = s.transport(Options{}).RoundTrip(request(t, http.MethodPut, url, "other"))
	if err != nil || resp.StatusCode != 400 {
		t.Errorf("got %v, %v for a tag that is not immutable", resp, err)
	}
}

// TestPull checks that nobody who only reads has a repository created, or is told to.
func TestPull(t *testing.T) {
	s := &script{answers: []string{"404 NAME_UNKNOWN The repository with name 'app' does not exist"}}
	resp, err := s.transport(Options{Create: true}).RoundTrip(request(t, http.MethodGet, "https://"+host+"/v2/app/manifests/v1", ""))
	if err != nil || resp.StatusCode != 404 {
		t.Errorf("got %v, %v", resp, err)
	}
}

// A brokenBody is one whose connection ends.
type brokenBody struct{ closed bool }

func (b *brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (b *brokenBody) Close() error {
	b.closed = true
	return nil
}

// TestBroken checks that an answer that cannot be read is an error, and let go.
func TestBroken(t *testing.T) {
	body := &brokenBody{}
	_, err := readAnswer(&http.Response{StatusCode: 429, Body: body})
	if !errors.Is(err, io.ErrUnexpectedEOF) || !body.closed {
		t.Errorf("got %v, closed: %t", err, body.closed)
	}
}
