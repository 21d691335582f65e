//go:build linux && !net && (amd64 || arm64)

package main

import "unsafe"

// A buffer holds a text of limited length. What no longer fits only counts.
type buffer struct {
	n int
	b [16 << 10]byte
}

func (b *buffer) fits() bool { return b.n <= len(b.b) }

func (b *buffer) add(c byte) {
	n := b.n
	if uint(n) < uint(len(b.b)) {
		b.b[n] = c
	}
	b.n = n + 1
}

func (b *buffer) addString(s string) {
	for i := 0; i < len(s); i++ {
		b.add(s[i])
	}
}

// addText adds the part of the text from one byte to another.
func (b *buffer) addText(from, to int) {
	for ; from < to; from++ {
		b.add(early.text.at(from))
	}
}

// addNumber adds a number below 100000.
func (b *buffer) addNumber(n int) {
	for place := 10000; place > 0; place /= 10 {
		if n >= place || place == 1 {
			b.add(byte('0' + n/place%10))
		}
	}
}

// set makes s, with a zero byte behind it, the content of a buffer.
func (b *buffer) set(s string) {
	b.n = 0
	b.addString(s)
	b.add(0)
}

// at returns a byte of a buffer, or 0 where there is none.
func (b *buffer) at(i int) byte {
	if uint(i) >= uint(len(b.b)) || i >= b.n {
		return 0
	}
	return b.b[i]
}

// number returns the number of three digits that begins at i, or -1.
func (b *buffer) number(i int) (n int) {
	for end := i + 3; i < end; i++ {
		c := b.at(i)
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// starts reports whether s begins at i.
func (b *buffer) starts(i int, s string) bool {
	for k := 0; k < len(s); k++ {
		if b.at(i+k) != s[k] {
			return false
		}
	}
	return true
}

// charAt returns a byte of a C string; those before it must not be 0.
func charAt(p *byte, i int) byte { return *(*byte)(unsafe.Add(unsafe.Pointer(p), i)) }

// startsC reports whether a C string begins with s.
func startsC(p *byte, s string) bool {
	for i := 0; i < len(s); i++ {
		if charAt(p, i) != s[i] {
			return false
		}
	}
	return true
}

// char returns the byte of the text that is to be read next, or 0 at its end.
func char() byte { return early.text.at(early.next) }

// skip reads s if that comes next.
func skip(s string) bool {
	if !early.text.starts(early.next, s) {
		return false
	}
	early.next += len(s)
	return true
}

// readNumber reads digits, without zeros before others, or returns -1.
func readNumber(limit int) int {
	for n := -1; ; early.next++ {
		c := char()
		if c < '0' || c > '9' {
			return n
		}
		if n == 0 {
			return -1
		}
		if n = max(n, 0)*10 + int(c-'0'); n > limit {
			return -1
		}
	}
}
