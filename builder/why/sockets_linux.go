package why

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
)

// socketsOf returns the sockets of the process that the engine says is a container's, and
// of its children, or nil: the engine may be on another machine, and this user may not look.
func socketsOf(pid int, id string) *Sockets {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cgroup, err := limits.Socket.ReadFile(filepath.Join(proc, "cgroup"))
	if pid <= 0 || id == "" || err != nil || !strings.Contains(string(cgroup), id) {
		return nil
	}
	owned := map[string]bool{}
	for _, p := range family(pid) {
		if err := inodes(p, owned); err != nil {
			return nil
		}
	}
	s := &Sockets{Waiting: map[uint16]int{}, Unanswered: map[uint16]int{}}
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := limits.Socket.ReadFile(filepath.Join(proc, "net", name))
		if err != nil {
			return nil
		}
		s.add(string(table), owned)
	}
	return s
}

// maxFamily is how many processes of a container are looked at.
const maxFamily = 200

// family returns a process with its descendants.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all) && len(all) < maxFamily; i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, name := range tasks {
			children, _ := limits.Socket.ReadFile(name)
			for _, field := range strings.Fields(string(children)) {
				if child, err := strconv.Atoi(field); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// inodes adds the inodes of a process's sockets.
func inodes(pid int, owned map[string]bool) error {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(dir)
	for _, f := range files {
		link, err := os.Readlink(filepath.Join(dir, f.Name()))
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && err == nil {
			owned[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return err
}
