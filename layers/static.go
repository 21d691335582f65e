package layers

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// zoneinfo is the time zone database as Go's own distribution carries it, an archive that
// is not compressed, and is here. It is in the public domain:
// https://www.iana.org/time-zones
//
//go:generate sh -c "gzip -9n <$GOROOT/lib/time/zoneinfo.zip >static/zoneinfo.zip.gz"
//go:embed static/zoneinfo.zip.gz
var zoneinfo []byte

// nonroot is the user and the group that images run as, with the number that
// distroless and Chainguard's images gave it.
const nonroot = 65532

// caCertificates is the path of the CA certificates, the first that crypto/x509
// looks at on Linux.
const caCertificates = "/etc/ssl/certs/ca-certificates.crt"

// Platforms returns the Linux platforms that kohealth supports: all that both Go and
// common base images know.
func Platforms() []v1.Platform {
	return []v1.Platform{
		{OS: "linux", Architecture: "amd64"},
		{OS: "linux", Architecture: "arm64"},
		{OS: "linux", Architecture: "arm", Variant: "v6"},
		{OS: "linux", Architecture: "arm", Variant: "v7"},
		{OS: "linux", Architecture: "386"},
		{OS: "linux", Architecture: "ppc64le"},
		{OS: "linux", Architecture: "riscv64"},
		{OS: "linux", Architecture: "s390x"},
		{OS: "linux", Architecture: "loong64"},
	}
}

// Static returns the embedded base: an OCI index with one image for every one of
// [Platforms]. It holds what a static binary may look for: users, CA certificates,
// time zones and a place for temporary files. All its images share one layer.
//
// It has no labels and no annotations, because apps inherit them: an app is not
// kohealth's, though its base is.
func Static() (v1.ImageIndex, error) {
	files, err := staticFiles()
	if err != nil {
		return nil, fmt.Errorf("making embedded base: %w", err)
	}
	layer, err := Layer(files, types.OCILayer)
	if err != nil {
		return nil, fmt.Errorf("making embedded base: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range Platforms() {
		img, err := staticImage(layer, p)
		if err != nil {
			return nil, fmt.Errorf("making embedded base for %q: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &p},
		})
	}
	return index, nil
}

// staticImage returns the layer as an image, with the environment of Chainguard's
// static image, so that it can take that one's place.
func staticImage(layer v1.Layer, p v1.Platform) (v1.Image, error) {
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		OS:           p.OS,
		Architecture: p.Architecture,
		Variant:      p.Variant,
		Created:      epoch,
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: fmt.Sprint(nonroot),
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin",
				"SSL_CERT_FILE=" + caCertificates,
			},
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(img, mutate.Addendum{
		Layer: layer,
		History: v1.History{
			Author:    "kohealth-static",
			Created:   epoch,
			CreatedBy: StaticRef,
			Comment:   "users, CA certificates, time zones",
		},
	})
}

func staticFiles() ([]File, error) {
	certificates, err := certificateFiles()
	if err != nil {
		return nil, fmt.Errorf("reading CA certificates: %w", err)
	}
	zones, err := zoneFiles()
	if err != nil {
		return nil, fmt.Errorf("reading time zones: %w", err)
	}
	return slices.Concat(directories(), systemFiles(), certificates, zones), nil
}

// directories returns the tree that the other files stand in. Its links are those
// of Wolfi's baselayout: packages for it hold only paths below /usr, yet Docker
// starts shell checks with /bin/sh. /var/run is not there, because ko puts kodata
// below it, which a link to /run would let a tmpfs hide.
func directories() []File {
	var files []File
	for _, dir := range []string{
		"/etc", "/etc/ssl", "/etc/ssl/certs", "/home", "/run",
		"/usr", "/usr/bin", "/usr/lib", "/usr/share", "/var",
	} {
		files = append(files, File{Path: dir, Mode: fs.ModeDir | 0o755})
	}
	return append(files,
		File{Path: "/root", Mode: fs.ModeDir | 0o700},
		File{Path: "/home/nonroot", Mode: fs.ModeDir | 0o700, UID: nonroot, GID: nonroot},
		File{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		File{Path: "/var/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		symlink("/bin", "usr/bin"),
		symlink("/sbin", "usr/bin"),
		symlink("/usr/sbin", "bin"),
		symlink("/lib", "usr/lib"),
		symlink("/lib64", "usr/lib"),
	)
}

// systemFiles returns what the C library and scanners read. The ID in os-release is
// one of its own: scanners choose their feed by it, and there is no package here that
// any feed speaks of.
func systemFiles() []File {
	return []File{
		textFile("/etc/passwd",
			"root:x:0:0:root:/root:/sbin/nologin",
			"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin",
			"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin",
		),
		textFile("/etc/group",
			"root:x:0:",
			"nobody:x:65534:",
			"nonroot:x:65532:",
		),
		textFile("/etc/nsswitch.conf", "hosts: files dns"),
		textFile("/etc/os-release",
			`ID=kohealth-static`,
			`NAME="kohealth static"`,
			`PRETTY_NAME="kohealth static base"`,
			`HOME_URL="https://github.com/ko-health/kohealth"`,
		),
	}
}

// certificateFiles returns Mozilla's root certificates, as Go carries them. Roots
// that Mozilla trusts only with a restriction are left out: a PEM file cannot say it.
func certificateFiles() ([]File, error) {
	var buf bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&buf, "# %s\n", cert.Subject)
		if err := pem.Encode(&buf, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}); err != nil {
			return nil, err
		}
	}
	return []File{
		{Path: caCertificates, Mode: 0o644, Content: buf.Bytes()},
		symlink("/etc/ssl/cert.pem", "certs/ca-certificates.crt"),
	}, nil
}

// zoneFiles unpacks the time zones: everything but Go reads only unpacked ones.
func zoneFiles() ([]File, error) {
	const root = "/usr/share/zoneinfo"
	unzipped, err := gzip.NewReader(bytes.NewReader(zoneinfo))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	dirs := map[string]bool{root: true}
	var files []File
	for _, entry := range archive.File {
		content, err := fs.ReadFile(archive, entry.Name)
		if err != nil {
			return nil, err
		}
		file := File{Path: path.Join(root, entry.Name), Mode: 0o644, Content: content}
		for dir := path.Dir(file.Path); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
		files = append(files, file)
	}
	for dir := range dirs {
		files = append(files, File{Path: dir, Mode: fs.ModeDir | 0o755})
	}
	return files, nil
}

func textFile(path string, lines ...string) File {
	return File{Path: path, Mode: 0o644, Content: []byte(strings.Join(lines, "\n") + "\n")}
}

func symlink(path, target string) File {
	return File{Path: path, Mode: fs.ModeSymlink | 0o777, Linkname: target}
}
