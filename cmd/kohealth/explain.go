package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/ecr"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// say prints what is no result.
func say(format string, args ...any) { _ = term.Printf(os.Stderr, format, args...) }

// sayError prints an error, and the next step.
func sayError(err error) {
	say("Error: %v\n", err)
	if h := hint.Of(err); h != "" {
		say("Hint: %s\n", h)
	}
	if strings.HasPrefix(err.Error(), "unknown command") {
		say("Run 'kohealth --help' for usage.\n")
	}
}

// explainRepository adds the next step where there is nowhere to publish to.
func explainRepository(err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "KO_DOCKER_REPO environment variable is unset"):
		return hint.With(err, "export KO_DOCKER_REPO=registry/repository, or use --local, or --push=false with --tarball or --oci-layout-path")
	case strings.Contains(text, "as repository"):
		return hint.With(err, "write KO_DOCKER_REPO as in registry.example.com/team: in lower case, and without https://")
	}
	return err
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
	}
	return fmt.Errorf("publishing %s: %w", importpath, explainDestination(plainly(err)))
}

// plainly leaves out the request where ECR's answer says it all.
func plainly(err error) error {
	var answer *ecr.Error
	if errors.As(err, &answer) {
		return answer
	}
	return err
}

// explainDestination adds the next step where a registry or an engine did not take what
// was to be published, unless err has one.
func explainDestination(err error) error {
	if hint.Of(err) != "" {
		return err
	}
	var answer *transport.Error
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case client.IsErrConnectionFailed(err):
		return hint.With(err, "start the Docker engine, or say where it is with DOCKER_HOST")
	case errors.As(err, &certificate):
		return hint.With(err, "--insecure-registry takes any certificate; SSL_CERT_FILE names those of your own authority")
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return hint.With(err, "log in with kohealth login REGISTRY, or docker login; if you are, you may not push to KO_DOCKER_REPO")
	case errors.As(err, &answer):
		return err // it says what is wrong
	case errors.As(err, &network):
		return hint.With(err, "check the registry in KO_DOCKER_REPO, and the network")
	}
	return err
}

// explainFlag adds what was meant to the error of a flag that there is not.
func explainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	next := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := health.Nearest(unknown.GetSpecifiedName(), names)
	if strings.HasPrefix(unknown.GetSpecifiedName(), "health") && !strings.HasPrefix(near, "health") && slices.Contains(names, "health") {
		near = "health" // for --health-path and --healthcheck
	}
	if near != "" {
		next = fmt.Sprintf("did you mean --%s? %s", near, next)
	}
	return hint.With(err, next)
}
