package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// reference is the specification's own command-line tool (PyPI: model-signing), named
// by THIMBLE_MODEL_SIGNING or found on the path. The test is skipped without.
func reference(t *testing.T) string {
	t.Helper()
	name := os.Getenv("THIMBLE_MODEL_SIGNING")
	if name == "" {
		name = "model_signing"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("the reference tool model_signing is not installed; set THIMBLE_MODEL_SIGNING to its path")
	}
	return path
}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReferenceToolVerifiesOurPackageAndFindsWhatWasChanged(t *testing.T) {
	tool, s, dir, keys := reference(t), signer(t), t.TempDir(), t.TempDir()
	for _, f := range unpacked(t, packed(t, s, 7, "weights")) {
		write(t, dir, f.Name, f.Content)
	}
	key := write(t, keys, "key.pem", s.Key().PEM())
	verify := func() ([]byte, error) {
		return exec.CommandContext(t.Context(), tool, "verify", "key", dir, "--signature", filepath.Join(dir, SignatureFile), "--public_key", key).CombinedOutput()
	}
	if out, err := verify(); err != nil {
		t.Fatalf("the reference tool refuses our package: %v\n%s", err, out)
	}
	write(t, dir, WeightsFile, []byte("Weights"))
	if _, err := verify(); err == nil {
		t.Error("the reference tool does not find the changed weights: it looks at something else")
	}
}

func TestWhatTheReferenceToolSignsIsVerifiedHere(t *testing.T) {
	tool := reference(t)
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		t.Run(name, func(t *testing.T) {
			dir, keys := t.TempDir(), t.TempDir()
			private, err := ecdsa.GenerateKey(curve, nil)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				t.Fatal(err)
			}
			pemFile := write(t, keys, "private.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			files := []File{{"a.txt", []byte("one")}, {"b.txt", []byte("two")}}
			for _, f := range files {
				write(t, dir, f.Name, f.Content)
			}
			signature := filepath.Join(dir, SignatureFile)
			if out, err := exec.CommandContext(t.Context(), tool, "sign", "key", dir, "--signature", signature, "--private_key", pemFile).CombinedOutput(); err != nil {
				t.Fatalf("signing: %v\n%s", err, out)
			}
			text, err := os.ReadFile(signature)
			if err != nil {
				t.Fatal(err)
			}
			key, err := keyOf(&private.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			st, err := VerifyFiles(append(files, File{SignatureFile, text}), Trust{Keys: []Key{key}})
			if err != nil || len(st.Resources) != 2 {
				t.Fatalf("we refuse what the reference tool signed: %v", err)
			}
			files[0].Content = []byte("One")
			if _, err := VerifyFiles(append(files, File{SignatureFile, text}), Trust{Keys: []Key{key}}); !refusedBy(err, RuleDigest) {
				t.Errorf("changed: %v", err)
			}
		})
	}
}
