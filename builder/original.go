package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
)

// An original is an image that ko did not build. The health layers lie upon all of
// its own.
type original struct {
	BaseOptions
	name   string  // that annotations give it; "" if it has none, as in a file
	digest v1.Hash // of what the name stands for
	again  bool    // Base has been here before; annotations go on naming what it found
}

// BaseOptions say what [Base] adds and with what.
type BaseOptions struct {
	Options                // Check is asked for the import path ""
	Open    images.Options // how images are opened; without a platform
	Program *Program       // checks in the place of the probe; nil means the probe does
	SBOM    string         // the beginning of the names of SBOM files; "" means no SBOM
}

// Base gives a health check to images that ko did not build: as a base for ko or a
// Dockerfile, or because they are somebody else's. What Base made before is replaced,
// and is the same again, bit for bit, if neither check nor probe is another.
func Base(ctx context.Context, set *images.Set, bo BaseOptions) (build.Result, error) {
	check, err := bo.Check("")
	if err != nil {
		return nil, err
	}
	if check.Disabled {
		return nil, hint.With(errors.New("adding health check: it is disabled"),
			`leave --no-healthcheck and disable out; --health='["NONE"]' switches off the image's own check`)
	}
	if err := bo.Program.judge(check); err != nil {
		return nil, err
	}
	bo.Options = bo.filled()
	r := &rewriter{Options: bo.Options, check: check, documents: map[string][]byte{}}
	r.original = &original{BaseOptions: bo, digest: set.Digest}
	for _, w := range check.Warnings() {
		r.say("warning: %s", w)
	}
	if set.Reference != "" {
		ref, err := name.ParseReference(set.Reference, bo.Open.Name...)
		if err != nil {
			return nil, err
		}
		r.original.name = ref.Name()
	}
	for _, desc := range set.Others {
		r.say("health: left out, as it is about the original image: %s", nameOther(desc))
	}
	return r.rewriteOriginal(ctx, set)
}

func (r *rewriter) rewriteOriginal(ctx context.Context, set *images.Set) (out build.Result, err error) {
	if set.Index != nil {
		out, err = r.index(ctx, signed.ImageIndex(set.Index))
	} else {
		out, err = r.image(ctx, signed.Image(set.Image), nil)
	}
	if err != nil {
		return nil, fmt.Errorf("adding health check: %w", err)
	}
	if r.SBOMDir != "" {
		if err := os.MkdirAll(r.SBOMDir, 0o755); err != nil {
			return nil, fmt.Errorf("writing SBOM: %w", err)
		}
	}
	if err := r.writeSBOMs(); err != nil {
		return nil, err
	}
	r.report()
	return out, nil
}

// nameOther names an entry of an index that is no image.
func nameOther(desc v1.Descriptor) string {
	what := desc.Annotations["vnd.docker.reference.type"] // BuildKit's
	if what == "" {
		what = string(desc.MediaType)
	}
	line := what + " " + desc.Digest.String()
	if of := desc.Annotations["vnd.docker.reference.digest"]; of != "" {
		line += " of " + of
	}
	return line
}

// newStack takes apart an image. All of an original is base.
func (r *rewriter) newStack(img v1.Image) (*stack, error) {
	if r.original == nil {
		return newStack(img)
	}
	s, err := readStack(img)
	if err != nil {
		return nil, err
	}
	// A history that says nothing of some layers gets entries for them: without,
	// nobody could say which layers ours are.
	if missing := len(s.layers) - countLayers(s.history); missing > 0 {
		s.history = slices.Concat(make([]v1.History, missing), s.history)
	}
	s.command = baseCommand
	s.koLayer, s.koEntry = len(s.layers), len(s.history)
	return s, nil
}

// baseCommand stands in the history of images that Base made, in the last entry even if
// no layer was added.
const baseCommand = "kohealth base"

func (s *stack) madeByBase() bool {
	n := len(s.history)
	return n > 0 && isOurs(s.history[n-1]) && s.history[n-1].CreatedBy == baseCommand
}

// addToOriginal is addHealth for an image that ko did not build.
func (r *rewriter) addToOriginal(ctx context.Context, img v1.Image, d *draft) (err error) {
	if d.manifest.MediaType, err = img.MediaType(); err != nil { // manifests of OCI need not say it
		return err
	}
	if err := r.annotate(img, d); err != nil {
		return err
	}
	old, err := d.config.healthcheck()
	if err != nil {
		return err
	}
	if old != nil && d.hasOurs() && !r.check.Chosen && r.original.Program == nil {
		r.say("health: nothing is configured, so the image's check stays: %s", old)
		return r.renew(ctx, d, old)
	}
	if err := findsApp(r.check, d.config); err != nil {
		return err
	}
	if err := r.addChecker(ctx, d); err != nil {
		return err
	}
	if now, err := json.Marshal(d.check.Config()); old != nil && err == nil && !bytes.Equal(old, now) {
		r.say("health: the image's own HEALTHCHECK is replaced: %s", old)
	}
	return r.note(d.added.probe)
}

