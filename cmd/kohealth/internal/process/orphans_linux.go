package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of those whose own parent dies. ko
// kills go when it is interrupted, and go's compilers would run on.
//
// https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // best effort: it has been there since Linux 3.4
}

func killChildren() {
	for _, pid := range children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// ReapChildren kills all children, and theirs as they become ours, and waits until
// none is left, but not for ever: a kernel may keep the list of children to itself.
func ReapChildren() {
	for range 1000 {
		killChildren()
		switch pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); {
		case err != nil && !errors.Is(err, syscall.EINTR):
			return // ECHILD
		case pid == 0:
			time.Sleep(time.Millisecond)
		}
	}
}

func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, f := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
