package opendsr

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/opendsr/opendsrtest"
)

const id = "a7551968-d5d6-44b2-9831-815ac9017798"

// example is the request of the specification as it stands there (section 7.2): without the
// regulation that it requires, and with a comma too many.
const example = `{
  "subject_request_id": "a7551968-d5d6-44b2-9831-815ac9017798",
  "subject_request_type": "erasure",
  "submitted_time": "2018-10-02T15:00:00Z",
  "subject_identities": [
    {"identity_type": "email", "identity_value": "johndoe@example.com", "identity_format": "raw"}
  ],
  "api_version": "2.0",
  "status_callback_urls": ["https://examplecontroller.com/opendsr/callbacks"],
  "extensions": {
    "example-processor.com": {"foo-processor-custom-id": 123456, "property_id": "123456",},
    "example-other-processor.com": {"foo-other-processor-custom-id": 654321}
  }
}`

func TestTheExampleOfTheSpecificationIsReadAlthoughItBreaksItsRules(t *testing.T) {
	r, err := ParseRequest([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != id || r.Type != Erasure || r.Regulation != "" || !r.Submitted.Equal(time.Date(2018, 10, 2, 15, 0, 0, 0, time.UTC)) || len(r.Callbacks) != 1 || len(r.Extensions) != 2 {
		t.Errorf("got %+v", r)
	}
	if i := r.Identities[0]; i.Type != Email || i.Format != Raw || i.Value.Reveal() != "johndoe@example.com" {
		t.Errorf("the identity: %+v", i)
	}
	if text := fmt.Sprintf("%v %+v", r, r.Identities); strings.Contains(text, "johndoe") {
		t.Errorf("it prints whom it is about: %s", text)
	}
	if _, err := r.Marshal(); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("written without a regulation: %v, want it refused", err)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	r := Request{Regulation: GDPR, ID: RequestID(thimble.ID{1, 2, 3}), Type: Erasure, Submitted: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC),
		Identities: []Identity{{CustomerID, thimble.Hide(`4711,}"`), Raw}}, Callbacks: []string{"https://thimble.example/cb"}}
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRequest(b)
	if err != nil || got.ID != r.ID || got.Regulation != GDPR || got.Version != Version || got.Identities[0].Value.Reveal() != `4711,}"` {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
}

func TestWhatIsNeverWritten(t *testing.T) {
	good := Request{Regulation: CCPA, ID: id, Type: Access, Submitted: time.Now(), Identities: []Identity{{Email, thimble.Hide("a@b.example"), Raw}}}
	if _, err := good.Marshal(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"an MD5 of an address": func(r *Request) { r.Identities[0].Format = MD5 },
		"a SHA-1":              func(r *Request) { r.Identities[0].Format = SHA1 },
		"an id in capitals":    func(r *Request) { r.ID = strings.ToUpper(id) },
		"an id of version 1":   func(r *Request) { r.ID = "a7551968-d5d6-14b2-9831-815ac9017798" },
		"no regulation":        func(r *Request) { r.Regulation = "" },
		"nobody":               func(r *Request) { r.Identities = nil },
		"a type of its own":    func(r *Request) { r.Type = "rectification" },
	} {
		r := good
		r.Identities = []Identity{good.Identities[0]}
		change(&r)
		if b, err := r.Marshal(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestWhatIsWrongWithARequestIsSaidWithoutRepeatingIt(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(example, old, new, 1) }
	for text, field := range map[string]string{
		"": "body", "[]": "body", `{"subject_request_id": 7}`: "body", "{}": "subject_request_id",
		with(id, "a7551968-d5d6-14b2-9831-815ac9017798"): "subject_request_id",
		with(id, "johndoe"):              "subject_request_id",
		with("erasure", "rectification"): "subject_request_type",
		with(`"subject_request_type"`, `"regulation": "johndoe", "subject_request_type"`): "regulation",
		with("2018-10-02T15:00:00Z", "yesterday"):                                         "submitted_time",
		with(`"2.0"`, `"3.0"`): "api_version",
		with(`"identity_type": "email"`, `"identity_type": "name"`):                                               "subject_identities.identity_type",
		with(`"identity_format": "raw"`, `"identity_format": "rot13"`):                                            "subject_identities.identity_format",
		with(`"identity_format": "raw"`, `"identity_format": "sha256"`):                                           "subject_identities.identity_value",
		with(`johndoe@example.com`, strings.Repeat("johndoe", 100)):                                               "subject_identities.identity_value",
		with(`{"identity_type": "email", "identity_value": "johndoe@example.com", "identity_format": "raw"}`, ""): "subject_identities",
		strings.Repeat("johndoe", MaxBody):                                                                        "body",
	} {
		_, err := ParseRequest([]byte(text))
		fault, ok := errors.AsType[*Fault](err)
		if !ok || fault.Field != field || strings.Contains(err.Error(), "johndoe") {
			t.Errorf("%.60s…: %v, want a fault in %s", text, err, field)
		}
	}
	for _, hashed := range []string{"md5 " + strings.Repeat("a", 32), "sha1 " + strings.Repeat("B", 40), "sha256 " + strings.Repeat("0", 64)} {
		format, value, _ := strings.Cut(hashed, " ")
		if r, err := ParseRequest([]byte(strings.Replace(with("johndoe@example.com", value), `"raw"`, `"`+format+`"`, 1))); err != nil || r.Identities[0].Format != Format(format) {
			t.Errorf("%s coming in: %v, want it read", format, err)
		}
	}
	if _, err := ParseRequest([]byte(strings.ToUpper(id))); err == nil {
		t.Error("a bare id is read as a request")
	}
}

// The answers of the specification (sections 6.4, 7.4, 8.4, 8.7), as they stand there.
func TestTheAnswersOfTheSpecificationAreRead(t *testing.T) {
	d, err := ParseDiscovery([]byte(`{"api_version":"2.0","supported_identities":[{"identity_type":"email","identity_format":"raw"},{"identity_type":"email","identity_format":"sha256"}],
		"supported_subject_request_types":["erasure"],"processor_certificate":"https://exampleprocessor.com/cert.pem"}`))
	if err != nil || !d.Supports(Erasure, Email, SHA256) || d.Supports(Access, Email, Raw) || d.Supports(Erasure, Email, MD5) {
		t.Errorf("discovery: %+v, %v", d, err)
	}
	r, err := ParseReceipt([]byte(`{"controller_id":"example_controller_id","expected_completion_time":"2018-11-01T15:00:01Z","received_time":"2018-10-02T15:00:01Z",
		"encoded_request":"<BASE64 ENCODED REQUEST>","subject_request_id":"`+id+`"}`), id)
	if err != nil || r.Controller != "example_controller_id" || r.Encoded != "" {
		t.Errorf("receipt: %+v, %v, want what it encodes dropped", r, err)
	}
	for _, text := range []string{
		`{"controller_id":"example_controller_id","expected_completion_time":"2018-11-01T15:00:01Z","subject_request_id":"` + id + `","request_status":"pending","api_version":"2.0",
			"results_url":"https://exampleprocessor.com/secure/d188d4ba-12db-48a0-898c-cd0f8ba7b345","results_count":103}`,
		`{"controller_id":"example_controller_id","expected_completion_time":"2018-11-01T15:00:01Z","status_callback_url":"https://examplecontroller.com/opendsr/callbacks",
			"subject_request_id":"` + strings.ToUpper(id) + `","request_status":"Pending","results_count":340,}`,
	} {
		if s, err := ParseStanding([]byte(text)); err != nil || s.Status != Pending || s.ID != id {
			t.Errorf("standing: %+v, %v", s, err)
		}
	}
	if s, err := ParseStanding([]byte(`{"subject_request_id":"` + id + `","request_status":"canceled"}`)); err != nil || s.Status != Cancelled {
		t.Errorf("the other spelling: %+v, %v", s, err)
	}
	if _, err := ParseReceipt([]byte(`{"controller_id":"c","received_time":"2018-10-02T15:00:01Z","subject_request_id":"`+id+`"}`), RequestID(thimble.ID{})); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("the receipt of another request: %v", err)
	}
	problem := ProblemOf(400, Detail{"Validation", "IllegalArgumentException", "subject_request_id field is required."})
	if want := `{"error":{"code":400,"message":"subject_request_id field is required.","errors":[{"domain":"Validation","reason":"IllegalArgumentException","message":"subject_request_id field is required."}]}}`; string(problem) != want {
		t.Errorf("the error of section 7.7: %s", problem)
	}
}

func TestNoStatusGoesBack(t *testing.T) {
	order := []Status{Pending, InProgress, Completed, Cancelled}
	for i, before := range order {
		for j, then := range order {
			want := i == j || i < j && i < 2
			if then.Follows(before) != want {
				t.Errorf("%s after %s: %v, want %v", then, before, !want, want)
			}
		}
	}
}

func TestASignatureCountsByACertificateOfAnAuthorityForTheDomain(t *testing.T) {
	now := time.Now()
	ca, other := opendsrtest.NewAuthority(t, now), opendsrtest.NewAuthority(t, now)
	cert, key := ca.Issue(t, "opendsr.example", now)
	signer, err := NewSigner("OpenDSR.example", cert, key)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"request_status":"completed"}`)
	sig, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ParseCertificate(signer.PEM(), "opendsr.example", ca.Roots, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Verify("opendsr.example", sig[:40]+"\n"+sig[40:], body); err != nil {
		t.Errorf("a good signature, broken into lines as in the specification: %v", err)
	}
	foreign, foreignKey := ca.Issue(t, "other.example", now)
	thief, err := NewSigner("other.example", foreign, foreignKey)
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := thief.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another body":               good.Verify("opendsr.example", sig, append([]byte(" "), body...)),
		"another domain":             good.Verify("other.example", sig, body),
		"another domain's key":       good.Verify("opendsr.example", stolen, body),
		"no signature":               good.Verify("opendsr.example", "", body),
		"a signature that is none":   good.Verify("opendsr.example", "kiGlog3PdQx", body),
		"a certificate of nobody":    second(ParseCertificate(signer.PEM(), "opendsr.example", other.Roots, now)),
		"one for another domain":     second(ParseCertificate(foreign, "opendsr.example", ca.Roots, now)),
		"one that has expired":       second(ParseCertificate(signer.PEM(), "opendsr.example", ca.Roots, now.AddDate(2, 0, 0))),
		"one that signed itself":     second(ParseCertificate(ca.SelfSigned(t, "opendsr.example", now), "opendsr.example", ca.Roots, now)),
		"the key in the place of it": second(ParseCertificate(key, "opendsr.example", ca.Roots, now)),
	} {
		if !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s: %v, want it denied", name, err)
		}
	}
	if _, err := NewSigner("opendsr.example", foreign, foreignKey); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a certificate for another domain to sign with: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheHeadersAreTakenOnceUnderTheirOlderNamesToo(t *testing.T) {
	for _, name := range []string{"OpenDSR", "OpenGDPR", "OpenCompliance"} {
		h := http.Header{}
		h.Set("X-"+name+"-Processor-Domain", "Processor.example")
		h.Set("X-"+name+"-Signature", "abc")
		if domain, sig, err := Signed(h); domain != "processor.example" || sig != "abc" || err != nil {
			t.Errorf("%s: %s, %s, %v", name, domain, sig, err)
		}
		h.Add("X-"+name+"-Signature", "def")
		if _, _, err := Signed(h); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s with two signatures: %v", name, err)
		}
	}
	if _, _, err := Signed(http.Header{}); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("without headers: %v", err)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"a":",}",}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRequest(b); err == nil {
			if _, idErr := ParseRequestID(r.ID); idErr != nil || len(r.Identities) == 0 {
				t.Errorf("%q is read as %+v", b, r)
			}
		} else if !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: %v", b, err)
		}
		if once := withoutExtraCommas(b); !bytes.Equal(once, withoutExtraCommas(once)) {
			t.Errorf("%q: a comma is taken away at the second look", b)
		}
	})
}
