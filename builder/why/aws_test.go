package why_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/why"
	"github.com/ko-health/kohealth/builder/why/ecstest"
)

const (
	account    = "arn:aws:ecs:eu-central-1:123456789012:"
	definition = account + "task-definition/web:7"
	group      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef"
)

// newWorld returns a service with n tasks, whose containers are unhealthy, and whose probe
// says why in the log of the first.
func newWorld(n int) ecstest.World {
	at := time.Now().Add(-2 * time.Minute).Unix()
	w := ecstest.World{
		Cluster: "production",
		Services: []map[string]any{{
			"serviceName": "web", "clusterArn": account + "cluster/production", "desiredCount": n, "runningCount": n, "taskDefinition": definition,
			"loadBalancers": []any{map[string]any{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}},
			"events":        []any{map[string]any{"createdAt": at, "message": "(service web) has started 1 tasks: (task 0)."}},
		}},
		TaskDefinitions: []map[string]any{{
			"taskDefinitionArn": definition,
			"containerDefinitions": []any{map[string]any{
				"name": "app", "image": "registry.example.com/app:v1", "essential": true,
				"healthCheck":      map[string]any{"command": []string{"CMD", "/usr/bin/healthcheck", "http://:8080/healthz"}, "interval": 10, "timeout": 3, "retries": 3},
				"logConfiguration": map[string]any{"logDriver": "awslogs", "options": map[string]string{"awslogs-group": "web", "awslogs-stream-prefix": "ecs", "awslogs-region": ecstest.Region}},
			}},
		}},
		Targets: map[string][]map[string]any{},
	}
	for i := range n {
		w.Tasks = append(w.Tasks, map[string]any{
			"taskArn": account + "task/production/" + id(i), "group": "service:web", "taskDefinitionArn": definition,
			"lastStatus": "RUNNING", "healthStatus": "UNHEALTHY", "createdAt": at, "startedAt": at + 1,
			"containers": []any{map[string]any{"name": "app", "image": "registry.example.com/app:v1", "lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"}},
		})
	}
	for i, line := range []string{"listening on :8080", `unhealthy: GET http://127.0.0.1:8080/healthz: 404 "Not Found" (1ms)`} {
		w.Events = append(w.Events, ecstest.LogEvent{LogGroupName: "web", LogStreamName: "ecs/app/" + id(0), Timestamp: (at + int64(i)) * 1000, Message: line})
	}
	return w
}

func id(i int) string { return fmt.Sprintf("%032x", i) }

// startAWS starts a stand-in, which this process takes for AWS.
func startAWS(t *testing.T, w ecstest.World) *ecstest.Server {
	t.Helper()
	s := ecstest.New(w)
	t.Cleanup(s.Close)
	for name, value := range s.Environ() {
		t.Setenv(name, value)
	}
	return s
}

// ask returns the report about web, or an error.
func ask(t *testing.T, cluster, name string) (string, error) {
	t.Helper()
	s, err := why.FromECS(t.Context(), cluster, name, why.AWS{})
	if err != nil {
		return "", err
	}
	s.Judge(t.Context(), why.Options{})
	var b strings.Builder
	if err := why.Diagnose(s).Write(&b, "text"); err != nil {
		t.Fatal(err)
	}
	return b.String(), nil
}

func TestFromECS(t *testing.T) {
	const verdict = "app: the app has nothing at /healthz: it answers Not Found (404)"
	for name, tt := range map[string]struct {
		tasks   int
		trouble func(*ecstest.Server)
		want    []string
		calls   map[string]int // how often at least
	}{
		"service":   {3, nil, []string{"ecs:production/web: unhealthy: " + verdict, "[not-found]"}, map[string]int{"ecs:DescribeServices": 1, "logs:FilterLogEvents": 4}},
		"200 tasks": {200, nil, []string{verdict}, map[string]int{"ecs:ListTasks": 3, "ecs:DescribeTasks": 2, "ecs:DescribeTaskDefinition": 1}},
		"throttled": {1, func(s *ecstest.Server) { s.Throttle("ecs:DescribeTasks", 2) }, []string{verdict}, map[string]int{"ecs:DescribeTasks": 3}},
		"no logs": {1, func(s *ecstest.Server) { s.Deny("logs:FilterLogEvents") },
			[]string{"[unlogged", "not seen", "the log of app: logs:FilterLogEvents is not allowed"}, nil},
		"no targets": {1, func(s *ecstest.Server) { s.Deny("elasticloadbalancing:DescribeTargetHealth") },
			[]string{verdict, "the load balancer's targets: elasticloadbalancing:DescribeTargetHealth is not allowed"}, nil},
		"no definition": {1, func(s *ecstest.Server) { s.Deny("ecs:DescribeTaskDefinition") },
			[]string{"ecs:production/web: unhealthy", "the task definition: ecs:DescribeTaskDefinition is not allowed"}, nil},
		"no service": {1, func(s *ecstest.Server) { s.Deny("ecs:DescribeServices") }, []string{verdict, "the service: ecs:DescribeServices is not allowed"}, nil},
		"no tasks":   {1, func(s *ecstest.Server) { s.Deny("ecs:ListTasks") }, []string{"the tasks: ecs:ListTasks is not allowed"}, nil},
		"targets": {1, func(s *ecstest.Server) {
			s.Tasks[0]["healthStatus"] = "HEALTHY"
			s.Tasks[0]["containers"].([]any)[0].(map[string]any)["healthStatus"] = "HEALTHY"
			s.Targets[group] = []map[string]any{{"id": "10.0.0.1", "port": 8080, "state": "unhealthy", "reason": "Target.ResponseCodeMismatch", "description": "Health checks failed with these codes: [404]"}}
		}, []string{"unhealthy: service web: the load balancer's check fails, not the container's: target 10.0.0.1:8080", "[load-balancer]"}, nil},
		"stopped": {1, func(s *ecstest.Server) {
			s.Tasks[0]["lastStatus"], s.Tasks[0]["stoppedReason"], s.Tasks[0]["stoppedAt"] = "STOPPED", "Task failed container health checks", time.Now().Unix()
			s.Tasks[0]["containers"] = []any{map[string]any{"name": "app", "lastStatus": "STOPPED", "healthStatus": "UNHEALTHY", "exitCode": 137}}
		}, []string{verdict, "Task failed container health checks"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := startAWS(t, newWorld(tt.tasks))
			if tt.trouble != nil {
				tt.trouble(s)
			}
			got, err := ask(t, "production", "web")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in\n%s", want, got)
				}
			}
			for action, least := range tt.calls {
				n := len(slices.DeleteFunc(s.Calls(), func(call string) bool { return call != action }))
				if n < least {
					t.Errorf("%d calls of %s, want %d", n, action, least)
				}
			}
		})
	}
}

