package dockerfile

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// installed are programs that come into an image by its package manager, or not at all:
// no build of an app makes one.
var installed = []string{"curl", "wget", "nc", "netcat", "ncat", "bash", "jq", "pg_isready", "psql", "mysqladmin", "mysql",
	"redis-cli", "pgrep", "pidof", "ps", "ss", "netstat", "grpcurl", "telnet", "lsof"}

// quiet are programs that bring none of those that are installed, whatever they are called
// with: tools of the base system, and those that build apps and fetch their libraries.
var quiet = []string{"mkdir", "rmdir", "rm", "touch", "chown", "chmod", "chgrp", "echo", "printf", "true", ":", "false", "test", "[", "cd", "set",
	"export", "umask", "exit", "cat", "ls", "find", "sed", "grep", "sort", "head", "tail", "tr", "cut", "du", "date", "env", "which",
	"addgroup", "adduser", "groupadd", "useradd", "usermod", "groupmod", "id", "passwd", "locale-gen", "update-ca-certificates", "ldconfig",
	"npm", "yarn", "pnpm", "node", "bun", "corepack", "pip", "pip3", "python", "python3", "poetry", "uv", "pipenv",
	"go", "cargo", "rustup", "mvn", "./mvnw", "gradle", "./gradlew", "java", "javac", "jar", "dotnet", "composer", "php", "docker-php-ext-install",
	"docker-php-ext-enable", "docker-php-ext-configure", "a2enmod", "bundle", "gem", "ruby", "mix", "make", "tsc", "npx"}

// MayBring reports whether a RUN or a COPY of a stage may bring a program, as far as they
// tell: it is named, or put where programs are, or what is done is not known. The program
// itself may be anything's.
func (s *State) MayBring(program string) bool {
	name := path.Base(program)
	if !slices.Contains(installed, name) || path.IsAbs(program) && !strings.Contains(program, "/bin/") {
		return true
	}
	if slices.ContainsFunc(s.Added, holdsPrograms) {
		return true
	}
	return slices.ContainsFunc(s.Runs, func(script string) bool { return mayBring(script, name) })
}

// holdsPrograms reports whether what is put at a path may be among the programs that are
// installed.
func holdsPrograms(dir string) bool {
	inBin := func(part string) bool { return part == "bin" || part == "sbin" }
	return dir == "/" || dir == "/usr" || dir == "/usr/local" || slices.ContainsFunc(strings.Split(dir, "/"), inBin)
}

func mayBring(script, name string) bool {
	if strings.Contains(script, Unknown) || mentions(script, name) {
		return true
	}
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return true
	}
	may := false
	syntax.Walk(parsed, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			may = may || !isQuiet(literals(call.Args))
		}
		return !may
	})
	return may
}

// mentions reports whether a text has a program's name as a word or a part of one.
func mentions(text, name string) bool {
	if len(name) > 2 {
		return strings.Contains(text, name)
	}
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n;&|/='\"", r) }), name)
}

// literals returns words that are known as they are written, and [Unknown] for others.
func literals(args []*syntax.Word) []string {
	words := make([]string, len(args))
	for i, w := range args {
		if words[i] = w.Lit(); words[i] == "" {
			words[i] = Unknown
		}
	}
	return words
}

// isQuiet reports whether a command is known to bring none of the programs that are
// installed, as long as its words do not name them.
func isQuiet(words []string) bool {
	if words[0] == "apk" || words[0] == "apt-get" || words[0] == "apt" {
		return isQuietInstall(words[1:])
	}
	return slices.Contains(quiet, words[0])
}

// bringers are packages that bring many programs beside their own.
var bringers = []string{"busybox", "coreutils", "procps", "net-tools", "iproute2", "netcat", "nmap", "default", "postgresql", "mysql", "mariadb",
	"redis", "valkey", "build-essential", "util-linux", "task-", "-dev-tools", "build-base", "alpine-sdk"}

// isQuietInstall reports whether a call of a package manager says by their names what it
// installs, and that is nothing known to bring more.
func isQuietInstall(args []string) bool {
	for _, arg := range args {
		if arg == Unknown || strings.ContainsAny(arg, "*") || strings.HasSuffix(arg, ".deb") || strings.HasSuffix(arg, ".apk") || strings.HasPrefix(arg, "@") {
			return false
		}
		if slices.ContainsFunc(bringers, func(b string) bool { return strings.Contains(arg, b) }) {
			return false
		}
	}
	return true
}
