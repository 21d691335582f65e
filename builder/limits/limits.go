// Package limits is the one table of how much kohealth reads. Whatever comes from
// outside (an image, a registry's answer, a file, a package, source) is bounded in
// bytes, depth, count and time, and what exceeds a limit is an error that names it:
// nothing is cut off silently.
package limits

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// A Limit is a row of the table.
type Limit int

// Limits of images.
const (
	Manifest     Limit = iota // a manifest or an index of images
	Config                    // an image's config
	Descriptions              // manifests, indexes and configs together
	ImageValues               // JSON values in one of the two
	Answer                    // what a registry answers beside manifests and blobs
	IndexEntries              // entries of an index, those of indexes in it included
	IndexDepth                // indexes in each other
	TarballFiles              // files in a tarball of images
	Layer                     // a layer, unpacked
	ImageLayers               // layers of an image
	Entries                   // files, directories and links in all layers of an image
	Names                     // their names and the targets of links, together
	Path                      // one name or target
	Links                     // symbolic links that a path leads through
	Lookups                   // look-ups of a path in a layer
	Program                   // a program that is copied from another image
)

// Limits of files that are checked or filled in.
const (
	Document        Limit = Program + 1 + iota // a JSON or YAML document
	DocumentDepth                              // lists and maps in each other
	DocumentValues                             // values, aliases expanded
	DocumentText                               // text of all values, aliases expanded
	Documents                                  // a file of several documents
	DocumentsValues                            // values in all of them
	DocumentsText                              // text of all of them
	Variables                                  // Compose's variables in a file
	VariableDepth                              // variables in each other's defaults
	Extends                                    // services that extend another
	ComposeFiles                               // Compose files that are merged
	ExpressionDepth                            // expressions of HCL's in each other
	TerraformFiles                             // files beside one of Terraform's
	Walked                                     // files and directories of a directory that is linted
)

// Limits of packages.
const (
	Index          Limit = Walked + 1 + iota // an index of packages, as it is served
	IndexUnpacked                            // the same, unpacked
	Records                                  // packages in an index
	Line                                     // a line of an index
	Database                                 // a base image's list of packages
	Key                                      // a public key
	Downloads                                // all packages together, as they are served
	Control                                  // a package's signature or control part, unpacked
	Files                                    // the files of all packages together
	PackageEntries                           // files, directories and links of one package
	PathParts                                // directories in a package's path
	Resolving                                // time to choose packages
)

// Limits of sources that are built from.
const (
	KodataLinked Limit = Resolving + 1 + iota // files and directories in kodata that are reached through links
	Kodata                                    // kodata as a whole
	Source                                    // a Go file
	Constant                                  // a string constant in Go source
)

// Limits of answers about containers that run.
const (
	Described Limit = Constant + 1 + iota // what a platform, or its command line, says of containers
	Log                                   // the end of a container's log
	Socket                                // a table of sockets in /proc
	Answers                               // requests to AWS about one service
)

// How long is waited.
const (
	Stall      Limit = Answers + 1 + iota // a registry or repository sends and takes nothing
	RetryAfter                            // a server asks to wait before the next attempt
	Attempts                              // attempts to download something
	Interrupt                             // from a signal to the end of the process
)

// A unit is what a limit counts.
type unit int

const (
	count unit = iota
	size
	duration
)

