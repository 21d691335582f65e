package kocompat

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/publish"
	"github.com/sigstore/cosign/v3/pkg/oci"
	ociremote "github.com/sigstore/cosign/v3/pkg/oci/remote"
	"github.com/sigstore/cosign/v3/pkg/oci/walk"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/ecr"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// sbomsLast publishes an image and then its SBOMs, for registries that may refuse them:
// ECR wants media types to its liking, and the tag of an SBOM may be immutable. ko
// pushes both at once, and one that is refused ends the push of the other.
type sbomsLast struct {
	publish.Interface
	pusher *remote.Pusher
	tags   []ociremote.Option
}

// NewSBOMsLast returns a publisher that publishes images with inner, and their SBOMs after
// them.
func NewSBOMsLast(inner publish.Interface, v version.Info) (publish.Interface, error) {
	pusher, err := remote.NewPusher(registry.Options(v)...)
	if err != nil {
		return nil, err
	}
	repository, err := ociremote.GetEnvTargetRepository() // COSIGN_REPOSITORY, as ko
	if err != nil {
		return nil, err
	}
	p := &sbomsLast{Interface: inner, pusher: pusher}
	if repository != (name.Repository{}) {
		p.tags = append(p.tags, ociremote.WithTargetRepository(repository))
	}
	return publish.NewCaching(p)
}

// Publish implements publish.Interface.
func (p *sbomsLast) Publish(ctx context.Context, result build.Result, importpath string) (name.Reference, error) {
	ref, err := p.Interface.Publish(ctx, withoutSBOMs(result), importpath)
	if err != nil {
		return nil, err
	}
	if entity, ok := result.(oci.SignedEntity); ok {
		err = p.publishSBOMs(ctx, ref.Context(), entity)
	}
	return ref, err
}

func (p *sbomsLast) publishSBOMs(ctx context.Context, repository name.Repository, entity oci.SignedEntity) error {
	g, ctx := errgroup.WithContext(ctx)
	err := walk.SignedEntity(ctx, entity, func(_ context.Context, se oci.SignedEntity) error {
		file, err := se.Attachment("sbom")
		if err != nil {
			return nil // cosign's way to say that there is none
		}
		digest, err := se.(interface{ Digest() (v1.Hash, error) }).Digest()
		if err != nil {
			return err
		}
		tag, err := ociremote.SBOMTag(repository.Digest(digest.String()), p.tags...)
		if err != nil {
			return err
		}
		g.Go(func() error { return p.publishSBOM(ctx, tag, file) })
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading SBOM: %w", err)
	}
	return g.Wait()
}

// publishSBOM pushes an SBOM. That it is refused is no reason to fail.
func (p *sbomsLast) publishSBOM(ctx context.Context, tag name.Tag, file oci.File) error {
	err := p.pusher.Push(ctx, tag, file)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		log.Printf("warning: the image is published, but not its SBOM %v: %v", tag, Plainly(err))
	default:
		log.Printf("Published SBOM %v", tag)
	}
	return nil
}

// withoutSBOMs hides from ko's publisher that there are any.
func withoutSBOMs(result build.Result) build.Result {
	type index = v1.ImageIndex // else the field would hide the method ImageIndex
	switch r := result.(type) {
	case v1.Image:
		return struct{ v1.Image }{r}
	case v1.ImageIndex:
		return struct{ index }{r}
	}
	return result
}

// Plainly leaves out the request where ECR's answer says it all.
func Plainly(err error) error {
	var answer *ecr.Error
	if errors.As(err, &answer) {
		return answer
	}
	return err
}
