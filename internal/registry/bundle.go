package registry

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What a bundle of OpenSSF Model Signing 1.0 says of itself.
const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	bundlePrefix  = "application/vnd.dev.sigstore.bundle"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
)

// A Method is how a bundle was signed.
type Method string

// The methods of the specification. Only the first can be trusted here.
const (
	ByKey         Method = "key"
	ByCertificate Method = "certificate"
	BySigstore    Method = "sigstore"
)

// The shape of a bundle. Members that the schemas do not name are refused, and so are
// members that are there twice.
type bundle struct {
	MediaType string        `json:"mediaType"`
	Material  material      `json:"verificationMaterial"`
	Envelope  *dsseEnvelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey   *publicKey        `json:"publicKey,omitempty"`
	Chain       *certificateChain `json:"x509CertificateChain,omitempty"`
	Certificate *certificate      `json:"certificate,omitempty"`
	Log         []jsontext.Value  `json:"tlogEntries"`
	Timestamps  jsontext.Value    `json:"timestampVerificationData,omitempty"`
}

type publicKey struct {
	Hint string `json:"hint"`
}

type certificate struct {
	Raw string `json:"rawBytes"`
}

type certificateChain struct {
	Certificates []certificate `json:"certificates"`
}

type dsseEnvelope struct {
	Payload     string          `json:"payload"`
	PayloadType string          `json:"payloadType"`
	Signatures  []dsseSignature `json:"signatures"`
}

type dsseSignature struct {
	Sig   string  `json:"sig"`
	KeyID *string `json:"keyid,omitempty"`
}

// An Envelope is what a bundle holds, before anybody has looked whether the signature
// is right.
type Envelope struct {
	Method    Method
	Hint      string // of the key, with ByKey
	leaf      []byte // DER, with the other methods
	payload   []byte
	signature []byte
}

// strict reads JSON that has no member twice, none that is unknown, and nothing after it.
func strict(text []byte, into any) error {
	return json.Unmarshal(text, into, json.RejectUnknownMembers(true))
}

// ParseBundle reads a bundle by any method of the specification. It verifies nothing.
func ParseBundle(text []byte) (*Envelope, error) {
	var b bundle
	if err := strict(text, &b); err != nil || !strings.HasPrefix(b.MediaType, bundlePrefix) {
		return nil, Refuse(RuleBundle, "mediaType, verificationMaterial and dsseEnvelope, once each")
	}
	e := &Envelope{}
	if err := e.method(b.Material); err != nil {
		return nil, err
	}
	if b.Envelope == nil {
		return nil, Refuse(RuleBundle, "dsseEnvelope is missing")
	}
	// The specification lets an envelope have several signatures. A statement of which
	// one would count is more than there is to say with one key.
	if b.Envelope.PayloadType != payloadType || len(b.Envelope.Signatures) != 1 {
		return nil, Refuse(RuleEnvelope, "payloadType, signatures")
	}
	var okPayload, okSignature bool
	e.payload, okPayload = decode64(b.Envelope.Payload)
	e.signature, okSignature = decode64(b.Envelope.Signatures[0].Sig)
	if !okPayload || !okSignature {
		return nil, Refuse(RuleEnvelope, "payload and sig are base64 and not empty")
	}
	return e, nil
}

// method is the one that the verification material is for.
func (e *Envelope) method(m material) error {
	given := 0
	if m.PublicKey != nil {
		given++
		e.Method, e.Hint = ByKey, m.PublicKey.Hint
	}
	if m.Chain != nil {
		given++
		e.Method = ByCertificate
		if len(m.Chain.Certificates) > 0 {
			e.leaf, _ = decode64(m.Chain.Certificates[0].Raw)
		}
	}
	if m.Certificate != nil {
		given++
		e.Method = BySigstore
		e.leaf, _ = decode64(m.Certificate.Raw)
	}
	switch {
	case given != 1:
		return Refuse(RuleBundle, "verificationMaterial is of one method")
	case e.Method == ByKey && e.Hint == "":
		return Refuse(RuleBundle, "publicKey has a hint")
	case e.Method != ByKey && len(e.leaf) == 0:
		return Refuse(RuleBundle, "rawBytes of a certificate")
	case e.Method == BySigstore && len(m.Log) == 0:
		return Refuse(RuleBundle, "a keyless signature has an entry in a log: tlogEntries")
	}
	return nil
}

// decode64 reads base64 of one spelling only.
func decode64(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 || base64.StdEncoding.EncodeToString(b) != text {
		return nil, false
	}
	return b, true
}

// pae is what a signature is over: DSSE v1, "pre-authentication encoding".
func pae(payload []byte) []byte {
	var b bytes.Buffer
	b.WriteString("DSSEv1 28 " + payloadType + " ")
	b.WriteString(itoa(len(payload)))
	b.WriteByte(' ')
	b.Write(payload)
	return b.Bytes()
}

// Verify checks the signature against the keys that count, and returns what was signed.
// Nothing of a statement is looked at before.
func (e *Envelope) Verify(t Trust) (*Statement, error) {
	if e.Method != ByKey {
		return nil, Refuse(RuleMethod, string(e.Method))
	}
	key, err := t.find(e.Hint)
	if err != nil {
		return nil, err
	}
	if !key.verifies(pae(e.payload), e.signature) {
		return nil, Refuse(RuleSignature, "")
	}
	return parseStatement(e.payload)
}

// encode writes a bundle in the one form that packages have.
func (e *Envelope) encode() []byte {
	none := ""
	text, err := json.Marshal(bundle{
		MediaType: bundleType, Material: material{PublicKey: &publicKey{Hint: e.Hint}, Log: []jsontext.Value{}},
		Envelope: &dsseEnvelope{Payload: base64.StdEncoding.EncodeToString(e.payload), PayloadType: payloadType,
			Signatures: []dsseSignature{{Sig: base64.StdEncoding.EncodeToString(e.signature), KeyID: &none}}},
	})
	if err != nil { // text and nothing else
		panic(err)
	}
	return text
}
