package registry

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	helper "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	"github.com/awslabs/amazon-ecr-credential-helper/ecr-login/api"
	"github.com/google/go-containerregistry/pkg/authn"
)

// newAmazon finds credentials for Amazon ECR as ko does, but prints nothing: by itself, the
// AWS SDK warns on stderr of every machine that has no metadata service of Amazon's second
// version, such as GitHub's.
func newAmazon() authn.Keychain {
	return authn.NewKeychainFromHelper(helper.NewECRHelper(helper.WithLogger(io.Discard), helper.WithClientFactory(quiet{})))
}

// quiet makes the helper's clients with a logger that logs nothing.
type quiet struct{ api.DefaultClientFactory }

func (q quiet) load(options ...func(*config.LoadOptions) error) (api.Client, error) {
	cfg, err := config.LoadDefaultConfig(context.Background(), append(options, config.WithLogger(logging.Nop{}))...)
	if err != nil {
		return nil, err
	}
	return q.NewClient(cfg), nil
}

// NewClientWithDefaults implements [api.ClientFactory], as do the following.
func (q quiet) NewClientWithDefaults() api.Client {
	client, err := q.load()
	if err != nil {
		return q.DefaultClientFactory.NewClientWithDefaults() // reports it in the helper's way
	}
	return client
}

func (q quiet) NewClientFromRegion(region string) api.Client {
	client, err := q.load(config.WithRegion(region))
	if err != nil {
		return q.DefaultClientFactory.NewClientFromRegion(region)
	}
	return client
}

func (q quiet) NewClientWithFipsEndpoint(region string) (api.Client, error) {
	return q.load(config.WithRegion(region), config.WithEndpointDiscovery(aws.EndpointDiscoveryEnabled))
}
