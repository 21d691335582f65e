package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
)

func newTransport(ctx context.Context, next http.RoundTripper, stall, backoff time.Duration) http.RoundTripper {
	return &bounded{ctx: ctx, next: newPatient(ctx, next, stall), backoff: backoff}
}

// serve returns what a GET of a path is answered with.
func serve(t *testing.T, h http.HandlerFunc) (get func(ctx context.Context, path string) ([]byte, error)) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return func(ctx context.Context, path string) ([]byte, error) {
		client := &http.Client{Transport: newTransport(ctx, http.DefaultTransport, 1500*time.Millisecond, time.Millisecond)}
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return data, err
	}
}

const (
	manifestPath = "/v2/team/app/manifests/latest"
	answerPath   = "/v2/token"
)

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		limit limits.Limit
		path  string
		body  func(n int64) string
	}{
		{limits.Manifest, manifestPath, func(n int64) string { return "{}" + strings.Repeat(" ", int(n)-2) }},
		{limits.ImageValues, manifestPath, func(n int64) string { return "[" + strings.Repeat("1,", int(n)-2) + "1]" }},
		{limits.IndexEntries, manifestPath, func(n int64) string {
			return `{"manifests":[` + strings.TrimSuffix(strings.Repeat("{},", int(n)), ",") + `]}`
		}},
		{limits.Config, manifestPath, func(n int64) string { return fmt.Sprintf(`{"config":{"size":%d}}`, n) }},
		{limits.Answer, answerPath, func(n int64) string { return strings.Repeat("x", int(n)) }},
	} {
		get := func(n int64) error {
			_, err := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body(n)) })(t.Context(), tt.path)
			return err
		}
		limitstest.Check(t, tt.limit, get(tt.limit.Max()), get(tt.limit.Max()+1))
	}
}

// All that is read together has a limit, too.
func TestDescriptionsLimit(t *testing.T) {
	body := fmt.Sprintf(`{"config":{"size":%d}}`, limits.Config.Max())
	size := int64(len(body)) + limits.Config.Max()
	check := func(before int64) error {
		b := &bounded{}
		b.read.Store(before)
		return b.check([]byte(body))
	}
	limitstest.Check(t, limits.Descriptions, check(limits.Descriptions.Max()-size), check(limits.Descriptions.Max()-size+1))
}

// A redirect does not lead past a limit.
func TestLimitsBehindRedirects(t *testing.T) {
	get := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == manifestPath {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat(" ", int(limits.Manifest.Max())+1))
	})
	_, err := get(t.Context(), manifestPath)
	limitstest.Check(t, limits.Manifest, nil, err)
}

func blob(size int) (content []byte, path string) {
	content = make([]byte, size)
	_, _ = rand.Read(content)
	sum := sha256.Sum256(content)
	return content, "/v2/team/app/blobs/sha256:" + hex.EncodeToString(sum[:])
}

// Blobs that are read whole, and those that are passed on as they come.
func sizes() []int { return []int{100_000, int(limits.Config.Max()) + 100_000} }

// What breaks off or stalls goes on where it did, or from the beginning where a registry
// knows no ranges.
func TestResumes(t *testing.T) {
	for _, size := range sizes() {
		content, path := blob(size)
		for name, fail := range map[string]func(r *http.Request){
			"breaks off": func(*http.Request) { panic(http.ErrAbortHandler) },
			"stalls":     func(r *http.Request) { <-r.Context().Done() },
		} {
			for _, ranges := range []bool{true, false} {
				var requests atomic.Int64
				got, err := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if !ranges {
						r.Header.Del("Range")
					}
					switch n := requests.Add(1); {
					case n == limits.Attempts.Max():
						http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
					case name == "stalls" && n > 1: // once is enough to wait for
						http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
					default:
						sendHalf(w, r, content)
						fail(r)
					}
				})(t.Context(), path)
				if err != nil || !bytes.Equal(got, content) || requests.Load() < 2 {
					t.Errorf("%d bytes, %s, ranges %t: got %d bytes, %v", size, name, ranges, len(got), err)
				}
			}
		}
	}
}

