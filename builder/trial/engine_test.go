package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/ko-health/kohealth/builder/hint"
)

// TestEngineThatKeepsContainers runs a container that the engine does not remove, and
// whose output therefore does not end.
func TestEngineThatKeepsContainers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(code int, body string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
		switch p := r.URL.Path; {
		case strings.HasSuffix(p, "/containers/create"):
			answer(http.StatusCreated, `{"Id": "c"}`)
		case strings.HasSuffix(p, "/containers/c/json"):
			answer(http.StatusOK, fmt.Sprintf(`{"Id": "c", "State": {"Running": true, "StartedAt": %q, "Health": {"Status": "healthy"}}}`, time.Now().Format(time.RFC3339Nano)))
		case strings.HasSuffix(p, "/containers/c/attach"):
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client ends it
		case r.Method == http.MethodDelete:
			answer(http.StatusInternalServerError, `{"message": "busy"}`)
		}
	}))
	defer server.Close()
	docker, err := client.New(client.WithHost("tcp://" + server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	var output awaited
	o, err := (&Engine{docker: docker}).Run(context.Background(), Options{Output: &output})
	if !o.Healthy || err == nil || !strings.HasPrefix(err.Error(), "removing the container: ") || strings.Contains(err.Error(), "output") {
		t.Errorf("outcome %+v, error %v", o, err)
	}
}

// TestEngineThatDoesNotAttach interrupts a trial while the engine is asked for a
// container's output, which it does not answer.
func TestEngineThatDoesNotAttach(t *testing.T) {
	asked, removed, answer := make(chan struct{}), make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasSuffix(p, "/containers/create"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id": "c"}`)
		case strings.HasSuffix(p, "/containers/c/attach"):
			close(asked)
			<-answer
		case r.Method == http.MethodDelete:
			close(removed)
		}
	}))
	defer server.Close()
	defer close(answer)
	docker, err := client.New(client.WithHost("tcp://" + server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	go func() {
		<-asked
		interrupt(interrupted)
	}()
	if _, err := (&Engine{docker: docker}).Run(ctx, Options{}); !errors.Is(err, interrupted) {
		t.Errorf("error %v", err)
	}
	<-removed
}

// TestEngineWithoutChecks runs containers in engines that never check them: the trial ends,
// and says why.
func TestEngineWithoutChecks(t *testing.T) {
	for state, want := range map[string]string{
		`{"Running": true, "StartedAt": %q, "Health": {"Status": "starting"}}`: "the engine has run no check in ",
		`{"Running": true, "StartedAt": %q, "Health": {"Status": "none"}}`:     "the engine does not check the container's health",
		`{"Running": true, "StartedAt": %q, "Health": {}}`:                     "the engine does not check the container's health",
		`{"Running": true, "StartedAt": %q}`:                                   "the engine does not check the container's health",
	} {
		docker := newEngine(t, fmt.Sprintf(state, time.Now().Format(time.RFC3339Nano)))
		for podman, step := range map[bool]string{true: "--image-format=docker", false: "docker info"} {
			e := &Engine{docker: docker, podman: podman}
			if _, err := e.Run(t.Context(), Options{}); err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(hint.Of(err), step) {
				t.Errorf("%s: error %v, hint %q", state, err, hint.Of(err))
			}
		}
	}
}

// newEngine returns a client of an engine whose containers are in a state.
func newEngine(t *testing.T, state string) *client.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch p := r.URL.Path; {
		case strings.HasSuffix(p, "/containers/create"):
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id": "c"}`)
		case strings.HasSuffix(p, "/containers/c/json"):
			fmt.Fprintf(w, `{"Id": "c", "State": %s}`, state)
		case strings.HasSuffix(p, "/containers/c/attach"):
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			conn.Close() // as at the end of the container
		}
	}))
	t.Cleanup(server.Close)
	docker, err := client.New(client.WithHost("tcp://" + server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { docker.Close() })
	return docker
}
