package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/publish"
)

// library builds with ko's packages, as goreleaser does, and prints the reference:
// library BASE REPOSITORY IMPORTPATH PLATFORM[,PLATFORM]...
func library() {
	base, repository, importpath, platforms := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx := context.Background()
	builder := must(build.NewGo(ctx, ".",
		build.WithConfig(map[string]build.Config{importpath: {ID: "app", Ldflags: build.StringArray{"-s", "-w"}}}),
		build.WithPlatforms(strings.Split(platforms, ",")...),
		build.WithBaseImages(func(ctx context.Context, _ string) (name.Reference, build.Result, error) {
			return openBase(ctx, base)
		}),
		build.WithSPDX("devel"),
	))
	result := must(builder.Build(ctx, importpath))
	publisher := must(publish.NewDefault(repository,
		publish.WithNamer(func(base, _ string) string { return base }),
		publish.WithTags([]string{"v1"}),
		publish.WithAuthFromKeychain(authn.DefaultKeychain),
	))
	fmt.Println(must(publisher.Publish(ctx, result, importpath)))
	if err := publisher.Close(); err != nil {
		panic(err)
	}
}

func openBase(ctx context.Context, base string) (name.Reference, build.Result, error) {
	ref, err := name.ParseReference(base)
	if err != nil {
		return nil, nil, err
	}
	desc, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, nil, err
	}
	if desc.MediaType.IsIndex() {
		idx, err := desc.ImageIndex()
		return ref, idx, err
	}
	img, err := desc.Image()
	return ref, img, err
}
