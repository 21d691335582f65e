package equip_test

import (
	"context"
	"fmt"
	"log"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
)

// toolchain is in the place of a layers.Compiler, which calls go.
type toolchain struct{}

func (toolchain) Probe(context.Context, v1.Platform, layers.Variant) ([]byte, error) {
	return []byte("the probe"), nil
}

func (toolchain) Layer(files []layers.File, mt types.MediaType) (v1.Layer, error) {
	return layers.Layer(files, mt)
}

// An image gets the probe on top.
func ExampleTools_Equip() {
	img, err := oci.Read(empty.Image)
	if err != nil {
		log.Fatal(err)
	}
	img.SplitAtTop()
	var settings health.Settings
	if err := settings.Set(health.KeyTest, "tcp://:8080"); err != nil {
		log.Fatal(err)
	}
	check, err := settings.Check()
	if err != nil {
		log.Fatal(err)
	}
	tools := &equip.Tools{Compiler: toolchain{}, Say: func(string, ...any) {}}
	got, err := tools.Equip(context.Background(), img, v1.Platform{OS: "linux", Architecture: "amd64"}, check)
	if err != nil {
		log.Fatal(err)
	}
	if err := img.Config.SetHealthcheck(got.Check.Config()); err != nil {
		log.Fatal(err)
	}
	out, err := img.Assemble(oci.OCIFormat)
	if err != nil {
		log.Fatal(err)
	}
	cf, err := out.ConfigFile()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", cf.Config.Healthcheck.Test)
	for _, h := range cf.History {
		fmt.Println(h.Comment)
	}
	// Output:
	// ["CMD" "/usr/bin/healthcheck" "-timeout=2.7s" "tcp://:8080"]
	// health check probe, at /usr/bin/healthcheck
	// health check arguments, at /etc/healthcheck
}
