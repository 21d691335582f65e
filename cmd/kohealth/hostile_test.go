package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/layers"
)

// hostileScript is a program that shows that it was run.
const hostileScript = "#!/bin/sh\n: >\"$WORK/ran\"\nexec /bin/sleep 1000\n"

// writeHostile pushes bases that would have this machine run something of theirs.
func writeHostile(host string) error {
	program := layers.File{Path: "/ko-app/app", Mode: 0o755, Content: []byte(hostileScript)}
	check := &v1.HealthConfig{Test: []string{"CMD-SHELL", ": >\"$WORK/ran\""}}
	var errs []error
	for repo, img := range map[string]v1.Image{
		// However history and layers are paired, the program is in some layer of ko's entries.
		"hostile-program": hostileBase(v1.Config{}, nil, []layers.File{program}, []layers.File{program}, []layers.File{program}, []layers.File{program}),
		"no-history":      hostileBase(v1.Config{}, nil, []layers.File{{Path: "/etc/passwd", Mode: 0o644}}),
		"hostile-check": hostileBase(v1.Config{Healthcheck: check}, []v1.History{{Author: health.Author, CreatedBy: "kohealth base"}},
			[]layers.File{{Path: "/bin/sh", Mode: 0o755}}),
	} {
		errs = append(errs, remote.Write(must(name.ParseReference(host+"/"+repo)), img))
	}
	return errors.Join(errs...)
}

// hostileBase returns an image for this machine with a layer of each of the files, and
// exactly this history.
func hostileBase(config v1.Config, history []v1.History, contents ...[]layers.File) v1.Image {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for i, files := range contents {
		files = append(files, layers.File{Path: fmt.Sprintf("/layer-%d", i), Mode: 0o644})
		img = must(mutate.Append(img, mutate.Addendum{Layer: must(layers.Layer(files, types.OCILayer)), MediaType: types.OCILayer}))
	}
	cf := must(img.ConfigFile()).DeepCopy()
	cf.OS, cf.Architecture, cf.Config, cf.History = "linux", runtime.GOARCH, config, history
	return must(mutate.ConfigFile(img, cf))
}
