// Package ecrtest stands in for Amazon ECR, for tests: its registries, private and
// public, and their APIs, as AWS documents them and users report them. They are reached
// by their real names through a proxy, which lets nothing else pass.
//
//	https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
//	https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors.html
package ecrtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// The one account of this AWS, and its registries.
const (
	Account = "123456789012"
	Region  = "eu-central-1"
	Host    = Account + ".dkr.ecr." + Region + ".amazonaws.com"

	PublicHost = "public.ecr.aws"
	dualStack  = "ecr-public.aws.com" // its other name
	Alias      = "a1b2c3d4"           // of the account's public registry

	apiHost       = "api.ecr." + Region + ".amazonaws.com"
	publicAPIHost = "api.ecr-public.us-east-1.amazonaws.com"
	keyID         = "AKIDEXAMPLE"
)

// TokenLife is how long a token lets in.
const TokenLife = 12 * time.Hour

// A Server is Amazon ECR. Its fields are for tests to make it difficult.
type Server struct {
	// Dir holds the certificate of the authority that has signed the server's.
	Dir string

	front   *httptest.Server        // AWS
	proxy   *httptest.Server        // the way there
	storage map[string]http.Handler // by host

	mu           sync.Mutex
	now          time.Time
	repositories map[string]*repository // by host/name
	tokens       map[string]time.Time   // until when each is good
	issued       int
	denied       map[string]bool // IAM actions that are not allowed
	policy       []string        // those that are, if it is not nil
	throttled    map[string]int  // how many requests for an action will be refused
	expireAt     string          // the action at which all tokens expire, once
	lag          int             // for how many uploads what was created is not known yet
	racer        string          // the repository that somebody else creates at the same time
	hide         bool            // what the next tag holds that is looked at
	strict       bool            // no SBOM is taken, whatever it is
	calls        []string
	stray        []string
}

type repository struct {
	immutable, scanOnPush bool
	lag                   int
	tags                  map[string]string // digests
	digests               []string
}

// New starts a server. dir is for its certificate.
func New(dir string) (*Server, error) {
	s := &Server{
		Dir:          dir,
		storage:      map[string]http.Handler{Host: newStorage(), PublicHost: newStorage()},
		now:          time.Now(),
		repositories: map[string]*repository{},
		tokens:       map[string]time.Time{},
		denied:       map[string]bool{},
		throttled:    map[string]int{},
	}
	certificate, authority, err := newCertificate(Host, PublicHost, dualStack, apiHost, publicAPIHost)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.authorityFile(), authority, 0o644); err != nil {
		return nil, err
	}
	s.front = httptest.NewUnstartedServer(s)
	s.front.TLS = certificate
	s.front.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.front.StartTLS()
	s.proxy = httptest.NewServer(http.HandlerFunc(s.connect))
	return s, nil
}

func newStorage() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

func (s *Server) authorityFile() string { return filepath.Join(s.Dir, "aws.pem") }

// Environ returns the variables with which a process takes the server for AWS. The
// credentials are those of a user; without them nothing is to be found elsewhere.
func (s *Server) Environ() map[string]string {
	return map[string]string{
		"HTTPS_PROXY":                 s.proxy.URL,
		"HTTP_PROXY":                  s.proxy.URL,
		"SSL_CERT_FILE":               s.authorityFile(),
		"AWS_ACCESS_KEY_ID":           keyID,
		"AWS_SECRET_ACCESS_KEY":       "secret",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_ECR_CACHE_DIR":           filepath.Join(s.Dir, "tokens"),
		"AWS_CONFIG_FILE":             filepath.Join(s.Dir, "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(s.Dir, "none"),
	}
}

// Close stops the server, and tells of requests that were not for it.
func (s *Server) Close() error {
	s.proxy.Close()
	s.front.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stray) > 0 {
		return fmt.Errorf("requests that would have left the machine: %q", s.stray)
	}
	return nil
}

// Create creates a repository: host/name.
func (s *Server) Create(name string, immutable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repositories[name] = newRepository(immutable)
}

func newRepository(immutable bool) *repository {
	return &repository{immutable: immutable, tags: map[string]string{}}
}

// Allow has IAM allow an action, such as ecr:CreateRepository, or not.
func (s *Server) Allow(action string, allow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[action] = !allow
}

// Policy has IAM allow these actions, and no others.
func (s *Server) Policy(actions []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy = actions
}

// Token returns what aws ecr get-login-password prints.
func (s *Server) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, _ := base64.StdEncoding.DecodeString(s.issue()) // it was just encoded
	return strings.TrimPrefix(string(token), "AWS:")
}

// Throttle refuses the next n requests for an action.
func (s *Server) Throttle(action string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled[action] = n
}

// Expire lets the tokens expire, now or, where an action is named, in the middle of a
// push: when the action is next asked for.
func (s *Server) Expire(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if action == "" {
		s.now = s.now.Add(TokenLife)
	}
	s.expireAt = action
}

// Lag has repositories be unknown for n uploads after they are created.
func (s *Server) Lag(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = n
}

// Race has somebody else create a repository just before the next one who does.
func (s *Server) Race(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.racer = name
}

// Hide has the next look at a tag find nothing, as if somebody else pushed it just after.
func (s *Server) Hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hide = true
}

// RefuseSBOMs takes no SBOM any longer.
func (s *Server) RefuseSBOMs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = true
}

// Calls returns the API calls and the pushes of manifests since it was last asked.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Describe returns a line for each repository, and one for each of its tags.
func (s *Server) Describe() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, r := range s.repositories {
		lines = append(lines, fmt.Sprintf("%s immutable=%t scan-on-push=%t", name, r.immutable, r.scanOnPush))
		for tag, digest := range r.tags {
			lines = append(lines, fmt.Sprintf("%s:%s %s", name, tag, digest))
		}
	}
	slices.Sort(lines)
	return lines
}

// connect is the proxy: it leads to the server, whatever name of AWS's is asked for.
func (s *Server) connect(w http.ResponseWriter, req *http.Request) {
	name, port, _ := net.SplitHostPort(req.Host)
	known := slices.Contains([]string{Host, PublicHost, dualStack, apiHost, publicAPIHost}, name) && port == "443"
	if req.Method != http.MethodConnect || !known {
		s.mu.Lock()
		s.stray = append(s.stray, req.Method+" "+req.Host)
		s.mu.Unlock()
		http.Error(w, "there is nothing but AWS", http.StatusForbidden)
		return
	}
	if err := tunnel(w, s.front.Listener.Addr().String()); err != nil && !errors.Is(err, io.EOF) {
		log.Printf("ecrtest: proxy: %v", err)
	}
}
