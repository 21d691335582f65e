package ecr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	publictypes "github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/ko-health/kohealth/builder/hint"
)

// A client asks the API of a registry, in the name of whoever the AWS credentials are.
type client struct {
	registry

	mu      sync.Mutex
	token   string // the Authorization header that is good, if we had to fetch one
	fetched time.Time
	created map[string]bool // repositories that are there for certain
}

// publicRegion is the only one that has the API of public.ecr.aws.
const publicRegion = "us-east-1"

// config finds the credentials as every AWS tool does.
func (c *client) config(ctx context.Context) (aws.Config, error) {
	region := c.Region
	if c.public() {
		region = publicRegion
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(region), config.WithLogger(logging.Nop{})}
	if c.FIPS {
		options = append(options, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

// tokenAge is how old a token of ours has to be before it may have expired.
const tokenAge = time.Minute

// authorization returns an Authorization header other than one that was refused. Where
// it is not said that the token is why, and ours is new, it returns "": there is no hope
// in another.
func (c *client) authorization(ctx context.Context, refused string, said bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.token != refused {
		return c.token, nil
	}
	if !said && time.Since(c.fetched) < tokenAge {
		return "", nil
	}
	token, err := c.fetchToken(ctx)
	if err != nil {
		return "", plain(err)
	}
	if token == "" {
		return "", errors.New("ECR has issued no token")
	}
	c.token, c.fetched = "Basic "+token, time.Now()
	return c.token, nil
}

// fetchToken returns a new token, or "".
func (c *client) fetchToken(ctx context.Context) (string, error) {
	cfg, err := c.config(ctx)
	if err != nil {
		return "", err
	}
	if c.public() {
		out, err := ecrpublic.NewFromConfig(cfg).GetAuthorizationToken(ctx, &ecrpublic.GetAuthorizationTokenInput{})
		if err != nil || out.AuthorizationData == nil {
			return "", err
		}
		return aws.ToString(out.AuthorizationData.AuthorizationToken), nil
	}
	out, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil || len(out.AuthorizationData) == 0 {
		return "", err
	}
	return aws.ToString(out.AuthorizationData[0].AuthorizationToken), nil
}

// current returns the Authorization header that has taken the place of the keychain's,
// or "".
func (c *client) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// create creates a repository and reports whether it was not there before. That somebody
// else has just created it is as good.
func (c *client) create(ctx context.Context, repository string) (created bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.created[repository] {
		return false, nil
	}
	cfg, err := c.config(ctx)
	if err != nil {
		return false, err
	}
	if c.public() {
		err = c.createPublic(ctx, cfg, repository)
	} else {
		_, err = ecr.NewFromConfig(cfg).CreateRepository(ctx, &ecr.CreateRepositoryInput{
			RegistryId:                 aws.String(c.ID),
			RepositoryName:             aws.String(repository),
			ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: true},
			ImageTagMutability:         ecrtypes.ImageTagMutabilityMutable,
		})
	}
	if err != nil && !alreadyExists(err) {
		return false, c.explainCreation(repository, err)
	}
	c.created[repository] = true
	return err == nil, nil
}

// createPublic creates a repository in the public registry of the credentials' account,
// for the API knows no other, and checks that this is the one that was meant.
func (c *client) createPublic(ctx context.Context, cfg aws.Config, repository string) error {
	alias, name, _ := strings.Cut(repository, "/")
	out, err := ecrpublic.NewFromConfig(cfg).CreateRepository(ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String(name)})
	if err != nil {
		return err
	}
	uri := aws.ToString(out.Repository.RepositoryUri)
	if _, path, _ := strings.Cut(uri, "/"); path != repository { // the host has two names
		return hint.With(fmt.Errorf("%q is not an alias of your public registry: what was created is %s", alias, uri),
			"name that one in KO_DOCKER_REPO, or use credentials of the account that has the alias "+alias)
	}
	return nil
}

func alreadyExists(err error) bool {
	var private *ecrtypes.RepositoryAlreadyExistsException
	var public *publictypes.RepositoryAlreadyExistsException
	return errors.As(err, &private) || errors.As(err, &public)
}

// explainCreation names the one permission that creating a repository needs.
func (c *client) explainCreation(repository string, err error) error {
	var apiErr smithy.APIError
	denied := errors.As(err, &apiErr) && apiErr.ErrorCode() == "AccessDeniedException"
	err = fmt.Errorf("creating repository %q in %s: %w", repository, c.host, plain(err))
	if !denied {
		return err
	}
	action := "ecr:CreateRepository"
	if c.public() {
		action = "ecr-public:CreateRepository"
	}
	return hint.With(err, "allow "+action+" in IAM, the only permission that creating needs, or have the repository created by someone else")
}

// plain leaves out of an SDK's error what only AWS's support reads.
func plain(err error) error {
	var apiErr smithy.APIError
	if errors.As(err, &apiErr) {
		return fmt.Errorf("%s: %s", apiErr.ErrorCode(), apiErr.ErrorMessage())
	}
	return err
}
