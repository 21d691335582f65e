package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program returns an ELF file with one program header, and what that is of.
func program(t testing.TB, class elf.Class, order binary.ByteOrder, machine elf.Machine, kind elf.ProgType, content string) []byte {
	t.Helper()
	var ident [elf.EI_NIDENT]byte
	copy(ident[:], elf.ELFMAG)
	ident[elf.EI_CLASS], ident[elf.EI_DATA], ident[elf.EI_VERSION] = byte(class), byte(elf.ELFDATA2LSB), 1
	if order == binary.BigEndian {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	parts := []any{
		elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1},
		elf.Prog64{Type: uint32(kind), Off: 120, Filesz: uint64(len(content))}, []byte(content),
	}
	if class == elf.ELFCLASS32 {
		parts = []any{
			elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1},
			elf.Prog32{Type: uint32(kind), Off: 84, Filesz: uint32(len(content))}, []byte(content),
		}
	}
	var b bytes.Buffer
	for _, part := range parts {
		if err := binary.Write(&b, order, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	little, big := binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
	for _, tt := range []struct {
		content []byte
		want    File
	}{
		{nil, File{}},
		{[]byte("text"), File{}},
		{[]byte("\x7fELF"), File{ELF: true}},
		{[]byte("#!"), File{Script: true}},
		{[]byte("#! /bin/sh\t-e x \nexit"), File{Script: true, Interpreter: "/bin/sh\t-e", Argument: "x"}},
		{[]byte("#!/bin/sh\r\n"), File{Script: true, Interpreter: "/bin/sh\r"}},
		{program(t, elf.ELFCLASS64, little, elf.EM_X86_64, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_X86_64", Arch: "amd64"}},
		{program(t, elf.ELFCLASS64, little, elf.EM_AARCH64, elf.PT_INTERP, "/lib/ld.so\x00"),
			File{ELF: true, Machine: "EM_AARCH64", Arch: "arm64", Interpreter: "/lib/ld.so"}},
		{program(t, elf.ELFCLASS32, little, elf.EM_386, elf.PT_INTERP, "/lib/ld.so\x00"),
			File{ELF: true, Machine: "EM_386", Arch: "386", Interpreter: "/lib/ld.so"}},
		{program(t, elf.ELFCLASS64, big, elf.EM_PPC64, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_PPC64", Arch: "ppc64"}},
		{program(t, elf.ELFCLASS64, little, elf.EM_PPC64, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_PPC64", Arch: "ppc64le"}},
		{program(t, elf.ELFCLASS64, little, elf.EM_MIPS, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_MIPS", Arch: "mips64le"}},
		{program(t, elf.ELFCLASS32, big, elf.EM_MIPS, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_MIPS", Arch: "mips"}},
		{program(t, elf.ELFCLASS64, big, elf.EM_S390, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_S390", Arch: "s390x"}},
		{program(t, elf.ELFCLASS64, little, elf.EM_AVR, elf.PT_LOAD, "x"), File{ELF: true, Machine: "EM_AVR"}},
	} {
		got, err := Read(bytes.NewReader(tt.content))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%.40q: %v (-want +got):\n%s", tt.content, err, diff)
		}
	}
}

func TestRunsOn(t *testing.T) {
	for _, tt := range []struct {
		file, on string
		want     bool
	}{
		{"amd64", "amd64", true}, {"386", "amd64", true}, {"amd64", "386", false}, {"arm", "arm64", false}, {"", "amd64", false},
	} {
		if got := (File{Arch: tt.file}).RunsOn(tt.on); got != tt.want {
			t.Errorf("a program for %q on %q: %v", tt.file, tt.on, got)
		}
	}
}

// FuzzRead checks that no file makes the reader of programs panic or take what
// it is told to.
func FuzzRead(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(program(f, elf.ELFCLASS64, order, elf.EM_X86_64, elf.PT_INTERP, "/ld.so.1\x00"))
	}
	f.Add([]byte("#! /bin/sh -e\n"))
	f.Add([]byte("#!"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Error(err)
		}
		if len(got.Interpreter) > len(data) || len(got.Libraries) > len(data) {
			t.Errorf("%d bytes of interpreter, %d libraries in %d bytes", len(got.Interpreter), len(got.Libraries), len(data))
		}
	})
}
