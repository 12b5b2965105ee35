package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Settings are how to reach S3 and how objects are kept there. What is empty is
// left to the SDK's usual chain (environment, ~/.aws, the machine's role) and to
// the bucket.
type Settings struct {
	Region       string
	Endpoint     string // URL of a server other than AWS
	PathStyle    bool   // endpoint/bucket/key rather than bucket.endpoint/key
	Profile      string // of ~/.aws
	AccessKey    string
	SecretKey    string
	Encryption   string        // AES256, aws:kms or aws:kms:dsse
	KMSKey       string        // with aws:kms
	StorageClass string        // such as STANDARD_IA
	Stall        time.Duration // how long an answer may be silent; 0: a minute
}

// A Client holds the connections to S3 that stores share. It is safe for
// concurrent use.
type Client struct {
	api      *s3.Client
	settings Settings
	uploads  chan struct{} // a place for each part that is under way
}

const (
	stall = time.Minute
	// attempts are spread over about ten seconds: a server that restarts is
	// waited for.
	attempts   = 8
	maxBackoff = 2500 * time.Millisecond
	// uploads bounds the memory of parts that are under way.
	uploads = 8
	// connections that are kept open: what a process reads and writes side by side.
	idleConnections = 128
)

// Dial reads the settings and makes a client. It sends nothing.
func Dial(ctx context.Context, s Settings) (*Client, error) {
	if s.Stall == 0 {
		s.Stall = stall
	}
	found, err := config.LoadDefaultConfig(ctx, s.options()...)
	if err != nil {
		return nil, fmt.Errorf("read the settings of S3: %w", err)
	}
	if found.Region == "" && s.Endpoint == "" && found.BaseEndpoint == nil {
		return nil, errors.New("read the settings of S3: no region is set: say s3.region in feedmill.yaml, or AWS_REGION")
	}
	api := s3.NewFromConfig(found, func(o *s3.Options) {
		o.UsePathStyle = s.PathStyle
		if s.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.Endpoint)
		}
		if o.Region == "" {
			o.Region = "us-east-1" // what servers other than AWS expect
		}
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Client{api: api, settings: s, uploads: make(chan struct{}, uploads)}, nil
}

func (s Settings) options() []func(*config.LoadOptions) error {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(newRetryer),
		config.WithHTTPClient(s.transport()),
	}
	if s.Region != "" {
		options = append(options, config.WithRegion(s.Region))
	}
	if s.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.Profile))
	}
	if s.AccessKey != "" || s.SecretKey != "" {
		static := credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, "")
		options = append(options, config.WithCredentialsProvider(static))
	}
	return options
}

// newRetryer spends no tokens: a batch program has nothing better to do than to
// try again, and a quota shared by all requests would let one outage fail
// requests that never had a second try.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: conflicts})
	})
}

// conflicts are answers that somebody else was at it at the same time: asked
// again, the server knows who won.
var conflicts = map[string]struct{}{
	"ConditionalRequestConflict": {},
	"OperationAborted":           {},
	"ExistingObjectIsDirectory":  {}, // of gateways to file systems, while a folder goes with its last object
}

// transport gives up a connection that says nothing for the stall time, which is
// also how long a request may take to send.
func (s Settings) transport() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithReadTimeout(s.Stall).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConnections, idleConnections
	})
}

func (s Settings) encryption() (types.ServerSideEncryption, *string) {
	return types.ServerSideEncryption(s.Encryption), optional(s.KMSKey)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
