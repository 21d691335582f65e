package lint_test

import (
	"context"
	"fmt"
	"log"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/ko-health/kohealth/builder/lint"
)

// A Compose file is held against an image, which may as well be one that was just built.
func ExampleFile() {
	file := `services:
  web:
    image: example.com/web
    healthcheck: {test: ["CMD", "curl", "-f", "http://127.0.0.1:8080/"]}
`
	open := func(context.Context, string, v1.Platform) (v1.Image, error) {
		return mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"})
	}
	findings, err := lint.File(context.Background(), "compose.yaml", []byte(file), lint.Options{Open: open, Severity: lint.Error})
	if err != nil {
		log.Fatal(err)
	}
	if err := lint.Write(os.Stdout, "text", "", findings); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(findings), "found")
	// Output:
	// compose.yaml:4:33: error: web: curl is not in the image's PATH [no-program]
	//     kohealth base --health=http://:8080/ example.com/web   # prints the image to name instead
	//     healthcheck: {test: ["CMD", "/usr/bin/healthcheck"], interval: 30s, timeout: 30s, retries: 3, start_period: 10s}
	// 1 found
}
