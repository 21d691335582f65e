// Command healthcheck is kohealth's probe: it reports whether the app in its container
// is healthy. It exits with 0 if so and with 1 if not, as Docker asks. It ends with
// anything else only from outside: by a signal, or where Go's runtime cannot start.
// It says nothing when all is well. When not, it says in one line on stderr what it
// did, what came of it and how long that took:
//
//	unhealthy: GET http://127.0.0.1:8080/healthz: 503 "Service Unavailable": "db: connection refused" (12ms)
//
// The same line goes to the container's own log, because few people know where a
// platform keeps what a health check prints, and some platforms drop it.
//
// With -v it says so when all is well, too, and with -json it also writes one line
// for machines to stdout.
//
// Package probeargs describes the command line. A probe that is given no target takes
// its arguments from /etc/healthcheck, which holds one in each line, so that a task
// definition need not repeat what the image says. Flags that it is given, such as -v,
// win over those of the file. A probe called curl or wget takes the options
// of that tool; HEALTHCHECK_LOG=false in the environment, or the file, is its -log=false.
//
// Every check costs CPU time from the app's own share, so the probe is small and
// starts fast. It is little more than Go's runtime: on Linux it makes system calls
// itself and does without the packages net, fmt, os and time. kohealth compiles it
// with the user's Go toolchain and the build tag probe, and with the tag tls for
// checks that need it.
package main

import (
	"errors"
	"syscall"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Exit codes: https://docs.docker.com/reference/dockerfile/#healthcheck
const (
	healthy   = 0
	unhealthy = 1
)

const usage = `usage: healthcheck [FLAG]... TARGET...

Without a target it takes those of /etc/healthcheck. Flags:
  -status 200-299,301   healthy statuses
  -header 'Name: value' to send; may be repeated
  -method HEAD          instead of GET
  -body TEXT            that the body has to hold
  -http2                ask with HTTP/2
  -path /healthz        with auto: what to ask for
  -insecure             verify no certificate
  -cacert FILE          of the authorities that count
  -servername NAME      that the certificate has to hold
  -cert FILE            to show to the server
  -key FILE             of -cert
  -timeout 2s           over everything
  -log=false            nothing to the container's log
  -v                    say so when all is well
  -json                 a line for machines on stdout
https://github.com/ko-health/kohealth#the-probe says more
`

const tryTarget = ": write one, such as http://:8080/healthz"

// errHelp says that the arguments ask for help.
var errHelp = errors.New("help")

// argsFile holds the arguments of a probe that is started without a target. A variable can
// be set by the linker, for tests.
var argsFile = koHealthArgs

func main() { syscall.Exit(run(arguments(), argsFile)) }

// run does what the arguments ask for, says what is wrong, and returns the exit code.
func run(args []string, file string) (code int) {
	v := voice{log: true}
	defer func() {
		if p := recover(); p != nil {
			v.refuse(panicText(p))
			code = unhealthy
		}
	}()
	cmd, err := command(args, file, &v)
	if err == errHelp {
		v.report(usage, "", "")
		return unhealthy // whoever runs it as a check has made a mistake
	}
	if err != nil {
		v.refuse(err.Error())
		return unhealthy
	}
	v = voice{cmd.Log, cmd.JSON, cmd.Verbose}
	return v.tell(newCheck(cmd).all())
}

// command parses the arguments: those of the tool by whose name the probe is called,
// or its own. Even of a command line with an error it says where to report.
func command(args []string, file string, v *voice) (*probeargs.Command, error) {
	if len(args) > 0 {
		if cmd, known, err := probeargs.ParseAs(args[0], args[1:]); known {
			v.log = toolsLog(file)
			if err == nil {
				cmd.Log = v.log
			}
			return cmd, err
		}
	}
	own := args[min(1, len(args)):]
	if len(own) == 1 && (own[0] == "-h" || own[0] == "-help" || own[0] == "--help") {
		return nil, errHelp
	}
	*v = wantedVoice(own)
	from := ""
	cmd, err := probeargs.ParseOver(own, func() ([]string, error) {
		lines, err := readLines(file)
		if err == nil {
			from = file
			*v = wantedVoice(append(lines, own...))
		}
		return lines, err
	}, variable)
	if err != nil && from != "" {
		err = in(from, err)
	}
	return cmd, err
}

// toolsLog is -log for tools that have no such option: a variable, or what kohealth has
// put into the file of arguments.
func toolsLog(file string) bool {
	value, _ := syscall.Getenv("HEALTHCHECK_LOG")
	lines, _ := readLines(file)
	return value != "false" && value != "0" && wantedVoice(lines).log
}

// readLines returns the lines of the file that holds arguments.
func readLines(file string) (lines []string, err error) {
	data, err := readFile(file)
	switch {
	case err != nil:
		return nil, errors.New("no target is given: reading " + file + ": " + err.Error() + tryTarget)
	case probeargs.Trim(data) == "":
		return nil, errors.New("no target is given, and " + file + " is empty" + tryTarget)
	}
	for data != "" {
		var line string
		line, data, _ = probeargs.Cut(data, "\n")
		lines = append(lines, probeargs.TrimSuffix(line, "\r"))
	}
	return lines, nil
}

// wantedVoice is what command lines ask for that may have an error in them.
func wantedVoice(args []string) voice {
	v := voice{log: true}
	for _, arg := range args {
		if probeargs.HasPrefix(arg, "--") {
			arg = arg[1:]
		}
		switch arg {
		case "-log", "-log=true", "-log=1":
			v.log = true
		case "-log=false", "-log=0":
			v.log = false
		case "-json", "-json=true", "-json=1":
			v.json = true
		}
	}
	return v
}

// variable is the probeargs.Lookup of a probe that runs. As in a shell, the default
// stands in for an empty variable, too.
func variable(name, def string) (string, error) {
	value, set := syscall.Getenv(name)
	return variableValue(name, def, value, set)
}

func variableValue(name, def, value string, set bool) (string, error) {
	switch {
	case value != "":
		return value, nil
	case def != "":
		return def, nil
	case set:
		return "", errors.New("variable " + name + " is empty")
	}
	return "", errors.New("variable " + name + " is not set")
}

// panicText makes a message of what a panic left behind. A panic that nobody
// recovers ends the process with 2.
func panicText(p any) string {
	switch p := p.(type) {
	case error:
		return "internal error: " + p.Error()
	case string:
		return "internal error: " + p
	}
	return "internal error"
}
