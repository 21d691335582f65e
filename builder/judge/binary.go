package judge

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"strings"
)

// A binary is what a program's file says about what it runs on.
type binary struct {
	arch        string // GOARCH
	elf         bool   // it is one, for whatever machine
	script      bool
	read        bool     // its head is what follows tells of
	interpreter string   // a dynamic binary's loader, or a script's program
	argument    string   // of a script's interpreter
	libraries   []string // that the loader loads first
	dirs        []string // where it looks first
}

// readProgram reads a program's file: no more than its head, unless it is dynamic.
func (r *run) readProgram(name string) binary {
	files := r.container.Files
	if b, ok := files.binaries[name]; ok {
		return b
	}
	f, err := files.Open(name)
	if err != nil {
		r.fail(err)
		return binary{}
	}
	b, err := readBinary(f)
	if err != nil {
		r.fail(fmt.Errorf("reading %q: %w", name, err))
		return binary{}
	}
	files.binaries[name] = b
	return b
}

// How much is read of a program: of its head, which says whether it is dynamic, and of
// one that is. The libraries of a larger one are not looked at.
const (
	headSize   = 64 << 10
	maxDynamic = 64 << 20
)

func readBinary(r io.Reader) (binary, error) {
	head, err := io.ReadAll(io.LimitReader(r, headSize))
	if err != nil {
		return binary{}, err
	}
	if rest, ok := strings.CutPrefix(string(head), "#!"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		interpreter, argument, _ := strings.Cut(strings.Trim(line, " \t"), " ") // a carriage return is part of it: execve(2)
		return binary{read: true, script: true, interpreter: interpreter, argument: strings.TrimSpace(argument)}, nil
	}
	b, dynamic := readHead(head)
	if !dynamic {
		return b, nil
	}
	rest, err := io.ReadAll(io.LimitReader(r, maxDynamic-headSize+1))
	if err != nil || len(head)+len(rest) > maxDynamic {
		return b, err
	}
	b.readDynamic(append(head, rest...))
	return b, nil
}

var architectures = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_ARM: "arm", elf.EM_386: "386", elf.EM_PPC64: "ppc64le",
	elf.EM_S390: "s390x", elf.EM_RISCV: "riscv64", elf.EM_LOONGARCH: "loong64",
}

// readHead reads the ELF header and the program headers. Section headers stand at the
// end of a file: the head is told that there are none.
func readHead(head []byte) (b binary, dynamic bool) {
	b.read, b.elf = true, bytes.HasPrefix(head, []byte(elf.ELFMAG))
	if len(head) < 64 || !b.elf {
		return b, false
	}
	head = bytes.Clone(head)
	if head[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
		clear(head[0x28:0x30]) // e_shoff
		clear(head[0x3c:0x40]) // e_shnum and e_shstrndx
	} else {
		clear(head[0x20:0x24])
		clear(head[0x30:0x34])
	}
	f, err := elf.NewFile(bytes.NewReader(head))
	if err != nil {
		return b, false
	}
	b.arch = architectures[f.Machine]
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err == nil {
			b.interpreter = strings.TrimRight(string(loader), "\x00")
		}
	}
	return b, b.interpreter != ""
}

// readDynamic reads what the loader will look for. A file without section headers says
// nothing here.
func (b *binary) readDynamic(data []byte) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return
	}
	b.libraries, _ = f.ImportedLibraries()
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, _ := f.DynString(tag)
		for _, p := range paths {
			b.dirs = append(b.dirs, strings.Split(p, ":")...)
		}
	}
}

// missing returns the first thing that a program needs and that is not in the image.
// origin is the program's directory.
func (sh *shell) missing(b binary, origin string) string {
	if b.interpreter == "" || b.script {
		return ""
	}
	if !sh.has(b.interpreter) {
		return b.interpreter
	}
	for _, library := range b.libraries {
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
func (sh *shell) hasLibrary(b binary, library, origin string) bool {
	if strings.Contains(library, "/") {
		return sh.has(library)
	}
	var dirs []string
	for _, d := range b.dirs {
		dirs = append(dirs, strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(d))
	}
	if env := sh.value("LD_LIBRARY_PATH"); env != unset {
		if !isKnown(env) {
			return true
		}
		dirs = append(dirs, strings.Split(env, ":")...)
	}
	triple := multiarch[b.arch]
	dirs = append(dirs, "/lib/"+triple, "/usr/lib/"+triple, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib", "/usr/local/lib64")
	for _, d := range dirs {
		if path.IsAbs(d) && sh.has(path.Join(d, library)) {
			return true
		}
	}
	return sh.holds("/etc/ld.so.cache", "/"+library+"\x00")
}
