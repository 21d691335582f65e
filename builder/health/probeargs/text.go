package probeargs

import (
	"strconv"
	"unicode/utf8"
)

// Quote returns s in double quotes, with everything that could break or forge a
// line of a log escaped, as in Go. It is strconv.Quote, but for a program that
// cannot afford its tables of printable characters, and cuts what is very long: what
// follows in the message would else be lost.
func Quote(s string) string {
	q, end := []byte{'"'}, "\""
	if len(s) > maxQuoted {
		s, end = s[:maxQuoted], `"...`
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			q = append(q, '\\', byte(r))
		case r == '\n':
			q = append(q, `\n`...)
		case r == '\r':
			q = append(q, `\r`...)
		case r == '\t':
			q = append(q, `\t`...)
		case isPlain(r) && !(r == utf8.RuneError && n == 1):
			q = append(q, s[:n]...)
		default:
			for i := 0; i < n; i++ {
				q = append(q, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
			}
		}
		s = s[n:]
	}
	return string(append(q, end...))
}

// maxQuoted is the number of bytes that a message holds of somebody's text.
const maxQuoted = 500

// quoteURL is Quote without what may be a user and a password.
func quoteURL(s string) string {
	begin := 0
	if i := Index(s, "//"); i >= 0 {
		begin = i + len("//")
	}
	if at := LastIndexByte(s, '@'); at > begin {
		s = s[:begin] + "..." + s[at:]
	}
	return Quote(s)
}

// base64 encodes s: RFC 4648, section 4.
func base64(s string) (coded string) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for ; s != ""; s = s[min(3, len(s)):] {
		group := s[:min(3, len(s))] + "\x00\x00"
		n := int(group[0])<<16 | int(group[1])<<8 | int(group[2])
		four := string([]byte{digits[n>>18], digits[n>>12&63], digits[n>>6&63], digits[n&63]})
		coded += four[:min(3, len(s))+1] + "=="[min(2, len(s)-1):]
	}
	return coded
}

const hexDigits = "0123456789abcdef"

// isPlain reports whether a terminal shows r as it is. Beside the control characters
// those are left out that are invisible or turn the direction of the text.
func isPlain(r rune) bool {
	switch {
	case r < ' ', 0x7f <= r && r < 0xa0, r == 0xad, r == 0x61c, r == 0x180e,
		0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e, 0x2060 <= r && r <= 0x206f,
		r == 0xfeff, 0xfff9 <= r && r <= 0xfffb, 0xe0000 <= r && r <= 0xe0fff:
		return false
	}
	return true
}

// Trim removes white space from both ends of s.
func Trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// EqualFold reports whether a and b are equal but for the case of ASCII letters.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// atoi parses digits and nothing else.
func atoi(s string, limit int) (n int, ok bool) {
	n64, ok := number(s, int64(limit))
	return int(n64), ok
}

// number is atoi for numbers that a 32-bit int does not hold.
func number(s string, limit int64) (n int64, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int64(s[i]-'0'); n > limit {
			return 0, false
		}
	}
	return n, s != ""
}

func itoa(n int) string { return strconv.Itoa(n) }
