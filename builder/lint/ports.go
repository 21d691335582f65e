package lint

import (
	"slices"
	"strconv"
	"strings"
)

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
		said = append(said, c.Image.exposed()...)
	}
	isMapped := func(port int) bool { return slices.Contains(c.Ports, port) }
	if len(said) == 0 || slices.ContainsFunc(said, func(port int) bool { return !isMapped(port) }) {
		return nil
	}
	ports := slices.Clone(c.Ports)
	slices.Sort(ports)
	return slices.Compact(ports)
}

// exposed returns the TCP ports that the image says the app listens on.
func (i *image) exposed() (ports []int) {
	for exposed := range i.Config.ExposedPorts {
		number, protocol, _ := strings.Cut(exposed, "/")
		if port, err := strconv.Atoi(number); err == nil && (protocol == "tcp" || protocol == "") {
			ports = append(ports, port)
		}
	}
	return ports
}
