package equip

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

var amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}

// A compiler is in the place of the one that runs Go's toolchain.
type compiler struct{ err error }

func (c compiler) Probe(_ context.Context, p v1.Platform, v layers.Variant) ([]byte, error) {
	return fmt.Appendf(nil, "probe %s for %s", v, p), c.err
}

func (c compiler) Layer(files []layers.File, mt types.MediaType) (v1.Layer, error) {
	return layers.Layer(files, mt)
}

// A rig has tools, and what they have said.
type rig struct {
	*Tools
	said []string
}

func newRig() *rig {
	r := &rig{}
	r.Tools = &Tools{Compiler: compiler{}, Packages: &apk.Client{}, Say: func(format string, args ...any) {
		r.said = append(r.said, fmt.Sprintf(format, args...))
	}}
	return r
}

// image returns an image of one layer with these files.
func image(t *testing.T, files ...layers.File) v1.Image {
	t.Helper()
	return imageFor(t, amd64, files...)
}

func imageFor(t *testing.T, p v1.Platform, files ...layers.File) v1.Image {
	t.Helper()
	l, err := layers.Layer(append(files, layers.File{Path: "/etc/passwd", Mode: 0o644}), types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := partial.Descriptor(l)
	if err != nil {
		t.Fatal(err)
	}
	diffID, err := l.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"os": p.OS, "architecture": p.Architecture, "variant": p.Variant, "rootfs": v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := oci.New(&v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON}, Layers: []v1.Descriptor{*desc},
	}, raw, []v1.Layer{l})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func read(t *testing.T, img v1.Image) *oci.Image {
	t.Helper()
	i, err := oci.Read(img)
	if err != nil {
		t.Fatal(err)
	}
	i.SplitAtTop()
	return i
}

