//go:build !linux

package main

import (
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// wallTime is the time of day, in nanoseconds of Unix time.
func wallTime() int64 { return time.Now().UnixNano() }

func sleep(d probeargs.Duration) { time.Sleep(time.Duration(d)) }

func writeStderr(s string) { writeTo(os.Stderr, s) }

func writeStdout(s string) { writeTo(os.Stdout, s) }

func writeTo(f *os.File, s string) {
	if s != "" {
		within(patience, func() { _, _ = f.WriteString(s) })
	}
}

func readFile(name string) (string, error) {
	data, err := os.ReadFile(name)
	return string(data), withoutPath(err)
}

// modTime returns when a file was modified, in nanoseconds of Unix time.
func modTime(name string) (int64, error) {
	info, err := os.Stat(localPath(name))
	if err != nil {
		return 0, withoutPath(err)
	}
	return info.ModTime().UnixNano(), nil
}

// localPath returns the path that a target names: that of file:///C:/alive begins with
// the drive. RFC 8089, appendix E.2.
func localPath(name string) string {
	if runtime.GOOS == "windows" && len(name) > 2 && name[2] == ':' {
		return name[1:]
	}
	return name
}

// withoutPath returns the cause of an error of package os.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return named(path.Err)
	}
	return err
}
