package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// An image is what is known of a container's image, apart from its programs.
type image struct {
	Ref      string
	Config   v1.Config
	file     *v1.ConfigFile // which Config is of
	Check    *health.Config // its HEALTHCHECK; nil if it has none
	Platform v1.Platform
	OCI      bool // not in Docker's format
	Ko       bool // made by ko
	Kohealth bool // with kohealth's probe

	fsys  *rootfs.FS
	files *judge.Files // of fsys
}

func (i *image) close() error { return i.fsys.Close() }

func newImage(ref string, img v1.Image) (*image, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	check, err := health.OfImage(raw)
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	media, err := img.MediaType()
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	fsys := rootfs.New(layers)
	return &image{
		Ref:      ref,
		Config:   file.Config,
		file:     file,
		Check:    check,
		Platform: v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant},
		OCI:      media == types.OCIManifestSchema1,
		Ko:       slices.ContainsFunc(file.History, isKo),
		Kohealth: slices.ContainsFunc(file.History, isKohealth),
		fsys:     fsys,
		files:    judge.NewFiles(fsys),
	}, nil
}

// isKo reports whether ko made a layer. The Docker engine keeps no authors.
func isKo(h v1.History) bool { return h.Author == "ko" || strings.HasPrefix(h.CreatedBy, "ko build ") }

// isKohealth reports whether kohealth made a layer; without the author, only the probe's
// is known.
func isKohealth(h v1.History) bool {
	return h.Author == health.Author || strings.HasSuffix(h.Comment, ", at "+health.ProbePath) || strings.HasSuffix(h.Comment, ", at "+health.WindowsProbePath)
}

// imageContainer is a container of an image with nothing said, as docker run makes it.
func imageContainer(img *image) *container {
	return &container{Check: imageCheck(img.Check, nil, doctree.Pos{}), Essential: true, EnvOpen: true}
}

// imageCheck returns an image's check, with what a Compose file says over it. What the
// file does not say stands at pos.
func imageCheck(image *health.Config, over *check, pos doctree.Pos) *check {
	if image == nil {
		return over
	}
	if over == nil {
		over = &check{Pos: pos}
	}
	merged := *over
	merged.OfImage = len(over.Test) == 0
	if merged.OfImage {
		for _, text := range image.Test {
			merged.Test = append(merged.Test, arg{Text: text, Pos: over.Pos})
		}
	}
	inherit := func(d *duration, image duration) {
		if !d.Given && !d.Open && d.Bad == "" && image.Value != 0 {
			*d = duration{Value: image.Value, Given: true, Pos: over.Pos}
		}
	}
	inherit(&merged.Interval, duration{Value: image.Interval})
	inherit(&merged.Timeout, duration{Value: image.Timeout})
	inherit(&merged.StartPeriod, duration{Value: image.StartPeriod})
	inherit(&merged.StartInterval, duration{Value: image.StartInterval})
	if !merged.Retries.Given && merged.Retries.Bad == "" && image.Retries != 0 {
		merged.Retries = number{Value: image.Retries, Given: true, Pos: over.Pos}
	}
	return &merged
}

// look adds the facts that come from an image.
func (c *container) look(ctx context.Context, img *image) error {
	c.Image = img
	if c.group == nil {
		newGroup(c)
	}
	switch {
	case c.stage != nil:
		c.evaluate(img)
	case c.Runtime.takesImageCheck() && !c.Unclear:
		c.Check = imageCheck(img.Check, c.Check, c.Pos)
	}
	return c.ask(ctx)
}

// environ returns the value of a variable in the container; ok is false if there is
// none.
func (c *container) environ(name string) (value string, ok bool) {
	if value, ok = c.Env[name]; ok || c.Image == nil {
		return value, ok
	}
	for _, kv := range c.Image.Config.Env {
		if v, found := strings.CutPrefix(kv, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}

// user returns whom the check runs as; ok is false if that is not known.
func (c *container) user() (user string, ok bool) {
	if c.User.Given() {
		return c.User.Str()
	}
	if c.Image == nil {
		return "", false
	}
	return c.Image.Config.User, true
}
