package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/oci"
)

// foreign is an image or an index that ko did not build: the health layers lie upon all of
// its own.
type foreign struct {
	*task
	name   string      // that annotations give it; "" if it has none, as in a file
	digest v1.Hash     // of what the name stands for
	again  atomic.Bool // Base has been here before; annotations go on naming what it found
	sbom   string      // the beginning of the names of SBOM files; "" means no SBOM
}

var _ subject = (*foreign)(nil)

// newForeign also says what of a set is left out.
func newForeign(t *task, set *images.Set, sbom string) (*foreign, error) {
	f := &foreign{task: t, digest: set.Digest, sbom: sbom}
	if set.Reference != "" {
		ref, err := name.ParseReference(set.Reference, t.tools.Images.Name...)
		if err != nil {
			return nil, err
		}
		f.name = ref.Name()
	}
	for _, desc := range set.Others {
		t.say("health: left out, as it is about the original image: %s", nameOther(desc))
	}
	return f, nil
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

func (f *foreign) split(img *oci.Image) error {
	img.SplitAtTop()
	return nil
}

// equip keeps the image's check if nothing is configured and that is kohealth's.
func (f *foreign) equip(ctx context.Context, d *draft) error {
	if err := f.annotate(d); err != nil {
		return err
	}
	old, err := d.Config.Healthcheck()
	if err != nil {
		return err
	}
	if old != nil && d.HasMarks() && !f.check.Chosen && f.tools.Program == nil {
		f.say("health: nothing is configured, so the image's check stays: %s", old)
		return f.renew(ctx, d, old)
	}
	if err := findsApp(d.check, d.Config); err != nil {
		return err
	}
	if err := f.add(ctx, d); err != nil {
		return err
	}
	if now, err := json.Marshal(d.check.ConfigOn(d.platform.OS)); old != nil && err == nil && !bytes.Equal(old, now) {
		f.say("health: the image's own HEALTHCHECK is replaced: %s", old)
	}
	return f.note(d.added)
}

// add adds a check, what it needs, and the mark that says that Base was here.
func (f *foreign) add(ctx context.Context, d *draft) error {
	if err := f.task.equip(ctx, d); err != nil {
		return err
	}
	d.MarkBase()
	return nil
}

// renew keeps a check and brings the probe up to date, if that is all that checks. What
// else was added, packages or a program, came from where nobody asked to look again.
func (f *foreign) renew(ctx context.Context, d *draft, old json.RawMessage) (err error) {
	var said health.Config
	if err := json.Unmarshal(old, &said); err != nil {
		return fmt.Errorf("parsing the image's check: %w", err)
	}
	if d.check, err = said.Check(); err != nil {
		return err
	}
	if d.check.Test.UsesProbe() && !d.HasMoreThanProbe() {
		return f.add(ctx, d)
	}
	if !d.MadeByBase() {
		d.MarkBase()
	}
	d.kept = true
	return nil
}

// findsApp refuses an auto that nobody asked for where it can find no app: it looks in
// the directory where ko puts apps, and the image starts one from elsewhere. What
// starts nothing but a shell is a base for something else.
func findsApp(check health.Check, config oci.Config) error {
	if check.TestChosen {
		return nil
	}
	argv, err := config.Command()
	if err != nil {
		return err
	}
	inKoApp := func(arg string) bool {
		return strings.HasPrefix(arg, "/ko-app/") || strings.HasPrefix(arg, `C:\ko-app\`)
	}
	if len(argv) == 0 || onlyShell(argv) || slices.ContainsFunc(argv, inKoApp) {
		return nil
	}
	return hint.With(fmt.Errorf("the image starts %q, which the default check, auto, does not find: it looks for what runs from /ko-app/, where ko puts apps", argv[0]),
		"say what to check, such as --health=http://:8080/healthz, or --health=auto if ko will build on the image")
}

// onlyShell reports whether a command is a shell that waits for input, and runs nothing.
func onlyShell(argv []string) bool {
	isShell := func(arg string) bool {
		name := strings.TrimSuffix(strings.ToLower(path.Base(strings.ReplaceAll(arg, `\`, "/"))), ".exe")
		return slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh", "busybox", "cmd", "powershell", "pwsh"}, name)
	}
	return isShell(argv[0]) && !slices.ContainsFunc(argv[1:], func(arg string) bool {
		return arg == "-c" || !strings.HasPrefix(arg, "-") && !isShell(arg)
	})
}

// annotate names the original in an image's manifest. What Base has made before goes on
// naming what it was made from.
func (f *foreign) annotate(d *draft) error {
	if d.MadeByBase() {
		f.again.Store(true)
		return nil
	}
	digest, err := d.old.Digest()
	d.Manifest.Annotations = f.annotations(d.Manifest.Annotations, digest)
	return err
}

func (f *foreign) indexAnnotations(old *v1.IndexManifest) map[string]string {
	if f.again.Load() {
		return old.Annotations
	}
	return f.annotations(old.Annotations, f.digest)
}

// entryAnnotations returns those of an image's entry in an index. Where they name a base,
// as those of Docker's official images do, it is the one that the image itself names.
func (f *foreign) entryAnnotations(had map[string]string, img v1.Image) (map[string]string, error) {
	if had[specs.AnnotationBaseImageDigest] == "" {
		return had, nil
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	out := maps.Clone(had)
	for _, key := range []string{specs.AnnotationBaseImageName, specs.AnnotationBaseImageDigest} {
		if value, ok := m.Annotations[key]; ok {
			out[key] = value
		}
	}
	return out, nil
}

// annotations returns had with those that name the original.
func (f *foreign) annotations(had map[string]string, digest v1.Hash) map[string]string {
	if f.name == "" {
		return had
	}
	out := maps.Clone(had)
	if out == nil {
		out = map[string]string{}
	}
	out[specs.AnnotationBaseImageName], out[specs.AnnotationBaseImageDigest] = f.name, digest.String()
	return out
}

func (f *foreign) describe(out cosign.SignedImage, d *draft) (cosign.SignedImage, error) {
	if f.sbom == "" || d.kept {
		return out, nil
	}
	return f.sboms.DescribeImage(out, f.sbom, d.platform, d.added)
}

func (f *foreign) describeIndex(out, _ cosign.SignedImageIndex) (cosign.SignedImageIndex, error) {
	if f.sbom == "" {
		return out, nil
	}
	return f.sboms.DescribeIndex(out, f.sbom)
}
