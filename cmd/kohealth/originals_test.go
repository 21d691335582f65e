package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/layers"
)

// writeOriginals pushes images that ko did not build, for kohealth base.
func writeOriginals(host string) error {
	oci := func(config v1.Config, platforms ...string) v1.ImageIndex {
		return testBase(types.OCIImageIndex, types.OCIManifestSchema1, config, platforms...)
	}
	server := v1.Config{
		Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"nginx", "-g", "daemon off;"}, User: "101:102",
		WorkingDir: "/srv", Env: []string{"PATH=/bin", "A=b"}, Labels: map[string]string{"l": "m"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}}, Volumes: map[string]struct{}{"/data": {}}, StopSignal: "SIGQUIT",
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "true"}},
	}
	for repo, idx := range map[string]v1.ImageIndex{
		"server":   oci(server, "linux/amd64"),
		"bash":     oci(v1.Config{Entrypoint: []string{"/bin/bash", "-l"}}, "linux/amd64"),
		"script":   oci(v1.Config{Cmd: []string{"/bin/sh", "-c", "exec app"}}, "linux/amd64"),
		"attested": attested(oci(v1.Config{}, "linux/amd64", "linux/arm64")),
		"programs": programs(oci(v1.Config{}, "linux/amd64")),
		"libc":     withFiles(oci(v1.Config{}, "linux/amd64"), layers.File{Path: "/lib64/ld.so", Mode: 0o755, Content: []byte("\x7fELF")}),
	} {
		if err := remote.WriteIndex(must(name.ParseReference(host+"/"+repo)), idx); err != nil {
			return err
		}
	}
	bare := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	docker := testBase(types.DockerManifestList, types.DockerManifestSchema2, v1.Config{}, "linux/arm64")
	for repo, img := range map[string]v1.Image{
		"bare":  must(mutate.ConfigFile(bare, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}})),
		"alone": must(docker.Image(must(docker.IndexManifest()).Manifests[0].Digest)),
	} {
		if err := remote.Write(must(name.ParseReference(host+"/"+repo)), img); err != nil {
			return err
		}
	}
	return nil
}

// attested adds what BuildKit adds to an index: an attestation for each image.
func attested(idx v1.ImageIndex) v1.ImageIndex {
	for _, desc := range must(idx.IndexManifest()).Manifests {
		statement := must(mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{
			Config: v1.Config{Labels: map[string]string{"of": desc.Digest.String()}},
		}))
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: statement, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{
				"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": desc.Digest.String(),
			},
		}})
	}
	return idx
}

// programs adds programs of every kind.
func programs(idx v1.ImageIndex) v1.ImageIndex {
	return withFiles(idx,
		layers.File{Path: "/opt/check", Mode: 0o755, Content: program(elf.EM_X86_64, "")},
		layers.File{Path: "/opt/dynamic", Mode: 0o755, Content: program(elf.EM_X86_64, "/lib64/ld.so")},
		layers.File{Path: "/opt/arm", Mode: 0o755, Content: program(elf.EM_AARCH64, "")},
		layers.File{Path: "/opt/script", Mode: 0o755, Content: []byte("#!/usr/bin/perl -w\n")},
		layers.File{Path: "/opt/text", Mode: 0o755, Content: []byte("text")},
		layers.File{Path: "/opt/plain", Mode: 0o644, Content: program(elf.EM_X86_64, "")},
		layers.File{Path: "/bin/check", Mode: os.ModeSymlink | 0o777, Linkname: "../opt/check"},
		layers.File{Path: "/usr/bin/true", Mode: 0o755, Content: program(elf.EM_X86_64, "")},
	)
}

// program returns the head of an ELF file, with a loader if it has one.
func program(machine elf.Machine, loader string) []byte {
	const head, entry = 64, 56 // bytes of the structs below
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: head,
		Phoff: head, Phentsize: entry, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	segment := elf.Prog64{Type: uint32(elf.PT_NULL)}
	if loader != "" {
		loader += "\x00"
		segment = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: head + entry, Filesz: uint64(len(loader)), Memsz: uint64(len(loader))}
	}
	var b bytes.Buffer
	for _, part := range []any{h, segment, []byte(loader)} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// cmdAnnotations writes the annotations of an image, or of the index if no platform is
// given: annotations FILE [PLATFORM] > stdout.
func cmdAnnotations(ts *testscript.TestScript, _ bool, args []string) {
	var annotations map[string]string
	if len(args) > 1 {
		m, err := pull(ts, args[0], args[1]).Manifest()
		ts.Check(err)
		annotations = m.Annotations
	} else {
		line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
		desc, err := remote.Get(must(name.ParseReference(line)))
		ts.Check(err)
		ts.Check(json.Unmarshal(desc.Manifest, &struct{ Annotations *map[string]string }{&annotations}))
	}
	enc := json.NewEncoder(ts.Stdout())
	enc.SetIndent("", "  ")
	ts.Check(enc.Encode(annotations))
}
