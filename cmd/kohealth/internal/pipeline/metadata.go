package pipeline

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// Metadata is what --metadata-file holds. Keys are only ever added.
type Metadata struct {
	Version  string          `json:"version"` // kohealth's
	Images   []ImageMetadata `json:"images"`  // in the order in which they were named
	SBOMDir  string          `json:"sbomDir,omitempty"`
	Findings []lint.Finding  `json:"findings,omitempty"` // as kohealth lint --format=json has them
}

// ImageMetadata describes an image, or an index of images.
type ImageMetadata struct {
	ImportPath string             `json:"importPath"`
	Image      string             `json:"image"` // the reference
	Repository string             `json:"repository"`
	Digest     string             `json:"digest"`
	Tags       []string           `json:"tags,omitempty"`
	Platforms  []platformMetadata `json:"platforms"`

	HealthCheck *health.Config         `json:"healthCheck,omitempty"`    // as image configs have it
	ECS         *render.ECSHealthCheck `json:"ecsHealthCheck,omitempty"` // as ECS takes it
	ECSError    string                 `json:"ecsError,omitempty"`       // or why there is none
}

// platformMetadata describes the image of one platform.
type platformMetadata struct {
	Platform string          `json:"platform"`
	Digest   string          `json:"digest"`
	Size     int64           `json:"size"` // bytes, compressed, of layers and config
	Added    []layerMetadata `json:"added,omitempty"`
}

// layerMetadata describes a layer that kohealth added.
type layerMetadata struct {
	Comment string   `json:"comment"` // of the image's history
	Digest  string   `json:"digest"`
	Size    int64    `json:"size"` // bytes, compressed
	Files   []string `json:"files"`
}

func newMetadata(v version.Info, bf *BuildFlags, images []Published, findings []lint.Finding) (*Metadata, error) {
	m := &Metadata{Version: v.Kohealth, Images: []ImageMetadata{}, Findings: findings}
	if bf.Bo.SBOMDir != "" {
		dir, err := filepath.Abs(bf.Bo.SBOMDir)
		if err != nil {
			return nil, err
		}
		m.SBOMDir = dir
	}
	for _, image := range images {
		described, err := describeImage(image)
		if err != nil {
			return nil, fmt.Errorf("describing %s: %w", image.Ref, err)
		}
		described.Tags = bf.Po.Tags
		m.Images = append(m.Images, described)
	}
	return m, nil
}

func describeImage(image Published) (m ImageMetadata, err error) {
	digest, err := image.result.Digest()
	if err != nil {
		return m, err
	}
	m = ImageMetadata{
		ImportPath: strings.TrimPrefix(image.Importpath, build.StrictScheme),
		Image:      image.Ref.String(),
		Repository: repositoryOf(image.Ref),
		Digest:     digest.String(),
	}
	images, err := ImagesOf(image.result)
	if err != nil {
		return m, err
	}
	for _, img := range images {
		p, err := describePlatform(img)
		if err != nil {
			return m, err
		}
		m.Platforms = append(m.Platforms, p)
	}
	m.describeCheck(image.result)
	return m, nil
}

// repositoryOf returns a reference without its tag and digest. What is in an OCI layout
// has the name of its directory.
func repositoryOf(ref name.Reference) string {
	repository, _, _ := strings.Cut(ref.String(), "@")
	if i := strings.LastIndex(repository, ":"); i >= 0 && TagPattern.MatchString(repository[i+1:]) { // not that of a port
		return repository[:i]
	}
	return repository
}

// describeCheck describes the check that all platforms have. What has been published is
// not undone for one that cannot be described.
func (m *ImageMetadata) describeCheck(result build.Result) {
	check, err := CheckOf(result)
	if err != nil {
		m.ECSError = err.Error()
		return
	}
	if m.HealthCheck = check; check == nil {
		return
	}
	ecs, _, err := render.ECS(*check)
	if err != nil {
		m.ECSError = err.Error()
		return
	}
	m.ECS = &ecs
}

func describePlatform(img v1.Image) (p platformMetadata, err error) {
	manifest, err := img.Manifest()
	if err != nil {
		return p, err
	}
	digest, err := img.Digest()
	if err != nil {
		return p, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return p, err
	}
	p = platformMetadata{Platform: config.Platform().String(), Digest: digest.String(), Size: manifest.Config.Size}
	for _, l := range manifest.Layers {
		p.Size += l.Size
	}
	p.Added, err = describeAdded(img, manifest, config)
	return p, err
}

// describeAdded describes the layers that kohealth added. Layers are counted from the
// top, because a base's history may be incomplete.
func describeAdded(img v1.Image, manifest *v1.Manifest, config *v1.ConfigFile) (added []layerMetadata, err error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	at := len(layers)
	for i := len(config.History) - 1; i >= 0 && at > 0; i-- {
		h := config.History[i]
		if h.EmptyLayer {
			continue
		}
		at--
		if h.Author != health.Author {
			continue
		}
		files, err := fileNames(layers[at])
		if err != nil {
			return nil, err
		}
		desc := manifest.Layers[at]
		added = append([]layerMetadata{{h.Comment, desc.Digest.String(), desc.Size, files}}, added...)
	}
	return added, nil
}

// fileNames returns the paths of what a layer holds, but for directories.
func fileNames(layer v1.Layer) (names []string, err error) {
	rc, err := layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return names, nil
		case err != nil:
			return nil, fmt.Errorf("reading layer: %w", err)
		case h.Typeflag != tar.TypeDir:
			names = append(names, "/"+h.Name)
		}
	}
}
