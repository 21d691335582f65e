package ecr

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A service is ECR's, whose tokens are token1, token2 and so on.
type service struct {
	calls  []string // without the service's name
	there  []string // repositories
	denied bool
}

func (a *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	a.calls = append(a.calls, action)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	body := make([]byte, r.ContentLength)
	_, _ = r.Body.Read(body)
	exists := slices.ContainsFunc(a.there, func(name string) bool { return strings.Contains(string(body), `"`+name+`"`) })
	switch {
	case a.denied:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"no"}`)
	case action == "GetAuthorizationToken":
		fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":"token%d"}]}`, len(a.calls))
	case exists:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"RepositoryAlreadyExistsException","message":"there"}`)
	default:
		fmt.Fprint(w, `{"repository":{}}`)
	}
}

// startAPI has the process take a server on this machine for ECR's API.
func startAPI(t *testing.T, a *service) {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_ECR": srv.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
	} {
		t.Setenv(name, value)
	}
}

func newClient(t *testing.T) *client {
	t.Helper()
	r, ok := parse(host)
	if !ok {
		t.Fatal(host)
	}
	return &client{registry: r, created: map[string]bool{}}
}

// TestAuthorization checks when a new token is asked for: not if there is a newer one than
// that which was refused, and not if ours is new and nobody says that it is why.
func TestAuthorization(t *testing.T) {
	a := &service{}
	startAPI(t, a)
	c := newClient(t)
	for _, step := range []struct {
		refused string
		said    bool
		age     time.Duration // of the last token
		want    string
		calls   int
	}{
		{"Basic old", true, 0, "Basic token1", 1},
		{"Basic old", true, 0, "Basic token1", 1},
		{"Basic token1", false, 0, "", 1},
		{"Basic token1", true, 0, "Basic token2", 2},
		{"Basic token2", false, 2 * tokenAge, "Basic token3", 3},
	} {
		c.fetched = c.fetched.Add(-step.age)
		got, err := c.authorization(t.Context(), step.refused, step.said)
		if err != nil || got != step.want || len(a.calls) != step.calls {
			t.Errorf("after %q was refused, %v: %q, %v, %d calls; want %q, %d", step.refused, step.said, got, err, len(a.calls), step.want, step.calls)
		}
	}
	a.denied = true
	if got, err := c.authorization(t.Context(), "Basic token3", true); err == nil || !strings.Contains(err.Error(), "AccessDeniedException: no") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCreate creates repositories once, and takes those that are there for good.
func TestCreate(t *testing.T) {
	a := &service{there: []string{"taken"}}
	startAPI(t, a)
	c := newClient(t)
	for _, step := range []struct {
		repository string
		created    bool
		calls      int
	}{{"new", true, 1}, {"new", false, 1}, {"taken", false, 2}, {"taken", false, 2}} {
		created, err := c.create(t.Context(), step.repository)
		if err != nil || created != step.created || len(a.calls) != step.calls {
			t.Errorf("%s: created %v, %v, %d calls; want %v, %d", step.repository, created, err, len(a.calls), step.created, step.calls)
		}
	}
	a.denied = true
	if _, err := c.create(t.Context(), "denied"); err == nil || !strings.Contains(err.Error(), `creating repository "denied"`) {
		t.Errorf("error %v", err)
	}
}

// TestCreatedRepositoryTakesAMoment pushes into a repository that is created on the way and
// is unknown for a while.
func TestCreatedRepositoryTakesAMoment(t *testing.T) {
	a := &service{}
	startAPI(t, a)
	var told []string
	s := &script{answers: []string{"404 NAME_UNKNOWN no", "404 NAME_UNKNOWN no", "404 NAME_UNKNOWN no", "202 OK"}}
	tr := s.transport(Options{Create: true, Logf: func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }})
	resp, err := tr.RoundTrip(request(t, http.MethodPost, "https://"+host+"/v2/team/app/blobs/uploads/", ""))
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp, err)
	}
	if diff := cmp.Diff([]string{"CreateRepository"}, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Created ECR repository " + host + "/team/app"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestCreatedRepositoryStaysUnknown gives up on a repository that is created and never known.
func TestCreatedRepositoryStaysUnknown(t *testing.T) {
	startAPI(t, &service{})
	s := &script{answers: []string{"404 NAME_UNKNOWN no"}}
	tr := s.transport(Options{Create: true, Logf: t.Logf})
	resp, err := tr.RoundTrip(request(t, http.MethodPost, "https://"+host+"/v2/app/blobs/uploads/", ""))
	if err != nil || resp.StatusCode != http.StatusNotFound || len(s.seen) != 2+repeats {
		t.Errorf("%v, %v after %d requests, want %d", resp, err, len(s.seen), 2+repeats)
	}
}

// TestExpired pushes with a token that has expired. One new token is asked for, once.
func TestExpired(t *testing.T) {
	const expired = "403 DENIED Your authorization token has expired. Reauthenticate and try again."
	for name, tt := range map[string]struct {
		answers []string
		status  int
		seen    []string
	}{
		"once":     {[]string{expired, "202 OK"}, 202, []string{"PATCH Basic old layer", "PATCH Basic token1 layer"}},
		"for ever": {[]string{expired}, 403, []string{"PATCH Basic old layer", "PATCH Basic token1 layer"}},
	} {
		a := &service{}
		startAPI(t, a)
		s := &script{answers: tt.answers}
		resp, err := s.transport(Options{}).RoundTrip(request(t, http.MethodPatch, "https://"+host+"/v2/app/blobs/uploads/1", "layer"))
		if err != nil || resp.StatusCode != tt.status {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		if diff := cmp.Diff(tt.seen, s.seen); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", name, diff)
		}
	}
}

// TestDeniedReading leaves the answer as it is where something is read that may be
// somebody else's, and explains it where something is written.
func TestDeniedReading(t *testing.T) {
	const denied = "403 DENIED User x is not authorized to perform: ecr:X"
	for method, explained := range map[string]bool{http.MethodGet: false, http.MethodPut: true} {
		s := &script{answers: []string{denied}}
		_, err := s.transport(Options{}).RoundTrip(request(t, method, "https://"+host+"/v2/app/manifests/v1", "{}"))
		if (err != nil) != explained {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestSplit(t *testing.T) {
	for path, want := range map[string][3]string{
		"/v2/team/app/blobs/uploads/":          {"uploads", "team/app", ""},
		"/v2/team/app/blobs/uploads/1":         {"uploads", "team/app", "1"},
		"/v2/app/blobs/sha256:0":               {"blobs", "app", "sha256:0"},
		"/v2/app/manifests/v1":                 {"manifests", "app", "v1"},
		"/v2/manifests/manifests/manifests/v1": {"manifests", "manifests/manifests", "v1"},
		"/v2//manifests/v1":                    {},
		"/v2/":                                 {},
		"/token/":                              {},
	} {
		kind, repository, name := split(request(t, http.MethodGet, "https://"+host+path, ""))
		if got := [3]string{kind, repository, name}; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