// TestFromECSHealthy asks about a service that is well, one of whose tasks was not before.
func TestFromECSHealthy(t *testing.T) {
	w := newWorld(2)
	for _, task := range w.Tasks {
		task["healthStatus"] = "HEALTHY"
		task["containers"].([]any)[0].(map[string]any)["healthStatus"] = "HEALTHY"
	}
	w.Tasks[1]["lastStatus"], w.Tasks[1]["stoppedAt"] = "STOPPED", time.Now().Add(-time.Hour).Unix()
	w.Services[0]["runningCount"], w.Services[0]["desiredCount"], w.Events = 1, 1, nil
	startAWS(t, w)
	got, err := ask(t, "production", "web")
	if err != nil || !strings.HasPrefix(got, "ecs:production/web: healthy\n") {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestFromECSErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		cluster, name string
		trouble       func(*ecstest.Server)
		want, hint    string
	}{
		"no cluster": {"staging", "web", nil, "ClusterNotFoundException", "aws ecs list-clusters"},
		"no service": {"production", "api", nil, "there is no such service", "aws ecs list-services"},
		"no task":    {"production", id(9), nil, "there is no such task", "aws ecs list-tasks"},
		"expired":    {"production", "web", (*ecstest.Server).Expire, "ExpiredTokenException", "log in again"},
		"denied": {"production", "web", func(s *ecstest.Server) { s.Deny("ecs:DescribeServices"); s.Deny("ecs:ListTasks") },
			"is not authorized to perform: ecs:DescribeServices", "allow it in IAM"},
		"throttled": {"production", "web", func(s *ecstest.Server) { s.Throttle("ecs:DescribeServices", 99) }, "ThrottlingException", ""},
		"unknown":   {"production", "web", func(*ecstest.Server) { t.Setenv("AWS_ACCESS_KEY_ID", "other") }, "UnrecognizedClientException", "does not know these credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startAWS(t, newWorld(1))
			t.Setenv("AWS_MAX_ATTEMPTS", "2")
			if tt.trouble != nil {
				tt.trouble(s)
			}
			_, err := ask(t, tt.cluster, tt.name)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.hint) {
				t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), tt.want, tt.hint)
			}
		})
	}
}

// TestFromECSTask asks about one task.
func TestFromECSTask(t *testing.T) {
	startAWS(t, newWorld(2))
	got, err := ask(t, "production", id(0))
	if err != nil || !strings.Contains(got, "[not-found]") {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestFromECSCredentials has none, and no region.
func TestFromECSCredentials(t *testing.T) {
	startAWS(t, newWorld(1))
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := ask(t, "production", "web"); err == nil || !strings.Contains(hint.Of(err), "aws sso login") {
		t.Errorf("without credentials: %v, hint %q", err, hint.Of(err))
	}
	t.Setenv("AWS_REGION", "")
	if _, err := ask(t, "production", "web"); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("without a region: %v", err)
	}
}

// TestFromECSAnswers asks about a service whose log never ends.
func TestFromECSAnswers(t *testing.T) {
	w := newWorld(1)
	for range limits.Answers.Max() + 1 {
		w.Events = append(w.Events, w.Events[0])
	}
	s := startAWS(t, w)
	got, err := ask(t, "production", "web")
	if err != nil || !strings.Contains(got, limits.Answers.What()) || int64(len(s.Calls())) > limits.Answers.Max() {
		t.Errorf("%d calls, %v\n%s", len(s.Calls()), err, got)
	}
}

// TestFromECSEndpoints has the SDK's settings name the place of one service alone.
func TestFromECSEndpoints(t *testing.T) {
	s := startAWS(t, newWorld(1))
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_ENDPOINT_URL_ECS", s.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	got, err := ask(t, "production", "web")
	if err != nil || !strings.Contains(got, "the log of app: ") || !strings.Contains(got, "127.0.0.1:1") {
		t.Errorf("%v\n%s", err, got)
	}
}
