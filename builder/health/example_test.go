package health_test

import (
	"fmt"
	"log"

	"github.com/ko-health/kohealth/builder/health"
)

// What flags say is laid over what a file says; the rest are defaults.
func ExampleSettings_Over() {
	var flags health.Settings
	if err := flags.Set(health.KeyTest, "http://:8080/healthz"); err != nil {
		log.Fatal(err)
	}
	file, err := health.ParseFile(".ko.yaml", []byte("healthcheck: {test: auto, interval: 30s}"))
	if err != nil {
		log.Fatal(err)
	}
	check, err := flags.Over(file.For(health.BuildID{})).Check()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(check)
	// Output: http://:8080/healthz every 30s
}

// An image's config holds a check in its own form.
func ExampleOfImage() {
	config := `{"config": {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost/"], "Interval": 30000000000}}}`
	check, err := health.OfImage([]byte(config))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q every %s\n", check.Test, check.Interval)
	// Output: ["CMD-SHELL" "curl -f http://localhost/"] every 30s
}
