package judge

import (
	"context"
	"io"
)

// Status returns whether a check can pass, and whether it can fail.
func Status(ctx context.Context, check Check, c Container) (pass, fail bool, err error) {
	r, err := judge(ctx, check, c)
	if err != nil {
		return false, false, err
	}
	return r.result&passes != 0, r.result&fails != 0 || r.result == 0, nil
}

// ReadBinary is for the fuzz test.
func ReadBinary(r io.Reader) (arch, interpreter string, libraries []string, err error) {
	b, err := readBinary(r)
	return b.arch, b.interpreter, b.libraries, err
}
