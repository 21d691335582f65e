package why

import "regexp"

var pullPattern = regexp.MustCompile(`(?i)CannotPullContainer\w*[^\n]*|ErrImagePull|ImagePullBackOff|InvalidImageName|failed to pull image[^\n]*`)

func imagePull() Cause {
	return Cause{
		ID: "image-pull", Doc: "The image cannot be pulled, so there is nothing to run.",
		Signs: []Sign{
			{onECS, "the task stops with `CannotPullContainerError`"},
			{onKubernetes, "the container waits with `ErrImagePull` or `ImagePullBackOff`"},
		},
		Sure: "Certain: the platform says so.",
		Do:   "check the image's name and tag, and whether the platform may pull it: on ECS the task's execution role, and a route to the registry",
		find: func(c *Container) *Diagnosis {
			if m := c.platformSays(pullPattern); m != nil && c.Status != Running {
				return &Diagnosis{Certainty: Certain, Verdict: "the image " + c.Image + " cannot be pulled: " + clip(m[0])}
			}
			return nil
		},
	}
}
