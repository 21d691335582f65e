package judge_test

import (
	"context"
	"fmt"
	"log"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

// An image has an app, and neither a shell nor curl.
func ExampleJudge() {
	layer, err := layers.Layer([]layers.File{{Path: "/ko-app/app", Mode: 0o555}}, types.OCILayer)
	if err != nil {
		log.Fatal(err)
	}
	image := judge.OfImage(&v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Entrypoint: []string{"/ko-app/app"}}})
	image.Files = judge.NewFiles(rootfs.New([]v1.Layer{layer}))
	verdicts, err := judge.Judge(context.Background(), judge.Check{Test: []string{"CMD", "curl", "-f", "http://127.0.0.1:8080/"}}, image)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range verdicts {
		fmt.Printf("%s: %s [%s]\nthe probe asks the same: %q\n", v.Severity, v.Message, v.Rule, v.Probe)
	}
	// Output:
	// error: curl is not in the image's PATH [no-program]
	// the probe asks the same: ["http://:8080/"]
}
