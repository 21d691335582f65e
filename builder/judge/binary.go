package judge

import (
	"fmt"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/executable"
)

// readProgram reads a program's file once.
func (r *run) readProgram(name string) executable.File {
	files := r.container.Files
	if b, ok := files.binaries[name]; ok {
		return b
	}
	f, err := files.Open(name)
	if err != nil {
		r.fail(err)
		return executable.File{}
	}
	b, err := executable.Read(f)
	if err != nil {
		r.fail(fmt.Errorf("reading %q: %w", name, err))
		return executable.File{}
	}
	files.binaries[name] = b
	return b
}

// missing returns the first thing that a program needs and that is not in the image.
// origin is the program's directory.
func (sh *shell) missing(b executable.File, origin string) string {
	if b.Interpreter == "" || b.Script {
		return ""
	}
	if !sh.has(b.Interpreter) {
		return b.Interpreter
	}
	for _, library := range b.Libraries {
		if !sh.hasLibrary(b, library, origin) {
			return library
		}
	}
	return ""
}

// multiarch are the directories of Debian's and its like.
var multiarch = map[string]string{
	"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "arm": "arm-linux-gnueabihf", "386": "i386-linux-gnu",
	"ppc64le": "powerpc64le-linux-gnu", "s390x": "s390x-linux-gnu", "riscv64": "riscv64-linux-gnu", "loong64": "loongarch64-linux-gnu",
}

// hasLibrary looks where the loader would: ld.so(8). What ld.so.cache names is taken to
// be there, wherever that is.
func (sh *shell) hasLibrary(b executable.File, library, origin string) bool {
	if strings.Contains(library, "/") {
		return sh.has(library)
	}
	var dirs []string
	for _, d := range b.Dirs {
		dirs = append(dirs, strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(d))
	}
	if env := sh.value("LD_LIBRARY_PATH"); env != unset {
		if !isKnown(env) {
			return true
		}
		dirs = append(dirs, strings.Split(env, ":")...)
	}
	triple := multiarch[b.Arch]
	dirs = append(dirs, "/lib/"+triple, "/usr/lib/"+triple, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib", "/usr/local/lib64")
	for _, d := range dirs {
		if path.IsAbs(d) && sh.has(path.Join(d, library)) {
			return true
		}
	}
	return sh.holds("/etc/ld.so.cache", "/"+library+"\x00")
}
