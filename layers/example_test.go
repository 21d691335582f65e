package layers_test

import (
	"fmt"
	"log"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers"
)

// The same files give the same layer, in whatever order they are named.
func ExampleLayer() {
	app, config := layers.File{Path: "/app", Mode: 0o555, Content: []byte("program")}, layers.File{Path: "/etc/app.conf", Mode: 0o444}
	one, err := layers.Layer([]layers.File{app, config}, types.OCILayer)
	if err != nil {
		log.Fatal(err)
	}
	other, err := layers.Layer([]layers.File{config, app}, types.OCILayer)
	if err != nil {
		log.Fatal(err)
	}
	a, _ := one.Digest()
	b, _ := other.Digest()
	fmt.Println(a == b)
	// Output: true
}
