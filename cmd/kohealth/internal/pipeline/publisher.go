package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/ecr"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
)

// PublishFlags say where images go: ko's flags and kohealth's.
type PublishFlags struct {
	*options.PublishOptions
	ecr *ecrFlags
}

// AddPublishFlags adds the flags that say where images go to a command.
func AddPublishFlags(cmd *cobra.Command) *PublishFlags {
	f := &PublishFlags{PublishOptions: &options.PublishOptions{}, ecr: AddECRFlags(cmd.Flags())}
	options.AddPublishArg(cmd, f.PublishOptions)
	return f
}

// WithPublisher has do use a publisher, and cleans up after it. The .ko.yaml is in dir.
func (f *PublishFlags) WithPublisher(ctx context.Context, dir string, v version.Info, do func(*Publisher) error) (err error) {
	ecrOptions, err := f.ecr.options(dir)
	if err != nil {
		return err
	}
	defer kocompat.KeepGo()()
	return process.InTemporary(ctx, func() error { return f.publishing(ctx, ecrOptions, v, do) })
}

// publishing is [PublishFlags.WithPublisher] where temporary files may be.
func (f *PublishFlags) publishing(ctx context.Context, ecrOptions ecr.Options, v version.Info, do func(*Publisher) error) error {
	transport := registry.Resend(registry.Transport(ctx, ecr.Transport(registry.Patient(ctx, remote.DefaultTransport), ecrOptions)))
	if !f.InsecureRegistry { // then the publisher has to find a transport of net/http's own
		remote.DefaultTransport = transport
	}
	if f.Local || f.DockerRepo == publish.LocalDomain {
		if err := pingEngine(ctx); err != nil {
			return err
		}
	}
	publisher, err := newPublisher(f.PublishOptions, v)
	if err != nil {
		return err
	}
	remote.DefaultTransport = transport
	defer process.OnEnd(ctx, publisher.abandon)()
	if err := do(publisher); err != nil {
		return err
	}
	return publisher.Close() // it writes the tarball
}

// pingEngine finds out whether there is a Docker engine, before anything is built for it.
func pingEngine(ctx context.Context) error {
	engine, err := client.New(client.FromEnv)
	if err == nil {
		_, err = engine.Ping(ctx, client.PingOptions{})
		err = errors.Join(err, engine.Close())
	}
	if err != nil {
		return explainDestination(fmt.Errorf("connecting to the Docker engine: %w", err))
	}
	return nil
}

// A Publisher publishes as ko's does. What is published again is only recorded: ko's
// publishers keep what they have published.
type Publisher struct {
	publish.Interface // without recording

	NameOf  func(importpath string) string
	ToFiles bool   // or to an engine: one image after the other
	abandon func() // removes what is written where it would stay

	mu     sync.Mutex
	record publish.Interface // with the file of --image-refs
}

func newPublisher(po *options.PublishOptions, v version.Info) (*Publisher, error) {
	if host, _, _ := strings.Cut(po.DockerRepo, "/"); host == layers.StaticHost && po.Push && !po.Local {
		return nil, hint.With(fmt.Errorf("creating publisher: %s is built into kohealth and read-only", po.DockerRepo), "name another registry in KO_DOCKER_REPO")
	}
	if err := checkTags(po.Tags); err != nil {
		return nil, err
	}
	if err := checkFiles(po); err != nil {
		return nil, err
	}
	unrecorded := *po
	unrecorded.ImageRefsFile = ""
	tarball, err := kocompat.SetTarball(&unrecorded)
	if err != nil {
		return nil, err
	}
	inner, err := commands.NewPublisher(&unrecorded)
	if err != nil {
		return nil, explainRepository(po.DockerRepo, fmt.Errorf("creating publisher: %w", err))
	}
	if tarball != nil {
		tarball.Interface = inner
		inner = tarball
	}
	if inECR(&unrecorded) {
		if inner, err = kocompat.NewSBOMsLast(inner, v); err != nil {
			return nil, fmt.Errorf("creating publisher: %w", err)
		}
	}
	namer := options.MakeNamer(&unrecorded)
	if err := checkRepository(&unrecorded, namer(po.DockerRepo, "example.com/app")); err != nil {
		return nil, err
	}
	p := &Publisher{
		Interface: inner,
		NameOf:    func(importpath string) string { return namer(po.DockerRepo, importpath) },
		ToFiles: !po.Push || unrecorded.Local || po.TarballFile != "" || po.OCILayoutPath != "" ||
			strings.HasPrefix(po.DockerRepo, publish.KindDomain),
		record:  inner,
		abandon: tarball.Abandon,
	}
	if po.ImageRefsFile != "" {
		p.record, err = publish.NewRecorder(inner, po.ImageRefsFile)
	}
	return p, err
}

// checkFiles finds files that cannot be written, before anything is built.
func checkFiles(po *options.PublishOptions) error {
	if _, err := files.Writable("--image-refs", po.ImageRefsFile); err != nil {
		return err
	}
	if po.OCILayoutPath == "" {
		return nil
	}
	if _, err := name.NewRepository(po.OCILayoutPath); err != nil { // ko makes a reference of it
		return hint.With(fmt.Errorf("--oci-layout-path %q cannot be in the result's reference: %w", po.OCILayoutPath, err),
			"name a directory in lower case, without spaces")
	}
	return nil
}

// TagPattern is what registries take for a tag.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
var TagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// checkTags finds tags that no registry takes, before anything is built. One that is
// empty is latest.
func checkTags(tags []string) error {
	for _, tag := range tags {
		if tag != "" && !TagPattern.MatchString(tag) {
			return hint.With(fmt.Errorf("%q cannot be a tag", tag),
				"tags have up to 128 letters, digits, '_', '.' and '-', the first a letter, a digit or '_'; write feature-x for the branch feature/x")
		}
	}
	return nil
}

// sideBySide reports whether images may be published at once: whether the order leaves
// no trace.
func (p *Publisher) sideBySide(importpaths []string) bool {
	names := map[string]bool{}
	for _, importpath := range importpaths {
		names[p.NameOf(importpath)] = true
	}
	return !p.ToFiles && len(names) == len(importpaths)
}

// Publish implements publish.Interface.
func (p *Publisher) Publish(ctx context.Context, result build.Result, importpath string) (name.Reference, error) {
	if !p.ToFiles {
		if err := p.publishAhead(ctx, result, importpath); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer term.ProgressOf(ctx).Begin("publishing", path.Base(importpath)).End()
	ref, err := p.record.Publish(ctx, result, importpath)
	return ref, explainPublishing(importpath, err)
}

// publishAhead publishes what will be recorded later.
func (p *Publisher) publishAhead(ctx context.Context, result build.Result, importpath string) error {
	defer term.ProgressOf(ctx).Begin("publishing", path.Base(importpath)).End()
	_, err := p.Interface.Publish(ctx, result, importpath)
	return explainPublishing(importpath, err)
}

// Close implements publish.Interface.
func (p *Publisher) Close() error { return p.record.Close() }
