package ecrtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ServeHTTP is all of AWS, by the name that is asked for.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Host == dualStack {
		req.Host = PublicHost
	}
	switch {
	case req.Host == apiHost || req.Host == publicAPIHost:
		s.serveAPI(w, req)
	case req.Host == PublicHost && req.URL.Path == "/token/":
		s.serveToken(w, req)
	default:
		s.serveRegistry(w, req)
	}
}

// serveToken changes a token for another, of the kind that public.ecr.aws wants.
func (s *Server) serveToken(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, known := strings.CutPrefix(req.Header.Get("Authorization"), "Basic ")
	if known && !s.tokens[token].After(s.now) {
		refuse(w, http.StatusForbidden, "DENIED", expired)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"token": token})
}

const expired = "Your authorization token has expired. Reauthenticate and try again."

// serveRegistry is a registry that asks for tokens first.
func (s *Server) serveRegistry(w http.ResponseWriter, req *http.Request) {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	challenge, wanted := `Basic realm="https://`+Host+`/",service="ecr.amazonaws.com"`, "Basic"
	if req.Host == PublicHost {
		challenge, wanted = `Bearer realm="https://`+PublicHost+`/token/",service="public.ecr.aws",scope="aws"`, "Bearer"
	}
	action, name, reference := actionOf(req)
	if s.expires(action) {
		s.Expire("")
	}
	switch valid := s.valid(token); {
	case scheme != wanted || token == "":
		w.Header().Set("Www-Authenticate", challenge)
		http.Error(w, "Not Authorized", http.StatusUnauthorized)
	case !valid && req.Host == PublicHost:
		w.Header().Set("Www-Authenticate", challenge)
		refuse(w, http.StatusUnauthorized, "DENIED", expired)
	case !valid:
		refuse(w, http.StatusForbidden, "DENIED", expired)
	case req.URL.Path == "/v2/":
		w.WriteHeader(http.StatusOK)
	case action == "":
		refuse(w, http.StatusNotFound, "UNSUPPORTED", "Not Found")
	case s.refuses(action):
		refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "Rate exceeded")
	case s.forbids(action):
		refuse(w, http.StatusForbidden, "DENIED", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: arn:aws:ecr:%s:%s:repository/%s because no identity-based policy allows the %s action",
			user, action, Region, Account, name, action))
	case !s.exists(req.Host+"/"+name, action):
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", name, Account))
	case s.hides(action, reference):
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
	case action == "ecr:PutImage":
		s.putImage(w, req, name, reference)
	default:
		s.storage[req.Host].ServeHTTP(w, req)
	}
}

// putImage takes a manifest, by ECR's rules.
func (s *Server) putImage(w http.ResponseWriter, req *http.Request, name, reference string) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	full := req.Host + "/" + name
	byTag := !strings.HasPrefix(reference, "sha256:")
	s.mu.Lock()
	r := s.repositories[full]
	_, taken := r.tags[reference]
	strict := s.strict && strings.HasSuffix(reference, ".sbom")
	immutable := r.immutable
	s.mu.Unlock()
	switch {
	case strict || !acceptable(req.Header.Get("Content-Type"), body):
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
		return
	case byTag && immutable && taken: // the same digest, too: aws/containers-roadmap#2179
		refuse(w, http.StatusBadRequest, "TAG_INVALID", fmt.Sprintf("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", reference, name))
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	recorder := &statusRecorder{ResponseWriter: w}
	s.storage[req.Host].ServeHTTP(recorder, req)
	if recorder.status != http.StatusCreated {
		return
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	r.digests = append(r.digests, digest)
	if byTag {
		r.tags[reference] = digest
		s.calls = append(s.calls, "ecr:PutImage "+name+":"+reference)
	}
}

// mediaType is what ECR takes for one: no parameters, and a slash, which the type has
// not that ko gave its SBOMs until v0.12, spdx+json.
//
//	https://github.com/aws/containers-roadmap/issues/2306
//	https://github.com/ko-build/ko/issues/878
var mediaType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$`)

// acceptable reports whether a manifest is to ECR's liking.
func acceptable(contentType string, body []byte) bool {
	var m struct {
		v1.Manifest
		Manifests    []v1.Descriptor `json:"manifests"`
		ArtifactType string          `json:"artifactType"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.SchemaVersion != 2 || string(m.MediaType) != contentType {
		return false
	}
	descriptors := append(m.Layers, m.Manifests...)
	if m.MediaType.IsImage() {
		descriptors = append(descriptors, m.Config)
	}
	for _, d := range descriptors {
		if !mediaType.MatchString(string(d.MediaType)) {
			return false
		}
	}
	return len(m.Config.Annotations) == 0 && (m.ArtifactType == "" || mediaType.MatchString(m.ArtifactType))
}

func (s *Server) valid(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[token].After(s.now)
}

func (s *Server) exists(name, action string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repositories[name]
	if r != nil && action == "ecr:InitiateLayerUpload" {
		r.lag--
	}
	return r != nil && r.lag <= 0
}

// hides tells, once, whether a tag is not there yet.
func (s *Server) hides(action, reference string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	hide := s.hide && action == "ecr:BatchGetImage" && !strings.HasPrefix(reference, "sha256")
	s.hide = s.hide && !hide
	return hide
}

// expires tells, once, whether an action is the one at which tokens expire.
func (s *Server) expires(action string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return action != "" && s.expireAt == action
}

// actionOf returns the IAM action that a request needs, and what it is about.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
func actionOf(req *http.Request) (action, name, reference string) {
	m := regexp.MustCompile(`^/v2/(.+)/(manifests|blobs/uploads|blobs)/([^/]*)$`).FindStringSubmatch(req.URL.Path)
	if m == nil {
		return "", "", ""
	}
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	switch {
	case m[2] == "manifests" && read:
		action = "ecr:BatchGetImage"
	case m[2] == "manifests" && req.Method == http.MethodPut:
		action = "ecr:PutImage"
	case m[2] == "blobs" && req.Method == http.MethodHead:
		action = "ecr:BatchCheckLayerAvailability"
	case m[2] == "blobs" && read:
		action = "ecr:GetDownloadUrlForLayer"
	case req.Method == http.MethodPost:
		action = "ecr:InitiateLayerUpload"
	case req.Method == http.MethodPatch:
		action = "ecr:UploadLayerPart"
	case req.Method == http.MethodPut:
		action = "ecr:CompleteLayerUpload"
	}
	return action, m[1], m[3]
}

// A statusRecorder knows what was answered.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