// sendHalf sends half of what a request asks for.
func sendHalf(w http.ResponseWriter, r *http.Request, content []byte) {
	from := 0
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(content[from : from+(len(content)-from)/2])
	w.(http.Flusher).Flush()
}

// There are so many attempts and no more.
func TestAttemptsLimit(t *testing.T) {
	for _, size := range sizes() {
		content, path := blob(size)
		var requests atomic.Int64
		get := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(content[:10])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		if _, err := get(t.Context(), path); !errors.Is(err, io.ErrUnexpectedEOF) || requests.Load() != limits.Attempts.Max() {
			t.Errorf("%d bytes: %v after %d requests", size, err, requests.Load())
		}
	}
}

// What was damaged on the way is asked for once more. What stays so is passed on, for
// whoever asked to say so.
func TestDamage(t *testing.T) {
	content, path := blob(1000)
	for _, path := range []string{path, strings.Replace(path, "blobs", "manifests", 1)} {
		for _, times := range []int64{1, 2} {
			var requests atomic.Int64
			got, err := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body := bytes.Clone(content)
				if requests.Add(1) <= times {
					body[500] ^= 1
				}
				_, _ = w.Write(body)
			})(t.Context(), path)
			if err != nil || bytes.Equal(got, content) != (times == 1) || requests.Load() != 2 {
				t.Errorf("%s, damaged %d times: %v after %d requests", path, times, err, requests.Load())
			}
		}
	}
}

func TestStall(t *testing.T) {
	var requests atomic.Int64
	get := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		<-r.Context().Done()
	})
	var stalled *StallError
	if _, err := get(t.Context(), manifestPath); !errors.As(err, &stalled) || requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

// Whoever takes time to read does not make a registry stall, nor whoever takes time to
// say what is to be sent.
func TestSlowReaders(t *testing.T) {
	content, path := blob(sizes()[1])
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(content)
	}))
	defer srv.Close()
	transport := newTransport(t.Context(), http.DefaultTransport, time.Second, time.Millisecond)
	resp, err := (&http.Client{Transport: transport}).Get(srv.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	time.Sleep(1500 * time.Millisecond)
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	r, w := io.Pipe()
	time.AfterFunc(1500*time.Millisecond, func() { _ = w.Close() })
	req, _ := http.NewRequest(http.MethodPatch, srv.URL+path, r)
	if resp, err = transport.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestRetryAfter(t *testing.T) {
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.Header().Set("Retry-After", r.URL.Query().Get("pause"))
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer srv.Close()
	get := func(pause string) (took time.Duration, err error) {
		requests.Store(0)
		client := &http.Client{Transport: newTransport(t.Context(), http.DefaultTransport, time.Minute, time.Millisecond)}
		begin := time.Now()
		for range 2 {
			var resp *http.Response
			if resp, err = client.Get(srv.URL + "?pause=" + pause); err != nil {
				return 0, err
			}
			resp.Body.Close()
		}
		return time.Since(begin), nil
	}
	if took, err := get("1"); err != nil || took < time.Second {
		t.Errorf("after %s: %v", took, err)
	}
	_, past := get(fmt.Sprint(limits.RetryAfter.Duration().Seconds() + 1))
	_, at := limits.Pause(http.Header{"Retry-After": {fmt.Sprint(limits.RetryAfter.Duration().Seconds())}}, time.Now())
	limitstest.Check(t, limits.RetryAfter, at, past)
}

// A process is a context that counts who waits for its end.
type process struct {
	context.Context
	waiting atomic.Int64
}

func (p *process) AfterFunc(f func()) (stop func() bool) {
	p.waiting.Add(1)
	inner := context.AfterFunc(p.Context, f)
	return func() bool {
		p.waiting.Add(-1)
		return inner()
	}
}

// A request ends with the process, whatever its own context is, and leaves nothing
// with it.
func TestProcess(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	p := &process{Context: ctx}
	get := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "hang") {
			interrupt(errors.New("interrupted"))
			<-r.Context().Done()
		}
	})
	for range 10 {
		if _, err := get(p, answerPath); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.waiting.Load(); n != 0 {
		t.Errorf("%d requests that are over wait for the end of the process", n)
	}
	if _, err := get(p, "/hang"); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v", err)
	}
}
