package why

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// AWS says where a service is.
type AWS struct {
	Region  string // "" is where AWS's configuration says
	Profile string // "" is the one that AWS_PROFILE names, or the default
}

// FromECS asks Amazon ECS about a service, or a task by its id: its tasks, those that have
// stopped lately among them, their definitions, the load balancer's targets and the end of
// the containers' logs. A permission that is missing leaves out one piece of evidence.
func FromECS(ctx context.Context, cluster, name string, where AWS) (*Subject, error) {
	client, err := newAWSClient(ctx, where)
	if err != nil {
		return nil, explainAWS(err)
	}
	if client.Region == "" {
		return nil, hint.With(errors.New("asking ECS: the region is not known"), "name it with --region, AWS_REGION or in AWS's configuration")
	}
	e := &ecsSource{awsClient: client, cluster: cluster, reader: &reader{now: time.Now()}}
	if taskID.MatchString(name) {
		err = e.tasks(ctx, []string{name})
	} else {
		err = e.service(ctx, name)
	}
	if err != nil {
		return nil, explainAWS(fmt.Errorf("asking ECS about %s/%s: %w", cluster, name, err))
	}
	e.definitions(ctx)
	e.targets(ctx)
	e.logs(ctx)
	s, err := e.subject()
	if err != nil {
		return nil, hint.With(fmt.Errorf("asking ECS about %s/%s: there is no such task", cluster, name), "aws ecs list-tasks --desired-status=STOPPED lists those that have stopped; after an hour ECS forgets them")
	}
	s.Name, s.Missing = "ecs:"+cluster+"/"+name, append(s.Missing, e.missing...)
	return s, nil
}

