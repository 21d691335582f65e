package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/ecr/ecrtest"
)

// awsKey finds the stand-in for AWS among a script's values.
type awsKey struct{}

// setAWS has a script find a stand-in for AWS once it runs aws start.
func setAWS(e *testscript.Env) {
	e.Values[awsKey{}] = new(*ecrtest.Server)
}

// cmdAWS is a script's stand-in for Amazon ECR:
//
//	aws start                     what follows finds it, with credentials
//	aws create HOST/NAME [immutable]
//	aws deny ACTION               IAM does not allow it any longer
//	aws throttle N                refuse the next N requests of every kind
//	aws expire [ACTION]           tokens expire, now or when ACTION is next asked for
//	aws race HOST/NAME            somebody else creates it at the same time
//	aws refuse-sboms
//	aws calls > stdout            that change something, since the last time
//	aws describe > stdout         repositories and tags
func cmdAWS(ts *testscript.TestScript, _ bool, args []string) {
	server := ts.Value(awsKey{}).(**ecrtest.Server)
	arg := ""
	if len(args) > 1 {
		arg = args[1]
	}
	switch args[0] {
	case "start":
		*server = startAWS(ts)
	case "create":
		(*server).Create(arg, len(args) > 2 && args[2] == "immutable")
	case "deny":
		(*server).Deny(arg)
	case "throttle":
		n, err := strconv.Atoi(arg)
		ts.Check(err)
		(*server).Throttle(n)
	case "expire":
		(*server).Expire(arg)
	case "race":
		(*server).Race(arg)
	case "refuse-sboms":
		(*server).RefuseSBOMs()
	case "calls":
		printLines(ts, (*server).Calls())
	case "describe":
		printLines(ts, (*server).Describe())
	default:
		ts.Fatalf("aws knows no %q", args[0])
	}
}

func startAWS(ts *testscript.TestScript) *ecrtest.Server {
	dir := ts.MkAbs("aws")
	ts.Check(os.MkdirAll(dir, 0o755))
	server, err := ecrtest.New(dir)
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	for name, value := range server.Environ() {
		ts.Setenv(name, value)
	}
	ts.Setenv("HOME", ts.MkAbs("."))
	ts.Setenv("ECR", ecrtest.Host)
	ts.Setenv("PUBLIC", ecrtest.PublicHost+"/"+ecrtest.Alias)
	ts.Setenv("KO_DEFAULTBASEIMAGE", "kohealth.local/static")
	return server
}

func printLines(ts *testscript.TestScript, lines []string) {
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}
