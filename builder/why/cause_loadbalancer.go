package why

import (
	"regexp"
	"strings"
)

var balancerPattern = regexp.MustCompile(`(?i)[^\n]*(?:\(?target-group [^\n]* is unhealthy|Target\.(?:FailedHealthChecks|ResponseCodeMismatch|Timeout|NotInUse|InvalidState)|Health checks failed|failed (?:ELB|ALB|target group) health checks|Elb\.\w+)[^\n]*`)

func loadBalancer() Cause {
	return Cause{
		ID: "load-balancer", Doc: "The load balancer's health check fails, which is another than the container's: ECS replaces the task all the same.",
		Signs: []Sign{{onECS, "`is unhealthy in (target-group …)` among the service's events, `Task failed ELB health checks`, a reason such as `Target.ResponseCodeMismatch`"}},
		Sure:  "Certain: AWS says so. The check of the container may pass all the while.",
		Do:    "mend the target group's path, port, success codes and timeout, let the security group of the load balancer reach the task, and set healthCheckGracePeriodSeconds to longer than the app takes to start",
		find: func(c *Container) *Diagnosis {
			m := c.platformSays(balancerPattern)
			if m == nil || c.Platform != ECS {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the load balancer's check fails, not the container's: " + clip(strings.TrimSpace(m[0]))}
		},
	}
}
