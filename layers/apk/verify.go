package apk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

const sha1Size = sha1.Size

// cutMember cuts the first gzip member off data: its raw bytes and what it unpacks to.
func cutMember(data []byte) (raw, unpacked, rest []byte, err error) {
	r := bytes.NewReader(data) // an io.ByteReader, of which gzip reads no byte too many
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, nil, nil, err
	}
	zr.Multistream(false)
	unpacked, err = limits.Control.ReadAll(zr)
	if err != nil {
		return nil, nil, nil, err
	}
	n := len(data) - r.Len()
	return data[:n], unpacked, data[n:], nil
}

// eachFile calls f with the entries of a tar stream, which need not be terminated: the
// parts of a package make up one archive.
func eachFile(r io.Reader, f func(h *tar.Header, r io.Reader) error) error {
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(h, tr); err != nil {
			return err
		}
	}
}

// A signature is one of those before an index.
type signature struct {
	hash crypto.Hash
	key  string // the name of the key's file
	sig  []byte
}

// cutSignatures cuts the first part off a signed index. Signatures of a kind that is not
// known are left out.
func cutSignatures(index []byte) (signatures []signature, signed []byte, err error) {
	_, first, signed, err := cutMember(index)
	if err != nil {
		return nil, nil, err
	}
	err = eachFile(bytes.NewReader(first), func(h *tar.Header, r io.Reader) error {
		s := signature{}
		if name, ok := strings.CutPrefix(h.Name, ".SIGN.RSA256."); ok {
			s = signature{hash: crypto.SHA256, key: name}
		} else if name, ok := strings.CutPrefix(h.Name, ".SIGN.RSA."); ok {
			s = signature{hash: crypto.SHA1, key: name}
		} else {
			return nil
		}
		if s.sig, err = io.ReadAll(r); err != nil {
			return err
		}
		signatures = append(signatures, s)
		return nil
	})
	return signatures, signed, err
}

// verifyIndex returns the part of an index that a trusted key has signed.
func verifyIndex(index []byte, keys []*publicKey) ([]byte, error) {
	signatures, signed, err := cutSignatures(index)
	if err != nil {
		return nil, hint.With(fmt.Errorf("it is not a signed index: reading signature: %w", err),
			"look at what is there: a page to log in, say, or half a file")
	}
	var names []string
	weak := false
	digests := map[crypto.Hash][]byte{} // made once: of signatures there may be thousands
	for _, s := range signatures {
		if digests[s.hash] == nil {
			h := s.hash.New()
			h.Write(signed)
			digests[s.hash] = h.Sum(nil)
		}
		for _, k := range keys {
			if rsa.VerifyPKCS1v15(k.public, s.hash, digests[s.hash], s.sig) != nil {
				continue
			}
			if s.hash == crypto.SHA256 || k.sha1 {
				return signed, nil
			}
			weak = true
		}
		if !slices.Contains(names, s.key) {
			names = append(names, s.key)
		}
	}
	switch {
	case weak:
		return nil, hint.With(errors.New("the only signature of a trusted key is one with SHA-1"),
			"if you must, trust that key with it: --health-key=sha1:FILE")
	case len(names) == 0:
		return nil, hint.With(errors.New("it has no RSA signature"), "sign it, as melange sign-index does")
	}
	return nil, hint.With(fmt.Errorf("no trusted key has signed it; the signature is one of %q", strings.Join(names, ", ")),
		"name the file of the repository's public key with --health-key; if you have, that is another key, or the index is damaged")
}

// readIndex reads the signed part of an index for an architecture. An index that holds
// packages of another one is not the one that was asked for.
func readIndex(signed []byte, arch string, f func(*Package)) error {
	zr, err := gzip.NewReader(bytes.NewReader(signed))
	if err != nil {
		return err
	}
	found := false
	var records int64
	err = eachFile(limits.IndexUnpacked.Reader(zr), func(h *tar.Header, r io.Reader) error {
		switch {
		case h.Name == "DESCRIPTION":
			return nil
		case h.Name != "APKINDEX" || found:
			return fmt.Errorf("unexpected file %q", h.Name)
		}
		found = true
		return eachRecord(r, func(record string) error {
			p, err := parsePackage(record)
			if err != nil {
				return err
			}
			if p.Arch != arch && p.Arch != "noarch" {
				return fmt.Errorf("package %q is for %q, not for %q", p, p.Arch, arch)
			}
			f(p)
			records++
			return limits.Records.Check(records)
		})
	})
	if err == nil && !found {
		err = errors.New("it holds no APKINDEX")
	}
	return err
}
