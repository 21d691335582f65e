//go:build linux && !net && (amd64 || arm64)

package main

import "unsafe"

// Flags that the early part knows, one bit each.
const (
	flagTimeout = 1 << iota
	flagStatus
	flagPath
	flagLog
)

// slot returns what lies in a place of the stack that the kernel has set up: the number
// of arguments, the arguments, a null pointer, the variables, a null pointer.
func slot(i int) *byte { return *(**byte)(unsafe.Add(earlyStack, 8*i)) }

// argument returns an argument or, if it has been read, a line of the file, as a C string,
// and nil behind the last.
func argument(i int) *byte {
	f := &early.lines
	if f.n == 0 {
		return slot(i + 2)
	}
	begin := 0
	for ; i > 0 && begin < f.n; begin++ {
		if f.at(begin) == 0 {
			i--
		}
	}
	if uint(begin) >= uint(len(f.b)) || begin >= f.n {
		return nil
	}
	return &f.b[begin]
}

// readArgsFile reads the file of arguments, and ends its lines as C strings end.
func readArgsFile() bool {
	f := &early.lines
	if !f.readFile(argsFile) {
		return false
	}
	if f.at(f.n-1) != '\n' {
		f.add('\n')
	}
	for i := range f.b {
		switch c := f.b[i]; {
		case i >= f.n:
			return true
		case c == '\n':
			f.b[i] = 0
		case c < ' ':
			return false
		}
	}
	return false
}

// scan goes through the arguments, either to understand flags and targets or, when that
// is done, to check the targets.
func scan(check bool) bool {
	ended := false
	for i := 0; ; i++ {
		p := argument(i)
		switch {
		case p == nil:
			return true
		case ended || charAt(p, 0) != '-':
			if !load(p) || !readTarget(check) {
				return false
			}
		case startsC(p, "--\x00"):
			ended = true
		default:
			used := readFlag(p, i, check)
			if used < 0 {
				return false
			}
			i += used
		}
	}
}

// readFlag reads the flag p, which is argument i, and returns how many more arguments it
// has used, or -1. If it has been read before, nothing is set.
func readFlag(p *byte, i int, before bool) (used int) {
	for k := 0; charAt(p, k) != 0 && charAt(p, k) != '='; k++ {
		if charAt(p, k) == '$' { // a name has no variables
			return -1
		}
	}
	if !load(p) {
		return -1
	}
	early.next = 1
	skip("-")
	flag := readFlagName()
	switch {
	case skip("="):
	case char() != 0:
		return -1
	case flag == flagLog:
		early.text.addString("1")
	default:
		if p, used = argument(i+1), 1; p == nil || !load(p) {
			return -1
		}
	}
	switch {
	case before:
		return used
	case flag == 0 || early.given&flag != 0 || char() == 0:
		return -1
	}
	early.given |= flag
	if early.over&flag == 0 && (!setFlag(flag) || char() != 0) {
		return -1
	}
	return used
}

func readFlagName() int {
	switch {
	case skip("timeout"):
		return flagTimeout
	case skip("status"):
		return flagStatus
	case skip("path"):
		return flagPath
	case skip("log"):
		return flagLog
	}
	return 0
}

func setFlag(flag int) bool {
	switch flag {
	case flagTimeout:
		early.timeout = readDuration()
		return early.timeout >= 1e6 && early.timeout <= 24*3600e9
	case flagLog:
		return skip("1") || skip("0") || skip("true") || skip("false")
	case flagPath:
		return copyPath(&early.path)
	}
	early.status.n = 0
	early.status.addText(early.next, early.text.n)
	if !early.status.fits() {
		return false
	}
	early.next = early.text.n
	_, ok := judgeStatus(0)
	return ok
}

// copyPath copies the rest of the text, which is a request path, to a buffer.
func copyPath(to *buffer) bool {
	to.n = 0
	switch char() {
	case '/':
	case 0, '?':
		to.add('/')
	default:
		return false
	}
	to.addText(early.next, early.text.n)
	early.next = early.text.n
	return to.fits()
}

// load makes a C string the text, its variables replaced by their values. It returns
// false if the text is not one of characters that mean themselves everywhere.
func load(p *byte) bool {
	t := &early.text
	t.n, early.next = 0, 0
	for i := 0; charAt(p, i) != 0; i++ {
		if c := charAt(p, i); c != '$' {
			t.add(c)
			continue
		}
		if i++; charAt(p, i) == '$' {
			t.add('$')
			continue
		}
		end := expandEarly(p, i)
		if end == 0 {
			return false
		}
		i = end - 1
	}
	for i := 0; i < t.n; i++ {
		if c := t.at(i); c <= ' ' || c > '~' || c == '#' {
			return false
		}
	}
	return true
}

// expandEarly adds the value of the variable that p names from i on, with or without
// braces, and returns where that ends, or 0 if there is no value.
func expandEarly(p *byte, i int) (end int) {
	braces := charAt(p, i) == '{'
	if braces {
		i++
	}
	name, t := i, &early.text
	for isNameChar(charAt(p, i), i > name) {
		i++
	}
	before := t.n
	addVariable(p, name, i)
	has := t.n > before
	if braces && charAt(p, i) == ':' && charAt(p, i+1) == '-' {
		i += 2
		for fallback := !has; charAt(p, i) != '}'; i++ {
			if charAt(p, i) == 0 || charAt(p, i) == '$' {
				return 0
			}
			if fallback {
				t.add(charAt(p, i))
				has = true
			}
		}
		if charAt(p, i-1) == '-' && charAt(p, i-2) == ':' {
			return 0 // an empty default, or one that looks so
		}
	}
	if braces {
		if charAt(p, i) != '}' {
			return 0
		}
		i++
	}
	if !has || i == name {
		return 0
	}
	return i
}

func isNameChar(c byte, digits bool) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || digits && '0' <= c && c <= '9'
}

// addVariable adds the value of the variable whose name is a part of p. Of several the
// first counts, as in package syscall.
func addVariable(p *byte, from, to int) {
	i := 2
	for slot(i) != nil {
		i++
	}
	for i++; slot(i) != nil; i++ {
		s, k := slot(i), 0
		for from+k < to && charAt(s, k) == charAt(p, from+k) {
			k++
		}
		if from+k == to && charAt(s, k) == '=' {
			for k++; charAt(s, k) != 0; k++ {
				early.text.add(charAt(s, k))
			}
			return
		}
	}
}
