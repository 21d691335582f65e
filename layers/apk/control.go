package apk

import (
	"archive/tar"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A control is what a package says of itself, beside its files.
type control struct {
	scripts  []string // names of scripts that apk would run to install the package
	replaces []string // packages whose files this one's may take the place of
	data     []byte   // the verified part with the files, compressed
	file     []byte   // the whole package if the cache is to keep it
}

// verifyPackage checks a .apk file against the index, from the outside in: its size, the
// digest of the control part and, by what that says, the digest of the files.
//
// https://wiki.alpinelinux.org/wiki/Apk_spec#Binary_Format
func verifyPackage(file []byte, p *Package) (*control, error) {
	if int64(len(file)) != p.Size {
		return nil, fmt.Errorf("it has %d bytes, the index says %d", len(file), p.Size)
	}
	archive, data, err := cutControl(file, p.Checksum)
	if err != nil {
		return nil, err
	}
	info, scripts, err := readControl(archive)
	if err != nil {
		return nil, fmt.Errorf("reading control part: %w", err)
	}
	if got := info.one("pkgname") + "=" + info.one("pkgver"); got != p.String() {
		return nil, fmt.Errorf("it says to be %q", got)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != info.one("datahash") {
		return nil, errors.New("its files are not those that its control part has the digest of")
	}
	return &control{scripts: scripts, replaces: info["replaces"], data: data}, nil
}

// cutControl cuts the part off a package that has the checksum, and unpacks it: the first
// or, behind a signature, the second. The index, not that signature, vouches for it.
func cutControl(file, checksum []byte) (archive, data []byte, err error) {
	is := func(raw []byte) bool {
		sum := sha1.Sum(raw)
		return bytes.Equal(sum[:], checksum)
	}
	raw, archive, data, err := cutMember(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading control part: %w", err)
	}
	if !is(raw) {
		raw, archive, data, err = cutMember(data)
	}
	if err != nil || !is(raw) {
		return nil, nil, errors.New("its control part is not the one that the index has the digest of")
	}
	return archive, data, nil
}

// readControl passes over scripts for upgrades and removals, and over what else there is,
// such as the recipe that Wolfi's packages bring as .melange.yaml.
func readControl(archive []byte) (info pkgInfo, scripts []string, err error) {
	err = eachFile(bytes.NewReader(archive), func(h *tar.Header, r io.Reader) error {
		switch h.Name {
		case ".pre-install", ".post-install", ".trigger":
			scripts = append(scripts, h.Name)
		case ".PKGINFO":
			if info != nil {
				return errors.New("there are two of .PKGINFO")
			}
			text, err := io.ReadAll(r)
			info = parseInfo(string(text))
			return err
		}
		return nil
	})
	if err == nil && info == nil {
		err = errors.New("there is no .PKGINFO")
	}
	return info, scripts, err
}

// A pkgInfo is a .PKGINFO: lines of key = value, of which keys may repeat.
type pkgInfo map[string][]string

func parseInfo(text string) pkgInfo {
	info := pkgInfo{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok && key[0] != '#' {
			info[key] = append(info[key], value)
		}
	}
	return info
}

// one returns the value of a key that stands once, else nothing.
func (i pkgInfo) one(key string) string {
	if len(i[key]) != 1 {
		return ""
	}
	return i[key][0]
}
