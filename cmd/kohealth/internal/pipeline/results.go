package pipeline

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// A Published image is what was built of an import path, and where it is.
type Published struct {
	Importpath string
	result     build.Result
	Ref        name.Reference
}

// ImagesOf returns what was built: an image for each platform.
func ImagesOf(result build.Result) ([]v1.Image, error) {
	switch r := result.(type) {
	case v1.Image:
		return []v1.Image{r}, nil
	case v1.ImageIndex:
		m, err := r.IndexManifest()
		if err != nil {
			return nil, fmt.Errorf("reading index: %w", err)
		}
		var images []v1.Image
		for _, desc := range m.Manifests {
			img, err := r.Image(desc.Digest)
			if err != nil {
				return nil, fmt.Errorf("reading index: %w", err)
			}
			images = append(images, img)
		}
		return images, nil
	}
	return nil, fmt.Errorf("a %T was built", result)
}

// CheckOf returns the check of what was built, or nil if there is none. That of an
// index has to be one: a container definition is for all platforms. That of an image for
// Windows is never that of one for Linux, where the probe has another path.
func CheckOf(result build.Result) (found *health.Config, err error) {
	images, err := ImagesOf(result)
	if err != nil {
		return nil, err
	}
	for _, img := range images {
		raw, err := img.RawConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading config: %w", err)
		}
		check, err := health.OfImage(raw)
		switch {
		case err != nil:
			return nil, err
		case check == nil || check.Test[0] == "NONE":
		case found != nil && !reflect.DeepEqual(found, check):
			return nil, hint.With(errors.New("its platforms have different checks"), "name one --platform")
		default:
			found = check
		}
	}
	return found, nil
}
