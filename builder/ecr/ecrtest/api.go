package ecrtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// user is who the credentials belong to.
const user = "arn:aws:iam::" + Account + ":user/ci"

// serveAPI is an API, in JSON over POST:
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonParameters.html
func (s *Server) serveAPI(w http.ResponseWriter, req *http.Request) {
	service, prefix, region := "ecr", "AmazonEC2ContainerRegistry_V20150921.", Region
	if req.Host == publicAPIHost {
		service, prefix, region = "ecr-public", "SpencerFrontendService.", "us-east-1"
	}
	operation, known := strings.CutPrefix(req.Header.Get("X-Amz-Target"), prefix)
	scope := fmt.Sprintf("/%s/%s/aws4_request", region, service)
	signature := req.Header.Get("Authorization")
	switch action := service + ":" + operation; {
	case !known:
		fail(w, "UnknownOperationException", "")
	case !strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential="+keyID+"/") || !strings.Contains(signature, scope):
		fail(w, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case s.refuses(action):
		fail(w, "ThrottlingException", "Rate exceeded")
	case s.forbids(action):
		fail(w, "AccessDeniedException", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: * because no identity-based policy allows the %s action", user, action, action))
	default:
		s.call(w, req, action)
	}
}

func (s *Server) call(w http.ResponseWriter, req *http.Request, action string) {
	var input struct {
		RepositoryName, RegistryID, ImageTagMutability string
		ImageScanningConfiguration                     struct{ ScanOnPush bool }
	}
	if err := json.NewDecoder(req.Body).Decode(&input); err != nil {
		fail(w, "SerializationException", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, strings.TrimSpace(action+" "+input.RepositoryName))
	switch {
	case strings.HasSuffix(action, ":GetAuthorizationToken"):
		data := map[string]any{
			"authorizationToken": s.issue(), "expiresAt": float64(s.now.Add(TokenLife).UnixMilli()) / 1000,
			"proxyEndpoint": "https://" + Host,
		}
		if strings.HasPrefix(action, "ecr:") {
			writeJSON(w, apiType, http.StatusOK, map[string]any{"authorizationData": []any{data}})
			return
		}
		writeJSON(w, apiType, http.StatusOK, map[string]any{"authorizationData": data})
	case action == "ecr:CreateRepository":
		if input.RegistryID != Account {
			fail(w, "AccessDeniedException", "the registry is another account's")
			return
		}
		s.create(w, Host, input.RepositoryName, &repository{
			immutable: input.ImageTagMutability == "IMMUTABLE", scanOnPush: input.ImageScanningConfiguration.ScanOnPush, tags: map[string]string{},
		})
	case action == "ecr-public:CreateRepository":
		s.create(w, PublicHost, Alias+"/"+input.RepositoryName, newRepository(false))
	default:
		fail(w, "UnknownOperationException", "")
	}
}

// issue returns a token, as it stands in an Authorization header.
func (s *Server) issue() string {
	s.issued++
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:token-%d-%d", s.issued, time.Now().UnixNano()))
	s.tokens[token] = s.now.Add(TokenLife)
	return token
}

func (s *Server) create(w http.ResponseWriter, host, name string, r *repository) {
	full := host + "/" + name
	r.lag = s.lag
	if s.racer == full {
		s.racer = ""
		s.repositories[full] = r
	}
	if s.repositories[full] != nil {
		fail(w, "RepositoryAlreadyExistsException", fmt.Sprintf("The repository with name '%s' already exists in the registry with id '%s'", name, Account))
		return
	}
	s.repositories[full] = r
	writeJSON(w, apiType, http.StatusOK, map[string]any{"repository": map[string]string{
		"repositoryName": name, "registryId": Account, "repositoryUri": full,
	}})
}

// forbids reports whether IAM does not allow an action.
func (s *Server) forbids(action string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.denied[action] || s.policy != nil && !slices.Contains(s.policy, action)
}

// refuses reports whether there were too many requests for an action.
func (s *Server) refuses(action string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled[action]--
	return s.throttled[action] >= 0
}
