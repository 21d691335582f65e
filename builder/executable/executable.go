// Package executable reads what the file of a program says of what it runs on: a machine, a
// loader, an interpreter. Nothing is run.
//
//	f, err := executable.Read(content)
//	…
//	if !f.RunsOn("amd64") { … }
package executable

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"
)

// DefaultPath is the PATH of containers whose image names none: Docker's, which Podman and
// containerd give them, too.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// A File is what a program's file says of what it runs on.
type File struct {
	ELF     bool
	Machine string // as ELF names it; "" if that cannot be read
	Arch    string // GOARCH of the machine; "" if it has none

	Script      bool
	Interpreter string   // a dynamic program's loader, or a script's program
	Argument    string   // of a script's interpreter
	Libraries   []string // that the loader loads first
	Dirs        []string // where it looks first
}

// RunsOn reports whether Linux on an architecture of Go's starts an ELF file of this
// architecture. Linux on amd64 starts programs for 386, too.
func (f File) RunsOn(arch string) bool {
	return f.Arch == arch || f.Arch == "386" && arch == "amd64"
}

// How much is read of a program: of its head, which says whether it is dynamic, and of
// one that is. The libraries of a larger one are not looked at.
const (
	headSize   = 64 << 10
	maxDynamic = 64 << 20
)

// Read reads a program's file: no more than its head, unless it is dynamic. The error is that
// of r: a file that is no program is one whose ELF and Script are false.
func Read(r io.Reader) (File, error) {
	head, err := io.ReadAll(io.LimitReader(r, headSize))
	if err != nil {
		return File{}, err
	}
	if rest, ok := strings.CutPrefix(string(head), "#!"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		interpreter, argument, _ := strings.Cut(strings.Trim(line, " \t"), " ") // a carriage return is part of it: execve(2)
		return File{Script: true, Interpreter: interpreter, Argument: strings.TrimSpace(argument)}, nil
	}
	f := readHead(head)
	if f.Interpreter == "" {
		return f, nil
	}
	rest, err := io.ReadAll(io.LimitReader(r, maxDynamic-headSize+1))
	if err != nil || len(head)+len(rest) > maxDynamic {
		return f, err
	}
	f.readDynamic(append(head, rest...))
	return f, nil
}

// readHead reads the ELF header and the program headers. Section headers stand at the
// end of a file: the head is told that there are none.
func readHead(head []byte) (f File) {
	f.ELF = bytes.HasPrefix(head, []byte(elf.ELFMAG))
	if len(head) < 64 || !f.ELF {
		return f
	}
	head = bytes.Clone(head)
	if head[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
		clear(head[0x28:0x30]) // e_shoff
		clear(head[0x3c:0x40]) // e_shnum and e_shstrndx
	} else {
		clear(head[0x20:0x24])
		clear(head[0x30:0x34])
	}
	file, err := elf.NewFile(bytes.NewReader(head))
	if err != nil {
		return f
	}
	f.Machine, f.Arch = file.Machine.String(), archOf(file)
	for _, p := range file.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err == nil {
			f.Interpreter = strings.TrimRight(string(loader), "\x00")
		}
	}
	return f
}

// archOf returns Go's name of the architecture that an ELF file is for, or "". Where a machine
// runs in either byte order, Go has a name for each.
func archOf(f *elf.File) string {
	type order struct{ little, big string }
	names := map[elf.Machine]order{
		elf.EM_386: {"386", ""}, elf.EM_X86_64: {"amd64", ""}, elf.EM_ARM: {"arm", ""}, elf.EM_AARCH64: {"arm64", ""},
		elf.EM_PPC64: {"ppc64le", "ppc64"}, elf.EM_S390: {"", "s390x"}, elf.EM_RISCV: {"riscv64", ""}, elf.EM_LOONGARCH: {"loong64", ""},
		elf.EM_MIPS: {"mips64le", "mips64"},
	}
	if f.Machine == elf.EM_MIPS && f.Class == elf.ELFCLASS32 {
		names[elf.EM_MIPS] = order{"mipsle", "mips"}
	}
	if f.ByteOrder.String() == "BigEndian" {
		return names[f.Machine].big
	}
	return names[f.Machine].little
}

// readDynamic reads what the loader will look for. A file without section headers says
// nothing here.
func (f *File) readDynamic(data []byte) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return
	}
	f.Libraries, _ = file.ImportedLibraries()
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, _ := file.DynString(tag)
		for _, p := range paths {
			f.Dirs = append(f.Dirs, strings.Split(p, ":")...)
		}
	}
}
