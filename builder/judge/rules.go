package judge

// A Rule is a kind of verdict.
type Rule struct {
	ID       string
	Severity Severity // the most that a verdict of it has
	Doc      string   // one sentence
	Source   string   // where what it says can be read
}

// Where rules come from.
const (
	srcMoby   = "https://github.com/moby/moby/blob/master/daemon/health.go"
	srcECS    = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
	srcECSDoc = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html"
	srcView   = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/view-container-health.html"
	srcDocker = "https://docs.docker.com/reference/dockerfile/#healthcheck"
	srcExec   = "https://man7.org/linux/man-pages/man2/execve.2.html"
	srcLoader = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
	srcShell  = "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html"
	srcBash   = "https://www.gnu.org/software/bash/manual/html_node/Bash-POSIX-Mode.html"
	srcCurl   = "https://curl.se/docs/manpage.html"
	srcWget   = "https://www.gnu.org/software/wget/manual/wget.html"
	srcApplet = "https://busybox.net/downloads/BusyBox.html"
	srcProbe  = "https://github.com/ko-health/kohealth#the-probe"
)

// Rules returns all rules.
func Rules() []Rule {
	return []Rule{
		{"one-string", Error, "The whole command is one string after CMD, so a program of that name is looked for.", srcMoby},
		{"needs-shell", Error, "CMD starts a program without a shell, so ||, &&, > and $VAR are plain arguments.", srcECSDoc},
		{"exec-redirect", Error, "CMD starts a program without a shell, so nothing is redirected to /proc/1/fd/1.", srcView},
		{"shell-arguments", Error, "The shell runs the first string after CMD-SHELL only; the others become $0, $1 and so on.", srcMoby},
		{"shell-parse", Error, "The shell cannot parse the command, so every check fails.", srcShell},
		{"carriage-return", Error, "Lines of the command end with CR LF, and a shell takes the carriage return for a part of the last word.", srcShell},
		{"bash-only", Error, "What is bash's own fails, or does something else, in dash or BusyBox, one of which is the image's shell.", srcBash},
		{"cannot-pass", Error, "The command fails whatever its programs say.", srcDocker},
		{"always-healthy", Warning, "The command succeeds whatever its programs say, so the container is always healthy.", srcDocker},
		{"late-timeout", Warning, "The program's own timeout is not shorter than the check's, so the runtime kills it before it says why.", srcMoby},
		{"too-slow", Error, "The command takes longer than the check's timeout.", srcMoby},

		{"no-shell", Error, "The command runs in /bin/sh, which is not in the image, so every check fails and nothing is logged.", srcMoby},
		{"no-program", Error, "A program that the command starts is not in the image.", srcExec},
		{"no-file", Error, "A file that the command needs is not in the image.", srcShell},
		{"not-executable", Error, "A program that the command starts is not an executable file.", srcExec},
		{"user-cannot-execute", Error, "The check runs as the container's user, who may not execute the program.", srcMoby},
		{"wrong-architecture", Error, "The image, or a program that the command starts, is for another processor than it will run on.", srcExec},
		{"missing-library", Error, "A program's loader, library or interpreter is not in the image; starting it says only: no such file or directory.", srcLoader},
		{"hidden-by-mount", Warning, "A volume is mounted over the program that the command starts.", srcECS},

		{"no-variable", Error, "A variable that the command needs is set nowhere in the container.", srcShell},
		{"no-url", Error, "curl or wget is called without a URL.", srcCurl},
		{"bad-url", Error, "Nothing can be asked at a URL that is written like this.", srcCurl},
		{"unknown-option", Error, "A program refuses an option: BusyBox knows few of GNU's, wget none of curl's, and none has a space in it.", srcApplet},
		{"saves-file", Warning, "wget without -O saves a file at every check; BusyBox's fails when it exists.", srcWget},
		{"proxy", Warning, "http_proxy and its kin are set, so curl or wget asks a proxy for what is in the container; BusyBox's wget heeds no no_proxy.", srcWget},
		{"localhost", Warning, "localhost may be ::1 first, where a server that listens on IPv4 only does not answer, and BusyBox's wget tries no other address.", "https://man7.org/linux/man-pages/man5/gai.conf.5.html"},
		{"other-port", Warning, "The command asks a port that is none of the app's, all of which the file maps.", srcECS},
		{"curl-without-fail", Warning, "Without -f, curl succeeds whatever the server answers: 500 is healthy.", srcCurl},

		{"probe-arguments", Error, "kohealth's probe does not understand its arguments, so every check fails.", srcProbe},
		{"no-body", Error, "kohealth's curl and wget print no body, so what reads it finds nothing.", srcProbe},
		{"not-ko-app", Error, "auto checks the app in /ko-app, and another program starts in the container.", srcProbe},
		{"waits-for-debugger", Warning, "The container starts a debugger, and the app only when somebody attaches to it.", "https://ko.build/features/debugging/"},
	}
}
