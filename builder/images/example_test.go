package images_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/ko-health/kohealth/builder/images"
)

// An existing directory with an index.json is an OCI layout.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	out, err := layout.Write(filepath.Join(dir, "out"), empty.Index)
	if err != nil {
		log.Fatal(err)
	}
	if err := out.AppendImage(empty.Image); err != nil {
		log.Fatal(err)
	}
	img, err := images.New(context.Background(), string(out), images.Options{})
	if err != nil {
		log.Fatal(err)
	}
	layers, err := img.Layers()
	fmt.Println(len(layers), "layers", err)
	// Output: 0 layers <nil>
}
