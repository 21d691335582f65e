// Package apktest makes signed repositories of packages in Alpine's format, for tests.
// Whatever a real tool would refuse to make, it makes.
package apktest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Package is what a package is made of.
type Package struct {
	Name, Version      string
	Arch               string // x86_64 if empty
	License            string // MIT if empty
	Origin             string // Name if empty
	Depends, Provides  []string
	Replaces           []string
	InstallIf          []string
	Priority           int
	Scripts            map[string]string // what else the control part holds, by name: .post-install
	Files              []tar.Header
	Contents           map[string][]byte // of the files, by name
	Signature          []byte            // a part before the control part
	ControlInfo        string            // more lines of .PKGINFO
	control, data, raw []byte
}

// File, Dir and Link make entries of packages.
func File(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode}
}

func Dir(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}
}

func Link(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}
}

// TarGz returns files as one gzip member. The parts of a package make up one archive,
// so only the last part is closed.
func TarGz(files []tar.Header, contents map[string][]byte, closed bool) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, h := range files {
		h.Uname, h.Gname, h.ModTime, h.Format = "root", "root", time.Unix(1700000000, 0), tar.FormatPAX
		body := contents[h.Name]
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		check(tw.WriteHeader(&h))
		must(tw.Write(body[:h.Size]))
	}
	if closed {
		check(tw.Close())
	} else {
		check(tw.Flush())
	}
	check(zw.Close())
	return b.Bytes()
}

// Build makes the package's parts. Data, if it is not nil, takes the place of its files.
func (p Package) Build(data []byte) Package {
	if p.data = data; data == nil {
		p.data = TarGz(p.Files, p.Contents, true)
	}
	sum := sha256.Sum256(p.data)
	info := fmt.Sprintf("# made for a test\npkgname = %s\npkgver = %s\narch = %s\nlicense = %s\norigin = %s\n", p.Name, p.Version, p.arch(), p.license(), p.origin())
	for _, l := range []struct {
		key    string
		values []string
	}{{"depend", p.Depends}, {"provides", p.Provides}, {"replaces", p.Replaces}, {"datahash", []string{hex.EncodeToString(sum[:])}}} {
		for _, v := range l.values {
			info += l.key + " = " + v + "\n"
		}
	}
	contents := map[string][]byte{".PKGINFO": []byte(info + p.ControlInfo)}
	files := []tar.Header{File(".PKGINFO", 0o644)}
	for _, name := range slices.Sorted(maps.Keys(p.Scripts)) {
		files = append(files, File(name, 0o755))
		contents[name] = []byte(p.Scripts[name])
	}
	p.control = TarGz(files, contents, false)
	p.raw = slices.Concat(p.Signature, p.control, p.data)
	return p
}

// Bytes returns the .apk file of a package that was built.
func (p Package) Bytes() []byte { return p.raw }

// Filename is the name of the .apk file.
func (p Package) Filename() string { return p.Name + "-" + p.Version + ".apk" }

// With returns a built package whose bytes are others than the index will say.
func (p Package) With(raw []byte) Package {
	p.raw = raw
	return p
}

// WithData returns a built package with the data part of another one.
func (p Package) WithData(from Package) Package { return p.With(slices.Concat(p.control, from.data)) }

func (p Package) arch() string    { return or(p.Arch, "x86_64") }
func (p Package) license() string { return or(p.License, "MIT") }
func (p Package) origin() string  { return or(p.Origin, p.Name) }

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// Entry returns the package's record in an index.
func (p Package) Entry() string {
	sum := sha1.Sum(p.control)
	s := fmt.Sprintf("C:Q1%s\nP:%s\nV:%s\nA:%s\nS:%d\nI:%d\nT:test\nU:\nL:%s\no:%s\nt:1700000000\nc:0000\n",
		base64.StdEncoding.EncodeToString(sum[:]), p.Name, p.Version, p.arch(), len(p.Signature)+len(p.control)+len(p.data), 1, p.license(), p.origin())
	for _, l := range []struct {
		key    string
		values []string
	}{{"D", p.Depends}, {"p", p.Provides}, {"i", p.InstallIf}} {
		if len(l.values) > 0 {
			s += l.key + ":" + strings.Join(l.values, " ") + "\n"
		}
	}
	if p.Priority > 0 {
		s += fmt.Sprintf("k:%d\n", p.Priority)
	}
	return s + "\n"
}

// Index returns the unsigned index of built packages.
func Index(packages ...Package) []byte {
	var text strings.Builder
	for _, p := range packages {
		text.WriteString(p.Entry())
	}
	return IndexOf(text.String())
}