type row struct {
	what string // as in "the limit for …"
	max  int64
	unit unit
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

var table = [...]row{
	Manifest:     {"an image's manifest or index", 4 * mib, size}, // https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
	Config:       {"an image's config", 4 * mib, size},
	Descriptions: {"manifests, indexes and configs that a command reads", 64 * mib, size},
	ImageValues:  {"JSON values in a manifest, index or config", 200_000, count},
	Answer:       {"a registry's answer other than manifests and blobs", 4 * mib, size},
	IndexEntries: {"entries of an index of images, with those of indexes in it", 1000, count},
	IndexDepth:   {"indexes of images in each other", 4, count},
	TarballFiles: {"files in a tarball of images", 20_000, count},
	Layer:        {"a layer, unpacked", 32 * gib, size},
	ImageLayers:  {"layers of an image", 500, count}, // Docker takes 125, and Linux's overlay file system 500
	Entries:      {"files, directories and links in the layers of an image", 500_000, count},
	Names:        {"the names of an image's files and the targets of its links", 64 * mib, size},
	Path:         {"a path or a link's target", 4096, size}, // PATH_MAX of Linux, with the NUL at its end
	Links:        {"symbolic links that a path leads through", 40, count},
	Lookups:      {"look-ups of paths in an image's layers, for each 64 bytes of the path", 20_000_000, count},
	Program:      {"a program of another image", 256 * mib, size},

	Document:       {"a JSON or YAML document", 2 * mib, size}, // ECS takes 64 KB, CloudFormation 1 MB
	DocumentDepth:  {"lists and maps in each other", 200, count},
	DocumentValues: {"values in a document, with aliases expanded", 250_000, count},
	DocumentText:   {"the text of a document's values, with aliases expanded", 8 * mib, size},

	Documents:       {"a file of JSON or YAML documents", 32 * mib, size}, // charts with their CRDs print several megabytes
	DocumentsValues: {"values in the documents of a file, with aliases expanded", 1_000_000, count},
	DocumentsText:   {"the text of the values in the documents of a file, with aliases expanded", 64 * mib, size},

	Variables:       {"variables in a Compose file", 10_000, count},
	VariableDepth:   {"variables in each other's defaults in a Compose file", 20, count},
	ExpressionDepth: {"expressions of HCL in each other", 5000, count},
	TerraformFiles:  {"files that are read beside one of Terraform's", 200, count},
	Extends:         {"services that extend another, in a Compose file and those that it names", 1000, count},
	ComposeFiles:    {"Compose files that are merged into one project", 100, count},

	Walked: {"files and directories of a directory that is linted", 500_000, count},

	Index:          {"an index of packages, as it is served", 64 * mib, size}, // Wolfi's has about 10 MB, and 100 MB unpacked
	IndexUnpacked:  {"an index of packages, unpacked", 256 * mib, size},
	Records:        {"packages in an index", 300_000, count},
	Line:           {"a line of an index of packages", 1 * mib, size}, // lists of what a package provides reach a hundred kilobytes
	Database:       {"a base image's list of packages", 64 * mib, size},
	Key:            {"a public key", 64 * kib, size},
	Downloads:      {"all packages of an image, as they are served", 256 * mib, size},
	Control:        {"a package's signature or control part, unpacked", 4 * mib, size},
	Files:          {"the files of all packages of an image", 512 * mib, size},
	PackageEntries: {"files, directories and links of the packages of an image", 200_000, count},
	PathParts:      {"directories in a package's path", 100, count},
	Resolving:      {"time to choose packages that go together", int64(5 * time.Second), duration},

	KodataLinked: {"files and directories of kodata that are reached through links", 100_000, count},
	Kodata:       {"kodata", 4 * gib, size},
	Source:       {"a Go file that init reads", 16 * mib, size},
	Constant:     {"a string constant in Go source that init reads", 1 * mib, size},

	Described: {"what a platform says of containers", 16 * mib, size},
	Log:       {"the end of a container's log", 4 * mib, size},
	Socket:    {"a table of sockets", 4 * mib, size},
	Answers:   {"requests to AWS about one service", 200, count},

	Stall:      {"time in which a server neither sends nor takes a byte", int64(time.Minute), duration},
	RetryAfter: {"time that a server may ask to wait (Retry-After)", int64(time.Minute), duration},
	Attempts:   {"attempts to download something", 4, count},
	Interrupt:  {"time from the first interrupt to the end of the process", int64(2 * time.Second), duration},
}

// All returns the table's rows in order.
func All() []Limit {
	all := make([]Limit, len(table))
	for i := range all {
		all[i] = Limit(i)
	}
	return all
}

// Max returns how much may be there: bytes, a count, or nanoseconds.
func (l Limit) Max() int64 { return table[l].max }

// Duration returns a limit of time.
func (l Limit) Duration() time.Duration { return time.Duration(table[l].max) }

// What returns the name of the limited thing, such as "an image's config".
func (l Limit) What() string { return table[l].what }

// String returns the limit with its unit, such as "4 MiB".
func (l Limit) String() string {
	switch r := table[l]; {
	case r.unit == duration:
		return r.duration()
	case r.unit == count:
		return grouped(r.max)
	default:
		return r.bytes()
	}
}

func (r row) duration() string {
	return strconv.FormatFloat(time.Duration(r.max).Seconds(), 'f', -1, 64) + " s"
}

func (r row) bytes() string {
	for _, u := range []struct {
		size int64
		name string
	}{{gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		if r.max%u.size == 0 {
			return grouped(r.max/u.size) + " " + u.name
		}
	}
	return grouped(r.max) + " bytes"
}

// grouped writes a number with a comma before every three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// An Error says that something exceeds a limit.
type Error struct{ Limit }

func (e *Error) Error() string {
	return fmt.Sprintf("more than %s, the limit for %s", e.Limit.String(), e.What())
}

// Exceeded returns the error of something that exceeds the limit.
func (l Limit) Exceeded() error { return &Error{l} }

// Check returns an error if n exceeds the limit.
func (l Limit) Check(n int64) error {
	if n > l.Max() {
		return l.Exceeded()
	}
	return nil
}

// IsExceeded reports whether an error says that a limit is exceeded: nothing gets
// better when it is tried again.
func IsExceeded(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// Reader returns a reader of r that fails where r goes on past the limit.
func (l Limit) Reader(r io.Reader) io.Reader { return &reader{r: r, limit: l, left: l.Max()} }

// ReadAll reads all of r, or fails where r goes on past the limit.
func (l Limit) ReadAll(r io.Reader) ([]byte, error) { return io.ReadAll(l.Reader(r)) }

// ReadFile reads a file, or fails where it goes on past the limit.
func (l Limit) ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := l.ReadAll(f)
	if IsExceeded(err) {
		err = fmt.Errorf("reading %q: %w", name, err)
	}
	return data, err
}

type reader struct {
	r     io.Reader
	limit Limit
	left  int64
}

// Read implements [io.Reader]. It asks for one byte more than there may be.
func (l *reader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, l.limit.Exceeded()
	}
	return n, err
}
