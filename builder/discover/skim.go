package discover

import "bytes"

// skim returns the text of a Go file with what others can see of it: without comments,
// bodies of functions, and what is in the literals of package variables, whose types are
// the same without. Each line stays what it is by number. Parsing that takes a fraction of
// the time; what does not read like Go comes back whole, for the parser to complain of.
func skim(src []byte) []byte {
	s := &skimmer{src: src, out: make([]byte, 0, len(src)/2)}
	for s.at < len(src) && !s.odd {
		s.next()
	}
	if s.odd || s.depth != 0 {
		return src
	}
	return s.out
}

// A skimmer copies a file token by token.
type skimmer struct {
	src, out []byte
	at       int
	odd      bool // brackets or quotes do not match

	depth    int    // of brackets that are open
	decl     []byte // the keyword of the declaration, or nil between two
	group    int    // the depth of a declaration's specifications: 1 in var (…)
	inferred bool   // the specification has an array that is as long as its literal
	last     []byte // the last token but for space and comments
}

// next copies a token, or leaves it out.
func (s *skimmer) next() {
	begin, end := s.at, tokenEnd(s.src, s.at)
	token := s.src[begin:end]
	s.at = end
	switch c := token[0]; {
	case c == '\n':
		s.endLine()
	case c == ' ', c == '\t', c == '\r':
	case isComment(token):
		if s.keepLines(token); bytes.IndexByte(token, '\n') >= 0 {
			s.endLine()
		}
		s.out = append(s.out, ' ')
		return
	case c == '{' && s.holdsHidden():
		s.leaveOut()
		return
	default:
		s.take(token)
	}
	s.out = append(s.out, token...)
}

// take notes what a token opens, closes or begins.
func (s *skimmer) take(token []byte) {
	switch token[0] {
	case '(', '[', '{':
		if token[0] == '(' && string(s.last) == "var" {
			s.group = 1
		}
		s.depth++
	case ')', ']', '}':
		s.depth--
	case ';':
		s.endSpec()
	case '.':
		s.inferred = s.inferred || string(s.last) == "[" && bytes.HasPrefix(s.src[s.at-1:], []byte("..."))
	default:
		if s.depth == 0 && s.decl == nil {
			s.decl = token
		}
	}
	s.last = token
}

// endLine ends a declaration where Go puts a semicolon: behind a name, a literal or what
// closes brackets.
func (s *skimmer) endLine() {
	if s.last == nil {
		return
	}
	switch c := s.last[0]; {
	case isLetter(c), c == '"', c == '`', c == '\'', c == ')', c == ']', c == '}':
		s.endSpec()
	}
}

func (s *skimmer) endSpec() {
	if s.depth == s.group {
		s.inferred = false
	}
	if s.depth == 0 {
		s.decl, s.group, s.inferred = nil, 0, false
	}
}

// holdsHidden reports whether the brace that comes next opens the body of a function, or
// a literal.
func (s *skimmer) holdsHidden() bool {
	if string(s.last) == "struct" || string(s.last) == "interface" {
		return false
	}
	return string(s.decl) == "func" && s.depth == 0 || string(s.decl) == "var" && !s.inferred
}

// leaveOut passes over what is in braces.
func (s *skimmer) leaveOut() {
	begin := s.at
	for depth := 1; depth > 0; {
		if s.at >= len(s.src) {
			s.odd = true
			return
		}
		switch s.src[s.at] {
		case '{':
			depth++
		case '}':
			depth--
		}
		s.at = tokenEnd(s.src, s.at)
	}
	s.out = append(s.out, '{')
	s.keepLines(s.src[begin:s.at])
	s.out = append(s.out, '}')
	s.last = s.src[s.at-1 : s.at]
}

// keepLines copies the ends of lines.
func (s *skimmer) keepLines(text []byte) {
	for range bytes.Count(text, []byte{'\n'}) {
		s.out = append(s.out, '\n')
	}
}

func isComment(token []byte) bool { return token[0] == '/' && len(token) > 1 }

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// tokenEnd returns where the token ends that begins at a place: a word, a literal, a
// comment, or one byte of what is left.
func tokenEnd(src []byte, at int) int {
	rest := src[at:]
	switch c := rest[0]; {
	case isLetter(c):
		end := 1
		for end < len(rest) && (isLetter(rest[end]) || rest[end] == '.' && isDigit(c)) {
			end++
		}
		return at + end
	case c == '"', c == '\'':
		return at + quotedEnd(rest)
	case c == '`':
		return at + endBehind(rest, 1, "`")
	case bytes.HasPrefix(rest, []byte("//")):
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			return at + end
		}
		return len(src)
	case bytes.HasPrefix(rest, []byte("/*")):
		return at + endBehind(rest, 2, "*/")
	}
	return at + 1
}

// quotedEnd returns where a literal in quotes ends: there, or with the line.
func quotedEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return i
		case text[0]:
			return i + 1
		}
	}
	return len(text)
}

// endBehind returns where text ends that ends with a mark, or with the file.
func endBehind(text []byte, from int, mark string) int {
	if end := bytes.Index(text[from:], []byte(mark)); end >= 0 {
		return from + end + len(mark)
	}
	return len(text)
}
