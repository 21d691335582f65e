package main

// A headerBlock is what is left of a compressed header: RFC 7541. The probe allows
// its peer no dynamic table, so each block can be understood without those before.
type headerBlock []byte

func errShort() error { return malformed("a header block that ends too early") }

// field takes a field in one of the forms of section 6. A change of the table's size
// is a field without a name.
func (b *headerBlock) field() (name, value string, err error) {
	switch first := (*b)[0]; {
	case first&0x80 != 0: // indexed
		return b.indexed(7)
	case first&0xe0 == 0x20: // change of size
		_, err = b.number(5)
		return "", "", err
	case first&0xc0 == 0x40: // literal, for the table
		name, _, err = b.indexed(6)
	default: // literal, not for the table
		name, _, err = b.indexed(4)
	}
	if err == nil && name == "" {
		name, err = b.text()
	}
	if err == nil {
		value, err = b.text()
	}
	return name, value, err
}

// indexed takes an index into the tables. Index 0 stands for a name that follows.
func (b *headerBlock) indexed(bits int) (name, value string, err error) {
	i, err := b.number(bits)
	switch {
	case err != nil:
		return "", "", err
	case i == 0 && bits < 7:
		return "", "", nil
	case i == 0 || i > staticFields:
		return "", "", malformed("a header field from a table that the probe does not allow")
	}
	name, value = staticField(i)
	return name, value, nil
}

// staticFields is the size of the static table: appendix A.
const staticFields = 61

// staticField returns a field of the static table. Those in which the probe takes no
// interest are called "other".
func staticField(i int) (name, value string) {
	switch {
	case 8 <= i && i <= 14:
		const statuses = "200204206304400404500"
		return ":status", statuses[(i-8)*3 : (i-7)*3]
	case i == 31:
		return "content-type", ""
	case i == 46:
		return "location", ""
	}
	return "other", ""
}

// number takes a number whose first byte has the given bits for it: section 5.1.
func (b *headerBlock) number(bits int) (n int, err error) {
	c, err := b.byte()
	limit := 1<<bits - 1
	if n = int(c) & limit; n < limit || err != nil {
		return n, err
	}
	for shift := 0; shift <= 14; shift += 7 { // up to some two millions, of what is 16 KiB long
		if c, err = b.byte(); err != nil {
			return 0, err
		}
		if n += int(c&0x7f) << shift; c < 0x80 {
			return n, nil
		}
	}
	return 0, errShort()
}

func (b *headerBlock) byte() (byte, error) {
	if len(*b) == 0 {
		return 0, errShort()
	}
	c := (*b)[0]
	*b = (*b)[1:]
	return c, nil
}

// text takes a string: section 5.2.
func (b *headerBlock) text() (string, error) {
	coded := len(*b) > 0 && (*b)[0]&0x80 != 0
	n, err := b.number(7)
	if err != nil || n > len(*b) {
		return "", errShort()
	}
	s := (*b)[:n]
	*b = (*b)[n:]
	if !coded {
		return string(s), nil
	}
	text, ok := unhuffman(s)
	if !ok {
		return "", malformed("a header field that is not in its code")
	}
	return string(text), nil
}

// huffman holds the characters of the code of appendix B, by the length of what
// stands for them. The code is canonical: what stands for the next character of the
// same length is the next number. What would follow the last one is no character.
var huffman = [...]string{
	5:  "012aceiost",
	6:  " %-./3456789=A_bdfghlmnpru",
	7:  ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
	8:  "&*,;XZ",
	10: "!\"()?",
	11: "'+|",
	12: "#>",
	13: "\x00$@[]~",
	14: "^}",
	15: "<`{",
	19: "\\\xc3\xd0",
	20: "\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
	21: "\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
	22: "\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
	23: "\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
	24: "\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
	25: "\xc7\xcf\xea\xeb",
	26: "\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
	27: "\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
	28: "\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
	30: "\n\r\x16",
}

// unhuffman decodes a text. What is left of its last byte has to be the beginning of
// the code that is no character, all ones: section 5.2.
func unhuffman(coded []byte) (text []byte, ok bool) {
	code, first, length, ones := 0, 0, 0, true
	for i := 0; i < len(coded)*8; i++ {
		bit := int(coded[i/8]>>(7-i%8)) & 1
		code, first, length = code<<1|bit, first<<1, length+1
		ones = ones && bit == 1
		if length == len(huffman) {
			return nil, false
		}
		characters := huffman[length]
		if code-first < len(characters) {
			text = append(text, characters[code-first])
			code, first, length, ones = 0, 0, 0, true
			continue
		}
		first += len(characters)
	}
	return text, ones && length < 8
}
