package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/ecr/ecrtest"
)

// awsKey finds the stand-in for AWS among a script's values.
type awsKey struct{}

// setAWS has a script find a stand-in for AWS once it runs aws start, and checks that
// it asked for nothing else.
func setAWS(t *testing.T, e *testscript.Env) {
	server := new(*ecrtest.Server)
	e.Values[awsKey{}] = server
	e.Defer(func() {
		if *server == nil {
			return
		}
		if err := (*server).Close(); err != nil {
			t.Error(err)
		}
	})
}

// cmdAWS is a script's stand-in for Amazon ECR:
//
//	aws start                     what follows finds it, with credentials
//	aws create HOST/NAME [immutable]
//	aws deny|allow ACTION         by IAM
//	aws policy ACTION...          IAM allows these, and no others
//	aws throttle ACTION N         refuse the next N requests for it
//	aws expire [ACTION]           tokens expire, now or when ACTION is next asked for
//	aws lag N                     created repositories are unknown for N uploads
//	aws race HOST/NAME            somebody else creates it at the same time
//	aws hide                      the next look at a tag finds nothing
//	aws refuse-sboms
//	aws token > stdout            that logs in
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
	case "allow", "deny":
		(*server).Allow(arg, args[0] == "allow")
	case "policy":
		(*server).Policy(args[1:])
	case "throttle":
		(*server).Throttle(arg, number(ts, args[2]))
	case "lag":
		(*server).Lag(number(ts, arg))
	case "expire":
		(*server).Expire(arg)
	case "race":
		(*server).Race(arg)
	case "hide":
		(*server).Hide()
	case "refuse-sboms":
		(*server).RefuseSBOMs()
	case "token":
		printLines(ts, []string{(*server).Token()})
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
	for name, value := range server.Environ() {
		ts.Setenv(name, value)
	}
	ts.Setenv("HOME", ts.MkAbs("."))
	ts.Setenv("ECR", ecrtest.Host)
	ts.Setenv("PUBLIC", ecrtest.PublicHost+"/"+ecrtest.Alias)
	ts.Setenv("KO_DEFAULTBASEIMAGE", "kohealth.local/static")
	return server
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func printLines(ts *testscript.TestScript, lines []string) {
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}
