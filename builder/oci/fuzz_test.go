package oci

import (
	"encoding/json"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
)

// FuzzConfig rewrites images of ko's and of others with any config: whatever comes of it
// is one that can be read, with the check that was set.
func FuzzConfig(f *testing.F) {
	for _, config := range []string{
		`{"config":{"Healthcheck":{"Test":["CMD","x"]},"Entrypoint":["/ko-app/app"]},"history":[{"author":"ko","comment":"kodata contents"}],"rootfs":{"type":"layers","diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}`,
		`{"config":null,"history":[{"author":"kohealth","comment":"health check probe"},{"author":"kohealth","created_by":"kohealth base","empty_layer":true}],"rootfs":{"diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}`,
		`{"container_config":{"Healthcheck":{}},"created":"2023-11-14T22:13:20Z"}`,
		`null`, `{"config":[]}`, `{"history":null,"config":{"Cmd":[""]}}`,
	} {
		f.Add([]byte(config), true, uint8(1))
		f.Add([]byte(config), false, uint8(0))
	}
	f.Fuzz(func(t *testing.T, config []byte, ours bool, layers uint8) {
		m := &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: v1.Descriptor{MediaType: types.OCIConfigJSON}}
		var all []v1.Layer
		for range layers % 4 {
			all = append(all, static.NewLayer([]byte("layer"), types.OCILayer))
			m.Layers = append(m.Layers, v1.Descriptor{MediaType: types.OCILayer})
		}
		img, err := New(m, config, all)
		if err != nil {
			t.Fatal(err)
		}
		rewriteConfig(t, img, config, ours)
	})
}

func rewriteConfig(t *testing.T, img v1.Image, config []byte, ours bool) {
	d, err := Read(img)
	if err != nil {
		return
	}
	if ours { // as ko has built it
		err = d.SplitAtKo()
	} else {
		d.SplitAtTop()
	}
	if err != nil {
		return
	}
	if base, err := ParseConfig(config); err == nil {
		_ = d.Config.KeepUnknown(base)
	}
	_, _ = d.Config.Healthcheck()
	_, _ = d.Config.Command()
	_, _, _ = d.HasMarks(), d.MadeByBase(), d.HasMoreThanProbe()
	d.DropMarked()
	d.MarkBase()
	check := health.Config{Test: []string{"NONE"}}
	if d.UTC() != nil || d.Config.SetHealthcheck(check) != nil {
		return
	}
	out, err := d.Assemble(KeepFormat)
	if err != nil {
		return
	}
	raw, err := out.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if set, err := health.OfImage(raw); err != nil || set == nil || len(set.Test) != 1 || set.Test[0] != "NONE" {
		t.Errorf("%s becomes %s: check %v, %v", config, raw, set, err)
	}
	if !json.Valid(raw) {
		t.Errorf("%s becomes %s", config, raw)
	}
}
