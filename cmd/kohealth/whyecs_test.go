package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/why/ecstest"
)

// ecsKey finds the stand-in for Amazon ECS among a script's values.
type ecsKey struct{}

// cmdECS is a script's stand-in for Amazon ECS:
//
//	ecs start WORLD.json    what follows finds it, with credentials; in the file "-90s" is
//	                        the time 90 seconds ago, and ${NAME} a variable
//	ecs deny ACTION         by IAM
//	ecs throttle ACTION N   refuse the next N requests for it
//	ecs expire              the credentials expire
func cmdECS(ts *testscript.TestScript, _ bool, args []string) {
	server := ts.Value(ecsKey{}).(**ecstest.Server)
	switch args[0] {
	case "start":
		*server = startECS(ts, args[1])
	case "deny":
		(*server).Deny(args[1])
	case "throttle":
		(*server).Throttle(args[1], number(ts, args[2]))
	case "expire":
		(*server).Expire()
	default:
		ts.Fatalf("ecs knows no %q", args[0])
	}
}

// ago matches a time in a script's file.
var ago = regexp.MustCompile(`"-\d+s"`)

func startECS(ts *testscript.TestScript, file string) *ecstest.Server {
	text := regexp.MustCompile(`\$\{\w+\}`).ReplaceAllStringFunc(ts.ReadFile(file), func(name string) string { return ts.Getenv(name[2 : len(name)-1]) })
	text = ago.ReplaceAllStringFunc(text, func(s string) string {
		d, err := time.ParseDuration(s[1 : len(s)-1])
		ts.Check(err)
		return fmt.Sprint(time.Now().Add(d).Unix())
	})
	var world ecstest.World
	ts.Check(json.Unmarshal([]byte(text), &world))
	server := ecstest.New(world)
	ts.Defer(server.Close)
	for name, value := range server.Environ() {
		ts.Setenv(name, value)
	}
	return server
}
