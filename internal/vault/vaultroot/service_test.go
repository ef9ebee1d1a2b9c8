package vaultroot_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// service keeps keys with versions, as transit and KMS do. Two doors lead to it.
type service struct {
	mu   sync.Mutex
	keys map[string][]cipher.AEAD // nil: destroyed
	// What happens to requests: "" is nothing.
	mood string
	seen []*http.Request
}

func newService(keys ...string) *service {
	s := &service{keys: map[string][]cipher.AEAD{}}
	for _, k := range keys {
		s.rotate(k)
	}
	return s
}

func (s *service) rotate(key string) {
	secret := make([]byte, 32)
	rand.Read(secret)
	block, _ := aes.NewCipher(secret)
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = append(s.keys[key], aead)
}

func (s *service) destroy(key string) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.keys[key]
	s.keys[key] = nil
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keys[key] = was
	}
}

func (s *service) feel(mood string) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = mood
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mood = ""
	}
}

// delay lets a slow service think, and reports whether it is out of order.
func (s *service) delay(r *http.Request) (out bool) {
	s.mu.Lock()
	mood := s.mood
	s.seen = append(s.seen, r)
	s.mu.Unlock()
	if mood == "slow" {
		select {
		case <-time.After(3 * time.Second):
		case <-r.Context().Done():
		}
	}
	return mood == "out"
}

func (s *service) versions(key string) []cipher.AEAD {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key]
}

// transitDoor speaks the HTTP API of HashiCorp Vault's transit engine.
func (s *service) transitDoor(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	refuse := func(w http.ResponseWriter, status int, text string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[%q]}`, text)
	}
	mux.HandleFunc("POST /v1/transit/{verb}/{key}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Plaintext, Ciphertext, Associated_data string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			refuse(w, 400, "no JSON")
			return
		}
		keys := s.versions(r.PathValue("key"))
		aad, _ := base64.StdEncoding.DecodeString(in.Associated_data)
		switch {
		case s.delay(r):
			refuse(w, 503, "Vault is sealed")
		case r.Header.Get("X-Vault-Token") != "s.token" || r.Header.Get("X-Vault-Namespace") != "shop":
			refuse(w, 403, "permission denied")
		case keys == nil:
			refuse(w, 400, "encryption key not found")
		case r.PathValue("verb") == "encrypt":
			plain, _ := base64.StdEncoding.DecodeString(in.Plaintext)
			sealed := keys[len(keys)-1].Seal(nil, nil, plain, aad)
			fmt.Fprintf(w, `{"data":{"ciphertext":"vault:v%d:%s","key_version":%d}}`, len(keys), base64.StdEncoding.EncodeToString(sealed), len(keys))
		default:
			plain, err := transitDecrypt(keys, in.Ciphertext, aad)
			if err != nil {
				refuse(w, 400, err.Error())
				return
			}
			fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, base64.StdEncoding.EncodeToString(plain))
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func transitDecrypt(keys []cipher.AEAD, text string, aad []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, "vault:v")
	number, body, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(number)
	if !ok || err != nil || version < 1 || version > len(keys) {
		return nil, fmt.Errorf("invalid ciphertext: unable to decrypt")
	}
	sealed, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, err
	}
	return keys[version-1].Open(nil, nil, sealed, aad)
}

// kmsDoor speaks the JSON protocol of AWS KMS.
func (s *service) kmsDoor(t *testing.T) *httptest.Server {
	refuse := func(w http.ResponseWriter, status int, kind string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"message":"about the key"}`, kind)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			KeyId                     string
			Plaintext, CiphertextBlob []byte
			EncryptionContext         map[string]string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			refuse(w, 400, "SerializationException")
			return
		}
		keys := s.versions(in.KeyId)
		aad := []byte(fmt.Sprint(in.EncryptionContext))
		switch {
		case s.delay(r):
			refuse(w, 500, "KMSInternalException")
		case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-central-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "):
			refuse(w, 400, "com.amazon.coral.service#IncompleteSignatureException")
		case keys == nil:
			refuse(w, 400, "KMSInvalidStateException")
		case r.Header.Get("X-Amz-Target") == "TrentService.Encrypt":
			sealed := keys[len(keys)-1].Seal(nil, nil, in.Plaintext, aad)
			json.NewEncoder(w).Encode(map[string]any{"KeyId": in.KeyId, "CiphertextBlob": sealed})
		default:
			for _, k := range keys {
				if plain, err := k.Open(nil, nil, in.CiphertextBlob, aad); err == nil {
					json.NewEncoder(w).Encode(map[string]any{"KeyId": in.KeyId, "Plaintext": plain})
					return
				}
			}
			refuse(w, 400, "com.amazonaws.kms#InvalidCiphertextException")
		}
	}))
	t.Cleanup(server.Close)
	return server
}
