package ecr

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
)

// A verdict is what is to be done about a request that was refused.
type verdict int

const (
	giveUp verdict = iota // the answer stands
	atOnce                // send it again
	later                 // send it again after a pause
	settle                // what it was to bring about is so
)

// An answer is an error that a registry has answered with.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
type answer struct {
	status int
	code   registrytransport.ErrorCode
	text   string
}

// answerLimit is more than ECR ever says.
const answerLimit = 64 << 10

// readAnswer reads what resp says, and leaves it to be read again.
func readAnswer(resp *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return answer{}, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return parseAnswer(resp.StatusCode, body), nil
}

// parseAnswer takes the first of the errors in a body. A body that holds none is not
// an error of the registry's own.
func parseAnswer(status int, body []byte) answer {
	var list struct {
		Errors []registrytransport.Diagnostic `json:"errors"`
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Errors) == 0 {
		return answer{status: status}
	}
	return answer{status, list.Errors[0].Code, list.Errors[0].Message}
}

// says reports whether words stand in the answer, whatever their case.
func (a answer) says(words string) bool {
	return strings.Contains(strings.ToLower(a.text), words)
}

// judge does something about an answer, or explains it.
func (e *exchange) judge(a answer) (verdict, error) {
	kind, repository, name := split(e.req)
	switch {
	case a.status == http.StatusTooManyRequests || a.code == registrytransport.TooManyRequestsErrorCode:
		return later, nil
	case a.code == registrytransport.NameUnknownErrorCode && kind == "uploads":
		return e.judgeMissing(repository)
	case a.code == registrytransport.TagInvalidErrorCode && kind == "manifests" && a.says("immutable"):
		return e.judgeTaken(repository, name)
	case a.code == registrytransport.DeniedErrorCode && a.says("not authorized to perform") && e.req.Method != http.MethodGet:
		return giveUp, hint.With(fmt.Errorf("%s refuses: %s", e.client.host, a.text),
			"allow it in IAM, or, if this is not the repository that you meant, name another in KO_DOCKER_REPO and use --bare")
	case e.client.takesTokens(e.req):
		return e.judgeAccess(a, kind)
	}
	return giveUp, nil
}

// judgeMissing has a repository created, or says how it comes to be.
func (e *exchange) judgeMissing(repository string) (verdict, error) {
	if !e.transport.Create {
		return giveUp, hint.With(fmt.Errorf("there is no repository %q in %s, and ECR makes none when an image is pushed", repository, e.client.host),
			"have it created with --ecr-create-repository; or name one that exists in KO_DOCKER_REPO and use --bare, without which a name and a hash are appended")
	}
	if e.created { // and yet unknown: it takes a moment
		return later, nil
	}
	created, err := e.client.create(e.req.Context(), repository)
	if err != nil {
		return giveUp, err
	}
	if created {
		e.transport.Logf("Created ECR repository %s/%s", e.client.host, repository)
	}
	e.created = true
	return atOnce, nil
}

// judgeTaken compares what an immutable tag holds with what it was to hold.
func (e *exchange) judgeTaken(repository, tag string) (verdict, error) {
	taken, err := e.digest()
	if err != nil {
		return giveUp, fmt.Errorf("tag %q of %s/%s is immutable and taken; reading what it holds: %w", tag, e.client.host, repository, err)
	}
	pushed, err := e.pushed()
	if err != nil {
		return giveUp, err
	}
	if taken == pushed {
		return settle, nil
	}
	return giveUp, hint.With(fmt.Errorf("tag %q of %s/%s is immutable and taken by %s; this is %s", tag, e.client.host, repository, taken, pushed),
		"choose another tag with --tags, such as the commit, or make the repository's tags mutable")
}

// digest asks what the manifest is that stands in the place of the request's.
func (e *exchange) digest() (string, error) {
	req, err := http.NewRequestWithContext(e.req.Context(), http.MethodHead, e.req.URL.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", e.auth)
	for _, mt := range []types.MediaType{types.OCIImageIndex, types.OCIManifestSchema1, types.DockerManifestList, types.DockerManifestSchema2} {
		req.Header.Add("Accept", string(mt))
	}
	resp, err := e.transport.next.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	digest := resp.Header.Get("Docker-Content-Digest")
	switch {
	case resp.StatusCode == http.StatusForbidden:
		return "", hint.With(errors.New("not allowed"), "allow ecr:BatchGetImage in IAM")
	case resp.StatusCode != http.StatusOK || digest == "":
		return "", errors.New(resp.Status)
	}
	return digest, nil
}

// pushed returns the digest of the manifest that was sent.
func (e *exchange) pushed() (string, error) {
	if !e.repeatable() {
		return "", errors.New("the manifest cannot be read twice")
	}
	body, err := e.req.GetBody()
	if err != nil {
		return "", err
	}
	defer body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, body); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// judgeAccess fetches a token where there is none, as when the keychain could not tell
// why, and where it has expired. An answer to HEAD does not say which.
func (e *exchange) judgeAccess(a answer, kind string) (verdict, error) {
	unsaid := e.req.Method == http.MethodHead && a.status == http.StatusForbidden
	expired := a.status == http.StatusForbidden && a.says("expired")
	if a.status != http.StatusUnauthorized && !expired && !unsaid {
		return giveUp, nil
	}
	token, err := "", error(nil)
	if !e.reauthorized {
		e.reauthorized = true
		token, err = e.client.authorization(e.req.Context(), e.auth, !unsaid)
	}
	switch {
	case token != "":
		return atOnce, nil
	case unsaid && kind == "manifests": // what is there need not be known
		return giveUp, nil
	case unsaid && err == nil:
		return giveUp, hint.With(fmt.Errorf("%s refuses to say whether it has a layer", e.client.host),
			"allow ecr:BatchCheckLayerAvailability, and what else pushing needs, in IAM")
	case err == nil:
		return giveUp, nil
	}
	what := "there are no credentials"
	if e.auth != "" {
		what = "the login is no longer valid"
	}
	action, service := "ecr:GetAuthorizationToken", "ecr"
	if e.client.public() {
		action, service = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken", "ecr-public"
	}
	return giveUp, hint.With(fmt.Errorf("authenticating to %s: %s; getting new credentials from AWS: %w", e.client.host, what, err),
		"set AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, a role) that allow "+action+", or log in with aws "+service+" get-login-password | kohealth login")
}

// takesTokens reports whether AWS's tokens are for a request: all but the first, which
// only asks how to log in; of the public registry only that which changes them into
// another kind.
func (r registry) takesTokens(req *http.Request) bool {
	if r.public() {
		return req.URL.Path == "/token/" && req.Header.Get("Authorization") != ""
	}
	kind, _, _ := split(req)
	return kind != ""
}

// split takes the path of a request apart: uploads, blobs or manifests of a repository,
// and which. Of the paths that have no repository the kind is "".
func split(req *http.Request) (kind, repository, name string) {
	rest, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	if !ok {
		return "", "", ""
	}
	for _, kind := range []string{"/blobs/uploads/", "/blobs/", "/manifests/"} {
		if i := strings.LastIndex(rest, kind); i > 0 {
			return path.Base(kind), rest[:i], rest[i+len(kind):]
		}
	}
	return "", "", ""
}
