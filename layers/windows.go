package layers

import (
	"encoding/base64"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ForWindows returns files in the form that a layer of a Windows image has: below Files
// lies drive C:, beside it Hives, for changes to the registry. Paths begin with C:\. It is
// ko's own form (tarBinary in pkg/build/gobuild.go), whose images run. Directories of files
// have to be among the files.
func ForWindows(files ...File) []File {
	all := []File{
		{Path: "/Files", Mode: fs.ModeDir | 0o555, windows: true},
		{Path: "/Hives", Mode: fs.ModeDir | 0o555, windows: true},
	}
	for _, f := range files {
		f.Path = path.Join("/Files", strings.ReplaceAll(strings.TrimPrefix(f.Path, `C:`), `\`, "/"))
		f.windows = true
		all = append(all, f)
	}
	return all
}

// securityDescriptor is what a file needs for Windows to run it: it belongs to the group
// Users, O:BUG:BU. Without a list of who may do what, everybody may do all: [MS-DTYP],
// sections 2.4.6 and 2.4.2.
func securityDescriptor() string {
	header := []byte{1, 0, 0, 0x80, 20, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // self-relative; owner at 20, group at 36
	users := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0}               // S-1-5-32-545
	return base64.StdEncoding.EncodeToString(slices.Concat(header, users, users))
}
