package judge

import (
	"slices"
	"strings"
)

// A syntaxOf says which of a tool's options take values: their letters, and their long
// names, a space before and after each.
type syntaxOf struct {
	letters string
	long    string
	known   string // letters of those that take none; "" is not told
	longer  string // long ones that take none
	mark    string // a long one that every program with these options holds
	refused string // letters that none of them has
	all     bool   // there are hardly others than these long ones
	others  string // long ones that only programs like it have, which people take for its own
	numbers string // letters and long ones that take a number
}

// Options of curl 8 that take a value: curl.se/docs/manpage.html.
var curlSyntax = syntaxOf{
	mark:    "connect-timeout",
	letters: "AbcCdDeEFhHKmoPQrtTuUwxXyYz",
	long: " abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to continue-at " +
		"cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode delegation dns-interface " +
		"dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header egd-file engine etag-compare etag-save expect100-timeout form " +
		"form-string ftp-account ftp-alternative-to-user ftp-method ftp-port happy-eyeballs-timeout-ms haproxy-clientip header help " +
		"hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate " +
		"local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output " +
		"output-dir parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-header proxy-user pubkey quote " +
		"random-file range rate referer request request-target resolve retry retry-delay retry-max-time sasl-authzid service-name " +
		"socks4 socks4a socks5 socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers " +
		"tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent variable " +
		"vlan-priority write-out ",
	others:  " timeout tries spider quiet no-check-certificate output-document server-response post-data delete-after wait waitretry ",
	numbers: " m max-time connect-timeout retry retry-delay retry-max-time max-redirs y Y speed-time speed-limit ",
	longer: " fail silent show-error insecure location head include verbose fail-with-body get compressed globoff ipv4 ipv6 retry-connrefused " +
		"retry-all-errors no-progress-meter no-keepalive tcp-nodelay http1.1 http2 path-as-is raw version ",
}

// Options of GNU Wget that take a value: its manual.
var wgetSyntax = syntaxOf{
	mark:    "no-check-certificate",
	refused: "fjMuWZJzy",
	all:     true,
	letters: "oaeitOTwQPURlADIXBn",
	long: " output-file append-output execute input-file base config rejected-log bind-address tries output-document backups start-pos " +
		"progress timeout dns-timeout connect-timeout read-timeout limit-rate wait waitretry quota restrict-file-names prefer-family user " +
		"password directory-prefix protocol-directories cut-dirs default-page http-user http-password header compression max-redirect " +
		"proxy-user proxy-password referer user-agent post-data post-file method body-data body-file retry-on-http-error secure-protocol " +
		"certificate certificate-type private-key private-key-type ca-certificate ca-directory crl-file pinnedpubkey random-file ciphers " +
		"hsts-file accept reject accept-regex reject-regex regex-type domains exclude-domains follow-tags ignore-tags include-directories " +
		"exclude-directories level load-cookies save-cookies local-encoding remote-encoding bind-dns-address dns-servers ",
	others: " fail silent insecure show-error max-time retry location head include fail-with-body request data url write-out cacert ",
	longer: " spider quiet no-verbose no-check-certificate server-response no-proxy no-cache no-cookies no-dns-cache inet4-only inet6-only " +
		"delete-after content-on-error retry-connrefused continue version help background debug verbose force-html no-clobber no-netrc " +
		"timestamping no-if-modified-since no-use-server-timestamps random-wait ignore-case ask-password no-iri unlink show-progress " +
		"no-directories force-directories no-host-directories adjust-extension no-http-keep-alive keep-session-cookies ignore-length " +
		"save-headers content-disposition auth-no-challenge https-only no-hsts no-remove-listing no-glob no-passive-ftp preserve-permissions " +
		"retr-symlinks recursive convert-links convert-file-only backup-converted mirror page-requisites strict-comments span-hosts relative " +
		"no-parent no-config report-speed trust-server-names xattr warc-file if-modified-since use-server-timestamps retry-on-host-error " +
		"no-warc-compression no-warc-digests no-warc-keep-log metalink-over-http protocol-directories ",
}

