package lint_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// An elfFile is the least that a loader, or a linter, looks at.
type elfFile struct {
	arch    string
	loader  string // "" is a static binary
	needs   []string
	runpath string
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "s390x": elf.EM_S390}

// bytes lays out: header, program headers, loader, strings, dynamic section, section
// headers (none, .dynstr, .dynamic, .shstrtab).
func (e elfFile) bytes() []byte {
	const headerSize, progSize, sectionSize = 64, 56, 64
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machines[e.arch]), Version: 1,
		Phoff: headerSize, Ehsize: headerSize, Phentsize: progSize, Shentsize: sectionSize,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	var order binary.ByteOrder = binary.LittleEndian
	if e.arch == "s390x" {
		h.Ident[elf.EI_DATA], order = byte(elf.ELFDATA2MSB), binary.BigEndian
	}
	var out bytes.Buffer
	write := func(v any) { binary.Write(&out, order, v) }
	if e.loader == "" {
		write(h)
		return out.Bytes()
	}

	interp := append([]byte(e.loader), 0)
	names := []byte{0}
	name := func(s string) uint64 {
		at := len(names)
		names = append(append(names, s...), 0)
		return uint64(at)
	}
	var dynamic []elf.Dyn64
	for _, lib := range e.needs {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: name(lib)})
	}
	if e.runpath != "" {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_RUNPATH), Val: name(e.runpath)})
	}
	dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NULL)})
	for len(names)%8 != 0 {
		names = append(names, 0)
	}

	interpAt := uint64(headerSize + progSize)
	namesAt := interpAt + uint64(len(interp))
	dynamicAt := namesAt + uint64(len(names))
	dynamicLen := uint64(16 * len(dynamic))
	h.Phnum, h.Shnum, h.Shstrndx, h.Shoff = 1, 3, 1, dynamicAt+dynamicLen
	write(h)
	write(elf.Prog64{Type: uint32(elf.PT_INTERP), Off: interpAt, Filesz: uint64(len(interp)), Memsz: uint64(len(interp))})
	write(interp)
	write(names)
	write(dynamic)
	write(elf.Section64{})
	write(elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: namesAt, Size: uint64(len(names))})
	write(elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Off: dynamicAt, Size: dynamicLen, Link: 1, Entsize: 16})
	return out.Bytes()
}
