package judge_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/ko-health/kohealth/builder/judge"
)

// FuzzReadBinary checks that no file makes the reader of programs panic or take what
// it is told to.
func FuzzReadBinary(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1}
		copy(h.Ident[:], elf.ELFMAG)
		h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
		if order == binary.BigEndian {
			h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
		}
		var b bytes.Buffer
		for _, part := range []any{h, elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120, Filesz: 8}, []byte("/ld.so.1\x00")} {
			if err := binary.Write(&b, order, part); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte("#! /bin/sh -e\n"))
	f.Add([]byte("#!"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, interpreter, libraries, err := judge.ReadBinary(bytes.NewReader(data))
		if err != nil {
			t.Error(err)
		}
		if len(interpreter) > len(data) || len(libraries) > len(data) {
			t.Errorf("%d bytes of interpreter, %d libraries in %d bytes", len(interpreter), len(libraries), len(data))
		}
	})
}
