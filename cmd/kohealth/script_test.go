package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/google/ko/pkg/commands"
	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/why/ecstest"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
)

// topDir is the repository.
var topDir = filepath.Join("..", "..")

var update = os.Getenv("UPDATE") != "" // UPDATE=1 go test ./cmd/kohealth rewrites the goldens

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kohealth": main, "ko": ko, "kubectl": kubectl, "library": library, "terminal": terminal})
}

// ko is ko's own main, in the version that kohealth is made of.
func ko() {
	commands.Version = version.Read().Ko
	if err := commands.New().Execute(); err != nil {
		os.Exit(1)
	}
}

// TestScript runs the scripts in testdata/script, each with a registry of its own
// and a cache that they share, so that the probe is compiled once.
func TestScript(t *testing.T) {
	params := scriptParams(t)
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

func scriptParams(t *testing.T) testscript.Params {
	if signal.Ignored(syscall.SIGHUP) { // under nohup; children inherit that, but not a handler
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	cache := t.TempDir()
	modCache := goEnv(t, "GOMODCACHE")
	return testscript.Params{
		Dir:                 filepath.Join(topDir, "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       update,
		Setup: func(e *testscript.Env) error {
			e.Vars = slices.DeleteFunc(e.Vars, func(kv string) bool { // ko refuses --platform beside them
				return strings.HasPrefix(kv, "GOOS=") || strings.HasPrefix(kv, "GOARCH=")
			})
			srv := httptest.NewServer(newRegistry())
			e.Defer(srv.Close)
			tls := httptest.NewTLSServer(newRegistry())
			e.Defer(tls.Close)
			e.Setenv("TLSREGISTRY", strings.TrimPrefix(tls.URL, "https://"))
			e.Defer(func() { checkEmpty(t, e.Getenv("TMPDIR")) })
			host := strings.TrimPrefix(srv.URL, "http://")
			e.Setenv("REGISTRY", host)
			e.Setenv("KO_DOCKER_REPO", host+"/app")
			e.Setenv("KO_DEFAULTBASEIMAGE", host+"/base")
			e.Setenv("XDG_CACHE_HOME", cache)
			e.Setenv("FREEPORT", freePort(t))
			e.Setenv("ROOT", must(filepath.Abs(topDir)))
			e.Setenv("GOMODCACHE", modCache)
			e.Setenv("GOPROXY", "off")
			e.Setenv("GOFLAGS", "-mod=mod")
			e.Setenv("GOTOOLCHAIN", "local")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each process ends a second late under -race
			if err := servePackages(e); err != nil {
				return err
			}
			setAWS(t, e)
			e.Values[ecsKey{}] = new(*ecstest.Server)
			return errors.Join(writeBases(host), writeOriginals(host), writeHostile(host))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"annotations": cmdAnnotations,
			"asked":       cmdAsked,
			"aws":         cmdAWS,
			"certificate": cmdCertificate,
			"config":      cmdConfig,
			"credentials": cmdCredentials,
			"ecs":         cmdECS,
			"empty":       cmdEmpty,
			"envsubst":    cmdEnvsubst,
			"exits":       cmdExits,
			"files":       cmdFiles,
			"readenv":     cmdReadEnv,
			"sameform":    cmdSameForm,
			"sbom":        cmdSBOM,
			"serve":       cmdServe,
			"slow":        cmdSlow,
			"times":       cmdTimes,
			"validate":    cmdValidate,
		},
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(string(must(exec.Command("go", "env", name).Output())))
}

// checkEmpty checks that no run of kohealth left a temporary file.
func checkEmpty(t *testing.T, dir string) {
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

// writeBases pushes the bases that scripts build on.
func writeBases(host string) error {
	oci := func(config v1.Config, platforms ...string) v1.ImageIndex {
		return testBase(types.OCIImageIndex, types.OCIManifestSchema1, config, platforms...)
	}
	base := oci(v1.Config{User: "65532", Env: []string{"PATH=/usr/bin"}}, "linux/amd64", "linux/arm64")
	docker := testBase(types.DockerManifestList, types.DockerManifestSchema2, v1.Config{User: "65532"}, "linux/amd64", "linux/arm64")
	for repo, base := range map[string]remote.Taggable{
		"base":          base,
		"docker":        docker,
		"single":        firstImage(base),
		"single-docker": firstImage(docker),
		"variants":      oci(v1.Config{}, "linux/arm/v6", "linux/arm/v7"),
		"shell": withFiles(oci(v1.Config{Env: []string{"PATH=/usr/bin:/bin"}}, "linux/amd64"), layers.File{Path: "/bin/sh", Mode: 0o755, Content: []byte("#!")},
			layers.File{Path: "/bin/busybox", Mode: 0o755}, layers.File{Path: "/bin/wget", Mode: 0o755}),
		"wolfi":   withFiles(oci(v1.Config{User: "65532", Env: []string{"PATH=/usr/bin"}}, "linux/amd64"), wolfiFiles()...),
		"taken":   withFiles(oci(v1.Config{}, "linux/amd64"), layers.File{Path: "/usr/bin/healthcheck", Mode: 0o755}),
		"windows": oci(v1.Config{}, "windows/amd64", "linux/amd64"),
		"checked": oci(v1.Config{Healthcheck: &v1.HealthConfig{Test: []string{"CMD-SHELL", "curl -f http://localhost/"}}}, "linux/amd64"),
	} {
		ref, err := name.ParseReference(host + "/" + repo)
		if err != nil {
			return err
		}
		if err := remote.Push(ref, base); err != nil {
			return err
		}
	}
	return nil
}

func firstImage(idx v1.ImageIndex) v1.Image {
	return must(idx.Image(must(idx.IndexManifest()).Manifests[0].Digest))
}

// testBase returns an index of one-layer images.
func testBase(index, manifest types.MediaType, config v1.Config, platforms ...string) v1.ImageIndex {
	idx := mutate.IndexMediaType(empty.Index, index)
	for _, spec := range platforms {
		p, _ := v1.ParsePlatform(spec)
		img := mutate.MediaType(empty.Image, manifest)
		layerType := types.OCILayer
		if manifest == types.DockerManifestSchema2 {
			img, layerType = mutate.ConfigMediaType(img, types.DockerConfigJSON), types.DockerLayer
		} else {
			img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
		}
		img = must(mutate.ConfigFile(img, &v1.ConfigFile{
			OS: p.OS, Architecture: p.Architecture, Config: config, RootFS: v1.RootFS{Type: "layers"},
		}))
		l := must(layers.Layer([]layers.File{{Path: "/etc", Mode: os.ModeDir | 0o755}, {Path: "/etc/passwd", Mode: 0o644}}, layerType))
		img = must(mutate.Append(img, mutate.Addendum{Layer: l, MediaType: layerType, History: v1.History{Author: "base", Comment: "etc"}}))
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
	}
	return idx
}

// withFiles returns the index with a layer more in its first image, and no other.
func withFiles(idx v1.ImageIndex, files ...layers.File) v1.ImageIndex {
	desc := must(idx.IndexManifest()).Manifests[0]
	img := must(mutate.Append(firstImage(idx), mutate.Addendum{
		Layer:     must(layers.Layer(files, types.OCILayer)),
		MediaType: types.OCILayer,
		History:   v1.History{Author: "base", Comment: "files"},
	}))
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: desc.Platform}})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pull returns the image that the first line of a file refers to, of the platform
// where one is given.
func pull(ts *testscript.TestScript, file string, platform ...string) v1.Image {
	line, _, _ := strings.Cut(ts.ReadFile(file), "\n")
	ref, err := name.ParseReference(line)
	ts.Check(err)
	desc, err := remote.Get(ref)
	ts.Check(err)
	if !desc.MediaType.IsIndex() {
		img, err := desc.Image()
		ts.Check(err)
		return img
	}
	idx, err := desc.ImageIndex()
	ts.Check(err)
	im, err := idx.IndexManifest()
	ts.Check(err)
	for _, d := range im.Manifests {
		if len(platform) > 0 && d.Platform.String() == platform[0] {
			img, err := idx.Image(d.Digest)
			ts.Check(err)
			return img
		}
	}
	ts.Fatalf("%s: no image for %v", line, platform)
	return nil
}

// cmdConfig writes what an image runs with, its history and its media types:
// config FILE [PLATFORM] > stdout.
func cmdConfig(ts *testscript.TestScript, _ bool, args []string) {
	img := pull(ts, args[0], args[1:]...)
	m, err := img.Manifest()
	ts.Check(err)
	raw, err := img.RawConfigFile()
	ts.Check(err)
	var file struct {
		Config  json.RawMessage `json:"config"`
		History []v1.History    `json:"history"`
	}
	ts.Check(json.Unmarshal(raw, &file))
	out := map[string]any{"config": file.Config, "manifest": m.MediaType}
	var history, media []string
	for _, h := range file.History {
		history = append(history, h.Author+": "+h.Comment)
	}
	for _, l := range m.Layers {
		media = append(media, string(l.MediaType))
	}
	out["history"], out["layers"] = history, media
	enc := json.NewEncoder(ts.Stdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	ts.Check(enc.Encode(out))
}

// cmdFiles lists the files of an image's layers that kohealth added, and their
// modes: files FILE [PLATFORM] > stdout.
func cmdFiles(ts *testscript.TestScript, _ bool, args []string) {
	img := pull(ts, args[0], args[1:]...)
	cf, err := img.ConfigFile()
	ts.Check(err)
	all, err := img.Layers()
	ts.Check(err)
	i := 0
	for _, h := range cf.History {
		if h.EmptyLayer {
			continue
		}
		if h.Author == health.Author {
			printTar(ts, all[i])
		}
		i++
	}
}

func printTar(ts *testscript.TestScript, l v1.Layer) {
	rc, err := l.Uncompressed()
	ts.Check(err)
	defer rc.Close()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %d:%d %s\n", h.FileInfo().Mode(), h.Uid, h.Gid, h.Name)
		if h.Linkname != "" {
			fmt.Fprintf(ts.Stdout(), "\t-> %s\n", h.Linkname)
		}
		if h.Name == "etc/healthcheck" || h.Name == "Files/healthcheck.args" || path.Base(h.Name) == "installed" {
			content, err := io.ReadAll(tr)
			ts.Check(err)
			fmt.Fprintf(ts.Stdout(), "%s", compressed.ReplaceAll(content, nil))
		}
	}
}

// compressed matches what a database says of compressed packages, which depends on the
// version of Go.
var compressed = regexp.MustCompile(`(?m)^[CS]:.*\n`)

// cmdValidate checks every digest, size and media type of what a reference names:
// validate FILE.
func cmdValidate(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	ref, err := name.ParseReference(line)
	ts.Check(err)
	desc, err := remote.Get(ref)
	ts.Check(err)
	if desc.MediaType.IsIndex() {
		idx, err := desc.ImageIndex()
		ts.Check(err)
		ts.Check(validate.Index(idx))
		return
	}
	img, err := desc.Image()
	ts.Check(err)
	ts.Check(validate.Image(img))
}

// cmdSBOM checks that an SBOM file describes the digest that was published, and that
// the registry holds the same: sbom REFFILE FILE [PLATFORM].
func cmdSBOM(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	ref, err := name.NewDigest(line)
	ts.Check(err)
	digest := must(v1.NewHash(ref.DigestStr()))
	if len(args) > 2 {
		digest, err = pull(ts, args[0], args[2]).Digest()
		ts.Check(err)
	}
	file := ts.ReadFile(args[1])
	var doc struct {
		Describes []string `json:"documentDescribes"`
		Packages  []struct {
			ID string `json:"SPDXID"`
		} `json:"packages"`
	}
	ts.Check(json.Unmarshal([]byte(file), &doc))
	want := "SPDXRef-Package-sha256-" + digest.Hex
	if len(doc.Describes) != 1 || doc.Describes[0] != want || doc.Packages[0].ID != want {
		ts.Fatalf("%s describes %v, package %s; want %s", args[1], doc.Describes, doc.Packages[0].ID, want)
	}
	img, err := remote.Image(ref.Context().Tag("sha256-" + digest.Hex + ".sbom"))
	ts.Check(err)
	attached, err := img.Layers()
	ts.Check(err)
	rc, err := attached[0].Uncompressed()
	ts.Check(err)
	defer rc.Close()
	if got := must(io.ReadAll(rc)); string(got) != file {
		ts.Fatalf("the registry's SBOM is not %s", args[1])
	}
}

// cmdEmpty checks that nothing was pushed to a repository or below it: empty NAME.
func cmdEmpty(ts *testscript.TestScript, _ bool, args []string) {
	reg, err := name.NewRegistry(ts.Getenv("REGISTRY"))
	ts.Check(err)
	repos, err := remote.Catalog(context.Background(), reg)
	ts.Check(err)
	for _, repo := range repos {
		if strings.HasPrefix(repo, args[0]) {
			ts.Fatalf("%s was pushed", repo)
		}
	}
}

// cmdEnvsubst copies a file with its variables filled in: envsubst FROM TO.
func cmdEnvsubst(ts *testscript.TestScript, _ bool, args []string) {
	filled := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(filled), 0o644))
}

// cmdExits runs a command and checks its exit code: exits CODE COMMAND [ARG]...
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// cmdReadEnv sets a variable to the first line of a file: readenv NAME FILE.
func cmdReadEnv(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Setenv(args[0], line)
}