// taskID matches the ids of tasks, old ones among them.
var taskID = regexp.MustCompile(`^[0-9a-f]{32}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// explainAWS adds the next step.
func explainAWS(err error) error {
	var api *awsError
	errors.As(err, &api)
	switch {
	case api == nil && strings.Contains(err.Error(), "credentials"):
		return hint.With(err, "log in as for every AWS tool, with aws sso login or aws configure, or name a --profile")
	case api == nil:
		return err
	case slices.Contains([]string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}, api.Code):
		return hint.With(err, "the credentials have expired: log in again, as with aws sso login")
	case slices.Contains([]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "IncompleteSignature"}, api.Code):
		return hint.With(err, "AWS does not know these credentials: log in again, or name a --profile")
	case api.Code == "ClusterNotFoundException":
		return hint.With(err, "aws ecs list-clusters lists those in the region; --region names another")
	case api.Code == "AccessDeniedException":
		return hint.With(err, "allow it in IAM: why needs ecs:DescribeServices, ecs:ListTasks, ecs:DescribeTasks and ecs:DescribeTaskDefinition, and reads more with logs:FilterLogEvents and elasticloadbalancing:DescribeTargetHealth")
	}
	return err
}

// An ecsSource asks ECS, and reads its answers as if aws had printed them.
type ecsSource struct {
	*awsClient
	*reader
	cluster string
	missing []string
}

// note keeps what could not be looked at.
func (e *ecsSource) note(action, what string, err error) {
	if err == nil {
		return
	}
	if isDenied(err) {
		e.missing = append(e.missing, fmt.Sprintf("%s: %s is not allowed", what, action))
		return
	}
	e.missing = append(e.missing, fmt.Sprintf("%s: %v", what, err))
}

// ask calls an operation of ECS, and reads the answer.
func (e *ecsSource) ask(ctx context.Context, operation string, input map[string]any) error {
	answer, err := e.call(ctx, ecsAPI(), operation, input)
	if err != nil {
		return err
	}
	return e.document(answer)
}

// service asks about a service and all its tasks.
func (e *ecsSource) service(ctx context.Context, name string) error {
	err := e.ask(ctx, "DescribeServices", map[string]any{"cluster": e.cluster, "services": []string{name}})
	if err != nil && !isDenied(err) {
		return err
	}
	e.note("ecs:DescribeServices", "the service", err)
	if err == nil && len(e.ecs.services) == 0 {
		return hint.With(errors.New("there is no such service"), "aws ecs list-services --cluster="+e.cluster+" lists those that there are; a task is named by its id")
	}
	for _, status := range []string{"RUNNING", "STOPPED"} {
		arns, err := e.list(ctx, name, status)
		e.note("ecs:ListTasks", "the tasks", err)
		for batch := range slices.Chunk(arns, maxDescribed) {
			e.note("ecs:DescribeTasks", "the tasks", e.tasks(ctx, batch))
		}
	}
	if len(e.ecs.tasks)+len(e.ecs.services) == 0 {
		return err
	}
	return ctx.Err()
}

// isDenied reports whether IAM does not allow what was asked.
func isDenied(err error) bool {
	var api *awsError
	return errors.As(err, &api) && strings.HasPrefix(api.Code, "AccessDenied")
}

// maxDescribed is how many tasks ECS describes at once.
const maxDescribed = 100

func (e *ecsSource) tasks(ctx context.Context, ids []string) error {
	return e.ask(ctx, "DescribeTasks", map[string]any{"cluster": e.cluster, "tasks": ids})
}

// list returns the tasks of a service, page by page.
func (e *ecsSource) list(ctx context.Context, service, status string) (arns []string, err error) {
	input := map[string]any{"cluster": e.cluster, "serviceName": service, "desiredStatus": status}
	for {
		answer, err := e.call(ctx, ecsAPI(), "ListTasks", input)
		if err != nil {
			return arns, err
		}
		var page struct {
			TaskArns  []string
			NextToken string
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return arns, fmt.Errorf("parsing answer to ListTasks: %w", err)
		}
		arns = append(arns, page.TaskArns...)
		if page.NextToken == "" {
			return arns, nil
		}
		input["nextToken"] = page.NextToken
	}
}

// maxDefinitions is how many task definitions are asked for.
const maxDefinitions = 5

// definitions asks for the definitions of the tasks.
func (e *ecsSource) definitions(ctx context.Context) {
	var arns []string
	for _, t := range e.ecs.counting() {
		if !slices.Contains(arns, t.TaskDefinitionArn) {
			arns = append(arns, t.TaskDefinitionArn)
		}
	}
	for _, arn := range first(arns, maxDefinitions) {
		e.note("ecs:DescribeTaskDefinition", "the task definition", e.ask(ctx, "DescribeTaskDefinition", map[string]any{"taskDefinition": arn}))
	}
}

// targets asks the load balancers how they find the tasks.
func (e *ecsSource) targets(ctx context.Context) {
	for _, s := range e.ecs.services {
		for _, lb := range s.LoadBalancers {
			if lb.TargetGroupArn == "" {
				continue
			}
			form := url.Values{"Action": {"DescribeTargetHealth"}, "Version": {"2015-12-01"}, "TargetGroupArn": {lb.TargetGroupArn}}
			answer, err := e.call(ctx, balancerAPI(), "DescribeTargetHealth", form)
			var said struct {
				Targets []ecsTarget `xml:"DescribeTargetHealthResult>TargetHealthDescriptions>member"`
			}
			if err == nil {
				err = xml.Unmarshal(answer, &said)
			}
			e.ecs.targets = append(e.ecs.targets, said.Targets...)
			e.note("elasticloadbalancing:DescribeTargetHealth", "the load balancer's targets", err)
		}
	}
}

// Limits of what is read of logs.
const (
	maxLogTasks = 3               // whose logs are read
	logWindow   = 5 * time.Minute // before a task stopped, or now
)

// logs reads the end of the logs of the newest tasks that are not healthy.
func (e *ecsSource) logs(ctx context.Context) {
	var read int
	for _, t := range e.ecs.counting() {
		if t.HealthStatus == "HEALTHY" && t.LastStatus != "STOPPED" || read == maxLogTasks {
			continue
		}
		read++
		definition := e.ecs.definition(t.TaskDefinitionArn)
		for _, c := range t.Containers {
			d := definition.container(c.Name)
			if d == nil {
				continue
			}
			if d.LogConfiguration.LogDriver != "awslogs" {
				e.missing = append(e.missing, fmt.Sprintf("the log of %s: it goes to %s, not to CloudWatch", c.Name, cmp.Or(d.LogConfiguration.LogDriver, "no log driver")))
				continue
			}
			e.note("logs:FilterLogEvents", "the log of "+c.Name, e.log(ctx, t, d))
		}
	}
}

// log reads the end of the log of a container.
func (e *ecsSource) log(ctx context.Context, t ecsTask, d *ecsContainerDefinition) error {
	options := d.LogConfiguration.Options
	end := e.now
	if !t.StoppedAt.IsZero() {
		end = t.StoppedAt.Add(logWindow / 10) // lines arrive late
	}
	input := map[string]any{
		"logGroupName":   options["awslogs-group"],
		"logStreamNames": []string{options["awslogs-stream-prefix"] + "/" + d.Name + "/" + lastPart(t.TaskArn)},
		"startTime":      end.Add(-logWindow).UnixMilli(),
		"endTime":        end.UnixMilli(),
	}
	for {
		answer, err := e.elsewhere(options["awslogs-region"]).call(ctx, logsAPI(), "FilterLogEvents", input)
		if err != nil {
			return err
		}
		var page struct {
			Events    []ecsLogEvent
			NextToken string
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return fmt.Errorf("parsing answer to FilterLogEvents: %w", err)
		}
		e.ecs.log = append(e.ecs.log, page.Events...)
		if page.NextToken == "" {
			return nil
		}
		input["nextToken"] = page.NextToken
	}
}

// elsewhere returns the client for a region; "" is the same.
func (e *ecsSource) elsewhere(region string) *awsClient {
	if region == "" || region == e.Region {
		return e.awsClient
	}
	other := *e.awsClient
	other.Region = region
	return &other
}
