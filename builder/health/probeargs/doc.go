// Package probeargs parses the command line of kohealth's probe.
//
// The probe is compiled with this package, and kohealth judges a check with it
// before an image is built. So whatever is wrong with a check is found beforehand,
// by the code that would have found it in the container:
//
//	cmd, err := probeargs.Parse([]string{"-status", "200", "http://:${PORT:-8080}/healthz"}, lookup)
//
// A command line holds flags and targets in any order; "--" ends the flags. Every
// target has to be healthy:
//
//	auto                            the app accepts connections where it listens
//	auto:8080,9090                  and it listens on these ports
//	http://[HOST]:PORT[/PATH]       answers with a healthy status
//	https://[HOST]:PORT[/PATH]      the same, through TLS
//	grpc://[HOST]:PORT[/SERVICE]    says SERVING when asked with gRPC's health protocol
//	grpcs://[HOST]:PORT[/SERVICE]   the same, through TLS
//	tcp://[HOST]:PORT               accepts a connection
//	unix:///SOCKET, unix://@NAME    accepts a connection; @ is an abstract socket
//	http+unix:///SOCKET[:/PATH]     answers through a Unix domain socket
//	file:///PATH[?max_age=60s]      exists, and was modified at most that long ago
//
// A check never leaves its container, and resolves no names: without HOST (or with
// localhost) it tries 127.0.0.1 and then [::1], and the only other hosts are
// addresses of the loopback interface, for which 0.0.0.0 and [::] stand, too. A container's /etc/hosts may lack localhost,
// or give it an address on which the app does not listen.
//
// Through TLS the app has to show a certificate for localhost, or for the address
// that HOST is, which an authority has signed that the image or -cacert knows. For a
// certificate of another name there is -servername.
//
// auto finds the TCP ports on which the app itself listens, in a container that ko
// has built, and no port of another process. It does not connect where the kernel says
// that connections are accepted. With ports behind it, as in auto:8080,9090, the app has to
// listen on these, too. With -path /healthz it is an HTTP check of the first of these, or
// else of the lowest that the app has.
//
// $NAME, ${NAME} and ${NAME:-default} are variables and $$ is a dollar, so a check
// follows the port that the app itself takes from the environment, without a shell.
// Variables are expanded once, in targets and in the values of flags. Which
// arguments are flags is settled before, so no value can add one.
//
// # As curl or wget
//
// ParseAs parses the command line of a tool that health checks are commonly written
// with, so that they go on working where there is only the probe:
//
//	cmd, known, err := probeargs.ParseAs("/usr/bin/curl", []string{"-fsS", "http://localhost:8080/"})
//
// An answer is healthy if the tool would exit with 0: for curl without -f, any answer; for
// wget, the one that redirects lead to in the end. The rest is the probe's own: hosts
// other than localhost and the loopback interface's are refused, there is one try
// and one deadline, and nothing is printed. An option is refused, by name, if the
// probe does not know it or could not do what it is given for. URLs are read as the
// tools read them, with http as the default scheme and 80 and 443 as default ports,
// and hold no variables, since a shell has expanded them.
//
// # Size
//
// The package is part of a small program that starts every few seconds. It uses
// nothing of the standard library that would make that program notably larger: not
// fmt, net/url, flag or strings, nor strconv's Quote and Atoi, which cost 12 KB or more
// each.
package probeargs
