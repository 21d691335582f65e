package apk

import (
	"context"
	"slices"
)

// Names returns the names of the packages that a request's repositories have, sorted, as
// far as that is known without asking anybody: what is in directories, and what the cache
// has of the others. Only the architecture, the repositories and the keys of the request
// count.
func (c *Client) Names(ctx context.Context, req Request) ([]string, error) {
	keys, err := readKeys(req.Keys)
	if err != nil {
		return nil, err
	}
	req.Offline = true
	repositories, err := c.repositories(req, keys)
	if err != nil {
		return nil, err
	}
	indexes, err := fetchIndexes(ctx, repositories, req.Arch)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, x := range indexes {
		packages, err := x.packages(ctx, req.Arch)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
