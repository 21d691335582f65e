package lint

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
func (l *looker) identify(user string) (identity, error) {
	name, group, hasGroup := strings.Cut(user, ":")
	if name == "" || name == "0" || name == "root" {
		return identity{}, nil
	}
	passwd, err := l.readFile("/etc/passwd")
	if err != nil {
		return identity{}, err
	}
	uid, primary, ok := findAccount(passwd, name)
	if !ok {
		return identity{unknown: true}, nil
	}
	id := identity{uid: uid, gids: []int{primary}}
	groups, err := l.readFile("/etc/group")
	if err != nil {
		return id, err
	}
	if hasGroup {
		gid, _, ok := findAccount(groups, group)
		id.gids, id.unknown = []int{gid}, !ok
		return id, nil
	}
	for line := range strings.Lines(groups) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > 3 && slices.Contains(strings.Split(fields[3], ","), name) {
			gid, _ := strconv.Atoi(fields[2])
			id.gids = append(id.gids, gid)
		}
	}
	return id, nil
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

func (id identity) mayExecute(e rootfs.Entry) bool {
	switch {
	case id.uid == e.UID:
		return e.Mode&0o100 != 0
	case slices.Contains(id.gids, e.GID):
		return e.Mode&0o010 != 0
	}
	return e.Mode&0o001 != 0
}
