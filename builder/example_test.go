package builder_test

import (
	"context"
	"fmt"
	"log"

	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/layers"
)

// checkOf gives every app the same check.
func checkOf(string) (health.Check, error) {
	var s health.Settings
	if err := s.Set(health.KeyTest, "http://:8080/healthz"); err != nil {
		return health.Check{}, err
	}
	return s.Check()
}

// A Builder is ko's, and can be published as ko's results are.
func ExampleNew() {
	ctx := context.Background()
	inner, err := commands.NewBuilder(ctx, &options.BuildOptions{BaseImage: "kohealth.local/static"})
	if err != nil {
		log.Fatal(err)
	}
	b := builder.New(inner, builder.Options{Check: checkOf, Compiler: &layers.Compiler{}})
	result, err := b.Build(ctx, "ko://example.com/cmd/app")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Digest())
}

// An image that ko did not build gets a check, too.
func ExampleBase() {
	ctx := context.Background()
	set, err := images.All(ctx, "docker.io/library/redis:7", nil, images.Options{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := builder.Base(ctx, set, builder.BaseOptions{Options: builder.Options{Check: checkOf, Compiler: &layers.Compiler{}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Digest())
}
