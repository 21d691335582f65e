package pipeline

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"
	"github.com/moby/moby/client"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/layers"
)

// explainBase adds the next step where the base image does not do, if it is not the one
// of KO_DEFAULTBASEIMAGE that others can replace.
func explainBase(bo *options.BuildOptions, importpath string, err error) error {
	base, override := bo.BaseImage, ""
	for path, image := range bo.BaseImageOverrides {
		if strings.EqualFold(path, strings.TrimPrefix(importpath, build.StrictScheme)) {
			base, override = image, path
		}
	}
	fetching := strings.Contains(err.Error(), "fetching base image")
	switch {
	case strings.Contains(err.Error(), "no matching platforms in base image index") && base == layers.StaticRef:
		return hint.With(err, base+" has "+strings.Join(PlatformWords(), ", "))
	case fetching && strings.HasPrefix(base, publish.LocalDomain+"/"):
		return hint.With(err, base+" is an image in the Docker engine: docker images lists what is there; DOCKER_HOST says which engine")
	case fetching && override != "":
		return hint.With(err, "baseImageOverrides in .ko.yaml names "+base+" as the base of "+override+": correct it there")
	}
	return err
}

// explainEntries adds the next step where an entry of builds in .ko.yaml names no package.
func explainEntries(err error) error {
	if !strings.Contains(err.Error(), "does not contain a valid local import path") {
		return err
	}
	return hint.With(err, "main in builds is a directory below dir, and dir that of a module, such as dir: ./api, main: ./cmd/api")
}

// CutLast is strings.Cut at the last sep.
func CutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// explainPublishing says what could not be published, and the next step.
func explainPublishing(importpath string, err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "failed to interpret"):
		err = hint.With(errors.New("a tarball holds one image, and an index of several platforms was built"),
			"name one --platform, or use --oci-layout-path")
	case strings.Contains(err.Error(), "repository can only contain"):
		err = hint.With(err, "set KO_DOCKER_REPO, as in registry.example.com/team: in lower case, and without https://")
	case strings.Contains(err.Error(), "no nodes found for cluster"):
		err = hint.With(err, "kind create cluster starts one; KIND_CLUSTER_NAME names one that is not called kind")
	}
	return fmt.Errorf("publishing %s: %w", importpath, explainDestination(kocompat.Plainly(err)))
}

// explainDestination adds the next step where a registry or an engine did not take what
// was to be published, unless err has one.
func explainDestination(err error) error {
	if hint.Of(err) != "" {
		return err
	}
	var answer *transport.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case client.IsErrConnectionFailed(err):
		return hint.With(err, "start the Docker engine, or say where it is with DOCKER_HOST")
	case errors.As(err, &certificate):
		return hint.With(err, "--insecure-registry takes any certificate; SSL_CERT_FILE names those of your own authority")
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return hint.With(err, "log in with kohealth login REGISTRY, or docker login; if you are, you may not push to KO_DOCKER_REPO")
	case errors.As(err, &answer) && refusesType(answer):
		return hint.With(err, "the registry does not take this kind of manifest; many take OCI's only: leave --image-format=docker out, or say --image-format=oci")
	case errors.As(err, &answer):
		return err // it says what is wrong
	case errors.Is(err, syscall.ENOSPC):
		return hint.With(err, "make room on the disk; TMPDIR and XDG_CACHE_HOME say where kohealth writes beside the result")
	case hint.IsNetwork(err):
		return hint.With(err, "check the registry in KO_DOCKER_REPO, and the network")
	}
	return err
}

// refusesType reports whether a registry refuses a manifest for its media type: with the
// status for that, or, as zot does, as an invalid manifest.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
func refusesType(answer *transport.Error) bool {
	for _, d := range answer.Errors {
		text := strings.ToLower(d.Message + fmt.Sprint(d.Detail))
		if d.Code == transport.UnsupportedErrorCode || d.Code == transport.ManifestInvalidErrorCode && strings.Contains(text, "media") {
			return true
		}
	}
	return answer.StatusCode == http.StatusUnsupportedMediaType
}
