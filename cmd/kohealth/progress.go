package main

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress returns what shows on a terminal how much was downloaded; nil if f is none.
// The line is cleared by whatever is written next.
func progress(f *os.File) func(n int64) {
	if !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var mu sync.Mutex
	var total, shown int64
	return func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		const step = 256 << 10
		if total += n; total-shown >= step {
			shown = total
			fmt.Fprintf(f, "\rhealth: downloading packages: %.1f MB\r", float64(total)/1e6)
		}
	}
}
