package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// targetRules judge what a command asks.
func targetRules() []Rule {
	return []Rule{
		{"localhost", Warning, "localhost may be ::1 first, where a server that listens on IPv4 only does not answer, and BusyBox's wget tries no other address.", "https://man7.org/linux/man-pages/man5/gai.conf.5.html", localhost},
		{"other-port", Warning, "The command asks a port that is none of the app's, all of which the file maps.", srcECSDef, otherPort},
		{"curl-without-fail", Warning, "Without -f, curl succeeds whatever the server answers: 500 is healthy.", srcCurl, curlWithoutFail},
		{"probe-arguments", Error, "kohealth's probe does not understand its arguments, so every check fails.", "https://github.com/ko-health/kohealth#the-probe", probeArguments},
	}
}

// asking returns the calls that can be judged by what they ask: of programs that are
// there, as far as is known.
func (c *container) asking() (calls []call, probe bool) {
	if c.Image == nil {
		return c.Command.Calls, false
	}
	for _, p := range c.Programs {
		if p.Path != "" {
			calls = append(calls, p.call)
		}
		probe = probe || p.IsProbe
	}
	if c.Shell != nil && c.Shell.Path == "" {
		return nil, probe
	}
	return calls, probe
}

// localhost judges wget, which may be BusyBox's: curl tries every address of a name. An
// https URL keeps its host, for which the certificate is.
func localhost(c *container) (found []problem) {
	calls, probe := c.asking()
	for _, call := range calls {
		if u, ok := call.url(); ok && u.host == "localhost" && u.scheme != "https" && !probe && path.Base(call.Name) == "wget" {
			found = append(found, at(call.Pos, c.rewritten(u.text, strings.Replace(u.text, "localhost", "127.0.0.1", 1)), "%s asks localhost, which may be ::1: ask 127.0.0.1 if the server listens on IPv4", call.Name)...)
		}
	}
	return found
}

// rewritten writes the check with a part of its command replaced.
func (c *container) rewritten(old, new string) string {
	var test []string
	for i, a := range c.Check.Test {
		text := a.Text
		if at := strings.LastIndex(text, old); at >= 0 && i > 0 && (a.Text == old || c.Check.form() == "CMD-SHELL" || c.hasShellScript()) {
			text = text[:at] + new + text[at+len(old):]
		}
		test = append(test, text)
	}
	return c.command(test)
}

// command writes a check's command.
func (c *container) command(test []string) string {
	if c.Style == dockerfile {
		return c.whole(test...)
	}
	return c.write("command", test)
}

var local = []string{"", "localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"}

func otherPort(c *container) (found []problem) {
	known := c.appPorts()
	calls, _ := c.asking()
	for _, call := range calls {
		u, ok := call.url()
		if !ok || len(known) == 0 || !slices.Contains(local, u.host) || slices.Contains(known, u.portNumber()) {
			continue
		}
		var names []string
		for _, port := range known {
			names = append(names, strconv.Itoa(port))
		}
		found = append(found, at(call.Pos, "", "%s asks port %d, and the container's ports are %s", call.Name, u.portNumber(), strings.Join(names, ", "))...)
	}
	return found
}

// appPorts returns the TCP ports that the app is known to listen on: those that the file
// maps, if all that PORT and the image say of the app are among them. A file may well map
// less than the app has, so without such a word nothing is known.
func (c *container) appPorts() []int {
	var said []int
	if value, ok := c.environ("PORT"); ok {
		port, err := strconv.Atoi(value)
		if err != nil {
			return nil
		}
		said = append(said, port)
	}
	if c.Image != nil {
		for exposed := range c.Image.Config.ExposedPorts {
			number, protocol, _ := strings.Cut(exposed, "/")
			if port, err := strconv.Atoi(number); err == nil && (protocol == "tcp" || protocol == "") {
				said = append(said, port)
			}
		}
	}
	isMapped := func(port int) bool { return slices.Contains(c.Ports, port) }
	if len(said) == 0 || slices.ContainsFunc(said, func(port int) bool { return !isMapped(port) }) {
		return nil
	}
	ports := slices.Clone(c.Ports)
	slices.Sort(ports)
	return slices.Compact(ports)
}

func curlWithoutFail(c *container) (found []problem) {
	calls, _ := c.asking()
	for _, call := range calls {
		_, asks := call.url()
		if path.Base(call.Name) != "curl" || !asks || call.Piped || call.has('f', "--fail") || call.has('w', "--write-out") {
			continue
		}
		found = append(found, at(call.Pos, c.withFail(call.Name), "curl without -f succeeds when the server answers 500")...)
	}
	return found
}

// withFail writes the check with -f after curl's name.
func (c *container) withFail(curl string) string {
	var test []string
	for _, a := range c.Check.Test {
		test = append(test, strings.Replace(a.Text, curl+" ", curl+" -f ", 1))
		if a.Text == curl {
			test = append(test, "-f")
		}
	}
	return c.command(test)
}

func probeArguments(c *container) (found []problem) {
	for _, p := range c.Programs {
		if !p.IsProbe || len(p.Args) == 0 {
			continue
		}
		_, known, err := cmdline.ParseAs(p.Name, p.Args)
		if !known {
			_, err = cmdline.Parse(p.Args, anyValue)
		}
		if err != nil {
			found = append(found, at(p.Pos, c.useProbe(), "the probe does not understand its arguments: %v", err)...)
		}
	}
	return found
}

// anyValue stands in for the container's environment.
func anyValue(_, def string) (string, error) {
	if def == "" {
		def = "1"
	}
	return def, nil
}