// Options of BusyBox's wget; others are refused. See TestBusyBoxOptions.
var appletSyntax = syntaxOf{
	letters: "OoPYUTtn",
	long:    " proxy output-document output-file directory-prefix user-agent tries header post-data post-file timeout ",
	known:   "cqS",
	longer: " spider quiet continue server-response no-check-certificate no-verbose no-clobber no-host-directories no-parent no-cache " +
		"passive-ftp ",
}

// A given option has its letter or long name, and its value.
type given struct {
	name, value string
	hasValue    bool
	joined      bool // the value stands behind =
}

// options are the arguments of a tool, told apart.
type options struct {
	given    []given
	operands []int  // indexes of arguments
	strange  string // an option that the tool refuses: one that it does not know, or with a space in it
	lacks    bool   // the last option lacks its value
}

// parse tells options from operands, as getopt_long(3) does, which lets them mix.
func (s syntaxOf) parse(args []string) (o options) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		next := func() (string, bool) {
			i++
			if i < len(args) {
				return args[i], true
			}
			o.lacks = true
			return "", false
		}
		switch {
		case arg == "--":
			for i++; i < len(args); i++ {
				o.operands = append(o.operands, i)
			}
		case strings.HasPrefix(arg, "--"):
			s.long1(&o, arg[2:], next)
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			s.short(&o, arg[1:], next)
		default:
			o.operands = append(o.operands, i)
		}
	}
	return o
}

func (s syntaxOf) long1(o *options, text string, next func() (string, bool)) {
	name, value, hasValue := strings.Cut(text, "=")
	joined := hasValue
	takes := strings.Contains(s.long, " "+name+" ")
	if takes && !hasValue {
		value, hasValue = next()
	}
	if (s.known != "" && !takes && !s.abbreviates(name) || strings.ContainsAny(name, " \t")) && o.strange == "" {
		o.strange = "--" + name
	}
	o.given = append(o.given, given{name, value, hasValue, joined})
}

// abbreviates reports whether an option may stand for one that there is.
func (s syntaxOf) abbreviates(name string) bool {
	return slices.ContainsFunc(strings.Fields(s.long+s.longer), func(known string) bool { return strings.HasPrefix(known, name) })
}

func (s syntaxOf) short(o *options, letters string, next func() (string, bool)) {
	for i := range letters {
		name := letters[i : i+1]
		if !strings.Contains(s.letters, name) {
			if (s.known != "" && !strings.Contains(s.known, name) || strings.Contains(s.refused+" \t", name)) && o.strange == "" {
				o.strange = "-" + name
			}
			o.given = append(o.given, given{name: name})
			continue
		}
		value, ok := letters[i+1:], true
		if value == "" {
			value, ok = next()
		}
		o.given = append(o.given, given{name: name, value: value, hasValue: ok})
		return
	}
}

// has reports whether one of some options is given.
func (o options) has(names ...string) bool {
	_, ok := o.value(names...)
	return ok
}

// value returns the last value of one of some options.
func (o options) value(names ...string) (value string, ok bool) {
	for _, g := range slices.Backward(o.given) {
		if slices.Contains(names, g.name) {
			return g.value, true
		}
	}
	return "", false
}

// noNumber returns the value of an option that has to be a number and is none, or nothing.
func (s syntaxOf) noNumber(o options) string {
	for _, g := range o.given {
		if strings.Contains(s.numbers, " "+g.name+" ") && g.hasValue && isKnown(g.value) && strings.Trim(g.value, "0123456789.") != "" {
			return g.value
		}
	}
	return ""
}

// unknown returns an option that a program refuses, as far as its own table of them tells:
// the names stand in the program, some perhaps as the end of another text. One may stand
// for a longer one that it begins.
func (c *call) unknown(p *program, s syntaxOf, o options) string {
	if p.Path == "" || p.flavour != plain {
		return ""
	}
	for _, g := range o.given {
		if len(g.name) < 2 || strings.Contains(s.long+s.longer, " "+g.name) || strings.Contains(s.longer, " no-"+g.name) {
			continue
		}
		if strings.Contains(s.others, " "+g.name+" ") {
			return "--" + g.name
		}
		name := strings.TrimPrefix(g.name, "no-")
		if isKnown(name) && c.holds(p.Path, s.mark) && !c.holds(p.Path, "\x00"+name) && (s.all || !c.holds(p.Path, name+"\x00")) {
			return "--" + g.name
		}
	}
	return ""
}
