package why

import (
	"context"
	"errors"
)

// AWS says where a service is.
type AWS struct {
	Region  string // "" is where AWS's configuration says
	Profile string // "" is the one that AWS_PROFILE names, or the default
}

// FromECS asks Amazon ECS about a service, or a task.
func FromECS(ctx context.Context, cluster, name string, where AWS) (*Subject, error) {
	return nil, errors.New("not yet")
}
