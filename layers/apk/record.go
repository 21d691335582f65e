package apk

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
)

// A Package is a package of a repository or of a database of installed packages.
type Package struct {
	Name     string
	Version  string
	Arch     string // as Alpine names it: x86_64, aarch64, noarch
	License  string
	Origin   string // the package that it was built with
	Checksum []byte // SHA-1 digest of the control part
	Size     int64  // of the .apk file, in bytes
	URL      string // of the .apk file; "" if it comes from a directory

	depends, provides, replaces []string

	priority uint64 // among packages that provide the same
	record   string // the text that all this was read from
	from     *repository
	dir      string // below the repository, where the package lies
}

// String names the package and its version as a request can.
func (p *Package) String() string { return p.Name + "=" + p.Version }

// eachRecord calls f with every record of an index or a database: lines of a letter, a
// colon and a value, up to an empty line or the end.
func eachRecord(r io.Reader, f func(record string) error) error {
	lines := bufio.NewScanner(r)
	lines.Split(scanLine)
	lines.Buffer(make([]byte, 16<<10), int(limits.Line.Max())+1) // with its end
	var record strings.Builder
	end := func() error {
		defer record.Reset()
		if record.Len() == 0 {
			return nil
		}
		return f(record.String())
	}
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if err := end(); err != nil {
				return err
			}
			continue
		}
		if len(line) < 2 || line[1] != ':' {
			return fmt.Errorf("line %.60q: want a letter, a colon and a value", line)
		}
		record.WriteString(line)
		record.WriteByte('\n')
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return limits.Line.Exceeded()
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return end()
}

// scanLine is [bufio.ScanLines] that leaves carriage returns, as apk does: without, a
// value would be another one when it is read again.
func scanLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// parsePackage parses a record. Fields that are unknown, such as those of files, are
// passed over.
func parsePackage(record string) (*Package, error) {
	p := &Package{record: record}
	for line := range strings.Lines(record) {
		if err := p.set(line[0], strings.TrimSuffix(line[2:], "\n")); err != nil {
			return nil, fmt.Errorf("line %.60q: %w", line, err)
		}
	}
	if p.Name == "" || p.Version == "" {
		return nil, fmt.Errorf("record %.60q: it lacks name or version", record)
	}
	return p, nil
}

func (p *Package) set(field byte, value string) (err error) {
	switch field {
	case 'P':
		p.Name = value
	case 'V':
		p.Version = value
	case 'A':
		p.Arch = value
	case 'L':
		p.License = value
	case 'o':
		p.Origin = value
	case 'C':
		p.Checksum, err = parseChecksum(value)
	case 'S':
		p.Size, err = strconv.ParseInt(value, 10, 63)
	case 'k':
		p.priority, err = strconv.ParseUint(value, 10, 64)
	case 'D':
		p.depends = strings.Fields(value)
	case 'p':
		p.provides = strings.Fields(value)
	case 'r':
		p.replaces = strings.Fields(value)
	}
	return err
}

// parseChecksum parses Q1 and a SHA-1 digest. Of others it returns nothing: a package
// that has no known checksum cannot be installed, but may be in an index.
func parseChecksum(value string) ([]byte, error) {
	digest, ok := strings.CutPrefix(value, "Q1")
	if !ok {
		return nil, nil
	}
	return base64.StdEncoding.DecodeString(digest)
}

// filename is the name of the package in its repository.
func (p *Package) filename() string { return p.Name + "-" + p.Version + ".apk" }

// check refuses a package that could not be fetched or verified.
func (p *Package) check() error {
	switch {
	case !isWord(p.Name) || !isWord(p.Version):
		return errors.New("name or version holds characters that no file name has")
	case len(p.Checksum) != sha1Size:
		return errors.New("the index has no SHA-1 checksum of it")
	case p.Size <= 0:
		return fmt.Errorf("the index says that it has %d bytes", p.Size)
	}
	return limits.Downloads.Check(p.Size)
}

// isWord reports whether s can stand in a file name and a URL as it is.
func isWord(s string) bool {
	return s != "" && strings.Trim(s[:1], ".-") != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._+-~", r))
	})
}

// indexFields are those that an index holds of a package; a database holds them, too.
const indexFields = "CPVASITULotcDpirkm"

// indexLines returns of the record what an index may say.
func (p *Package) indexLines() string {
	var b strings.Builder
	for line := range strings.Lines(p.record) {
		if strings.IndexByte(indexFields, line[0]) >= 0 {
			b.WriteString(line)
		}
	}
	return b.String()
}
