package pipeline

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
)

// ParsePlatform parses a platform that names at least system and architecture.
func ParsePlatform(spec string) (*v1.Platform, error) {
	p, err := v1.ParsePlatform(spec)
	if err != nil || p.OS == "" || p.Architecture == "" {
		return nil, hint.With(fmt.Errorf("parsing platform %q: want OS/ARCHITECTURE", spec), "write it as in linux/arm64")
	}
	return p, nil
}

// ParsePlatforms parses what --platform of kohealth base lists; none means all.
func ParsePlatforms(specs []string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	for _, spec := range specs {
		if spec == "all" && len(specs) == 1 {
			return nil, nil
		}
		p, err := v1.ParsePlatform(spec)
		if err != nil || spec == "all" || slices.Contains(strings.Split(spec, "/"), "") {
			return nil, hint.With(fmt.Errorf("parsing platform %q: want all, or OS[/ARCHITECTURE[/VARIANT]]", spec), "write it as in linux/arm64")
		}
		platforms = append(platforms, *p)
	}
	return platforms, nil
}

// namedPlatforms returns the platforms that are asked for by name, if they all are.
func namedPlatforms(specs []string) []v1.Platform {
	var platforms []v1.Platform
	for _, spec := range specs {
		p, err := ParsePlatform(spec)
		if err != nil {
			return nil
		}
		platforms = append(platforms, *p)
	}
	return platforms
}

// PlatformWords returns the platforms of the embedded base, for completion.
func PlatformWords() (words []string) {
	for _, p := range layers.Platforms() {
		words = append(words, p.String())
	}
	return words
}
