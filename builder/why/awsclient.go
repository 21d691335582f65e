package why

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ko-health/kohealth/builder/limits"
)

// An awsClient calls AWS's APIs with the credentials, the signatures, the endpoints and the
// patience of AWS's SDK. Its clients of the three services would add 2.9 MB to the program:
// of their hundred operations six are needed, whose answers are read as what aws prints.
type awsClient struct {
	aws.Config
	retryer aws.Retryer
	asked   int64
}

// A service is one of AWS's APIs.
type awsService struct {
	id      string // of the SDK, in the names of settings
	host    string // the first part of its host
	signing string
	target  string // before the operation in X-Amz-Target; "" is the query protocol
}

// The APIs that are called.
func ecsAPI() awsService {
	return awsService{"ECS", "ecs", "ecs", "AmazonEC2ContainerServiceV20141113."}
}
func logsAPI() awsService { return awsService{"CloudWatch Logs", "logs", "logs", "Logs_20140328."} }
func balancerAPI() awsService {
	return awsService{"Elastic Load Balancing v2", "elasticloadbalancing", "elasticloadbalancing", ""}
}

// newAWSClient finds credentials and region as every AWS tool does.
func newAWSClient(ctx context.Context, where AWS) (*awsClient, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if where.Region != "" {
		options = append(options, config.WithRegion(where.Region))
	}
	if where.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(where.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	c := &awsClient{Config: cfg}
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	if cfg.Retryer != nil {
		c.retryer = cfg.Retryer()
	}
	if c.retryer == nil {
		c.retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = cmp.Or(cfg.RetryMaxAttempts, o.MaxAttempts)
		})
	}
	return c, nil
}

// call calls an operation, again if that may help, and returns its answer.
func (c *awsClient) call(ctx context.Context, s awsService, operation string, input any) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		answer, err := c.once(ctx, s, operation, input)
		if err == nil || attempt >= c.retryer.MaxAttempts() || !c.retryer.IsErrorRetryable(err) {
			return answer, err
		}
		delay, err := c.retryer.RetryDelay(attempt, err)
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

func (c *awsClient) once(ctx context.Context, s awsService, operation string, input any) ([]byte, error) {
	c.asked++
	if err := limits.Answers.Check(c.asked); err != nil {
		return nil, err
	}
	req, err := c.request(ctx, s, operation, input)
	if err != nil {
		return nil, err
	}
	resp, err := c.HTTPClient.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	answer, err := limits.Described.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading answer to %s: %w", operation, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, newAWSError(resp, answer)
	}
	return answer, nil
}

// request returns a signed request: in JSON, or a form.
func (c *awsClient) request(ctx context.Context, s awsService, operation string, input any) (*http.Request, error) {
	endpoint, err := c.endpoint(ctx, s)
	if err != nil {
		return nil, err
	}
	contentType, body := "application/x-amz-json-1.1", []byte(nil)
	if values, ok := input.(url.Values); ok {
		contentType, body = "application/x-www-form-urlencoded", []byte(values.Encode())
	} else if body, err = json.Marshal(input); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if s.target != "" {
		req.Header.Set("X-Amz-Target", s.target+operation)
	}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return req, v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), s.signing, c.Region, time.Now())
}

// endpoint returns where an API is: where AWS's settings have it, or else in the region.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (c *awsClient) endpoint(ctx context.Context, s awsService) (string, error) {
	ignored, _, err := config.GetIgnoreConfiguredEndpoints(ctx, c.ConfigSources)
	if err != nil {
		return "", err
	}
	for _, source := range c.ConfigSources {
		known, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok || ignored {
			continue
		}
		if own, found, err := known.GetServiceBaseEndpoint(ctx, s.id); found || err != nil {
			return own, err
		}
	}
	if c.BaseEndpoint != nil {
		return *c.BaseEndpoint, nil
	}
	host := s.host
	if c.hasFIPS(ctx) {
		host += "-fips"
	}
	return fmt.Sprintf("https://%s.%s.%s/", host, c.Region, domainOf(c.Region)), nil
}

func (c *awsClient) hasFIPS(ctx context.Context) bool {
	for _, source := range c.ConfigSources {
		known, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		})
		if !ok {
			continue
		}
		if state, found, err := known.GetUseFIPSEndpoint(ctx); found && err == nil {
			return state == aws.FIPSEndpointStateEnabled
		}
	}
	return false
}

// domainOf returns the domain of a region's partition.
//
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func domainOf(region string) string {
	for prefix, domain := range map[string]string{
		"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu", "us-iso-": "c2s.ic.gov", "us-isob-": "sc2s.sgov.gov", "us-isof-": "csp.hci.ic.gov", "eu-isoe-": "cloud.adc-e.uk",
	} {
		if strings.HasPrefix(region, prefix) {
			return domain
		}
	}
	return "amazonaws.com"
}

// An awsError is an API's answer that something could not be done. It implements
// [smithy.APIError], by which the SDK's retryer knows what to try again.
type awsError struct {
	smithy.GenericAPIError
	status int
}

// HTTPStatusCode returns the status of the answer.
func (e *awsError) HTTPStatusCode() int { return e.status }

// Error returns the code and what was said.
func (e *awsError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: %s", e.Code, e.Message), ": ")
}

// newAWSError reads an error in either protocol.
func newAWSError(resp *http.Response, body []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	var form struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &said)
	_ = xml.Unmarshal(body, &form)
	code := cmp.Or(said.Type, resp.Header.Get("X-Amzn-ErrorType"), form.Error.Code, resp.Status)
	code, _, _ = strings.Cut(code[strings.LastIndexByte(code, '#')+1:], ":")
	return &awsError{smithy.GenericAPIError{Code: code, Message: cmp.Or(said.Message, form.Error.Message)}, resp.StatusCode}
}