// IndexOf returns an unsigned index with a text.
func IndexOf(text string) []byte {
	return TarGz([]tar.Header{File("DESCRIPTION", 0o644), File("APKINDEX", 0o644)},
		map[string][]byte{"DESCRIPTION": []byte("test"), "APKINDEX": []byte(text)}, true)
}

// A Key signs indexes.
type Key struct {
	Name    string // of its file
	private *rsa.PrivateKey
}

// NewKey makes a key.
func NewKey(name string) Key { return Key{name, must(rsa.GenerateKey(rand.Reader, 2048))} }

func (k Key) der() []byte { return must(x509.MarshalPKIXPublicKey(&k.private.PublicKey)) }

// PEM returns the public key's file.
func (k Key) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der()})
}

// Fingerprint returns the SHA-256 digest of the public key.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(k.der())
	return hex.EncodeToString(sum[:])
}

// Signature returns the part that comes before an index: .SIGN.RSA256 files or, weakly,
// .SIGN.RSA ones.
func (k Key) Signature(index []byte, weak bool) []byte {
	name, hash, digest := ".SIGN.RSA256."+k.Name, crypto.SHA256, sha256Of(index)
	if weak {
		sum := sha1.Sum(index)
		name, hash, digest = ".SIGN.RSA."+k.Name, crypto.SHA1, sum[:]
	}
	return TarGz([]tar.Header{File(name, 0o644)}, map[string][]byte{name: must(rsa.SignPKCS1v15(nil, k.private, hash, digest))}, false)
}

func sha256Of(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// Sign returns a signed index.
func (k Key) Sign(index []byte) []byte { return slices.Concat(k.Signature(index, false), index) }

// A Repository holds files by their paths: x86_64/APKINDEX.tar.gz.
type Repository map[string][]byte

// New makes a repository of built packages, of all their architectures.
func New(k Key, packages ...Package) Repository {
	r := Repository{k.Name: k.PEM()}
	byArch := map[string][]Package{}
	for _, p := range packages {
		byArch[p.arch()] = append(byArch[p.arch()], p)
		r[path.Join(p.arch(), p.Filename())] = p.raw
	}
	for arch, ps := range byArch {
		r[path.Join(arch, "APKINDEX.tar.gz")] = k.Sign(Index(ps...))
	}
	return r
}

// ServeHTTP implements http.Handler, with ETags.
func (r Repository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	data, ok := r[strings.TrimPrefix(req.URL.Path, "/")]
	if !ok {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256Of(data)))
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(data))
}

// Write writes the repository into a directory.
func (r Repository) Write(dir string) error {
	for name, data := range r {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Busybox returns what Wolfi's busybox looks like: one binary, the list of the paths by
// which it is to be called, and a trigger that would make them.
func Busybox(binary []byte, applets ...string) Package {
	p := busybox("busybox", "usr/bin/busybox", binary)
	p.Scripts[".trigger"] = "#!/usr/bin/busybox sh\n/usr/bin/busybox --install -s\n"
	p.Files = append(p.Files, Dir("etc", 0o755), Dir("etc/busybox-paths.d", 0o755), File("etc/busybox-paths.d/busybox", 0o644))
	p.Contents["etc/busybox-paths.d/busybox"] = []byte(strings.Join(applets, "\n") + "\n")
	return p
}

// BusyboxStatic returns what Wolfi's busybox-static looks like: one binary by that name,
// and nothing that calls it by another.
func BusyboxStatic(binary []byte) Package {
	return busybox("busybox-static", "usr/bin/busybox-static", binary)
}

func busybox(name, path string, binary []byte) Package {
	sbom := "var/lib/db/sbom/" + name + "-1.38.0-r1.spdx.json"
	return Package{
		Name: name, Version: "1.38.0-r1", License: "GPL-2.0-only",
		Provides: []string{"cmd:" + name + "=1.38.0-r1"},
		Scripts:  map[string]string{".melange.yaml": "package:\n"}, // no script, but in the same place
		Files: []tar.Header{
			Dir("usr", 0o755), Dir("usr/bin", 0o755), File(path, 0o755),
			Dir("var", 0o755), Dir("var/lib", 0o755), Dir("var/lib/db", 0o755), Dir("var/lib/db/sbom", 0o755), File(sbom, 0o644),
		},
		Contents: map[string][]byte{path: binary, sbom: []byte("{}\n")},
	}
}

// BusyboxBinary returns what has the table of a busybox's names, which are sorted.
func BusyboxBinary(applets ...string) []byte {
	return []byte("\x7fELF\x00[\x00[[\x00" + strings.Join(applets, "\x00") + "\x00\x00")
}

func check(err error) {
	if err != nil {
		panic(err) // a test's mistake
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
