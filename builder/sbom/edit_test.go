package sbom

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers/apk"
)

func TestEdit(t *testing.T) {
	hash := func(c string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(c, 64)} }
	e := &edit{version: "v1", image: hash("b")}
	e.more = []spdxPackage{probePackage("v1", hash("c"), "/usr/bin/healthcheck"), apkPackage(&apk.Package{
		Name: "libstdc++", Version: "15.2.0-r1", Arch: "x86_64", License: "GPL-3.0-or-later WITH GCC-exception-3.1", Origin: "gcc",
	}, hash("d"))}
	e.replace(hash("a"), hash("b"))
	e.retype(types.OCIManifestSchema1, types.DockerManifestSchema2)
	old := `{"name":"sbom-sha256:` + hash("a").Hex + `","creationInfo":{"creators":["Tool: ko v0"]},` +
		`"packages":[{"SPDXID":"SPDXRef-Package-sha256-` + hash("a").Hex + `","p":"mediaType=application%2Fvnd.oci.image.manifest.v1%2Bjson"}],"relationships":[],"x":1}`
	got, err := e.apply([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name": "sbom-sha256:` + hash("b").Hex, `"Tool: ko v0"`, `"Tool: kohealth v1"`, `"x": 1`,
		`"SPDXRef-Package-kohealth-probe"`, `"layer sha256:` + hash("c").Hex, `"CONTAINS"`,
		`docker.distribution.manifest.v2%2Bjson`, `pkg:golang/github.com/ko-health/kohealth@v1#layers/probe`,
		`"SPDXRef-Package-apk-libstdc---15.2.0-r1"`, `pkg:apk/wolfi/libstdc%2B%2B@15.2.0-r1?arch=x86_64`, `"layer sha256:` + hash("d").Hex,
		`"licenseDeclared": "GPL-3.0-or-later WITH GCC-exception-3.1"`, `"built from gcc"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), hash("a").Hex) {
		t.Errorf("the old digest is still in\n%s", got)
	}
	for _, bad := range []string{"", "[]", `{"packages":{}}`, `{"creationInfo":1}`} {
		if _, err := e.apply([]byte(bad)); err == nil {
			t.Errorf("apply(%q) succeeds", bad)
		}
	}
}
