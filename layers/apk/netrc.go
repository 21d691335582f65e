package apk

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
)

// netrcUser returns what the user's netrc file says of a host, or nil. NETRC names
// another file than ~/.netrc. There need not be one.
//
// https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
func netrcUser(host string) (*url.Userinfo, error) {
	name := os.Getenv("NETRC")
	if name == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, nil
		}
		name = filepath.Join(home, ".netrc")
	}
	text, err := limits.Document.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return parseNetrc(string(text), host), err
}

// parseNetrc returns the first entry of a host, or the default one. Macros, which go to
// the next empty line, are passed over.
func parseNetrc(text, host string) *url.Userinfo {
	var words []string
	macro := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "macdef" {
			macro = true
		}
		if macro {
			macro = len(fields) > 0
			continue
		}
		if len(fields) > 0 && strings.HasPrefix(fields[0], "#") {
			continue
		}
		words = append(words, fields...)
	}
	var login, password string
	ours := false
	for i := 0; i < len(words); i++ {
		next := func() string {
			if i++; i < len(words) {
				return words[i]
			}
			return ""
		}
		switch words[i] {
		case "machine", "default":
			if ours {
				return url.UserPassword(login, password)
			}
			ours = words[i] == "default" || next() == host
		case "login":
			if v := next(); ours {
				login = v
			}
		case "password":
			if v := next(); ours {
				password = v
			}
		case "account":
			next()
		}
	}
	if !ours {
		return nil
	}
	return url.UserPassword(login, password)
}
