package vaultroot

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"thimble"
	"thimble/internal/vault"
)

// Transit says where a key of the transit secrets engine lies. The key must be of an
// AEAD kind (aes256-gcm96, the default, or chacha20-poly1305), without derivation.
type Transit struct {
	Address string // such as https://vault.example.org:8200
	Mount   string // "" means "transit"
	Key     string
	// Token returns the token, which may change; it needs update on encrypt/KEY and
	// decrypt/KEY.
	Token     func(context.Context) (string, error)
	Namespace string // of Vault Enterprise and OpenBao; "" for none
	TLS       *tls.Config
}

type transit struct {
	cfg    Transit
	base   string
	client *http.Client
}

// NewTransit returns a root in HashiCorp Vault or OpenBao. It asks nothing yet.
func NewTransit(cfg Transit) (vault.Root, error) {
	u, err := parseAddress(cfg.Address)
	if err == nil && (cfg.Key == "" || cfg.Token == nil) {
		err = fmt.Errorf("a key and a token are needed: %w", thimble.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("vaultroot: transit: %w", err)
	}
	if cfg.Mount == "" {
		cfg.Mount = "transit"
	}
	base := strings.TrimSuffix(u.String(), "/") + "/v1/" + strings.Trim(cfg.Mount, "/")
	return &transit{cfg: cfg, base: base, client: newClient(cfg.TLS)}, nil
}

type transitRequest struct {
	Plaintext  string `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	AAD        string `json:"associated_data,omitempty"`
}

type transitAnswer struct {
	Data struct {
		Plaintext  string `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
	} `json:"data"`
}

// Wrap implements vault.Root. The wrapping is transit's text, "vault:v1:…".
func (t *transit) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	answer, err := t.call(ctx, "encrypt", transitRequest{Plaintext: encode(plain), AAD: encode(aad)})
	if err != nil {
		return nil, fmt.Errorf("vaultroot: transit: wrapping: %w", err)
	}
	if answer.Data.Ciphertext == "" {
		return nil, fmt.Errorf("vaultroot: transit: wrapping: an empty answer: %w", thimble.ErrUnavailable)
	}
	return []byte(answer.Data.Ciphertext), nil
}

// Unwrap implements vault.Root.
func (t *transit) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if !canonical(string(wrapped)) {
		return nil, fmt.Errorf("vaultroot: transit: unwrapping what transit never wrote: %w", thimble.ErrDenied)
	}
	answer, err := t.call(ctx, "decrypt", transitRequest{Ciphertext: string(wrapped), AAD: encode(aad)})
	if err != nil {
		return nil, fmt.Errorf("vaultroot: transit: unwrapping: %w", err)
	}
	plain, err := base64.StdEncoding.DecodeString(answer.Data.Plaintext)
	if err != nil || len(plain) == 0 {
		return nil, fmt.Errorf("vaultroot: transit: unwrapping: an answer that is no key: %w", thimble.ErrUnavailable)
	}
	return plain, nil
}

func (t *transit) call(ctx context.Context, verb string, body transitRequest) (answer transitAnswer, err error) {
	req, _, err := post(ctx, t.base+"/"+verb+"/"+url.PathEscape(t.cfg.Key), body)
	if err != nil {
		return answer, err
	}
	token, err := t.cfg.Token(ctx)
	if err != nil {
		return answer, fmt.Errorf("no token: %w (%w)", err, thimble.ErrUnavailable)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Request", "true")
	req.Header.Set("X-Vault-Token", token)
	if t.cfg.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", t.cfg.Namespace)
	}
	status, text, err := exchange(t.client, req)
	switch {
	case err != nil:
		return answer, err
	case busy(status):
		return answer, fmt.Errorf("status %d: %w", status, thimble.ErrUnavailable)
	case status != http.StatusOK:
		// 400: wrong associated data, a changed wrapping, a key or version destroyed;
		// 403: the token; 404: the mount.
		return answer, fmt.Errorf("status %d: %w", status, thimble.ErrDenied)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, fmt.Errorf("an answer that is no JSON: %w", thimble.ErrUnavailable)
	}
	return answer, nil
}

// canonical reports whether the text is as transit writes it. Its base 64 has other
// spellings of the same bytes, which transit accepts; one key shall have one wrapping.
func canonical(wrapped string) bool {
	rest, ok := strings.CutPrefix(wrapped, "vault:v")
	_, text, found := strings.Cut(rest, ":")
	b, err := base64.StdEncoding.DecodeString(text)
	return ok && found && err == nil && encode(b) == text
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
