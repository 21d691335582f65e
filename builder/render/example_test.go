package render_test

import (
	"fmt"
	"log"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/render"
)

func ExampleAs() {
	check := health.Config{
		Test:          []string{"CMD", "/usr/bin/healthcheck", "http://:8080/healthz"},
		Interval:      10 * time.Second,
		Timeout:       3 * time.Second,
		Retries:       3,
		StartPeriod:   20 * time.Second,
		StartInterval: 2 * time.Second,
	}
	out, err := render.As("ecs", render.Request{Check: check})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(out.Text)
	for _, note := range out.Notes {
		fmt.Println(note)
	}
	// Output:
	// {
	//   "healthCheck": {
	//     "command": ["CMD", "/usr/bin/healthcheck", "http://:8080/healthz"],
	//     "interval": 10,
	//     "timeout": 3,
	//     "retries": 3,
	//     "startPeriod": 20
	//   }
	// }
	// start_interval 2s is left out: ECS has none and checks every 10s from the start
}
