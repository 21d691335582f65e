package main

import (
	"archive/tar"
	"errors"
	"io"
	"strings"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/health"
)

// cmdSameForm checks that the entries of kohealth's layers in an image for Windows have the
// form of those in ko's own layer, as ko writes the app: sameform FILE PLATFORM.
func cmdSameForm(ts *testscript.TestScript, _ bool, args []string) {
	img := pull(ts, args[0], args[1])
	cf, err := img.ConfigFile()
	ts.Check(err)
	all, err := img.Layers()
	ts.Check(err)
	kos := formOf(ts, all[len(all)-1])
	compared := 0
	i := 0
	for _, h := range cf.History {
		if h.EmptyLayer {
			continue
		}
		if h.Author == health.Author && strings.Contains(h.Comment, `C:\healthcheck.exe`) {
			delete(kos, "Files/ko-app")
			if diff := cmp.Diff(kos, formOf(ts, all[i])); diff != "" {
				ts.Fatalf("the probe's layer has not the form of ko's (-ko +ours)\n%s", diff)
			}
			compared++
		}
		i++
	}
	if compared != 1 || len(kos) != 3 {
		ts.Fatalf("%d layers with the probe, and ko's has %d entries", compared, len(kos))
	}
}

// formOf returns the headers of a layer by their names, but without what is of one file only.
func formOf(ts *testscript.TestScript, l v1.Layer) map[string]tar.Header {
	rc, err := l.Uncompressed()
	ts.Check(err)
	defer rc.Close()
	form := map[string]tar.Header{}
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return form
		}
		ts.Check(err)
		name := h.Name
		if h.Typeflag == tar.TypeReg {
			dir, _, _ := strings.Cut(name, "/")
			name, h.Size = dir+"/FILE", 0
		}
		h.Name = name
		form[name] = *h
	}
}
