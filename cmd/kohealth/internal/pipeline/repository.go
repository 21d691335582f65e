package pipeline

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"

	"github.com/ko-health/kohealth/builder/hint"
)

// toRegistry reports whether images are pushed to a registry.
func toRegistry(po *options.PublishOptions) bool {
	return po.Push && !po.Local && po.DockerRepo != "" &&
		!strings.HasPrefix(po.DockerRepo, publish.LocalDomain) && !strings.HasPrefix(po.DockerRepo, publish.KindDomain)
}

// checkRepository finds out, before anything is built, whether there can be a repository of
// the name that an image would get. Registries take no name with an empty part.
func checkRepository(po *options.PublishOptions, named string) error {
	if !toRegistry(po) {
		return nil
	}
	_, err := name.NewRepository(named)
	switch {
	case aPath.MatchString(po.DockerRepo):
		return hint.With(fmt.Errorf("parsing KO_DOCKER_REPO %q as repository: it is a path", po.DockerRepo),
			"--push=false --oci-layout-path=DIR writes images into a directory")
	case !strings.Contains(named, "/") && strings.ContainsAny(named, ".:"):
		err = fmt.Errorf("%q is a registry alone", named)
	case err != nil:
	case strings.HasSuffix(named, "/") || strings.Contains(named, "//"):
		err = fmt.Errorf("a part of %q is empty", named)
	}
	if err == nil {
		return nil
	}
	return hint.With(fmt.Errorf("parsing KO_DOCKER_REPO %q as repository: %w", po.DockerRepo, err), repositoryHint(po.DockerRepo))
}

// explainRepository adds the next step where there is nowhere to publish to.
func explainRepository(repo string, err error) error {
	switch {
	case strings.Contains(err.Error(), "KO_DOCKER_REPO environment variable is unset"):
		return hint.With(err, "export KO_DOCKER_REPO=registry/repository, or use --local, or --push=false with --tarball or --oci-layout-path")
	case strings.Contains(err.Error(), "as repository"):
		return hint.With(err, repositoryHint(repo))
	}
	return err
}

// Parts of what is easily taken for a repository.
var (
	aPath     = regexp.MustCompile(`^(\.{0,2}/|file:)`)
	urlScheme = regexp.MustCompile(`^[a-zA-Z+-]+://`)
	aUser     = regexp.MustCompile(`^[^/@]+@`)
	aTag      = regexp.MustCompile(`^([^:]+(?::\d+)?/[^:]+):([\w.-]+)$`)
	slashes   = regexp.MustCompile(`/+`)
)

// repositoryHint returns the next step for a repository that there cannot be, with what is
// right in it.
func repositoryHint(repo string) string {
	digest := strings.Contains(repo, "@sha256:")
	repo, _, _ = strings.Cut(repo, "@sha256:")
	meant := urlScheme.ReplaceAllString(strings.Trim(repo, " \t\"'/"), "")
	user := aUser.MatchString(meant)
	meant = aUser.ReplaceAllString(meant, "")
	tag := aTag.FindStringSubmatch(meant)
	if tag != nil {
		meant = tag[1]
	}
	meant = strings.Trim(slashes.ReplaceAllString(strings.ToLower(meant), "/"), "/")
	next := "write KO_DOCKER_REPO=" + meant
	if registry, err := name.NewRegistry(meant); err == nil && strings.ContainsAny(meant, ".:") {
		next = "name a repository, too, as in KO_DOCKER_REPO=" + registry.Name() + "/team"
	} else if _, err := name.NewRepository(meant); err != nil {
		return "write KO_DOCKER_REPO as in registry.example.com/team: in lower case, and without https://"
	}
	switch host, _, _ := strings.Cut(meant, "/"); {
	case digest:
		next += ": every build has a digest of its own"
	case tag != nil:
		next += ", and the tag as --tags=" + tag[2] + "; --bare adds no name to it"
	case user:
		next += ", and log in with kohealth login " + host
	}
	return next
}
