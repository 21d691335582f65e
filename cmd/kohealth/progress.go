package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress returns what shows on a terminal how much was downloaded; nil if f is none.
func progress(f *os.File) func(n int64) {
	if !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return showProgress(f)
}

// showProgress returns what writes how much was downloaded, every quarter of a megabyte,
// into a line that is overwritten by whatever comes next.
func showProgress(w io.Writer) func(n int64) {
	const step = 256 << 10
	var mu sync.Mutex
	var total, shown int64
	return func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		if total += n; total-shown >= step {
			shown = total
			fmt.Fprintf(w, "\rhealth: downloading packages: %.1f MB\r", float64(total)/1e6)
		}
	}
}
