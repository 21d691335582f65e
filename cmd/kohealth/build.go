package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// setBuild makes ko's build command kohealth's: the same flags and some more.
func setBuild(cmd *cobra.Command, v versions) {
	po, bo := &options.PublishOptions{}, &options.BuildOptions{}
	cmd.ResetFlags()
	options.AddPublishArg(cmd, po)
	options.AddBuildOptions(cmd, bo)
	hf := addHealthFlags(cmd.Flags())
	cmd.Example = `
  # Build an image with a health check that connects to the app's port: $PORT, or
  # 8080 if the container has no PORT.
  kohealth build ./cmd/app

  # Build an image whose check is an HTTP request, every 5 seconds.
  kohealth build --health=http://:8080/healthz --health-interval=5s ./cmd/app

  # Build what ko builds.
  kohealth build --no-healthcheck ./cmd/app
` + cmd.Example
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := options.Validate(po, bo); err != nil {
			return fmt.Errorf("validating options: %w", err)
		}
		if len(args) == 0 {
			args = []string{"."}
		}
		leave, err := enter(cmd.Context())
		if err != nil {
			return err
		}
		defer leave()
		// The publisher comes first: for --insecure-registry it has to find a transport
		// of net/http's own.
		publisher, err := commands.NewPublisher(po)
		if err != nil {
			return explainPublishing(fmt.Errorf("creating publisher: %w", err))
		}
		defer func() {
			if err == nil {
				err = publisher.Close() // it writes the tarball
			}
		}()
		remote.DefaultTransport = layers.Transport(remote.DefaultTransport)
		bo.InsecureRegistry = po.InsecureRegistry
		b, err := newBuilder(cmd.Context(), bo, hf, v)
		if err != nil {
			return err
		}
		return buildAndPrint(cmd.Context(), args, publisher, b)
	}
}

// buildAndPrint builds everything before it publishes anything, and prints the
// references in the order of the arguments.
func buildAndPrint(ctx context.Context, args []string, publisher publish.Interface, b build.Interface) error {
	var importpaths []string
	results := map[string]build.Result{}
	for _, arg := range args {
		importpath, result, err := buildOne(ctx, arg, b)
		if err != nil {
			return err
		}
		if results[importpath] == nil {
			importpaths = append(importpaths, importpath)
		}
		results[importpath] = result
	}
	var refs []name.Reference
	for _, importpath := range importpaths {
		ref, err := publisher.Publish(ctx, results[importpath], importpath)
		if err != nil {
			return explainPublishing(fmt.Errorf("publishing %s: %w", importpath, err))
		}
		refs = append(refs, ref)
	}
	for _, ref := range refs {
		fmt.Println(ref)
	}
	return nil
}

// explainPublishing adds the next step to an error of ko's publishers.
func explainPublishing(err error) error {
	switch {
	case strings.Contains(err.Error(), "KO_DOCKER_REPO environment variable is unset"):
		return hint.With(err, "export KO_DOCKER_REPO=registry/repository, or use --local, or --push=false with --tarball or --oci-layout-path")
	case strings.Contains(err.Error(), "failed to interpret"):
		return hint.With(errors.New("a tarball holds one image, and an index of several platforms was built"),
			"name one --platform, or use --oci-layout-path")
	}
	return err
}

func buildOne(ctx context.Context, arg string, b build.Interface) (importpath string, result build.Result, err error) {
	importpath, err = b.QualifyImport(arg)
	if err != nil {
		return "", nil, hint.With(err, "run kohealth in the module's directory")
	}
	if err := b.IsSupportedReference(importpath); err != nil {
		return "", nil, hint.With(fmt.Errorf("importpath %q is not supported: %w", importpath, err),
			"name the directory of a main package, such as ./cmd/app")
	}
	result, err = b.Build(ctx, importpath)
	if err != nil {
		return "", nil, fmt.Errorf("building %q: %w", importpath, err)
	}
	return importpath, result, nil
}

// newBuilder returns ko's builder with health checks, or ko's own if there is
// nothing to add to any image.
func newBuilder(ctx context.Context, bo *options.BuildOptions, hf *healthFlags, v versions) (build.Interface, error) {
	checks, err := hf.checks(bo.WorkingDirectory)
	if err != nil {
		return nil, err
	}
	goCmd, err := layers.FindGo(os.Getenv("KO_GO_PATH"))
	if err != nil {
		return nil, err
	}
	inner, err := commands.NewBuilder(ctx, bo)
	if err != nil {
		return nil, fmt.Errorf("creating builder: %w", err)
	}
	b := builder.New(inner, builder.Options{
		Check:     checks.of(bo),
		Compiler:  &layers.Compiler{Go: goCmd, Cache: cacheDir(), Logf: log.Printf},
		Packages:  &apk.Client{Cache: cacheDir(), UserAgent: "kohealth/" + v.kohealth, Progress: progress(os.Stderr)},
		Format:    checks.format,
		Jobs:      bo.ConcurrentBuilds,
		Platforms: namedPlatforms(bo.Platforms),
		SBOMDir:   bo.SBOMDir,
		Version:   v.kohealth,
		Cache:     cacheDir().Sub("base"),
		Name:      nameOptions(bo),
		Remote:    []remote.Option{remote.WithAuthFromKeychain(newKeychain()), remote.WithUserAgent("kohealth/" + v.kohealth)},
		Logf:      log.Printf,
	})
	return build.NewCaching(b)
}

func nameOptions(bo *options.BuildOptions) []name.Option {
	if bo.InsecureRegistry {
		return []name.Option{name.Insecure}
	}
	return nil
}

// namedPlatforms returns the platforms that are asked for by name, if they all are.
func namedPlatforms(specs []string) []v1.Platform {
	var platforms []v1.Platform
	for _, spec := range specs {
		p, err := v1.ParsePlatform(spec)
		if err != nil || p.OS == "" || p.Architecture == "" {
			return nil
		}
		platforms = append(platforms, *p)
	}
	return platforms
}
