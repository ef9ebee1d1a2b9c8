package registry

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"thimble"
)

func vector(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// leafKey is the key of the certificate that a bundle carries.
func leafKey(t *testing.T, e *Envelope) Key {
	t.Helper()
	c, err := x509.ParseCertificate(e.leaf)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyOf(c.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The three valid and five invalid bundles that the specification comes with.
func TestPublicVectorsAreJudgedAsTheSpecificationSays(t *testing.T) {
	for name, want := range map[string]Method{"key": ByKey, "certificate": ByCertificate, "sigstore": BySigstore} {
		t.Run("valid/"+name, func(t *testing.T) {
			e, err := ParseBundle(vector(t, "valid/"+name+".bundle.json"))
			if err != nil || e.Method != want {
				t.Fatalf("method %v, %v, want %s", e, err, want)
			}
			if s, err := parseStatement(e.payload); err != nil || len(s.Resources) != 2 || s.Resources[0].Name != "signme-1" {
				t.Errorf("statement %+v, %v, want signme-1 and signme-2", s, err)
			}
		})
	}
	for name, want := range map[string]Rule{
		"invalid/empty": RuleBundle, "invalid/missing-envelope": RuleBundle, "invalid/missing-tlog-entries": RuleBundle,
		"invalid/missing-verification-material": RuleBundle, "invalid-payload/wrong-predicate": RuleStatement,
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ParseBundle(vector(t, name+".bundle.json"))
			if err == nil {
				_, err = parseStatement(e.payload)
			}
			if r, ok := errors.AsType[*Refusal](err); !ok || r.Rule != want {
				t.Errorf("got %v, want a refusal: %s", err, want)
			}
		})
	}
}

// The key of the first vector is not published beside it, but its hint names the one in
// the certificate of the second.
func TestPublicVectorByKeyVerifiesUnderItsKeyAndNoOther(t *testing.T) {
	byCertificate, err := ParseBundle(vector(t, "valid/certificate.bundle.json"))
	if err != nil {
		t.Fatal(err)
	}
	key := leafKey(t, byCertificate)
	e, err := ParseBundle(vector(t, "valid/key.bundle.json"))
	if err != nil || key.Hint() != e.Hint {
		t.Fatalf("hint %s, want %s: %v", key.Hint(), e.Hint, err)
	}
	if s, err := e.Verify(Trust{Keys: []Key{key}}); err != nil || s.Name != "model" {
		t.Errorf("under its key: %+v, %v", s, err)
	}
	if _, err := e.Verify(Trust{Keys: []Key{signer(t).Key()}}); !refusedBy(err, RuleKey) {
		t.Errorf("under a foreign key: %v", err)
	}
	if _, err := e.Verify(Trust{Keys: []Key{key}, Revoked: map[string]bool{e.Hint: true}}); !refusedBy(err, RuleRevokedKey) {
		t.Errorf("under a revoked key: %v", err)
	}
	wrong, err := ParseBundle(vector(t, "invalid-payload/wrong-predicate.bundle.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Verify(Trust{Keys: []Key{key}}); !refusedBy(err, RuleSignature) {
		t.Errorf("a changed payload under the same signature: %v", err)
	}
}

// The other two methods are told apart and not trusted, though their signatures are
// right: this shows that the encoding which is signed is everybody's.
func TestPublicVectorsByCertificateAreReadAndNotTrusted(t *testing.T) {
	for _, name := range []string{"certificate", "sigstore"} {
		e, err := ParseBundle(vector(t, "valid/"+name+".bundle.json"))
		if err != nil {
			t.Fatal(err)
		}
		key := leafKey(t, e)
		if !key.verifies(pae(e.payload), e.signature) {
			t.Errorf("%s: the signature does not verify under its own certificate", name)
		}
		if _, err := e.Verify(Trust{Keys: []Key{key}}); !refusedBy(err, RuleMethod) {
			t.Errorf("%s: %v, want a refusal of the method", name, err)
		}
	}
}

func refusedBy(err error, want Rule) bool {
	r, ok := errors.AsType[*Refusal](err)
	return ok && r.Rule == want && errors.Is(err, thimble.ErrDenied)
}

func signer(t testing.TB) *Signer {
	t.Helper()
	s, err := NewSigner([]byte("a secret of thirty-two bytes, yes"[:SeedSize]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSameSecretGivesTheSameKeyAndSignature(t *testing.T) {
	a, b := signer(t), signer(t)
	if a.Key().Hint() != b.Key().Hint() {
		t.Error("the keys differ")
	}
	one, err := a.sign([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.sign([]byte("text"))
	if err != nil || string(one) != string(two) {
		t.Errorf("the signatures differ: %v", err)
	}
	k, err := ParseKey(a.Key().PEM())
	if err != nil || k.Hint() != a.Key().Hint() || !k.verifies([]byte("text"), one) {
		t.Errorf("the key does not come back from its text: %v", err)
	}
	if _, err := NewSigner([]byte("short")); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a short secret: %v", err)
	}
	if _, err := ParseKey([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("an empty key: %v", err)
	}
	if _, err := keyOf(&ecdsa.PublicKey{}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a key on no curve: %v", err)
	}
}
