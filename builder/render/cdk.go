package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
)

// cdk writes an aws_ecs.HealthCheck. Of a command with one element the CDK would make
// a shell command, so CMD is always there.
//
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ecs.HealthCheck.html
func cdk(r *rendering) error {
	hc, err := r.ecs()
	if err != nil {
		return err
	}
	if hc.Timeout > hc.Interval {
		return hint.With(errors.New("the CDK refuses a timeout that is longer than the interval"),
			"change the check in .ko.yaml or with kohealth build's --health flags")
	}
	for _, s := range hc.Command {
		if strings.Contains(s, "${Token[") {
			return fmt.Errorf("the CDK would replace ${Token[…]} in %q", s)
		}
	}
	if err := r.checkDynamic(); err != nil {
		return err
	}
	r.printf(`// import { Duration } from 'aws-cdk-lib';
healthCheck: {
  command: %s,
  interval: Duration.seconds(%d),
  timeout: Duration.seconds(%d),
  retries: %d,
  startPeriod: Duration.seconds(%d),
},
`, quotedList(hc.Command, tsString, ", "), hc.Interval, hc.Timeout, hc.Retries, hc.StartPeriod)
	return nil
}
