package readers

import (
	"context"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/ko-health/kohealth/builder/health"
)

// readCompose loads a Compose file, with its schema, in an environment whose variables
// must not be used.
func readCompose(text string) (health.Config, error) {
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  "/",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte("services:\n  app:\n    image: app\n" + indent(text, "    "))}},
		Environment: types.Mapping{"a": "replaced", "PORT": "replaced", "HOME": "replaced"},
	}, func(o *loader.Options) { o.SetProjectName("test", true) })
	if err != nil {
		return health.Config{}, err
	}
	hc := project.Services["app"].HealthCheck
	out := health.Config{Test: hc.Test, Interval: time.Duration(*hc.Interval), Timeout: time.Duration(*hc.Timeout),
		StartPeriod: time.Duration(*hc.StartPeriod), Retries: int(*hc.Retries)}
	if hc.StartInterval != nil {
		out.StartInterval = time.Duration(*hc.StartInterval)
	}
	return out, nil
}
