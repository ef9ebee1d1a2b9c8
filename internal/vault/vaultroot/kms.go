package vaultroot

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/vault"
)

// KMS says which symmetric key of AWS KMS is the root.
type KMS struct {
	Region   string // such as eu-central-1
	Key      string // id, ARN or alias
	Endpoint string // "" means https://kms.REGION.amazonaws.com
	// Credentials returns what signs, which may change; it needs kms:Encrypt and
	// kms:Decrypt on the key.
	Credentials func(context.Context) (Credentials, error)
	TLS         *tls.Config
	Now         func() time.Time // nil means time.Now
}

type kms struct {
	cfg    KMS
	url    string
	client *http.Client
}

// NewKMS returns a root in AWS KMS. It asks nothing yet. The associated data is sent
// as its hash, in the encryption context, which CloudTrail shows.
func NewKMS(cfg KMS) (vault.Root, error) {
	if cfg.Region == "" || cfg.Key == "" || cfg.Credentials == nil {
		return nil, fmt.Errorf("vaultroot: kms: region, key and credentials are needed: %w", thimble.ErrInvalid)
	}
	if cfg.Endpoint == "" {
		cfg.Endpoint = "https://kms." + cfg.Region + ".amazonaws.com"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	u, err := parseAddress(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("vaultroot: kms: %w", err)
	}
	return &kms{cfg: cfg, url: strings.TrimSuffix(u.String(), "/") + "/", client: newClient(cfg.TLS)}, nil
}

// kmsMessage is a request or an answer; bytes are base64 in JSON.
type kmsMessage struct {
	KeyID      string            `json:"KeyId,omitempty"`
	Plaintext  []byte            `json:"Plaintext,omitempty"`
	Ciphertext []byte            `json:"CiphertextBlob,omitempty"`
	Context    map[string]string `json:"EncryptionContext,omitempty"`
	Type       string            `json:"__type,omitempty"` // of an error
}

func kmsContext(aad []byte) map[string]string { return map[string]string{"thimble": hexSum(aad)} }

// Wrap implements vault.Root. The wrapping is the ciphertext blob of KMS.
func (k *kms) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	answer, err := k.call(ctx, "Encrypt", kmsMessage{KeyID: k.cfg.Key, Plaintext: plain, Context: kmsContext(aad)})
	if err == nil && len(answer.Ciphertext) == 0 {
		err = fmt.Errorf("an empty answer: %w", thimble.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("vaultroot: kms: wrapping: %w", err)
	}
	return answer.Ciphertext, nil
}

// Unwrap implements vault.Root.
func (k *kms) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) == 0 {
		return nil, fmt.Errorf("vaultroot: kms: unwrapping nothing: %w", thimble.ErrDenied)
	}
	// Naming the key refuses a blob of another key that the credentials may use.
	answer, err := k.call(ctx, "Decrypt", kmsMessage{KeyID: k.cfg.Key, Ciphertext: wrapped, Context: kmsContext(aad)})
	if err == nil && len(answer.Plaintext) == 0 {
		err = fmt.Errorf("an empty answer: %w", thimble.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("vaultroot: kms: unwrapping: %w", err)
	}
	return answer.Plaintext, nil
}

func (k *kms) call(ctx context.Context, action string, body kmsMessage) (answer kmsMessage, err error) {
	req, text, err := post(ctx, k.url, body)
	if err != nil {
		return answer, err
	}
	c, err := k.cfg.Credentials(ctx)
	if err != nil {
		return answer, fmt.Errorf("no credentials: %w (%w)", err, thimble.ErrUnavailable)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService."+action)
	sign(req, text, c, k.cfg.Region, "kms", k.cfg.Now())
	status, got, err := exchange(k.client, req)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(got, &answer); err != nil && status == http.StatusOK {
		return answer, fmt.Errorf("an answer that is no JSON: %w", thimble.ErrUnavailable)
	}
	if status != http.StatusOK {
		return kmsMessage{}, kmsError(status, answer.Type)
	}
	return answer, nil
}

// kmsError tells those errors apart that pass from those that do not. The type may
// come as a bare name or behind a namespace and #.
func kmsError(status int, kind string) error {
	kind = kind[strings.LastIndexByte(kind, '#')+1:]
	switch kind {
	case "ThrottlingException", "LimitExceededException", "KMSInternalException", "DependencyTimeoutException",
		"KeyUnavailableException", "RequestExpired", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure",
		// Credentials that have just run out or a clock that is off: both pass.
		"ExpiredTokenException", "InvalidSignatureException":
		return fmt.Errorf("%s: %w", kind, thimble.ErrUnavailable)
	case "InvalidCiphertextException", "IncorrectKeyException", "KMSInvalidStateException", "DisabledException",
		"NotFoundException", "AccessDeniedException", "UnrecognizedClientException", "InvalidKeyUsageException":
		return fmt.Errorf("%s: %w", kind, thimble.ErrDenied)
	}
	if busy(status) {
		return fmt.Errorf("status %d: %w", status, thimble.ErrUnavailable)
	}
	return fmt.Errorf("status %d: %w", status, thimble.ErrDenied)
}
