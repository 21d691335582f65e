// Package ecstest stands in for the APIs of Amazon ECS, CloudWatch Logs and Elastic Load
// Balancing, for tests: as far as kohealth why asks them, with answers as AWS documents
// them.
//
//	https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
//	https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
//	https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
package ecstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// KeyID is the access key of the credentials that the server knows.
const KeyID = "AKIDEXAMPLE"

// Region is where it is.
const Region = "eu-central-1"

// A World is what there is: documents as aws prints them.
type World struct {
	Cluster         string
	Services        []map[string]any
	Tasks           []map[string]any
	TaskDefinitions []map[string]any
	Events          []LogEvent                  // in the order of their times
	Targets         map[string][]map[string]any // by the target group's ARN
}

// A LogEvent is a line of a log.
type LogEvent struct {
	LogGroupName  string `json:"-"`
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
}

// A Server is AWS. Its methods make it difficult.
type Server struct {
	World
	*httptest.Server

	mu        sync.Mutex
	denied    map[string]bool // IAM actions
	throttled map[string]int  // how many requests for an action will be refused
	expired   bool
	calls     []string
}

// New starts a server.
func New(w World) *Server {
	s := &Server{World: w, denied: map[string]bool{}, throttled: map[string]int{}}
	s.Server = httptest.NewServer(s)
	return s
}

// Environ returns the variables with which a process takes the server for AWS.
func (s *Server) Environ() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": Region, "AWS_ACCESS_KEY_ID": KeyID, "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
	}
}

// Deny has IAM not allow an action, such as logs:FilterLogEvents.
func (s *Server) Deny(action string) { s.mu.Lock(); defer s.mu.Unlock(); s.denied[action] = true }

// Throttle refuses the next n requests for an action.
func (s *Server) Throttle(action string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled[action] = n
}

// Expire lets the credentials expire.
func (s *Server) Expire() { s.mu.Lock(); defer s.mu.Unlock(); s.expired = true }

// Calls returns the actions that were asked for, in order.
func (s *Server) Calls() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.calls) }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	service, operation := "elasticloadbalancing", form.Get("Action")
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		prefix, name, _ := strings.Cut(target, ".")
		operation = name
		service = map[string]string{"AmazonEC2ContainerServiceV20141113": "ecs", "Logs_20140328": "logs"}[prefix]
	}
	action := service + ":" + operation
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, action)
	s.throttled[action]--
	scope := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/", KeyID)
	signature := r.Header.Get("Authorization")
	switch {
	case !strings.HasPrefix(signature, scope) || !strings.Contains(signature, "/"+Region+"/"+service+"/aws4_request"):
		fail(w, service, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case s.expired:
		fail(w, service, "ExpiredTokenException", "The security token included in the request is expired")
	case s.throttled[action] >= 0:
		fail(w, service, "ThrottlingException", "Rate exceeded")
	case s.denied[action]:
		fail(w, service, "AccessDeniedException", fmt.Sprintf("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: %s", action))
	case service == "elasticloadbalancing":
		s.targets(w, form.Get("TargetGroupArn"))
	default:
		s.call(w, operation, body)
	}
}

// fail answers an error, in JSON or XML.
func fail(w http.ResponseWriter, service, code, message string) {
	if service == "elasticloadbalancing" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws." + service + "#" + code, "message": message})
}

// An input has the parameters of all operations that are known.
type input struct {
	Cluster, ServiceName, DesiredStatus, NextToken, TaskDefinition, LogGroupName string
	Services, Tasks, LogStreamNames                                              []string
	StartTime, EndTime                                                           int64
}