// renew keeps a check and brings the probe up to date, if that is all that checks. What
// else was added, packages or a program, came from where nobody asked to look again.
func (r *rewriter) renew(ctx context.Context, d *draft, old json.RawMessage) (err error) {
	var said health.Config
	if err := json.Unmarshal(old, &said); err != nil {
		return fmt.Errorf("parsing the image's check: %w", err)
	}
	if d.check, err = said.Check(); err != nil {
		return err
	}
	if d.check.Test.UsesProbe() && !d.hasMoreThanProbe() {
		return r.addChecker(ctx, d)
	}
	if !d.madeByBase() {
		d.note(markOfBase())
	}
	d.added.kept = true
	return nil
}

// markOfBase is the last entry in the history of what Base made.
func markOfBase() v1.History { return v1.History{Comment: "health check", EmptyLayer: true} }

// hasMoreThanProbe tells whether other layers of kohealth's are there than those of the
// probe.
func (s *stack) hasMoreThanProbe() bool {
	return slices.ContainsFunc(s.history[:s.koEntry], func(h v1.History) bool {
		return isOurs(h) && !h.EmptyLayer && !strings.HasPrefix(h.Comment, probeComment) && !strings.HasPrefix(h.Comment, argsComment)
	})
}

// addChecker adds a check, what it needs, and the entry that says that Base was here.
func (r *rewriter) addChecker(ctx context.Context, d *draft) error {
	add := r.addLayers
	if r.original.Program != nil {
		add = r.addProgram
	}
	if err := add(ctx, d); err != nil {
		return err
	}
	d.note(markOfBase())
	return d.config.setHealthcheck(d.check.Config())
}

// findsApp refuses an auto that nobody asked for where it can find no app: it looks in
// the directory where ko puts apps, and the image starts one from elsewhere. What
// starts nothing but a shell is a base for something else.
func findsApp(check health.Check, config rawConfig) error {
	if check.TestChosen {
		return nil
	}
	inner, err := config.inner()
	if err != nil {
		return err
	}
	var argv []string
	for _, key := range []string{"Entrypoint", "Cmd"} {
		var list []string
		if raw, ok := inner[key]; ok {
			if err := json.Unmarshal(raw, &list); err != nil {
				return fmt.Errorf("parsing image config's %q: %w", key, err)
			}
		}
		argv = append(argv, list...)
	}
	inKoApp := func(arg string) bool { return strings.HasPrefix(arg, "/ko-app/") }
	if len(argv) == 0 || onlyShell(argv) || slices.ContainsFunc(argv, inKoApp) {
		return nil
	}
	return hint.With(fmt.Errorf("the image starts %q, which the default check, auto, does not find: it looks for what runs from /ko-app/, where ko puts apps", argv[0]),
		"say what to check, such as --health=http://:8080/healthz, or --health=auto if ko will build on the image")
}

// onlyShell tells a shell that waits for input from one that runs something.
func onlyShell(argv []string) bool {
	shells := []string{"sh", "bash", "ash", "dash", "zsh", "busybox"}
	return slices.Contains(shells, path.Base(argv[0])) && !slices.ContainsFunc(argv[1:], func(arg string) bool {
		return arg == "-c" || !strings.HasPrefix(arg, "-") && !slices.Contains(shells, path.Base(arg))
	})
}

// annotate names the original in an image's manifest. What Base has made before goes on
// naming what it was made from.
func (r *rewriter) annotate(img v1.Image, d *draft) error {
	if d.madeByBase() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.original.again = true
		return nil
	}
	digest, err := img.Digest()
	d.manifest.Annotations = r.original.annotations(d.manifest.Annotations, digest)
	return err
}

// indexAnnotations returns those of the index that is made from im.
func (r *rewriter) indexAnnotations(im *v1.IndexManifest) map[string]string {
	if r.original == nil || r.original.again {
		return im.Annotations
	}
	return r.original.annotations(im.Annotations, r.original.digest)
}

// entryAnnotations returns those of an image's entry in an index. Where they name a base,
// as those of Docker's official images do, it is the one that the image itself names.
func (r *rewriter) entryAnnotations(said map[string]string, img v1.Image) (map[string]string, error) {
	if r.original == nil || said[specs.AnnotationBaseImageDigest] == "" {
		return said, nil
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	said = maps.Clone(said)
	for _, key := range []string{specs.AnnotationBaseImageName, specs.AnnotationBaseImageDigest} {
		if value, ok := m.Annotations[key]; ok {
			said[key] = value
		}
	}
	return said, nil
}

func (o *original) annotations(said map[string]string, digest v1.Hash) map[string]string {
	if o.name == "" {
		return said
	}
	said = maps.Clone(said)
	if said == nil {
		said = map[string]string{}
	}
	said[specs.AnnotationBaseImageName], said[specs.AnnotationBaseImageDigest] = o.name, digest.String()
	return said
}
