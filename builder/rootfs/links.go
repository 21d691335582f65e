package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
)

// A link is a symbolic link to a directory that a lookup has met. A path below from that a
// layer above the link's own writes is written through the link: so a layer's bin/x lands
// in /usr/bin of a base whose /bin is a link.
type link struct {
	from, to string
	depth    int // of its layer
}

// links are the links that layers write through.
type links struct {
	to    map[string][]link
	known map[link]bool
}

// add notes a link, and reports whether it was unknown.
func (k *links) add(l link) bool {
	if k.known[l] {
		return false
	}
	if k.known == nil {
		k.to, k.known = map[string][]link{}, map[link]bool{}
	}
	k.to[l.to], k.known[l] = append(k.to[l.to], l), true
	return true
}

// keep drops the links that do not satisfy ok.
func (k *links) keep(ok func(link) bool) {
	for to, list := range k.to {
		k.to[to] = slices.DeleteFunc(list, func(l link) bool { return !ok(l) })
	}
}

// clone returns a copy for a file system with a layer more on top.
func (k *links) clone() links {
	var deeper links
	for _, list := range k.to {
		for _, l := range list {
			l.depth++
			deeper.add(l)
		}
	}
	return deeper
}

// names returns the names that a path can have in the layer at a depth: first its own.
func (k *links) names(name string, depth int) []string {
	names := []string{name}
	if len(k.to) == 0 {
		return names
	}
	for dir := name; dir != "/"; {
		dir = path.Dir(dir)
		for _, l := range k.to[dir] {
			if depth < l.depth {
				names = append(names, path.Join(l.from, strings.TrimPrefix(name, dir)))
			}
		}
	}
	return names
}

// led is where a path leads to, and through how many links.
type led struct {
	to    string
	links int
}

// forget drops what is known of where paths lead to.
func (f *FS) forget() { f.led = map[string]led{} }

func tooManyLinks(name string) error {
	return fmt.Errorf("resolving %q: %w: %w", name, limits.Links.Exceeded(), fs.ErrNotExist)
}

// walk returns the path that name stands for, a link at its end followed if last is
// true, and adds to count how many links it has followed.
func (f *FS) walk(name string, last bool, count *int) (string, error) {
	done, rest := f.known(name, last, count)
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		if part == "" || part == "." {
			continue
		}
		next := path.Join(done, part) // "..", too: done holds no links
		if i == len(parts)-1 && !last {
			return next, nil
		}
		step, err := f.step(done, next, *count)
		if err != nil {
			return "", err
		}
		if *count += step.links; *count > int(limits.Links.Max()) {
			return "", tooManyLinks(name)
		}
		done = step.to
	}
	return done, nil
}

// known returns where the longest beginning of a path leads to of which that is known,
// and the rest of the path.
func (f *FS) known(name string, last bool, count *int) (done, rest string) {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return "/", name
	}
	for at := name; at != "/"; at = path.Dir(at) {
		if l, ok := f.led[at]; ok && (last || at != name) {
			*count += l.links
			return l.to, name[len(at):]
		}
	}
	return "/", name
}

// step returns where a path in a directory, neither of which leads through links,
// leads to, after so many links.
func (f *FS) step(dir, next string, links int) (led, error) {
	if known, ok := f.led[next]; ok {
		return known, nil
	}
	e, depth, err := f.find(next)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return led{}, err
	}
	step := led{to: next}
	if e.Type == tar.TypeSymlink {
		if step, err = f.follow(dir, e.Linkname, links); err != nil {
			return led{}, err
		}
		f.come(link{next, step.to, depth})
	}
	if f.led == nil {
		f.forget()
	}
	f.led[next] = step
	return step, nil
}

// follow returns where the target of a link in a directory leads to.
func (f *FS) follow(dir, target string, links int) (led, error) {
	if links++; links > int(limits.Links.Max()) {
		return led{}, tooManyLinks(target)
	}
	if !path.IsAbs(target) {
		target = dir + "/" + target // not joined: .. after a link leaves the link's target
	}
	total := links
	to, err := f.walk(target, true, &total)
	return led{to: to, links: total - links + 1}, err
}

// come notes a link if a layer above its own may write through it. Then paths may lead
// elsewhere than they did.
func (f *FS) come(l link) {
	above := func(upper *layer) bool {
		n := upper.nodes[l.from]
		return n.below || n.opaque
	}
	if slices.ContainsFunc(f.layers[:l.depth], above) && f.links.add(l) {
		f.forget()
	}
}
