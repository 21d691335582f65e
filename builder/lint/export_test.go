package lint

import "io"

// ReadBinary is for the fuzz test.
func ReadBinary(r io.Reader) (arch, interpreter string, libraries []string, err error) {
	b, err := readBinary(r)
	return b.arch, b.interpreter, b.libraries, err
}