func check(t *testing.T, keys ...string) health.Check {
	t.Helper()
	var s health.Settings
	for i := 0; i < len(keys); i += 2 {
		if err := s.Set(keys[i], keys[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Check()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contents returns the files on top of the image's first layer, a line each, and the marks.
func contents(t *testing.T, i *oci.Image) (files map[string]string, marks []string) {
	t.Helper()
	out, fsys := assemble(t, i)
	cf, err := out.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range cf.History {
		if oci.IsMark(h) {
			marks = append(marks, h.Comment)
		}
	}
	files = map[string]string{}
	for _, name := range []string{health.ProbePath, health.ArgsPath, "/usr/bin/curl", "/usr/bin/wget", "/bin/sh", "/opt/check"} {
		if e, err := fsys.Lookup(name); err == nil {
			text, err := fsys.ReadFile(name, limits.Program)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = fmt.Sprintf("%o %s", e.Mode, text)
		}
	}
	return files, marks
}

const probeFile = "555 probe plain for linux/amd64"

// TestEquip checks what an image gets for each kind of check, and what becomes of the check.
func TestEquip(t *testing.T) {
	own := layers.File{Path: health.ProbePath, Mode: 0o755, Content: []byte("own")}
	for name, tt := range map[string]struct {
		base  []layers.File
		check []string
		test  []string // that is to stand in the image
		files map[string]string
	}{
		"target": {nil, []string{"test", "tcp://:80"}, []string{"CMD", health.ProbePath, "-timeout=2.7s", "tcp://:80"},
			map[string]string{health.ProbePath: probeFile, health.ArgsPath: "444 -timeout=2.7s\ntcp://:80\n"}},
		"target with TLS": {nil, []string{"test", "https://:80"}, []string{"CMD", health.ProbePath, "-timeout=2.7s", "https://:80"},
			map[string]string{health.ProbePath: "555 probe tls for linux/amd64", health.ArgsPath: "444 -timeout=2.7s\nhttps://:80\n"}},
		"the probe as a program": {nil, []string{"test", `["CMD","healthcheck","tcp://:80"]`}, []string{"CMD", health.ProbePath, "-timeout=2.7s", "tcp://:80"},
			map[string]string{health.ProbePath: probeFile, health.ArgsPath: "444 -timeout=2.7s\ntcp://:80\n"}},
		"the probe in a shell": {nil, []string{"test", "healthcheck tcp://:80"}, []string{"CMD-SHELL", "healthcheck tcp://:80"},
			map[string]string{health.ProbePath: probeFile}},
		"another program": {nil, []string{"test", `["CMD","/bin/x"]`}, []string{"CMD", "/bin/x"}, map[string]string{}},
		"none":            {nil, []string{"test", `["NONE"]`}, []string{"NONE"}, map[string]string{}},
		"none, though packages": {nil, []string{"test", `["NONE"]`, "packages", "curl", "offline", "true", "repositories", "/nowhere"},
			[]string{"NONE"}, map[string]string{}},
		"the base's own program": {[]layers.File{own}, []string{"test", `["CMD","` + health.ProbePath + `","x"]`},
			[]string{"CMD", health.ProbePath, "x"}, map[string]string{health.ProbePath: "755 own"}},
		"busybox of the base": {[]layers.File{{Path: "/bin/busybox", Mode: 0o755}}, []string{"test", `["CMD","curl","-f","http://:80/"]`, "tool", "busybox"},
			[]string{"CMD", "curl", "-f", "http://:80/"}, map[string]string{
				health.ProbePath: probeFile, "/bin/sh": "755 ", "/usr/bin/curl": probeFile, "/usr/bin/wget": probeFile}},
		"busybox below /usr": {[]layers.File{{Path: "/usr/bin/busybox", Mode: 0o755}}, []string{"test", "true", "tool", "busybox"},
			[]string{"CMD-SHELL", "true"}, map[string]string{
				health.ProbePath: probeFile, "/bin/sh": "755 ", "/usr/bin/curl": probeFile, "/usr/bin/wget": probeFile}},
		"busybox beside another shell": {[]layers.File{{Path: "/bin/busybox", Mode: 0o755}, {Path: "/bin/sh", Mode: 0o755, Content: []byte("dash")}},
			[]string{"test", "true", "tool", "busybox"}, []string{"CMD-SHELL", "true"}, map[string]string{
				health.ProbePath: probeFile, "/bin/sh": "755 dash", "/usr/bin/curl": probeFile, "/usr/bin/wget": probeFile}},
	} {
		t.Run(name, func(t *testing.T) {
			img := read(t, image(t, tt.base...))
			got, err := newRig().Equip(t.Context(), img, amd64, check(t, tt.check...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.test, got.Check.Config().Test); diff != "" {
				t.Errorf("test (-want +got):\n%s", diff)
			}
			files, _ := contents(t, img)
			if diff := cmp.Diff(tt.files, files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if has := strings.HasPrefix(files[health.ProbePath], "555"); has != (got.Probe != nil) {
				t.Errorf("the probe is there: %v, and said to be: %v", has, got.Probe != nil)
			}
		})
	}
}

// TestEquipAgain equips an image twice: what the first check needed is gone, and a call of
// the probe without arguments goes on with those that are there.
func TestEquipAgain(t *testing.T) {
	first := func(keys ...string) *oci.Image {
		img := read(t, image(t))
		if _, err := newRig().Equip(t.Context(), img, amd64, check(t, keys...)); err != nil {
			t.Fatal(err)
		}
		return img
	}
	img := first("test", "tcp://:80")
	if _, err := newRig().Equip(t.Context(), img, amd64, check(t, "test", `["CMD","/bin/x"]`)); err != nil {
		t.Fatal(err)
	}
	if files, marks := contents(t, img); len(files)+len(marks) > 0 {
		t.Errorf("left of the first: %q, %q", files, marks)
	}
	img = first("test", "tcp://:80")
	got, err := newRig().Equip(t.Context(), img, amd64, check(t, "test", `["CMD","healthcheck"]`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CMD", health.ProbePath, "-timeout=2.7s", "tcp://:80"}, got.Check.Config().Test); diff != "" {
		t.Errorf("test of the short form (-want +got):\n%s", diff)
	}
	if _, marks := contents(t, img); len(marks) != 2 {
		t.Errorf("marks are %q, want the probe's and its arguments'", marks)
	}
	for name, files := range map[string][]layers.File{"no arguments": nil, "empty arguments": {{Path: health.ArgsPath, Mode: 0o444}}} {
		_, err := newRig().Equip(t.Context(), read(t, image(t, files...)), amd64, check(t, "test", `["CMD","healthcheck"]`))
		if err == nil || !strings.Contains(err.Error(), "no arguments") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEquipRefuses takes images with something in the way.
func TestEquipRefuses(t *testing.T) {
	link := func(path, target string) layers.File {
		return layers.File{Path: path, Mode: fs.ModeSymlink | 0o777, Linkname: target}
	}
	for name, tt := range map[string]struct {
		base []layers.File
		keys []string
		want string
	}{
		"a file in the place of a directory": {[]layers.File{{Path: "/usr", Mode: 0o644}}, nil, `"/usr" is not a directory`},
		"a file where links lead":            {[]layers.File{link("/usr/bin", "/opt"), {Path: "/opt/healthcheck", Mode: 0o644}}, nil, "and there is a file"},
		"a file of its own":                  {[]layers.File{{Path: health.ArgsPath, Mode: 0o644}}, nil, "a file of its own there"},
		"links to ko's":                      {[]layers.File{link("/usr/bin", "/ko-app")}, nil, "which ko fills"},
		"links without end":                  {[]layers.File{link("/usr", "/usr")}, nil, "adding"},
		"an unknown architecture":            {nil, []string{"packages", "curl"}, "Wolfi has none"},
	} {
		p := amd64
		if tt.keys != nil {
			p.Architecture = "s390x"
		}
		_, err := newRig().Equip(t.Context(), read(t, image(t, tt.base...)), p, check(t, append(tt.keys, "test", "tcp://:80")...))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	r, failed := newRig(), errors.New("no Go")
	r.Compiler = compiler{failed}
	if _, err := r.Equip(t.Context(), read(t, image(t)), amd64, check(t, "test", "tcp://:80")); !errors.Is(err, failed) {
		t.Errorf("error %v, want the compiler's", err)
	}
}

// repository writes a repository of BusyBox for a file, and returns its settings.
func repository(t *testing.T) []string {
	t.Helper()
	dir, key := t.TempDir(), apktest.NewKey("key.rsa.pub")
	if err := apktest.New(key, apktest.BusyboxStatic([]byte("busybox")).Build(nil)).Write(dir); err != nil {
		t.Fatal(err)
	}
	return []string{"repositories", dir, "keys", filepath.Join(dir, key.Name)}
}

// TestEquipPackages checks the layer of packages, and what is said of it.
func TestEquipPackages(t *testing.T) {
	r, img := newRig(), read(t, image(t))
	got, err := r.Equip(t.Context(), img, amd64, check(t, append(repository(t), "test", "true", "tool", "busybox")...))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.List) != 1 || got.List[0].Name != "busybox-static" || got.Packages == nil {
		t.Errorf("packages are %v in %v", got.List, got.Packages)
	}
	files, marks := contents(t, img)
	want := map[string]string{health.ProbePath: probeFile, "/bin/sh": "755 busybox", "/usr/bin/curl": probeFile, "/usr/bin/wget": probeFile}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"packages busybox-static=1.38.0-r1", "health check probe, at " + health.ProbePath}, marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if len(r.said) != 1 || !strings.Contains(r.said[0], "packages busybox-static") {
		t.Errorf("said %q", r.said)
	}
}

func TestCheckPackages(t *testing.T) {
	s390x := []v1.Platform{{OS: "linux", Architecture: "s390x"}}
	windows := []v1.Platform{{OS: "windows", Architecture: "amd64"}}
	for name, tt := range map[string]struct {
		keys      []string
		platforms []v1.Platform
		ok        bool
	}{
		"none":             {nil, s390x, true},
		"disabled":         {[]string{"packages", "curl", "disable", "true"}, s390x, true},
		"there":            {append(repository(t), "packages", "curl"), []v1.Platform{amd64}, true},
		"no packages":      {append(repository(t), "packages", "curl"), s390x, false},
		"other system":     {append(repository(t), "packages", "curl"), windows, false},
		"busybox of image": {append(repository(t), "tool", "busybox"), s390x, true},
		"no key":           {[]string{"packages", "curl", "keys", "/nowhere"}, nil, false},
	} {
		if err := newRig().CheckPackages(check(t, tt.keys...), tt.platforms); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// binaryFor returns a static ELF file or, with a loader, a dynamic one.
func binaryFor(t *testing.T, machine elf.Machine, loader string) []byte {
	t.Helper()
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	p := elf.Prog64{Type: uint32(elf.PT_LOAD)}
	if loader != "" {
		p = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120, Filesz: uint64(len(loader))}
	}
	var b bytes.Buffer
	for _, part := range []any{h, p, []byte(loader)} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestEquipProgram adds programs of another image.
func TestEquipProgram(t *testing.T) {
	loader := layers.File{Path: "/lib/ld.so", Mode: 0o755}
	for name, tt := range map[string]struct {
		program layers.File
		base    []layers.File
		want    string // of the error
		says    string
	}{
		"static":                {layers.File{Content: binaryFor(t, elf.EM_X86_64, "")}, nil, "", ""},
		"of the older machine":  {layers.File{Content: binaryFor(t, elf.EM_386, "")}, nil, "", ""},
		"of another machine":    {layers.File{Content: binaryFor(t, elf.EM_AARCH64, "")}, nil, "the program is for arm64, the image for linux/amd64", ""},
		"of no machine of Go":   {layers.File{Content: binaryFor(t, elf.EM_AVR, "")}, nil, "the program is for EM_AVR", ""},
		"dynamic":               {layers.File{Content: binaryFor(t, elf.EM_X86_64, loader.Path)}, []layers.File{loader}, "", "is linked dynamically: it runs only if the image has its libraries"},
		"without its loader":    {layers.File{Content: binaryFor(t, elf.EM_X86_64, loader.Path)}, nil, `its loader "/lib/ld.so" is not in the image`, ""},
		"script":                {layers.File{Content: []byte("#!/lib/ld.so -x\n")}, []layers.File{loader}, "", ""},
		"script of nothing":     {layers.File{Content: []byte("#!/bin/x -x\n")}, nil, `interpreter "/bin/x" is not in the image`, ""},
		"script of a directory": {layers.File{Content: []byte("#!/etc\n")}, nil, `interpreter "/etc" is not in the image`, ""},
		"text":                  {layers.File{Content: []byte("text")}, nil, "neither ELF nor a script", ""},
		"not executable":        {layers.File{Mode: 0o644}, nil, "not executable", ""},
		"directory":             {layers.File{Mode: fs.ModeDir | 0o755}, nil, "not a regular file", ""},
		"in the way":            {layers.File{}, []layers.File{{Path: "/opt/check", Mode: 0o644}}, "a file of its own there", ""},
		"a link":                {layers.File{Mode: fs.ModeSymlink | 0o777, Linkname: "/nowhere"}, nil, "there is no such file", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.program.Path = "/opt/check"
			if tt.program.Mode == 0 {
				tt.program.Mode = 0o755
			}
			file := filepath.Join(t.TempDir(), "programs.tar")
			if err := tarball.WriteToFile(file, programsTag(t), image(t, tt.program)); err != nil {
				t.Fatal(err)
			}
			r, img := newRig(), read(t, image(t, tt.base...))
			r.Program = &Program{Image: file, Path: "/opt/check"}
			got, err := r.Equip(t.Context(), img, amd64, check(t, "test", `["CMD","/opt/check"]`))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			files, marks := contents(t, img)
			if diff := cmp.Diff(map[string]string{"/opt/check": "555 " + string(tt.program.Content)}, files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if len(marks) != 1 || !strings.HasPrefix(marks[0], oci.ProgramMark+" of sha256:") || !strings.HasSuffix(marks[0], ", at /opt/check") {
				t.Errorf("marks are %q", marks)
			}
			if said := strings.Join(r.said, "\n"); !strings.Contains(said, tt.says) || (said == "") != (tt.says == "") {
				t.Errorf("said %q, want %q", said, tt.says)
			}
			if got.Probe != nil {
				t.Error("the probe is there, too")
			}
		})
	}
}

func programsTag(t *testing.T) name.Tag {
	t.Helper()
	tag, err := name.NewTag("example.com/programs:v1")
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func TestRunBy(t *testing.T) {
	p := &Program{Image: "x", Path: "/opt/check"}
	for test, ok := range map[string]bool{
		`["CMD","/opt/check"]`: true, `["CMD","check","-x"]`: true, "check -x || exit 1": true,
		"tcp://:80": false, `["CMD","/bin/check"]`: false, "true": false, `["NONE"]`: false,
	} {
		if err := p.RunBy(check(t, "test", test)); (err == nil) != ok {
			t.Errorf("%s: %v", test, err)
		}
	}
	if err := p.RunBy(check(t, "test", `["CMD","/opt/check"]`, "tool", "busybox")); err == nil {
		t.Error("the probe's place is to be taken twice")
	}
}
