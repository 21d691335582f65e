package judge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/rootfs"
)

// An identity is whom a process runs as.
type identity struct {
	uid     int
	gids    []int
	unknown bool // the user has a name that the image does not know
}

// identify finds USER[:GROUP], names or numbers, as Docker does.
func (r *run) identify(user string) identity {
	name, group, hasGroup := strings.Cut(user, ":")
	if name == "" || name == "0" || name == "root" {
		return identity{}
	}
	uid, primary, ok := findAccount(r.readFile("/etc/passwd"), name)
	if !ok {
		return identity{unknown: true}
	}
	id := identity{uid: uid, gids: []int{primary}}
	groups := r.readFile("/etc/group")
	if hasGroup {
		gid, _, ok := findAccount(groups, group)
		id.gids, id.unknown = []int{gid}, !ok
		return id
	}
	for line := range strings.Lines(groups) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > 3 && slices.Contains(strings.Split(fields[3], ","), name) {
			gid, _ := strconv.Atoi(fields[2])
			id.gids = append(id.gids, gid)
		}
	}
	return id
}

// findAccount finds a name or a number in a file such as passwd or group, where the
// third and fourth fields are numbers. A number need not be there; its group is 0 then.
func findAccount(file, name string) (id, group int, ok bool) {
	number, err := strconv.Atoi(name)
	for line := range strings.Lines(file) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 4 || fields[0] != name && fields[2] != name {
			continue
		}
		id, err := strconv.Atoi(fields[2])
		group, _ := strconv.Atoi(fields[3]) // a group's members, which are not asked for
		return id, group, err == nil
	}
	return number, 0, err == nil
}

// may reports whether somebody has a right: 1 is to execute, 2 to write, 4 to read.
func (id identity) may(e rootfs.Entry, right int64) bool {
	switch {
	case id.uid == e.UID:
		return e.Mode&(right<<6) != 0
	case slices.Contains(id.gids, e.GID):
		return e.Mode&(right<<3) != 0
	}
	return e.Mode&right != 0
}