func (s *Server) call(w http.ResponseWriter, operation string, body []byte) {
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		fail(w, "ecs", "SerializationException", err.Error())
		return
	}
	answers := map[string]func(input) map[string]any{
		"DescribeServices": s.services, "ListTasks": s.list, "DescribeTasks": s.tasks, "DescribeTaskDefinition": s.definition, "FilterLogEvents": s.events,
	}
	switch {
	case answers[operation] == nil:
		fail(w, "ecs", "UnknownOperationException", "")
	case operation != "DescribeTaskDefinition" && operation != "FilterLogEvents" && in.Cluster != s.Cluster:
		fail(w, "ecs", "ClusterNotFoundException", "Cluster not found.")
	default:
		_ = json.NewEncoder(w).Encode(answers[operation](in))
	}
}

func (s *Server) services(in input) map[string]any {
	found, failures := []map[string]any{}, []map[string]any{}
	for _, name := range in.Services {
		i := slices.IndexFunc(s.Services, func(m map[string]any) bool { return m["serviceName"] == name })
		if i < 0 {
			failures = append(failures, map[string]any{"arn": "arn:aws:ecs:eu-central-1:123456789012:service/" + name, "reason": "MISSING"})
			continue
		}
		found = append(found, s.Services[i])
	}
	return map[string]any{"services": found, "failures": failures}
}

// pageSize is how many tasks ECS lists at once.
const pageSize = 100

func (s *Server) list(in input) map[string]any {
	var arns []string
	for _, t := range s.Tasks {
		stopped := t["lastStatus"] == "STOPPED"
		if t["group"] == "service:"+in.ServiceName && stopped == (in.DesiredStatus == "STOPPED") {
			arns = append(arns, fmt.Sprint(t["taskArn"]))
		}
	}
	from, _ := strconv.Atoi(in.NextToken)
	to := min(len(arns), from+pageSize)
	answer := map[string]any{"taskArns": append([]string{}, arns[from:to]...)}
	if to < len(arns) {
		answer["nextToken"] = strconv.Itoa(to)
	}
	return answer
}

func (s *Server) tasks(in input) map[string]any {
	found, failures := []map[string]any{}, []map[string]any{}
	for _, id := range in.Tasks[:min(len(in.Tasks), pageSize)] {
		i := slices.IndexFunc(s.Tasks, func(m map[string]any) bool {
			arn := fmt.Sprint(m["taskArn"])
			return arn == id || strings.HasSuffix(arn, "/"+id)
		})
		if i < 0 {
			failures = append(failures, map[string]any{"arn": "arn:aws:ecs:eu-central-1:123456789012:task/" + s.Cluster + "/" + id, "reason": "MISSING"})
			continue
		}
		found = append(found, s.Tasks[i])
	}
	return map[string]any{"tasks": found, "failures": failures}
}

func (s *Server) definition(in input) map[string]any {
	for _, d := range s.TaskDefinitions {
		if d["taskDefinitionArn"] == in.TaskDefinition {
			return map[string]any{"taskDefinition": d}
		}
	}
	return map[string]any{}
}

// events answers one line a page, as CloudWatch may.
func (s *Server) events(in input) map[string]any {
	var found []LogEvent
	for _, e := range s.Events {
		if e.LogGroupName == in.LogGroupName && slices.Contains(in.LogStreamNames, e.LogStreamName) && e.Timestamp >= in.StartTime && e.Timestamp <= in.EndTime {
			found = append(found, e)
		}
	}
	from, _ := strconv.Atoi(in.NextToken)
	to := min(len(found), from+1)
	answer := map[string]any{"events": append([]LogEvent{}, found[from:to]...), "searchedLogStreams": []any{}}
	if to < len(found) {
		answer["nextToken"] = strconv.Itoa(to)
	}
	return answer
}

func (s *Server) targets(w http.ResponseWriter, group string) {
	fmt.Fprint(w, `<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetHealthResult><TargetHealthDescriptions>`)
	for _, t := range s.Targets[group] {
		fmt.Fprintf(w, `<member><Target><Id>%v</Id><Port>%v</Port></Target><TargetHealth><State>%v</State><Reason>%v</Reason><Description>%v</Description></TargetHealth></member>`,
			t["id"], t["port"], t["state"], t["reason"], t["description"])
	}
	fmt.Fprint(w, `</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>`)
}
